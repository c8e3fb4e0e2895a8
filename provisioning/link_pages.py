"""The two addresses that a person's browser calls on the way to consent and back. They ask for no token."""

import hashlib
from html import escape
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from worker import modules
from worker.installation import Installation
from worker.linking import LIFETIME, LinkRefusedError, check_address, close, open_
from worker.secret_keys import Keyring

BASE = "/link"
DONE = "done"
STATUSES = {"unknown": 400, "used": 410, "expired": 410, "elsewhere": 403, "refused": 403, "other-account": 403}
"""Of the pages on which a way ends, by its word; 502 where the identity provider is the reason."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


def begin(request: Request, kind: str) -> Response:
    """Send the person on to where they consent."""
    installation: Installation = request.app.state.installation
    now = request.app.state.clock()
    try:
        public_url, keys = _place(installation, kind)
        ticket = check_address(keys, kind, request.query_params, now)
        opened = open_(installation, kind, ticket, f"{public_url}{BASE}/{kind}/callback", now)
    except LinkRefusedError as error:
        return _ended(error)
    answer = RedirectResponse(opened.url, 302, _HEADERS)
    answer.set_cookie(_cookie(opened.state), opened.browser, int(LIFETIME.total_seconds()), **_jar(public_url, kind))
    return answer


def end(request: Request, kind: str) -> Response:
    """Take what the person brings back, and send them to where they came from."""
    installation: Installation = request.app.state.installation
    answer = dict(request.query_params)
    name = _cookie(answer.get("state", ""))
    try:
        public_url, _ = _place(installation, kind)
        back = close(installation, kind, answer, request.cookies.get(name, ""), request.app.state.clock())
    except LinkRefusedError as error:
        return _ended(error)
    response = _back(back, DONE) if back else _page(200, "Your calendar is linked", "You can close this window.")
    response.delete_cookie(name, **_jar(public_url, kind))
    return response


def _place(installation: Installation, kind: str) -> tuple[str, Keyring]:
    """Our own address and the keys. Raises: LinkRefusedError, where nobody can consent to this type."""
    sections = (tenant.providers.get(kind) for tenant in installation.tenants.values())
    asked = any(settings is not None and modules.consent(kind, settings) for settings in sections)
    public_url, keys = installation.settings.api.public_url, installation.keys
    if not asked or public_url is None or keys is None:
        raise LinkRefusedError("unknown", "This address is not one that we gave out.")
    return public_url, keys


def _cookie(state: str) -> str:
    """One for each way that is begun: two windows do not disturb each other."""
    return f"carillon_link_{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def _jar(public_url: str, kind: str) -> dict[str, Any]:
    """What a cookie is set and taken away with. Lax: it is to come along when the person is sent back to us."""
    parts = urlsplit(public_url)
    path = f"{parts.path}{BASE}/{kind}/callback"
    return {"path": path, "secure": parts.scheme == "https", "httponly": True, "samesite": "lax"}


def _ended(error: LinkRefusedError) -> Response:
    if error.return_url:
        return _back(error.return_url, error.word)
    return _page(STATUSES.get(error.word, 502), "Your calendar was not linked", str(error))


def _back(return_url: str, word: str) -> Response:
    return RedirectResponse(f"{return_url}{'&' if '?' in return_url else '?'}link={word}", 302, _HEADERS)


def _page(status: int, title: str, text: str) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), text=escape(text)), status, _HEADERS)


def router() -> APIRouter:
    made = APIRouter(prefix=BASE, include_in_schema=False)
    made.get("/{kind}")(begin)
    made.get("/{kind}/callback")(end)
    return made
