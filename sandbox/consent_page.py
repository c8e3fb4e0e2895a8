"""The page on which a person consents, at Google's and at Microsoft's sign-in: one form, without scripts."""

from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.consents import Asked, AskedWronglyError, Consents

IDENTITY = frozenset({"openid", "email", "profile", "offline_access"})
"""What nobody can leave out."""

Answering = Callable[[Request], Awaitable[Response]]

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sign in to {name}</title>
<h1>Sign in to {name}</h1>
<p>The sandbox asks for no password. An application wants to be let do this:</p>
<form method="post">
<p><label>Account <input name="account" value="{account}"></label></p>
{scopes}
<p><button name="answer" value="accept">Accept</button> <button name="answer" value="refuse">Refuse</button></p>
</form>
</html>
"""
_SCOPE = '<p><label><input type="checkbox" name="scope" value="{0}" checked> {0}</label></p>'


def route(path: str, name: str, consents: Consents) -> Route:
    """`GET` shows the page; `POST` takes `account`, `answer=accept` or `refuse`, and the ticked `scope`s."""
    return Route(path, _page(name, consents), methods=["GET", "POST"])


def _page(name: str, consents: Consents) -> Answering:
    async def page(request: Request) -> Response:
        try:
            asked = consents.asked(request.query_params)
        except AskedWronglyError as error:
            return PlainTextResponse(str(error), 400)
        if request.method == "GET":
            return HTMLResponse(_shown(name, asked))
        return RedirectResponse(_answered(consents, asked, parse_qs((await request.body()).decode())), 302)

    return page


def _shown(name: str, asked: Asked) -> str:
    scopes = "\n".join(_SCOPE.format(escape(each)) for each in sorted(asked.scopes - IDENTITY))
    return _PAGE.format(name=escape(name), account=escape(asked.hint), scopes=scopes)


def _answered(consents: Consents, asked: Asked, form: dict[str, list[str]]) -> str:
    if form.get("answer") != ["accept"]:
        return consents.refuse(asked)
    given = (asked.scopes & IDENTITY) | (asked.scopes & set(form.get("scope", [])))
    return consents.accept(asked, form.get("account", [asked.hint])[0], given)
