"""Connect Daily's server for the sandbox: the event API of its manual, and the two exports that a program reads.

See: the manual's pages «Event CRUD API» and «Authenticating API Calls».
"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import connectdaily_export as export
from sandbox.connectdaily_calendars import ConnectDaily, RefusedError
from sandbox.connectdaily_events import BadEventError

EVENTS = "/restapi/v1/events"
_BEARER = re.compile(r"Bearer user_id=([^&]*)&token=(.*)")

Answering = Callable[[Request], Awaitable[Response]]
Asked = Callable[[Request, str], Awaitable[Response]]
"""What answers a request of the account with this number."""


def routes(daily: ConnectDaily, context: str = "") -> list[Route]:
    """All resources, below the path `context`, like `/cd`."""
    calls = _Calls(daily)
    resources: list[tuple[str, str, Asked]] = [
        ("POST", EVENTS, calls.create),
        ("GET", EVENTS + "/{event}", calls.read),
        ("PUT", EVENTS + "/{event}", calls.update),
        ("POST", EVENTS + "/{event}", calls.fork),
        ("DELETE", EVENTS + "/{event}", calls.delete),
    ]
    exports: list[tuple[str, str, Asked]] = [
        ("GET", "/rss/calendar_id/list.xml", calls.calendars),
        ("GET", "/iCal/calendar_id/{number:int}.ics", calls.calendar),
    ]
    return [
        *(Route(context + path, _answering(_by_header(daily, call)), methods=[verb]) for verb, path, call in resources),
        *(Route(context + path, _answering(_by_address(daily, call)), methods=[verb]) for verb, path, call in exports),
    ]


def _by_header(daily: ConnectDaily, call: Asked) -> Answering:
    async def answer(request: Request) -> Response:
        said = _BEARER.fullmatch(request.headers.get("authorization", ""))
        return await _admitted(daily, call, request, *(said.groups() if said else ("", "")))

    return answer


def _by_address(daily: ConnectDaily, call: Asked) -> Answering:
    """The exports take a user and a token from the address, and know no header."""

    async def answer(request: Request) -> Response:
        asked = request.query_params
        return await _admitted(daily, call, request, asked.get("user_id", ""), asked.get("token", ""))

    return answer


async def _admitted(daily: ConnectDaily, call: Asked, request: Request, user_id: str, token: str) -> Response:
    if not daily.is_account(user_id, token):
        raise RefusedError(403, "Not Authorized")
    return await call(request, user_id)


def _answering(answering: Answering) -> Answering:
    async def answer(request: Request) -> Response:
        try:
            return await answering(request)
        except RefusedError as error:
            return _diagnostic(str(error), error.status)

    return answer


def _diagnostic(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": 1, "message": message}, status)


class _Calls:
    def __init__(self, daily: ConnectDaily) -> None:
        self.daily = daily

    async def create(self, request: Request, user_id: str) -> Response:
        try:
            return JSONResponse(self.daily.create(user_id, await _event(request)), 201)
        except BadEventError as error:
            return _diagnostic(str(error), 500)

    async def read(self, request: Request, user_id: str) -> Response:
        return JSONResponse(self.daily.read(user_id, _address(request)))

    async def update(self, request: Request, user_id: str) -> Response:
        try:
            return JSONResponse(self.daily.update(user_id, _address(request), await _event(request)))
        except BadEventError as error:
            return _diagnostic(str(error), 200)

    async def fork(self, request: Request, user_id: str) -> Response:
        asked = request.query_params
        if asked.get("fork") != "1":
            raise RefusedError(400, "There is nothing to do with an event but fork=1.")
        try:
            number = self.daily.fork(user_id, _address(request), asked.get("starting_date", ""))
        except BadEventError as error:
            return _diagnostic(str(error), 400)
        return JSONResponse({"error": 0, "message": None, "cal_item_id": number}, 201)

    async def delete(self, request: Request, user_id: str) -> Response:
        try:
            self.daily.delete(user_id, _address(request))
        except BadEventError as error:
            return _diagnostic(str(error), 200)
        return Response(status_code=204)

    async def calendars(self, _request: Request, user_id: str) -> Response:
        return Response(export.calendars(self.daily.seen_by(user_id)), media_type="text/xml")

    async def calendar(self, request: Request, user_id: str) -> Response:
        number = request.path_params["number"]
        if number not in self.daily.seen_by(user_id):
            raise RefusedError(404, "There is no such calendar.")
        today = datetime.now(self.daily.zone).date()
        text = export.calendar(self.daily.events(number), request.query_params, self.daily.zone, today)
        return Response(text, media_type="text/calendar")


def _address(request: Request) -> str:
    return str(request.path_params["event"])


async def _event(request: Request) -> dict[str, Any]:
    """Raises: BadEventError."""
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise BadEventError("The content is no JSON.") from error
    if not isinstance(body, dict):
        raise BadEventError("The content is no event.")
    return body
