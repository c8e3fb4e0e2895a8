"""Our event in Google's words, and Google's event in ours. Pure functions.

See: https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from providers.base import FIELDS, ContractBroken, Event, Found, Mark, Marks, Ref

INSTANCE = "carillonInstance"
SYNCHRONIZATION = "carillonSynchronization"
KEY = "carillonKey"
ZONE = "carillonZone"

PAGE_FIELDS = (
    "kind,timeZone,nextPageToken,items(id,etag,status,summary,start,end,recurringEventId,extendedProperties/private)"
)
"""What `to_found` reads of a listing's page."""

STATUSES = {"confirmed", "tentative"}

Body = dict[str, Any]


def event_id(mark: Mark, generation: int) -> str:
    """52 characters of `[a-v0-9]`, always the same for the same mark and generation."""
    name = "\0".join((mark.instance, mark.synchronization, mark.key, str(generation)))
    return base64.b32hexencode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=").lower()


def to_body(event: Event, mark: Mark) -> Body:
    """The whole event, for an insert or an update. It reminds nobody, whatever the calendar's own default is."""
    body = to_patch(event, mark, frozenset(FIELDS))
    start, end = _moments(event)
    return body | {"start": start, "end": end, "reminders": {"useDefault": False, "overrides": []}}


def to_patch(event: Event, mark: Mark, fields: frozenset[str]) -> Body:
    """Only what `fields` name, and nothing at all for a category: Google has no such thing."""
    body: Body = {}
    private: dict[str, str] = {}
    for field, name, text in (
        ("title", "summary", event.title),
        ("location", "location", event.location),
        ("description", "description", event.description),
    ):
        if field in fields:
            body[name] = text
    if "time" in fields:
        # A patch merges: a date beside a dateTime that was not taken away is refused.
        empty = {"date": None, "dateTime": None, "timeZone": None}
        start, end = _moments(event)
        body |= {"start": empty | start, "end": empty | end}
        if event.all_day:
            private[ZONE] = event.zone
    if "mark" in fields:
        private |= {INSTANCE: mark.instance, SYNCHRONIZATION: mark.synchronization, KEY: mark.key}
    return body | ({"extendedProperties": {"private": private}} if private else {})


def filters(marks: Marks) -> list[str]:
    """`marks` as values of the repeated parameter `privateExtendedProperty`; all of them must hold."""
    wanted = [f"{INSTANCE}={marks.instance}"]
    return wanted if marks.synchronization is None else [*wanted, f"{SYNCHRONIZATION}={marks.synchronization}"]


def mark_of(item: Mapping[str, Any]) -> Mark | None:
    """The mark of an event, None when it is not ours. What is missing of a damaged mark is empty."""
    try:
        private = item["extendedProperties"]["private"]
        return Mark(private[INSTANCE], private.get(SYNCHRONIZATION, ""), private.get(KEY, ""))
    except (KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at one id finds: an event's version, its mark if it has one, and whether it was deleted."""

    version: str
    mark: Mark | None
    deleted: bool


def to_standing(item: Any) -> Standing:
    """Raises: ContractBroken, when it is no event."""
    match item:
        case {"etag": str(version), "status": str(status)}:
            return Standing(version, mark_of(item), status == "cancelled")
    raise ContractBroken("Google's answer lacks what was asked for: check root_url.")


def to_found(page: Mapping[str, Any], marks: Marks) -> list[Found]:
    """The events of a listing's page, which was asked for those with `marks`.

    When a person makes an event of ours recurring, the exceptions to it carry its mark as well: they are not ours.

    Raises: ContractBroken, when anything is missing, unreadable or not asked for.
    """
    try:
        items = [
            item for item in page.get("items", ()) if "recurringEventId" not in item and item["status"] != "cancelled"
        ]
        found = [_found(item, page["timeZone"]) for item in items]
        sound = page["kind"] == "calendar#events" and isinstance(page.get("nextPageToken", ""), str)
        sound = sound and all(item["status"] in STATUSES for item in items)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise ContractBroken("Google's listing lacks what was asked for: check root_url.") from error
    if not sound or not all(_matches(each.mark, marks) for each in found):
        raise ContractBroken("Google's listing has what was not asked for: check root_url.")
    return found


def _matches(mark: Mark, marks: Marks) -> bool:
    if marks.synchronization is not None and mark.synchronization != marks.synchronization:
        return False
    return mark.instance == marks.instance


def _found(item: Mapping[str, Any], calendar_zone: str) -> Found:
    mark = mark_of(item)
    if mark is None:
        raise ValueError("an event without our mark")
    zone = item["extendedProperties"]["private"].get(ZONE, calendar_zone)
    start, end = (_instant(item[name], zone) for name in ("start", "end"))
    return Found(mark, Ref(item["id"], item["etag"]), start, end, item.get("summary", ""))


def _moments(event: Event) -> tuple[Body, Body]:
    if event.all_day:
        first, after_last = event.days()
        return {"date": first.isoformat()}, {"date": after_last.isoformat()}
    zone = ZoneInfo(event.zone)
    start, end = (
        {"dateTime": moment.astimezone(zone).isoformat(), "timeZone": event.zone} for moment in (event.start, event.end)
    )
    return start, end


def _instant(moment: Mapping[str, str], zone: str) -> datetime:
    """Google keeps no zone with a date: an all-day event begins at midnight of the zone noted beside the mark."""
    if "date" in moment:
        return datetime.combine(date.fromisoformat(moment["date"]), time(), ZoneInfo(zone)).astimezone(UTC)
    instant = datetime.fromisoformat(moment["dateTime"])
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(moment["timeZone"]))
    return instant.astimezone(UTC)
