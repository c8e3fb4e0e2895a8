"""Timetables themselves: a person's, and any single one."""

from typing import Any

from sandbox.institution_json import event_json
from sandbox.institution_model import Event
from sandbox.institution_request import RefusedError
from sandbox.institution_wishes import parts
from sandbox.timetable_call import Call

Json = dict[str, Any]


def personal(call: Call) -> list[Json]:
    events = call.institution.timetable(call.person.username, *call.span, **call.kinds)
    return _told(call, events, frozenset(part.key for part in parts(call.wishes.subscriptions(**call.kinds))))


def single(call: Call) -> list[Json]:
    """By its key, or with `fetchBy=hostKey` by what the timetabling application calls it."""
    timetable = call.institution.catalogue[_key(call)]
    events = call.institution.events_in(timetable.key, *call.span)
    return _told(call, events, frozenset(timetable.children or [timetable.key]))


def _key(call: Call) -> str:
    key, by = call.part("key"), call.get("fetchBy")
    if by is None:
        return key
    if by != "hostKey":
        raise RefusedError(400, "BadParameter", f"Not a way to fetch: fetchBy={by}; there is hostKey")
    return call.institution.catalogue.hosted(key, call.get("type"), call.database).key


def _told(call: Call, events: list[Event], keys: frozenset[str]) -> list[Json]:
    hides = call.wishes.hides if call.caller.person else lambda _event: False
    return [
        event_json(event, call.institution.zone, keys, filtered=hides(event), dutch=call.dutch)
        for event in events[: call.number("limit") or None]
    ]
