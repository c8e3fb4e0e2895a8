"""The switches of the sandbox, under `/sandbox/`: change the institution, make the wire fail, see what was asked."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError, validate_call
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Fault, Faults
from sandbox.institution import Institution
from sandbox.institution_json import event_json
from sandbox.institution_model import NotPossibleError, UnknownNameError
from sandbox.institution_request import RefusedError, flag, span
from sandbox.institution_wishes import parts
from sandbox.timetable_formats import json_bytes

CHANGES = (
    *("move", "cancel", "add", "change_room", "retitle", "filter_group", "subscribe", "unsubscribe", "end_term"),
    "grant",
)
"""What `POST /sandbox/changes` carries out: methods of `Institution`, with their own argument names."""

_Endpoint = Callable[[Request], Awaitable[Any]]
_FAULT = TypeAdapter(Fault)


def routes(institution: Institution, faults: Faults) -> list[Route]:
    """All of them answer in JSON, and a wrong request with 400 and `{"error": …}`."""
    control = _Control(institution, faults)
    resources: list[tuple[str, str, _Endpoint]] = [
        ("POST", "/changes", control.change),
        ("GET", "/people", control.people),
        ("GET", "/people/{username}/events", control.events),
        ("POST", "/faults", control.add_fault),
        ("GET", "/faults", control.faults_on),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/requests", control.requests),
        ("DELETE", "/requests", control.forget_requests),
    ]
    return [Route(f"/sandbox{path}", _answering(endpoint), methods=[method]) for method, path, endpoint in resources]


def _answering(endpoint: _Endpoint) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            content = await endpoint(request)
        except UnknownNameError as error:
            return _json({"error": str(error)}, 404)
        except ValidationError as error:
            return _json({"error": _explained(error)}, 400)
        except (NotPossibleError, RefusedError, orjson.JSONDecodeError) as error:
            return _json({"error": str(error)}, 400)
        return Response(status_code=204) if content is None else _json(content, 200)

    return answer


def _json(content: Any, status: int) -> Response:
    return Response(json_bytes(content), status, media_type="application/json")


def _explained(error: ValidationError) -> str:
    """`move.start: Input should be a valid datetime`, and so on for each thing that is wrong."""
    return "; ".join(".".join(map(str, (error.title, *each["loc"]))) + f": {each['msg']}" for each in error.errors())


class _Control:
    def __init__(self, institution: Institution, faults: Faults) -> None:
        self.institution = institution
        self.faults = faults

    async def change(self, request: Request) -> dict[str, Any]:
        """Carry out `{"move": {"event_id": …, "start": …}}`; the answer gives the id each event has now, or null."""
        asked = await _object(request)
        if wrong := asked.keys() - set(CHANGES):
            raise NotPossibleError(f"Not a change: {', '.join(sorted(wrong))}; there are {', '.join(CHANGES)}")
        answers = {}
        for name, arguments in asked.items():
            if not isinstance(arguments, dict):
                raise NotPossibleError(f"{name} takes an object of arguments")
            answers[name] = validate_call(getattr(self.institution, name))(**arguments)
        return answers

    async def people(self, _request: Request) -> list[dict[str, Any]]:
        return [asdict(person) for person in self.institution.people]

    async def events(self, request: Request) -> list[dict[str, Any]]:
        """A person's events as the timetable API would tell them; it takes startDate and endDate too."""
        username = request.path_params["username"]
        wishes = self.institution.wishes(username)
        keys = frozenset(part.key for part in parts(wishes.subscriptions()))
        return [
            event_json(event, self.institution.zone, keys, filtered=wishes.hides(event), dutch=False)
            for event in self.institution.timetable(username, *span(self.institution, request))
        ]

    async def add_fault(self, request: Request) -> dict[str, Any]:
        fault = _FAULT.validate_python(await _object(request))
        self.faults.add(fault)
        return asdict(fault)

    async def faults_on(self, _request: Request) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.faults.rules()]

    async def clear_faults(self, _request: Request) -> None:
        self.faults.clear()

    async def requests(self, request: Request) -> list[dict[str, Any]]:
        """What came in so far; `path` and `method` are shell patterns, `parts=true` asks for the parts of batches."""
        asked = request.query_params
        seen = self.faults.seen(asked.get("path", "*"), asked.get("method", "*"), parts=flag(asked.get("parts")))
        return [asdict(each) for each in seen]

    async def forget_requests(self, _request: Request) -> None:
        self.faults.forget()


async def _object(request: Request) -> dict[str, Any]:
    content = orjson.loads(await request.body())
    if not isinstance(content, dict):
        raise NotPossibleError("The body must be a JSON object")
    return content
