"""When something lasts: the periods of a calendar schedule, as the instants at which they begin and end.

A period says its days and times by the wall clock of the tenant's zone, and each is read as iCalendar does (RFC 5545,
3.3.5): a time that the clock shows twice means the first of the two, one that it leaps over is counted from the offset
before the leap, so that 02:30 becomes 03:30. What is left without any length by such a leap does not take place.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, takewhile
from zoneinfo import ZoneInfo

from providers.base import Window
from schedules.recurrence import LATEST, MOST_TIMES, Frequency, Recurrence, days, first_day

DAY = timedelta(days=1)
EARLIEST = date(1900, 1, 1)
LONGEST_REPEATED = 366 * DAY
"""For a period that takes place again and again: on a day on which many of its times are, each has to be worked out."""
LONGEST_NAME = 255
"""Characters."""


class PeriodProblemError(ValueError):
    """A period cannot be as it was given. `field` is its name in the API, `problem` what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start_day` to `stop_day`, both included: whole ones, or where there are times, from `start_time` to
    `stop_time` on each of them. A `stop_time` that is not later than the `start_time` is one of the day after.

    With a `recurrence` these days are the first of many: it counts from `start_day` on, and what falls on each of its
    days is as long. `kept` are lines of iCalendar that it was read from; see `schedules.term_ics`.
    """

    name: str
    start_day: date
    stop_day: date
    start_time: time | None = None
    stop_time: time | None = None
    recurrence: Recurrence | None = None
    kept: tuple[str, ...] = ()

    @property
    def all_day(self) -> bool:
        return self.start_time is None


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One time that a period takes place: `[start, end)`, aware and in UTC. On whole days both are local midnights."""

    start: datetime
    end: datetime
    all_day: bool


def expand(period: Period, zone: ZoneInfo, window: Window) -> Iterator[Occurrence]:
    """Every time it takes place within `window` or partly so, by start."""
    found = occurrences(period, zone, window.start)
    return takewhile(lambda each: each.start < window.end, found)


def occurrences(period: Period, zone: ZoneInfo, since: datetime) -> Iterator[Occurrence]:
    """Every time it takes place that ends after `since`, by start. There may be hundreds of thousands of them."""
    made = (_occurrence(period, first, zone) for first in _first_days(period, since.astimezone(zone).date()))
    return (each for each in made if each.end > each.start and each.end > since)


def running(periods: Iterable[Period], zone: ZoneInfo, now: datetime) -> list[tuple[Period, Occurrence]]:
    """What takes place at this moment."""
    moment = Window(now, now + timedelta.resolution)
    return [(period, each) for period in periods for each in expand(period, zone, moment)]


def upcoming(periods: Iterable[Period], zone: ZoneInfo, now: datetime) -> tuple[Period, Occurrence] | None:
    """What begins next after `now`; None if nothing ever does."""
    coming = [
        (each, period)
        for period in periods
        if (each := next((one for one in occurrences(period, zone, now) if one.start > now), None))
    ]
    found = min(coming, key=lambda pair: pair[0], default=None)
    return found and (found[1], found[0])


def next_change(periods: Sequence[Period], zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first instant after `now` at which anything begins or ends; None if nothing ever does."""
    ends = [each.end for _, each in running(periods, zone, now)]
    coming = upcoming(periods, zone, now)
    return min([*ends, *([coming[1].start] if coming else [])], default=None)


def spans(periods: Iterable[Period], zone: ZoneInfo, window: Window) -> list[tuple[datetime, datetime]]:
    """The times within `window` at which anything takes place at all, in order, with gaps between them. One that goes
    on at the window's end ends later.
    """
    merged: list[tuple[datetime, datetime]] = []
    for each in sorted(chain.from_iterable(expand(period, zone, window) for period in periods)):
        if merged and each.start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], each.end))
        else:
            merged.append((each.start, each.end))
    return merged


def checked(period: Period) -> Period:
    """The same one. Raises: PeriodProblemError, where it could not take place as it says."""
    check_name(period.name)
    for field, day in (("startDay", period.start_day), ("stopDay", period.stop_day)):
        if not EARLIEST <= day <= LATEST:
            raise PeriodProblemError(field, f"expected a day from {EARLIEST} to {LATEST}")
    if period.stop_day < period.start_day:
        raise PeriodProblemError("stopDay", "before startDay; both are included")
    if (period.start_time is None) != (period.stop_time is None):
        missing = "startTime" if period.start_time is None else "stopTime"
        raise PeriodProblemError(missing, "missing; a period of partial days has both times")
    if period.recurrence and period.stop_day - period.start_day >= LONGEST_REPEATED:
        raise PeriodProblemError("stopDay", f"a period that repeats lasts at most {LONGEST_REPEATED.days} days")
    if period.recurrence:
        _check_recurrence(period.recurrence, period.start_day)
    return period


def check_name(name: str) -> None:
    """What holds of a schedule's name too. Raises: PeriodProblemError."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise PeriodProblemError("name", f"expected 1 to {LONGEST_NAME} characters")
    if any(character < " " or character == "\x7f" for character in name) or name != name.strip():
        raise PeriodProblemError("name", "expected no control characters, and no spaces at its ends")
    if name in {".", ".."}:
        raise PeriodProblemError("name", "expected a name that can stand in a path, which . and .. cannot")


def _check_recurrence(recurrence: Recurrence, first: date) -> None:
    if not 0 < recurrence.interval <= MOST_TIMES:
        raise PeriodProblemError("recurrence.recurInterval", f"expected 1 to {MOST_TIMES}")
    if recurrence.count is not None and not 0 < recurrence.count <= MOST_TIMES:
        raise PeriodProblemError("recurrence.recurEndOccurrence", f"expected 1 to {MOST_TIMES}")
    if recurrence.frequency is Frequency.WEEKLY and not recurrence.weekdays:
        raise PeriodProblemError("recurrence.recurWeekly", "expected at least one day of the week to be true")
    if recurrence.until and not first <= recurrence.until <= LATEST:
        raise PeriodProblemError("recurrence.recurEndDate", f"expected a day from startDay to {LATEST}")
    if first_day(recurrence, first) is None:
        raise PeriodProblemError("recurrence", "there is no such day from startDay on")


def _first_days(period: Period, since: date) -> Iterator[date]:
    """The days on which it begins, once each, ascending; without those that end long before `since`."""
    length = period.stop_day - period.start_day
    # A day of the calendar and what runs on past its midnight may both end on the day after, and zones have leapt
    # over a whole one.
    early = since - min(length + 3 * DAY, since - date.min)
    found = days(period.recurrence, period.start_day, early) if period.recurrence else iter((period.start_day,))
    return found if period.all_day else _each_day(found, length.days, since)


def _each_day(firsts: Iterator[date], length: int, since: date) -> Iterator[date]:
    last = since - 3 * DAY
    for first in firsts:
        for number in range(max(0, (last - first).days), length + 1):
            day = first + number * DAY
            if day > last:
                yield day
                last = day


def _occurrence(period: Period, first: date, zone: ZoneInfo) -> Occurrence:
    if period.start_time is None or period.stop_time is None:
        end = first + (period.stop_day - period.start_day) + DAY
        return Occurrence(_instant(first, time(), zone), _instant(end, time(), zone), all_day=True)
    end = first if period.stop_time > period.start_time else first + DAY
    return Occurrence(_instant(first, period.start_time, zone), _instant(end, period.stop_time, zone), all_day=False)


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)
