"""Microsoft Graph's calendars for the sandbox, over the store that `sandbox.exchange` keeps, and Entra's tokens.

`routes(graph, faults)` answers below `/v1.0/` and, for tokens, at `/{directory}/oauth2/v2.0/token`. Whole requests are
spoilt by `FaultyWire`; the parts of a `$batch` in here, by faults whose path is that of the part, such as
`/v1.0/users/alice@example.org/calendar/events`, and they are recorded as parts. A pattern that fits `/v1.0/$batch` too
is taken by the wire first; `/v1.0/users/*` is not. Both are refused in the same words:

- `throttled`: 429 ApplicationThrottled with `Retry-After: seconds`; `busy`: 429 ApplicationThrottled for too many
  requests at once, with Retry-After where `seconds` are not 0; `rate_limited`: 429 TooManyRequests without
- `error`: 500; `unavailable`: 503; `full`: 507; nothing was done; `unavailable_after`: 503, although it was done

Of a part:

- `lost`: no answer to the part, although it was done; `cut_off`: none, and nothing was done
- `html`, `truncated`, `empty`: 200 with a login page, with half of the true answer as a text, without a body
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import faults as wire
from sandbox import graph_batch, microsoft_login
from sandbox.faults import Fault, Faults
from sandbox.graph_call import Answer, Call, GraphError, refusal
from sandbox.graph_faults import refused
from sandbox.graph_service import Graph

API = "/v1.0"

Answering = Callable[[Request], Awaitable[Response]]


def routes(graph: Graph, faults: Faults) -> list[Route]:
    """To be mounted at the root of an application whose wire `faults` spoil; parts of batches are spoilt in here."""
    faults.speak(f"{API}/*", _refusal)
    return [
        *microsoft_login.routes(graph.tokens),
        Route(f"{API}/$batch", _batch(graph, faults), methods=["POST"]),
        Route(API + "{path:path}", _call(graph), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]


def _refusal(fault: Fault) -> Response:
    """Of a whole request, in Graph's words where it has some."""
    answer = refused(fault)
    return _response(answer) if answer else wire.refusal(fault)


def _call(graph: Graph) -> Answering:
    at_once: Counter[str] = Counter()

    async def call(request: Request) -> Response:
        try:
            asked = await _read(request)
        except GraphError as error:
            return _response(refusal(error))
        mailbox = asked.path.removeprefix("/users/").partition("/")[0].lower()
        if graph.most_at_once is not None and at_once[mailbox] >= graph.most_at_once:
            said = "Application is over its MailboxConcurrency limit."
            return _response(refusal(GraphError(429, "ApplicationThrottled", said), {"Retry-After": "1"}))
        at_once[mailbox] += 1
        try:
            await asyncio.sleep(graph.seconds)
            return _response(graph.call(asked))
        finally:
            at_once[mailbox] -= 1

    return call


def _batch(graph: Graph, faults: Faults) -> Answering:
    async def batch(request: Request) -> Response:
        try:
            outer = await _read(request)
            graph.check_token(outer.headers)
            answer = await _carry_out(graph, faults, outer)
        except GraphError as error:
            answer = refusal(error)
        return _response(answer)

    return batch


async def _carry_out(graph: Graph, faults: Faults, outer: Call) -> Answer:
    try:
        graph.check_request(outer)
        parts = graph_batch.parse(outer.body, outer)
    except GraphError as error:
        graph.violate(outer, error)
        raise
    graph.batches.append(len(parts))
    answer = Answer(200, await graph_batch.carry_out(graph, faults, parts))
    graph.check_answer(outer, answer)
    return answer


async def _read(request: Request) -> Call:
    """Raises: GraphError."""
    base = f"{str(request.base_url).rstrip('/')}{API}"
    query, path = request.query_params.multi_items(), request.scope["path"].removeprefix(API)
    return Call(request.method, path, query, request.headers, _json(await request.body()), base)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError as error:
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from error


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "private", **answer.headers}
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, answer.status, headers)
