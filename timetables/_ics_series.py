"""The single events that an answer means: series counted out, their exceptions put in, and an id for each.

The library counts; what it counts is bounded here. A rule may name every second for ever, or a 30th of February, and
either would keep a worker busy until the year 9999.

See: RFC 5545, 3.8.4.4, 3.8.4.7 and 3.8.5.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import icalendar
import recurring_ical_events
from icalendar.prop import vDDDLists, vDDDTypes, vRecur

from timetables._ics_lines import Lines
from timetables._ics_times import YEARS, Clock, TimeProblemError

_DAY = timedelta(days=1)
_MOST_RULES = 3
_MOST_A_DAY = 8
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Taken:
    """An event of the answer, the `number`-th in it, with its times. `replaces` is which one of its series it stands
    for, None where it stands for itself.
    """

    number: int
    lines: Lines
    uid: str
    start: date
    end: date
    sequence: int = 0
    replaces: date | None = None
    superseded: bool = False

    @property
    def recurs(self) -> bool:
        return "RRULE" in self.lines or "RDATE" in self.lines


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What takes place: `of` the event that describes it, at its own times. `id` is empty where the answer has none."""

    of: Taken
    id: str
    start: date
    end: date


class SeriesProblemError(ValueError):
    """A sentence's end: what about the `number`-th event keeps its series from being counted out."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(problem)
        self.number = number


def occurrences(
    events: Sequence[Taken], start: datetime, end: datetime, clock: Clock, most: int
) -> Iterator[Occurrence]:
    """What takes place in `[start, end)`, and some of what does around it; of several versions of an event only the
    last, with the others marked as superseded.

    Raises: SeriesProblemError.
    """
    left = most
    by_uid: defaultdict[str, list[Taken]] = defaultdict(list)
    for event in events:
        by_uid[event.uid or f"\0{event.number}"].append(event)
    for group in by_uid.values():
        for each in _of_one_uid(group, (start - _DAY, end + _DAY), clock, left):
            left -= 1
            if left < 0:
                raise SeriesProblemError(each.of.number, f"it and those before take place more than {most:,} times")
            yield each


def _of_one_uid(group: list[Taken], span: tuple[datetime, datetime], clock: Clock, most: int) -> Iterator[Occurrence]:
    masters = [each for each in group if each.replaces is None]
    changes = sorted((each for each in group if each.replaces is not None), key=lambda each: each.sequence)
    exceptions = list({each.replaces: each for each in changes}.values())
    newest = max((each.sequence for each in masters), default=0)
    current = [each for each in masters if each.sequence == newest]
    yield from (_once(replace(each, superseded=True), each.start) for each in masters if each.sequence < newest)
    several = len({each.start for each in current}) > 1
    for master in current:
        if not master.recurs and not exceptions:
            yield _once(master, master.start if several else None)
            continue
        yield from islice(_series(master, exceptions, span, clock), most + 1)
        exceptions = []
    yield from (_once(each, each.replaces) for each in exceptions)


def _once(event: Taken, which: date | None) -> Occurrence:
    return Occurrence(event, _id(event.uid, which), event.start, event.end)


def _id(uid: str, which: date | None) -> str:
    """A series has one UID for all; what tells its dates apart stays when one of them is moved."""
    if not uid or which is None:
        return uid
    moment = f"{which.astimezone(UTC):%Y%m%dT%H%M%SZ}" if isinstance(which, datetime) else f"{which:%Y%m%d}"
    return f"{uid} {moment}"


def _series(
    master: Taken, exceptions: Sequence[Taken], span: tuple[datetime, datetime], clock: Clock
) -> Iterator[Occurrence]:
    known = {each.number: _named(each, master.start, clock) for each in (master, *exceptions)}
    try:
        clock.check()
        calendar = icalendar.Calendar()
        for each in known.values():
            calendar.add_component(_component(each, clock))
        query = recurring_ical_events.of(calendar)
        for one in (one for series in query.series for one in series.between(*span)):
            made: Any = one.as_component(keep_recurrence_attributes=False)
            yield _one_of(known[int(made["X-NUMBER"])], made)
    except TimeProblemError as error:
        raise SeriesProblemError(master.number, str(error)) from error
    except _UNREADABLE as error:
        raise SeriesProblemError(master.number, "its series cannot be counted out") from error


def _named(event: Taken, start: date, clock: Clock) -> Taken:
    """An exception that names what it replaces as the series names it: some write a day for a moment, or the other."""
    which = event.replaces and _unless_midnight(event.replaces, start)
    if which is None or isinstance(which, datetime) == isinstance(start, datetime):
        return event
    # A day's moment is its midnight, and the series' own hour is that of its start.
    alike = datetime.combine(which, start.timetz()) if isinstance(start, datetime) else _day(which, clock)
    return replace(event, replaces=alike)


def _unless_midnight(which: date, start: date) -> date:
    """The day, where Exchange names one of a series by its midnight though none of them is at one."""
    if isinstance(which, datetime) and isinstance(start, datetime) and which.time() == time() != start.time():
        return which.date()
    return which


def _day(moment: date, clock: Clock) -> date:
    if not isinstance(moment, datetime):
        return moment
    return (moment.astimezone(clock.local) if moment.tzinfo is UTC else moment).date()


def _one_of(event: Taken, made: Any) -> Occurrence:
    which = made["RECURRENCE-ID"]
    # An exception «and all that follow» gives its own name to each of them.
    ranged = "RANGE" in which.params
    begin, finish = made["DTSTART"].dt, made["DTEND"].dt
    return Occurrence(event, _id(event.uid, begin if ranged else which.dt), begin, finish)


def _component(event: Taken, clock: Clock) -> icalendar.Event:
    """What the library counts with: the times alone, read as we read them."""
    made = icalendar.Event()
    made["UID"] = "one"
    made["X-NUMBER"] = str(event.number)
    made["SEQUENCE"] = event.sequence
    made["DTSTART"] = vDDDTypes(event.start)
    # The library would exchange the two.
    made["DTEND"] = vDDDTypes(max(event.start, event.end))
    if event.replaces is None:
        made.update(_repeats(event.lines, event.start, clock))
    else:
        made["RECURRENCE-ID"] = vDDDTypes(event.replaces)
        if event.lines["RECURRENCE-ID"][0].parameter("RANGE").upper() == "THISANDFUTURE":
            made["RECURRENCE-ID"].params["RANGE"] = "THISANDFUTURE"
    return made


def _repeats(lines: Lines, start: date, clock: Clock) -> dict[str, Any]:
    made: dict[str, Any] = {"RRULE": [_rule(line.value, start, clock) for line in lines.get("RRULE", ())]}
    if "EXRULE" in lines:
        raise TimeProblemError("it has an EXRULE, which iCalendar no longer knows")
    if len(made["RRULE"]) > _MOST_RULES:
        raise TimeProblemError(f"it has more than {_MOST_RULES} RRULEs")
    for name in ("RDATE", "EXDATE"):
        moments = [moment for line in lines.get(name, ()) for moment in clock.moments(line)]
        if not isinstance(start, datetime):
            moments = [each if isinstance(each, tuple) else _day(each, clock) for each in moments]
        elif name == "EXDATE":
            moments = [each if isinstance(each, tuple) else _unless_midnight(each, start) for each in moments]
        made[name] = vDDDLists(moments) if moments else []
    return made


def _rule(text: str, start: date, clock: Clock) -> vRecur:
    """Raises: TimeProblemError for one that nobody could count, or that repeats more often than a timetable may."""
    rule: vRecur = vRecur.from_ical(re.sub(r"\s", "", text).upper().rstrip(";"))
    parts = {str(name).upper(): values for name, values in rule.items()}
    frequency = str(next(iter(parts.get("FREQ", [""])))).upper()
    if frequency not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise TimeProblemError("its RRULE repeats more often than once a day, or does not say how often")
    if any(int(each) < 1 for each in parts.get("INTERVAL", [])):
        raise TimeProblemError("its RRULE has an INTERVAL of nothing")
    a_day = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(1, len(parts.get(name, [])))
    if a_day > _MOST_A_DAY:
        raise TimeProblemError(f"its RRULE repeats more than {_MOST_A_DAY} times a day")
    for until in rule.pop("UNTIL", []):
        if until.year < YEARS.stop:
            rule["UNTIL"] = [_until(until, start, clock)]
    return rule


def _until(until: date, start: date, clock: Clock) -> date:
    """The last day of a series of days; else the last moment, in UTC, where a day means the whole of it."""
    if not isinstance(start, datetime):
        return (
            until.astimezone(clock.local).date() if isinstance(until, datetime) and until.tzinfo else _day(until, clock)
        )
    last = until if isinstance(until, datetime) else datetime.combine(until, time(23, 59, 59))
    return (last if last.tzinfo else last.replace(tzinfo=start.tzinfo)).astimezone(UTC)
