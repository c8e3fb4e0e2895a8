"""An event and its mark as an iCalendar object and back. Pure: no request, no clock.

See: RFC 5545; section 4.1 of RFC 4791 for what one calendar object resource may hold.
"""

import hashlib
import re
import string
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import icalendar

from providers.base import Event, Found, Mark, Ref

INSTANCE, SYNCHRONIZATION, KEY = "X-CARILLON-INSTANCE", "X-CARILLON-SYNCHRONIZATION", "X-CARILLON-KEY"
_ZONE = "X-CARILLON-ZONE"
_CATEGORY = "X-CARILLON-CATEGORY"
"""Which of the event's categories is ours."""
_HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Carillon//Calendar synchronization//EN\r\n"
_TAIL = b"END:VCALENDAR\r\n"
_TEXTS = {"title": "SUMMARY", "location": "LOCATION", "description": "DESCRIPTION"}
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID", _ZONE)
_SEQUENCE_ZERO = datetime(2020, 1, 1, tzinfo=UTC)
_LONGEST_SEQUENCE = 10  # digits of an INTEGER (RFC 5545, 3.3.8)
# Servers disagree on whether the text of an X- property is escaped, so a mark never holds what would need it.
_PLAIN = "".join(set(string.printable[:95]) - set("%,;\\"))


def uid(mark: Mark, generation: int) -> str:
    """The UID we choose for a create: the same for the same mark and generation, 64 characters of `[0-9a-f]`."""
    words = (mark.instance, mark.synchronization, mark.key, str(generation))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def is_ours(name: str) -> bool:
    """Whether we named the object, so that its UID is known from its name."""
    return re.fullmatch(r"[0-9a-f]{64}\.ics", name) is not None


def encoded(value: str) -> str:
    """A mark's value as it stands in the property, without anything iCalendar would escape."""
    return quote(value, safe=_PLAIN)


def render(event: Event, mark: Mark, uid: str, now: datetime) -> bytes:
    """The whole object of an event of ours: no alarm, no attendee, no organizer."""
    component = icalendar.Event()
    component.add("UID", uid)
    component.add("TRANSP", _transparency(event))
    _stamp(component, now)
    _put_mark(component, mark)
    _put_time(component, event)
    _put_texts(component, event, _TEXTS)
    _put_category(component, event)
    return b"".join((_HEAD, _zone_lines(*_zone_used(component, event)), component.to_ical(), _TAIL))


def parse(text: bytes | str) -> icalendar.Calendar:
    """Raises: ValueError, when this is no iCalendar object with an event in it."""
    try:
        calendar = icalendar.Calendar.from_ical(text)
    except (LookupError, TypeError, AttributeError) as error:  # where the parser trips over what it did not foresee
        raise ValueError("no iCalendar") from error
    if not isinstance(calendar, icalendar.Calendar) or not calendar.events:
        raise ValueError("no VCALENDAR with a VEVENT in it")
    return calendar


def master(calendar: icalendar.Calendar) -> icalendar.Event:
    """The event itself, not one of the exceptions a person made to its repetitions."""
    return next((each for each in calendar.events if "RECURRENCE-ID" not in each), calendar.events[0])


def mark_of(calendar: icalendar.Calendar) -> Mark | None:
    """Our mark, or None: somebody else's event. What is missing of a damaged mark is empty."""
    component = master(calendar)
    instance = _text(component, INSTANCE)
    return (
        Mark(unquote(instance), *(unquote(_text(component, name)) for name in (SYNCHRONIZATION, KEY)))
        if instance
        else None
    )


def found(calendar: icalendar.Calendar, mark: Mark, ref: Ref) -> Found:
    """Raises: ValueError, when the event has no start."""
    component = master(calendar)
    day_or_moment, zone = _start(component), _zone_of(component)
    if day_or_moment is None:
        raise ValueError("an event without a start")
    start = _moment(day_or_moment, zone)
    try:
        end = _moment(component.end, zone)
    except (ValueError, OverflowError):
        end = start  # an end that makes no sense, made by a person, must not keep us from the rest of the calendar
    return Found(mark, ref, start, end, _text(component, "SUMMARY"))


def has_guests(calendar: icalendar.Calendar) -> bool:
    """Whether a person invited others to it, so that the server would notify them of a change."""
    return any(name in each for each in calendar.events for name in ("ATTENDEE", "ORGANIZER"))


def merge(calendar: icalendar.Calendar, event: Event, mark: Mark, fields: Iterable[str], now: datetime) -> bytes:
    """The object with `fields` as `event` and `mark` say, and all the rest as the person left it.

    A repetition is part of the time: where `time` is ours, the event takes place once.
    """
    component, fields = master(calendar), frozenset(fields)
    if "time" in fields:
        kept = [each for each in calendar.subcomponents if each is component or "RECURRENCE-ID" not in each]
        calendar.subcomponents = kept
        _merge_time(component, event)
        _add_zone(calendar, component, event)
    if "mark" in fields:
        _put_mark(component, mark)
    if "category" in fields:
        _put_category(component, event)
    _put_texts(component, event, fields & _TEXTS.keys())
    _stamp(component, now)
    merged: bytes = calendar.to_ical()
    return merged


def _merge_time(component: icalendar.Event, event: Event) -> None:
    # Busy or free is the person's choice, until the event becomes one of the other kind.
    if event.all_day == isinstance(_start(component), datetime):
        _put(component, "TRANSP", _transparency(event))
    _put_time(component, event)


def _put(component: icalendar.Event, name: str, value: Any) -> None:
    component.pop(name, None)
    if value:
        component.add(name, value)


def _put_mark(component: icalendar.Event, mark: Mark) -> None:
    for name, value in ((INSTANCE, mark.instance), (SYNCHRONIZATION, mark.synchronization), (KEY, mark.key)):
        _put(component, name, encoded(value))


def _put_texts(component: icalendar.Event, event: Event, fields: Iterable[str]) -> None:
    for field in fields:
        _put(component, _TEXTS[field], getattr(event, field))


def _put_category(component: icalendar.Event, event: Event) -> None:
    """Ours in the place of ours. Those that a person gave stay, where the event tells which was ours."""
    before = unquote(_text(component, _CATEGORY))
    there = _categories(component) if _CATEGORY in component else []
    theirs = [each for each in there if each not in {before, event.category}]
    _put(component, "CATEGORIES", [event.category, *theirs] if event.category else theirs)
    component.pop(_CATEGORY, None)
    # An empty one is one too, or the next change would take those of the person for ours.
    component.add(_CATEGORY, encoded(event.category))


def _categories(component: icalendar.Event) -> list[str]:
    said = component.get("CATEGORIES", [])
    return [str(each) for one in (said if isinstance(said, list) else [said]) for each in getattr(one, "cats", [one])]


def _put_time(component: icalendar.Event, event: Event) -> None:
    for name in _TIMES:
        component.pop(name, None)
    for name, value in zip(("DTSTART", "DTEND"), _times(event), strict=True):
        component.add(name, value)
    component.add(_ZONE, event.zone)


def _times(event: Event) -> tuple[date, date]:
    if event.all_day:
        return event.days()
    zone = ZoneInfo(event.zone)
    local = event.start.astimezone(zone), event.end.astimezone(zone)
    # A local time that the clock shows twice means the first one (RFC 5545, 3.3.5); only UTC can say the second.
    return (event.start, event.end) if any(each.fold for each in local) else local


def _transparency(event: Event) -> str:
    return "TRANSPARENT" if event.all_day else "OPAQUE"


def _stamp(component: icalendar.Event, now: datetime) -> None:
    """Mark a new revision. SEQUENCE counts seconds, so that it grows without our reading the last one."""
    sequence = int((now - _SEQUENCE_ZERO).total_seconds())
    last = _text(component, "SEQUENCE")
    if last.isdecimal() and len(last) < _LONGEST_SEQUENCE:
        sequence = max(sequence, int(last) + 1)
    _put(component, "SEQUENCE", sequence)
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        _put(component, name, now)


def _zone_used(component: icalendar.Event, event: Event) -> tuple[str, int]:
    return component["DTSTART"].params.get("TZID", ""), event.start.year


@lru_cache(maxsize=256)
def _zone_lines(zone: str, year: int) -> bytes:
    """A VTIMEZONE from the year before until five years on: all transitions since 1970 would outweigh the event."""
    if not zone:
        return b""
    years = {"first_date": date(year - 1, 1, 1), "last_date": date(year + 5, 1, 1)}
    lines: bytes = icalendar.Timezone.from_tzinfo(ZoneInfo(zone), zone, **years).to_ical()
    return lines


def _add_zone(calendar: icalendar.Calendar, component: icalendar.Event, event: Event) -> None:
    zone, year = _zone_used(component, event)
    if zone and zone not in {_text(each, "TZID") for each in calendar.walk("VTIMEZONE")}:
        calendar.subcomponents.insert(0, icalendar.Timezone.from_ical(_zone_lines(zone, year)))


def _text(component: icalendar.Component, name: str) -> str:
    """The property's text, the first one where a client wrote it twice."""
    value = component.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _start(component: icalendar.Event) -> date | None:
    """The day or the moment it starts, None where that is lacking, broken or said twice."""
    start = component.get("DTSTART")
    return start.dt if isinstance(start, icalendar.vDDDTypes) and isinstance(start.dt, date) else None


def _zone_of(component: icalendar.Event) -> ZoneInfo:
    """The zone we wrote the event in: a day, or a floating time of a person's client, is one of that zone."""
    try:
        return ZoneInfo(_text(component, _ZONE))
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _moment(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time at the end of all calendars") from error
