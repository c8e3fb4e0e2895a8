"""The events of one Google calendar: how they are made, changed, deleted and found again.

A deleted event leaves a tombstone that keeps its id. Where Google's documents leave open what happens to a tombstone,
the harsher reading is played: a patch of it succeeds and changes nothing that anybody sees, and a stale ETag is told
before its deletion.

See: https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import base64
import copy
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Event = dict[str, Any]

ID = re.compile(r"[a-v0-9]{5,1024}")
LONGEST_NAME, LONGEST_VALUE, MOST_PROPERTIES, MOST_CHARACTERS = 44, 1024, 300, 32 * 1024
"""Of extended properties: a longer name is dropped, a longer value cut, more of them are refused."""
OURS = ("kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "iCalUID", "id", "eventType")
"""What the server says of an event, whatever a client says."""


class GoogleError(Exception):
    """A refusal: HTTP status, Google's word for the reason, a sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class GoogleEvents:
    """One calendar. Every change takes the next number of `revision`, which ETags and sync tokens are made of."""

    def __init__(self, owner: str, zone: str, now: Callable[[], datetime]) -> None:
        self.owner = owner
        self.zone = zone
        self.revision = 0
        self._now = now
        self._events: dict[str, Event] = {}
        self._changed: dict[str, int] = {}

    def live(self) -> list[Event]:
        return [copy.deepcopy(event) for event in self._events.values() if event["status"] != "cancelled"]

    def since(self, revision: int) -> list[Event]:
        """Everything that changed after `revision`, tombstones among it, in the order of ids."""
        return [self._events[each] for each in sorted(self._events) if self._changed[each] > revision]

    def get(self, event_id: str) -> Event:
        if event_id not in self._events:
            raise GoogleError(404, "notFound", "Not Found")
        return self._events[event_id]

    def insert(self, body: Mapping[str, Any]) -> Event:
        event_id = body.get("id") or secrets.token_hex(13)
        if not ID.fullmatch(event_id):
            raise GoogleError(400, "invalid", "Invalid resource id value.")
        if event_id in self._events:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        person = {"email": self.owner, "self": True}
        fixed = {
            "kind": "calendar#event",
            "id": event_id,
            "htmlLink": f"https://www.google.com/calendar/event?eid={_opaque(event_id)}",
            "created": self._stamp(),
            "creator": person,
            "organizer": person,
            "iCalUID": body.get("iCalUID") or f"{event_id}@google.com",
            "eventType": "default",
        }
        return self._store({"status": "confirmed", "reminders": {"useDefault": True}, **body, **fixed, "sequence": 0})

    def import_(self, body: Mapping[str, Any]) -> Event:
        """Insert by iCalUID, or replace the event that has it already."""
        for event in self._events.values():
            if event["iCalUID"] == body["iCalUID"]:
                return self.update(event["id"], {"status": "confirmed", **body}, None)
        return self.insert({name: value for name, value in body.items() if name != "id"})

    def update(self, event_id: str, body: Mapping[str, Any], version: str | None) -> Event:
        """Replace the event; only the word `confirmed` brings a deleted one back."""
        there = self._at(event_id, version)
        kept = {name: there[name] for name in (*OURS, "sequence") if name in there}
        return self._store({"status": there["status"], "reminders": {"useDefault": True}, **body, **kept})

    def patch(self, event_id: str, body: Mapping[str, Any], version: str | None) -> Event:
        there = self._at(event_id, version)
        return self._store(_merged(there, {name: value for name, value in body.items() if name not in OURS}))

    def delete(self, event_id: str, version: str | None) -> None:
        if self.get(event_id)["status"] == "cancelled":
            raise GoogleError(410, "deleted", "Resource has been deleted")
        self._store({**self._at(event_id, version), "status": "cancelled"})

    def span(self, event: Event) -> tuple[datetime, datetime]:
        return _instant(event["start"], self.zone), _instant(event["end"], self.zone)

    def _at(self, event_id: str, version: str | None) -> Event:
        event = self.get(event_id)
        if version not in {None, "*", event["etag"]}:
            raise GoogleError(412, "conditionNotMet", "Precondition Failed")
        return event

    def _store(self, event: Event) -> Event:
        event = _without_nulls(copy.deepcopy(event))
        _check_times(event)
        _limit_properties(event)
        there = self._events.get(event["id"])
        if there and (there["start"], there["end"]) != (event["start"], event["end"]):
            event["sequence"] += 1
        self.revision += 1
        event |= {"etag": f'"{self.revision:016d}"', "updated": self._stamp()}
        self._events[event["id"]] = event
        self._changed[event["id"]] = self.revision
        return event

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _merged(there: Event, patch: Mapping[str, Any]) -> Event:
    """`patch` laid over `there`, field by field; null takes a field away."""
    result = dict(there)
    for name, value in patch.items():
        below = result.get(name)
        result[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return _without_nulls(result)


def _without_nulls(event: Event) -> Event:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in event.items()
        if value is not None
    }


def _check_times(event: Event) -> None:
    if "recurrence" in event:
        raise GoogleError(501, "notImplemented", "The sandbox plays no recurring events")
    for name in ("start", "end"):
        moment = event.get(name, {})
        if ("date" in moment) == ("dateTime" in moment):
            raise GoogleError(400, "invalid", f"Invalid {name} time.")
    if ("date" in event["start"]) != ("date" in event["end"]):
        raise GoogleError(400, "invalid", "Start and end times must either both be date or both be dateTime.")
    try:
        start, end = (_instant(event[name], "UTC") for name in ("start", "end"))
    except (ZoneInfoNotFoundError, KeyError) as error:
        raise GoogleError(400, "invalid", "Missing or invalid time zone definition.") from error
    if end <= start:
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.")


def _limit_properties(event: Event) -> None:
    for kind, named in event.get("extendedProperties", {}).items():
        kept = {name: value[:LONGEST_VALUE] for name, value in named.items() if len(name) <= LONGEST_NAME}
        if len(kept) > MOST_PROPERTIES or sum(len(each) for pair in kept.items() for each in pair) > MOST_CHARACTERS:
            raise GoogleError(400, "invalid", f"Too many {kind} extended properties")
        event["extendedProperties"][kind] = kept


def _instant(moment: Mapping[str, str], zone: str) -> datetime:
    if "date" in moment:
        return datetime.combine(date.fromisoformat(moment["date"]), time(), ZoneInfo(zone))
    instant = datetime.fromisoformat(moment["dateTime"])
    named = ZoneInfo(moment["timeZone"]) if "timeZone" in moment or instant.tzinfo is None else None
    return instant if instant.tzinfo else instant.replace(tzinfo=named)
