"""How the calls of groups and calendar schedules are described in the OpenAPI document, and what they need."""

from collections.abc import Callable, Mapping
from inspect import getdoc
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel

from provisioning.bodies import CALENDAR, JSON
from provisioning.calls import NAME, Responses, errors, success
from provisioning.period_schemas import (
    DAY,
    NewPeriod,
    NewSchedule,
    PeriodUpdate,
    PublicHolidays,
    ScheduleNames,
    ScheduleUpdate,
)
from provisioning.places import needs
from provisioning.rights import Right
from worker.calendar_tables import Level

CHAPTERS = {
    Level.TENANT: "Calendar schedules of a tenant",
    Level.GROUP: "Calendar schedules of a group",
    Level.USER: "Calendar schedules of a person",
}
WITHIN = {
    Level.TENANT: ("tenant",),
    Level.GROUP: ("tenant", "group"),
    Level.USER: ("tenant", "group", "user"),
}
"""The parameters in the path that a place reads."""
_MEANING = {"tenant": "Its name in carillon.toml", "group": "A group's name", "user": "The username of a member"}
_QUERY: Mapping[str, dict[str, Any]] = {
    "allLevels": {
        "description": "Those of the levels above too; may stand in a JSON body instead.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "expand": {"description": "The periods whole.", "schema": {"type": "string", "enum": ["periods"]}},
    "from": {"description": "The first day, as yyyy-mm-dd.", "required": True, "schema": DAY},
    "to": {"description": "The last day, at most 400 with it.", "required": True, "schema": DAY},
}
_DAY = {"name": "Tuesday", "type": "Full days", "startDay": "2026-10-20", "stopDay": "2026-10-20"}
_TERM = "BEGIN:VCALENDAR BEGIN:VEVENT SUMMARY:Term DTSTART;VALUE=DATE:20261006 END:VEVENT END:VCALENDAR"
_EXAMPLES: Mapping[type[BaseModel], dict[str, Any]] = {
    NewSchedule: {"name": "Exams", "effect": "publish", "periods": [_DAY]},
    ScheduleUpdate: {"periods": [{**_DAY, "name": "Wednesday"}]},
    ScheduleNames: {"schedules": [{"name": "Exams"}]},
    PublicHolidays: {"country": "NL", "year": 2026, "type": "public"},
    NewPeriod: _DAY,
    PeriodUpdate: {"stopDay": "2026-10-21"},
}
_SAID = {
    403: "The token lacks the right, or requestedAuth limits the call to somebody else.",
    404: "There is no such tenant, group, person, schedule or period, or not for this token.",
    409: "The name is taken.",
}


def call(
    function: Callable[..., Response],
    right: Right,
    within: tuple[str, ...],
    query: tuple[str, ...] = (),
    body: type[BaseModel] | None = None,
    **answer: Any,
) -> dict[str, Any]:
    """What a router is told of a call; `answer` is what `answers` takes."""
    content = {JSON: {"schema": _inlined(body.model_json_schema()), "example": _EXAMPLES[body]}} if body else None
    return {
        "dependencies": needs(right, *query),
        **_described(function, right, within, query, content),
        **answers(body=JSON if body else "", **answer),
    }


def giving_icalendar(function: Callable[..., Response], right: Right, within: tuple[str, ...]) -> dict[str, Any]:
    """The same of a call that answers iCalendar, whatever kind the caller takes."""
    described = errors(404, said=_SAID)
    del described[406]
    given = {200: {"description": "Done.", "content": {CALENDAR: {"schema": {"type": "string"}}}}}
    return {
        "dependencies": needs(right, json=False),
        **_described(function, right, within),
        "response_class": Response,
        "responses": given | described,
    }


def taking_icalendar(
    function: Callable[..., Response], right: Right, within: tuple[str, ...], model: type[BaseModel]
) -> dict[str, Any]:
    """The same of a call whose body is iCalendar: 201 where it makes something, else 200."""
    content = {CALENDAR: {"schema": {"type": "string"}, "example": _TERM.replace(" ", "\r\n")}}
    answer = answers(model, body=CALENDAR)
    answer["responses"] |= success(model, 201, "Made.")
    return {"dependencies": needs(right), **_described(function, right, within, (), content), **answer}


def answers(model: type[BaseModel], status: int = 200, failing: tuple[int, ...] = (404,), body: str = "") -> Any:
    """An answer and the errors of a call; `body` is the kind that it takes one of."""
    said = {**_SAID, **({415: f"The body is not {body}."} if body else {})}
    said = {status: meaning for status, meaning in said.items() if status not in {404, 409} or status in failing}
    responses: Responses = success(model, status) | errors(*failing, body=bool(body), said=said)
    return {"status_code": status, "responses": responses}


def _described(
    function: Callable[..., Response],
    right: Right,
    within: tuple[str, ...],
    query: tuple[str, ...] = (),
    content: dict[str, Any] | None = None,
) -> dict[str, Any]:
    parameters = [*map(_path, within), *map(_asked, query)]
    extra: dict[str, Any] = {"parameters": parameters}
    if content:
        extra["requestBody"] = {"required": True, "content": content}
    said = " ".join((getdoc(function) or "").split())
    return {"description": f"{said} It needs the right {right}.", "openapi_extra": extra}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": _MEANING[name], "schema": NAME}


def _asked(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, **_QUERY[name]}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that needs no other one beside it."""
    defined = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(each) for each in part]
        if not isinstance(part, dict):
            return part
        named = defined[part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
        return {name: whole(each) for name, each in {**named, **part}.items() if name != "$ref"}

    made: dict[str, Any] = whole(schema)
    return made
