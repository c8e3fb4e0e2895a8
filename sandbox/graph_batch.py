"""Many requests in one: Graph's `$batch`.

See: https://learn.microsoft.com/graph/json-batching
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.faults import Fault, Faults, Seen
from sandbox.graph_call import Answer, Call, GraphError, refusal
from sandbox.graph_faults import UNDONE, refused
from sandbox.graph_service import Graph

MOST_PARTS = 20
_VERBS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch."""

    id: str
    call: Call
    after: frozenset[str]


def parse(body: Any, outer: Call) -> list[Part]:
    """The parts of a batch in their order. Raises: GraphError, for the batch as a whole."""
    asked = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(asked, list) or not asked or not all(isinstance(each, dict) for each in asked):
        raise _broken("Invalid batch payload format.")
    if len(asked) > MOST_PARTS:
        raise _broken(f"Number of batch requests steps exceeds the max value of {MOST_PARTS}.")
    parts = [_part(each, outer) for each in asked]
    names = [each.id for each in parts]
    if len(set(names)) < len(names):
        raise _broken("Request Id values have to be unique.")
    if any(each.after - set(names[:place]) for place, each in enumerate(parts)):
        raise _broken("A request may depend only on those that stand before it.")
    return parts


async def carry_out(graph: Graph, faults: Faults, parts: list[Part]) -> dict[str, Any]:
    """The answers, in an order of Graph's own; those that a fault loses are missing."""
    answers: dict[str, Answer | None] = {}
    for part in parts:
        if any(_failed(answers[each]) for each in part.after):
            said = "The current request was not executed because the request it depends on failed."
            answers[part.id] = refusal(GraphError(424, "FailedDependency", said))
            continue
        answers[part.id] = await _answer(graph, faults, part.call)
    told = [_told(name, answer) for name, answer in answers.items() if answer is not None]
    return {"responses": told[1::2] + told[::2]}


def _failed(answer: Answer | None) -> bool:
    return answer is None or answer.status >= HTTPStatus.BAD_REQUEST


async def _answer(graph: Graph, faults: Faults, call: Call) -> Answer | None:
    fault = faults.take(call.verb, f"/v1.0{call.path}")
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault and fault.kind in UNDONE:
        answer: Answer | None = refused(fault)
    elif fault and fault.kind == "cut_off":
        answer = None
    else:
        answer = _spoilt(fault, graph.call(call))
    faults.record(Seen(call.verb, f"/v1.0{call.path}", answer.status if answer else 0, part=True))
    return answer


def _spoilt(fault: Fault | None, whole: Answer) -> Answer | None:
    if fault is None:
        return whole
    match fault.kind:
        case "lost":
            return None
        case "html":
            page = "<!doctype html><title>Sign in</title><p>Please sign in.</p>"
            return Answer(200, page, {"Content-Type": "text/html"})
        case "truncated":
            text = json.dumps(whole.body)
            return Answer(whole.status, text[: len(text) // 2], whole.headers)
        case "empty":
            return Answer(200)
    return refused(fault) or whole


def _told(name: str, answer: Answer) -> dict[str, Any]:
    headers = {"Cache-Control": "private"} | ({} if answer.body is None else {"Content-Type": "application/json"})
    told = {"id": name, "status": answer.status, "headers": headers | dict(answer.headers)}
    return told if answer.body is None else told | {"body": answer.body}


def _part(asked: Mapping[str, Any], outer: Call) -> Part:
    name, verb, url = (asked.get(each) for each in ("id", "method", "url"))
    if not (isinstance(name, str) and name and str(verb) in _VERBS and isinstance(url, str)) or "://" in url:
        raise _broken("A request needs an id, a method and a relative url.")
    given, after = asked.get("headers") or {}, asked.get("dependsOn") or []
    if not isinstance(given, dict) or not isinstance(after, list):
        raise _broken("Invalid batch payload format.")
    headers = {str(key).lower(): str(value) for key, value in given.items()}
    if ("body" in asked) != (verb in {"POST", "PATCH", "PUT"}) or ("body" in asked and "content-type" not in headers):
        raise _broken(f"Write request id : {name} does not contain Content-Type header or body.")
    address = urlsplit(url)
    call = Call(
        verb=str(verb),
        path="/" + unquote(address.path).lstrip("/"),
        query=parse_qsl(address.query, keep_blank_values=True),
        headers=headers | {"authorization": outer.headers.get("authorization", "")},
        body=asked.get("body"),
        base=outer.base,
    )
    return Part(name, call, frozenset(map(str, after)))


def _broken(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)
