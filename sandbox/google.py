"""Google's servers for the sandbox: tokens, the Calendar API, its batches, and a way in for the domain's people."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import consent_page, google_batch
from sandbox.faults import Fault, Faults, Seen, refusal
from sandbox.google_calendar import Call, GoogleCalendar
from sandbox.google_events import GoogleError
from sandbox.google_tokens import GrantRefusedError

API = "/calendar/v3/"
MOST_PARTS = 1000
NOT_DONE = {"throttled", "rate_limited", "error", "unavailable", "html", "empty"}

Answering = Callable[[Request], Awaitable[Response]]


def routes(google: GoogleCalendar, faults: Faults) -> list[Route]:
    """To be mounted at the root of an application whose wire `faults` spoil; parts of batches are spoilt in here."""
    people = "/sandbox/google/{address}/events"
    return [
        Route("/token", _token(google), methods=["POST"]),
        Route("/revoke", _revoke(google), methods=["POST"]),
        consent_page.route("/o/oauth2/v2/auth", "Google", google.tokens.consents),
        Route("/batch/calendar/v3", _batch(google, faults), methods=["POST"]),
        Route(API + "{path:path}", _call(google), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route(people, _person(google), methods=["GET", "POST"]),
        Route(people + "/{id}", _person(google), methods=["PATCH", "DELETE"]),
    ]


def _token(google: GoogleCalendar) -> Answering:
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            return JSONResponse(google.tokens.grant(form))
        except GrantRefusedError as error:
            status = 401 if error.word in {"unauthorized_client", "invalid_client"} else 400
            return JSONResponse({"error": error.word, "error_description": str(error)}, status)

    return token


def _revoke(google: GoogleCalendar) -> Answering:
    async def revoke(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            google.tokens.give_back(form.get("token", ""))
        except GrantRefusedError as error:
            return JSONResponse({"error": error.word, "error_description": str(error)}, 400)
        return JSONResponse({})

    return revoke


def _call(google: GoogleCalendar) -> Answering:
    async def call(request: Request) -> Response:
        path, query = request.path_params["path"], request.query_params.multi_items()
        return _answer(google, Call(request.method, path, query, request.headers, await request.body()))

    return call


def _answer(google: GoogleCalendar, call: Call) -> Response:
    try:
        content = google.call(call)
    except GoogleError as error:
        return _refusal(error)
    if content is None:
        return Response(status_code=204)
    etag = {"ETag": content["etag"]} if "etag" in content else {}
    return JSONResponse(content, headers=etag)


def _refusal(error: GoogleError) -> JSONResponse:
    detail = {"domain": "global", "reason": error.reason, "message": str(error)}
    return JSONResponse({"error": {"code": error.status, "message": str(error), "errors": [detail]}}, error.status)


def _batch(google: GoogleCalendar, faults: Faults) -> Answering:
    async def batch(request: Request) -> Response:
        try:
            parts = google_batch.parse(request.headers.get("content-type", ""), await request.body())
        except ValueError as error:
            google.violations.append(f"batch: {error}")
            return _refusal(GoogleError(400, "badRequest", str(error)))
        if len(parts) > MOST_PARTS:
            google.violations.append(f"batch: {len(parts)} parts")
            return _refusal(GoogleError(400, "badRequest", "The batch is too large."))
        google.batches.append(len(parts))
        outer = {"authorization": request.headers.get("authorization", "")}
        answers = [(name, await _part(google, faults, call, outer)) for name, call in parts]
        return google_batch.multipart([(name, answer) for name, answer in answers if answer is not None])

    return batch


async def _part(google: GoogleCalendar, faults: Faults, call: Call, outer: Mapping[str, str]) -> Response | None:
    """The answer to one part, or None where a fault loses it."""
    fault = faults.take(call.verb, API + call.path)
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault and fault.kind in NOT_DONE:
        answer: Response | None = refusal(fault)
    elif fault and fault.kind == "cut_off":
        answer = None
    else:
        answer = _spoilt(fault, _answer(google, replace(call, headers={**outer, **call.headers})))
    faults.record(Seen(call.verb, API + call.path, answer.status_code if answer else 0, part=True))
    return answer


def _spoilt(fault: Fault | None, whole: Response) -> Response | None:
    if fault is None or fault.kind == "slow":
        return whole
    if fault.kind == "truncated":
        body = bytes(whole.body)
        return Response(body[: len(body) // 2], whole.status_code, media_type="application/json")
    return refusal(fault) if fault.kind == "unavailable_after" else None


def _person(google: GoogleCalendar) -> Answering:
    """What the person does in their own calendar: no token is asked for, and nothing of it counts as a request."""

    async def person(request: Request) -> Response:
        address, event_id = request.path_params["address"], request.path_params.get("id", "")
        try:
            body: dict[str, Any] = json.loads(await request.body() or b"{}")
            match request.method:
                case "GET":
                    return JSONResponse(google.mailbox(address))
                case "POST":
                    return JSONResponse(google.put_foreign(address, body), 201)
                case "PATCH":
                    return JSONResponse(google.edit(address, event_id, body))
            google.remove(address, event_id)
        except GoogleError as error:
            return _refusal(error)
        except ValueError as error:
            return _refusal(GoogleError(400, "parseError", str(error)))
        return Response(status_code=204)

    return person
