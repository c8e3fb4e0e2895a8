"""Our event in Graph's words, and Graph's event in ours. Pure functions.

See: https://learn.microsoft.com/graph/api/resources/event and
https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-get
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from providers import _exchange
from providers._exchange import CATEGORY, ID, INSTANCE, KEY, PROPERTY_SET, SYNCHRONIZATION, ZONE
from providers.base import FIELDS, ContractBroken, Event, Found, Mark, Marks, Ref

Body = dict[str, Any]

IMMUTABLE = 'IdType="ImmutableId"'
"""What to prefer in every request: else an id changes when its event is moved."""
IN_UTC = 'outlook.timezone="UTC"'


def property_id(name: str) -> str:
    """The name of one of our properties, as Graph has it. Case counts in it; in a value it does not."""
    return f"String {{{PROPERTY_SET}}} Name {name}"


_NAMES = {property_id(name): name for name in (INSTANCE, SYNCHRONIZATION, KEY, ZONE, CATEGORY)}
_OURS = " or ".join(f"id eq '{each}'" for each in _NAMES)
_EXPAND = f"$expand={quote(f'singleValueExtendedProperties($filter={_OURS})')}"

LOOK = f"$select=id,categories,attendees&{_EXPAND}"
"""The query for one event, of whose answer `to_standing` reads."""

_SELECT = "$select=id,subject,start,end,isAllDay,categories,attendees"


def listing(name: str, value: str, top: int) -> str:
    """The query for the events whose property `name` has this value, in any case; `top` of them on a page."""
    told = value.replace("'", "''")
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{property_id(name)}' and ep/value eq '{told}')"
    return f"$filter={quote(wanted)}&{_EXPAND}&{_SELECT}&$top={top}"


def transaction_id(event_id: str, spent: str = "") -> str:
    """What Graph knows a create by, so that it does not carry it out twice. It may remember one whose event was
    deleted since: with the id of that, `spent`, it is another.
    """
    own = hashlib.sha256(f"{event_id}\0{spent}".encode()).hexdigest() if spent else event_id
    return str(uuid.UUID(own[:32]))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look finds: where an event stands, its mark if it has one, whether a person invited guests to it, its
    categories, and which of them is ours.
    """

    ref: Ref
    mark: Mark | None
    guests: bool
    categories: tuple[str, ...]
    category: str


def to_body(event: Event, mark: Mark, event_id: str, reminder: int | None) -> Body:
    """The whole event, for a create. It has no attendee, and reminds nobody but with `reminder` in minutes."""
    body = to_patch(event, mark, frozenset(FIELDS))
    body["singleValueExtendedProperties"].append(_property(ID, event_id))
    body["transactionId"] = transaction_id(event_id)
    body["isReminderOn"] = reminder is not None
    return body if reminder is None else body | {"reminderMinutesBeforeStart": reminder}


def to_patch(event: Event, mark: Mark, fields: frozenset[str], there: Standing | None = None) -> Body:
    """Only what `fields` name. The categories that a person gave stay, if `there` tells of them."""
    body: Body = {}
    ours: dict[str, str] = {}
    if "title" in fields:
        body["subject"] = event.title
    if "description" in fields:
        body["body"] = {"contentType": "text", "content": event.description}
    if "location" in fields:
        body["location"] = {"displayName": event.location}
    if "time" in fields:
        start, end = _moments(event)
        body |= {"start": start, "end": end, "isAllDay": event.all_day}
        ours |= {ZONE: event.zone} if event.all_day else {}
    if "category" in fields:
        before = (there.categories, there.category) if there else ((), "")
        body["categories"] = _exchange.categories(*before, event.category)
        ours[CATEGORY] = event.category
    if "mark" in fields:
        ours |= {INSTANCE: mark.instance, SYNCHRONIZATION: mark.synchronization, KEY: mark.key}
    if ours:
        body["singleValueExtendedProperties"] = [_property(name, value) for name, value in ours.items()]
    return body


def to_standing(item: Any) -> Standing:
    """Raises: ContractBroken, when it is no event."""
    match item:
        case {"id": str(there), "@odata.etag": str(version), "categories": list(known), "attendees": list(guests)}:
            ours = _properties(item)
            categories = tuple(str(each) for each in known)
            return Standing(Ref(there, version), _mark(ours), bool(guests), categories, ours.get(CATEGORY, ""))
    raise ContractBroken("Microsoft's answer lacks what was asked for: check root_url.")


def to_standings(page: Any) -> list[Standing]:
    """The events of a listing. Raises: ContractBroken, when it is none, or not whole."""
    match page:
        case {"value": list(items)} if "@odata.nextLink" not in page:
            return [to_standing(item) for item in items]
    raise ContractBroken("Microsoft's listing lacks what was asked for: check root_url.")


def to_found(page: Any, marks: Marks) -> list[Found]:
    """The events of a listing's page with `marks`, which was asked for those of the instance, in whatever case.

    Raises: ContractBroken, when anything is missing, unreadable or not asked for.
    """
    try:
        pairs = [(item, _properties(item)) for item in page["value"]]
        asked = all(ours[INSTANCE].lower() == marks.instance.lower() for _, ours in pairs)
        found = [_found(item, ours) for item, ours in pairs if ours[INSTANCE] == marks.instance]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise ContractBroken("Microsoft's listing lacks what was asked for: check root_url.") from error
    if not asked:
        raise ContractBroken("Microsoft's listing has what was not asked for: check root_url.")
    return [each for each in found if marks.synchronization in {None, each.mark.synchronization}]


def _found(item: Mapping[str, Any], ours: Mapping[str, str]) -> Found:
    there, version, title = item["id"], item["@odata.etag"], item["subject"] or ""
    mark, whole_day, guests = _mark(ours), item["isAllDay"], item["attendees"]
    if mark is None or not _texts([there, version, title]) or not isinstance(whole_day, bool):
        raise ValueError("an event without a mark, an id, a version or days")
    zone = ours.get(ZONE, "UTC") if whole_day else None
    start, end = (_instant(item[name], zone) for name in ("start", "end"))
    # Without a version nothing is changed before a look: guests would be told of it, and are seen there.
    return Found(mark, Ref(there, None if guests else version), start, end, title)


def _property(name: str, value: str) -> Body:
    return {"id": property_id(name), "value": value}


def _properties(item: Mapping[str, Any]) -> dict[str, str]:
    """Ours among an event's properties. Exchange writes the GUID in whatever case, and gives nothing for none."""
    found: dict[str, str] = {}
    given = item.get("singleValueExtendedProperties")
    for each in given if isinstance(given, list) else ():
        match each:
            case {"id": str(told), "value": str(value)} if known := _NAMES.get(_spelt(told)):
                found[known] = value
    return found


def _spelt(told: str) -> str:
    head, word, name = told.partition(" Name ")
    return f"{head.capitalize()}{word}{name}"


def _mark(ours: Mapping[str, str]) -> Mark | None:
    """None when it is not ours. What is missing of a damaged mark is empty."""
    if INSTANCE not in ours:
        return None
    return Mark(ours[INSTANCE], ours.get(SYNCHRONIZATION, ""), ours.get(KEY, ""))


def _texts(values: list[Any]) -> bool:
    return all(isinstance(each, str) for each in values)


def _moments(event: Event) -> tuple[Body, Body]:
    if event.all_day:
        first, last = (_moment(datetime.combine(day, time()), _zone(event)) for day in event.days())
        return first, last
    start, end = (_moment(*_exchange.spoken(moment, event.zone)) for moment in (event.start, event.end))
    return start, end


def _zone(event: Event) -> str:
    return _exchange.windows_zone(event.zone)


def _moment(wall: datetime, zone: str) -> Body:
    return {"dateTime": wall.isoformat(), "timeZone": zone}


def _instant(moment: Mapping[str, str], zone: str | None) -> datetime:
    """In UTC, as was asked for; with the zone that an all-day event is meant in, from its midnight there.

    Graph gives an all-day event's days as midnights of whatever zone was asked for. A midnight that was turned into
    UTC would be another hour, and belongs to the day that it begins in that zone.
    """
    if moment["timeZone"] != "UTC":
        raise ValueError("another zone than what was asked for")
    # Seven decimals of a second, of which Python reads six.
    wall = datetime.fromisoformat(moment["dateTime"][:26].removesuffix("Z"))
    if zone is None:
        return wall.replace(tzinfo=UTC)
    return datetime.combine(_day(wall, zone), time(), ZoneInfo(zone)).astimezone(UTC)


def _day(wall: datetime, zone: str) -> date:
    if wall.time() == time():
        return wall.date()
    return wall.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
