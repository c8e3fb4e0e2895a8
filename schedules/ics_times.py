"""When an event of iCalendar takes place, as a period, and back.

A period that iCalendar cannot say in full, such as some hours of five days every second week, is written out time by
time for other readers, and as it is in a property of ours for ourselves.

See: RFC 5545, sections 3.6.1 and 3.8.5.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import icalendar
import orjson

from schedules.ics_rules import IcsProblemError, recurrence, rrule
from schedules.period_fields import read, shown
from schedules.periods import DAY, Period, PeriodProblemError, checked, occurrences
from schedules.recurrence import Frequency, Recurrence, first_day

OURS = "X-CARILLON-PERIOD"
TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", OURS})
_EXCEPTIONS = ("RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID")
_MINUTE = timedelta(minutes=1)
_WRITTEN_OUT = 1_000
"""Times of one period."""
_SAMPLES = 54
"""Weeks of a year, to see whether two zones keep the same clock."""


def meant(event: icalendar.Event, name: str, zone: ZoneInfo) -> Period:
    """The period that takes place when `event` does. Seconds are rounded outwards to minutes, and what has no length
    lasts one. Raises: IcsProblemError, where a period cannot say it.
    """
    if any(field in TIMES for field, _ in event.errors):
        raise IcsProblemError("its times or its RRULE cannot be read")
    if (ours := _ours(event, name, zone)) is not None:
        return ours
    for exception in _EXCEPTIONS:
        if exception in event:
            raise IcsProblemError(f"it has {exception}, and a period has no exceptions; divide it into several")
    try:
        return checked(_begun(_period(event, name, zone)))
    except PeriodProblemError as error:
        raise IcsProblemError(f"it is no period ({error})") from error
    except OverflowError as error:
        raise IcsProblemError("its times are in years that a calendar does not have") from error


def _begun(period: Period) -> Period:
    if period.recurrence and first_day(period.recurrence, period.start_day) != period.start_day:
        raise IcsProblemError("it does not begin on a day of its own RRULE")
    return period


def lines(period: Period, zone: ZoneInfo) -> list[str]:
    """The content lines of its times."""
    first = first_day(period.recurrence, period.start_day) if period.recurrence else period.start_day
    if first is None:
        raise PeriodProblemError("recurrence", "there is no such day from startDay on")
    made = _bounds(period, first, zone)
    days = (period.stop_day - period.start_day).days + 1
    if period.recurrence and (period.all_day or days == 1):
        made.append(f"RRULE:{rrule(period.recurrence, first, period.start_time, zone)}")
    elif period.recurrence:
        made += _written_out(period, zone)
    elif not period.all_day and days > 1:
        made.append(f"RRULE:{rrule(Recurrence(Frequency.DAILY, count=days), first, period.start_time, zone)}")
    return made if _says(made, period, zone) else [*made, f"{OURS}:{_packed(period)}"]


def events_of(contents: Iterable[Iterable[str]], around: Iterable[str] = ()) -> list[icalendar.Event]:
    """The content lines of events, parsed; `around` are those of the time zones that they name. Raises: ValueError."""
    events = [line for content in contents for line in ("BEGIN:VEVENT", *content, "END:VEVENT")]
    text = "\r\n".join(["BEGIN:VCALENDAR", *around, *events, "END:VCALENDAR", ""])
    calendar: Any = icalendar.Calendar.from_ical(text)
    found: list[icalendar.Event] = calendar.events
    return found


def _says(made: list[str], period: Period, zone: ZoneInfo) -> bool:
    try:
        return _same(meant(events_of([made])[0], period.name, zone), period)
    except (IcsProblemError, PeriodProblemError):
        return False


def _same(one: Period, other: Period) -> bool:
    return shown(one) == shown(other)


def _packed(period: Period) -> str:
    # Servers disagree on whether the text of an X- property is escaped: this needs no escapes.
    return quote(orjson.dumps(shown(period)), safe="")


def _ours(event: icalendar.Event, name: str, zone: ZoneInfo) -> Period | None:
    """What we wrote for ourselves, where nobody has moved the event since."""
    if OURS not in event:
        return None
    try:
        said = {**orjson.loads(unquote(str(event[OURS]))), "name": name}
        found = checked(read(said))
        [wanted] = events_of([_bounds(found, _first(found), zone)])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    unmoved = all(_value(event, each) == _value(wanted, each) for each in ("DTSTART", "DTEND"))
    return found if unmoved and shown(found) == said and _counts(found.recurrence) else None


def _counts(recurrence: Recurrence | None) -> bool:
    """Whether its numbers are whole ones: to Python 1.0 and true equal 1."""
    numbers = (recurrence.interval, recurrence.day, recurrence.count) if recurrence else ()
    return all(each is None or type(each) is int for each in numbers)


def _first(period: Period) -> date:
    return (period.recurrence and first_day(period.recurrence, period.start_day)) or period.start_day


def _bounds(period: Period, first: date, zone: ZoneInfo) -> list[str]:
    if period.start_time is None or period.stop_time is None:
        end = first + (period.stop_day - period.start_day) + DAY
        return [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}"]
    end = first if period.stop_time > period.start_time else first + DAY
    pairs = (("DTSTART", first, period.start_time), ("DTEND", end, period.stop_time))
    return [_local(field, datetime.combine(day, clock), zone) for field, day, clock in pairs]


def _local(field: str, wall: datetime, zone: ZoneInfo) -> str:
    if zone.key == "UTC":
        return f"{field}:{wall:%Y%m%dT%H%M%S}Z"
    return f"{field};TZID={zone.key}:{wall:%Y%m%dT%H%M%S}"


def _written_out(period: Period, zone: ZoneInfo) -> list[str]:
    """Every time after the first, up to a limit."""
    times = islice(occurrences(period, zone, datetime.combine(period.start_day, time(), zone)), 1, _WRITTEN_OUT)
    moments = ",".join(f"{each.start:%Y%m%dT%H%M%SZ}" for each in times)
    return [f"RDATE:{moments}"] if moments else []


def _period(event: icalendar.Event, name: str, zone: ZoneInfo) -> Period:
    start, end = _start_and_end(event, zone)
    whole = not isinstance(start, datetime)
    if isinstance(start, datetime) and isinstance(end, datetime):
        start, end = _minutes(start, end)
        whole = start.time() == end.time() == time() and end > start
    clocks = None if whole else _clocks(start, end)
    first = date(start.year, start.month, start.day)
    last = date(end.year, end.month, end.day) - DAY if whole else first
    begins, ends = clocks or (None, None)
    return Period(name, first, last, begins, ends, _repeats(event, first, clocks, zone))


def _clocks(start: Any, end: Any) -> tuple[time, time]:
    if end - start > DAY:
        raise IcsProblemError("it goes on for more than a day; make it one of whole days")
    return start.time(), end.time()


def _start_and_end(event: icalendar.Event, zone: ZoneInfo) -> tuple[date, date]:
    start, end, length = (_value(event, field) for field in ("DTSTART", "DTEND", "DURATION"))
    if not isinstance(start, date):
        raise IcsProblemError("it has no DTSTART, or several")
    if end is None:
        end = start + length if isinstance(length, timedelta) else start
    if not isinstance(end, date) or isinstance(start, datetime) != isinstance(end, datetime):
        raise IcsProblemError("its DTSTART and DTEND are not of one kind")
    if isinstance(start, datetime) and isinstance(end, datetime):
        start, end = (_wall(event, field, each, zone) for field, each in (("DTSTART", start), ("DTEND", end)))
    elif end == start:
        end = start + DAY
    if end < start:
        raise IcsProblemError("its DTEND is before its DTSTART")
    return start, end


def _value(event: icalendar.Event, field: str) -> Any:
    return getattr(event.get(field), "dt", None)


def _wall(event: icalendar.Event, field: str, moment: datetime, zone: ZoneInfo) -> datetime:
    """What the tenant's clock shows then; a floating time is one of that clock."""
    if moment.tzinfo is None:
        if field in event and "TZID" in event[field].params:
            raise IcsProblemError(f"the time zone of its {field} is not known")
        return moment
    # Of the same zone it stays as it is written, even where the clock leaps over it.
    return moment.astimezone(zone).replace(tzinfo=None)


def _minutes(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    start = start.replace(second=0, microsecond=0)
    whole = end.replace(second=0, microsecond=0)
    return start, max(whole + (_MINUTE if end > whole else timedelta()), start + _MINUTE)


def _repeats(
    event: icalendar.Event, first: date, clocks: tuple[time, time] | None, zone: ZoneInfo
) -> Recurrence | None:
    said = event.get("RRULE")
    if said is None:
        return None
    if isinstance(said, list):
        raise IcsProblemError("it has several RRULEs; divide it into several")
    start = _value(event, "DTSTART")
    if isinstance(start, datetime) and start.tzinfo and not _same_clock(start, zone):
        raise IcsProblemError(f"it repeats by the clock of another time zone than {zone.key}")
    return recurrence(said, first, clocks[0] if clocks else None, zone)


def _same_clock(start: datetime, zone: ZoneInfo) -> bool:
    moments = (start.replace(tzinfo=None) + timedelta(weeks=number) for number in range(_SAMPLES))
    return all(
        each.replace(tzinfo=start.tzinfo).utcoffset() == each.replace(tzinfo=zone).utcoffset() for each in moments
    )
