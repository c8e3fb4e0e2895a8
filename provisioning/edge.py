"""The outermost step of a call: its path brought into one form, its end logged, what nobody expected answered."""

import logging
import secrets
from http import HTTPMethod
from time import perf_counter
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provisioning.errors import answer
from provisioning.paths import BASE, NOTIFICATIONS_BASE, SCHEDULES_BASE, canonical, canonical_named, canonical_schedule

_log = logging.getLogger("carillon.api")


class Edge:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._guarded(scope, receive, sending)
        except Exception:
            # The one place: what nobody expected still has an answer, with a word to find the reason by.
            reference = secrets.token_hex(4)
            _log.exception("failed reference=%s method=%s route=%s", reference, _method(scope), _template(scope))
            if status:
                raise
            message = f"Something went wrong on our side; the API's log tells what, under the reference {reference}."
            await answer(500, message)(scope, receive, sending)
        finally:
            took = (perf_counter() - began) * 1000
            _log.info("request method=%s route=%s status=%d ms=%.1f", _method(scope), _template(scope), status, took)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _canonical(scope)
        except ValueError:
            message = "The path is not percent-encoded UTF-8 free of control characters; encode every part of it."
            await answer(400, message)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _canonical(scope: Scope) -> None:
    root, raw = scope.get("root_path", ""), scope.get("raw_path") or quote(scope["path"]).encode()
    if scope["path"].startswith(f"{root}{NOTIFICATIONS_BASE}/"):
        scope["path"] = canonical_named(raw)
        scope.setdefault("state", {})["suffix"] = ""
    elif scope["path"].startswith(f"{root}{BASE}/"):
        scope["path"], suffix = canonical(raw)
        scope.setdefault("state", {})["suffix"] = suffix
    elif scope["path"].startswith(f"{root}{SCHEDULES_BASE}/"):
        scope["path"] = canonical_schedule(raw)
        scope.setdefault("state", {})["suffix"] = ""


def _method(scope: Scope) -> str:
    """Whoever calls can name any: a log repeats those that there are."""
    return scope["method"] if scope["method"] in HTTPMethod.__members__ else "-"


def _template(scope: Scope) -> str:
    """The route's template: the path itself holds usernames."""
    return getattr(scope.get("route"), "path", "-")
