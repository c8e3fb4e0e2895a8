"""On which days something repeats: the seven ways of the API and of iCalendar, counted in days of the wall calendar.

See: RFC 5545, section 3.3.10. `dateutil.rrule` does the counting.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from itertools import takewhile

from dateutil import rrule

MOST_TIMES = 999
"""The largest interval, and the largest number of times."""
LATEST = date(2999, 12, 31)
"""What goes on for ever ends here."""
LAST_WEEK = -1
_WEEKDAYS = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)
_CYCLE = 400
"""Years after which the calendar repeats itself."""


class Frequency(IntEnum):
    """The unit of the interval, as `dateutil` numbers it."""

    YEARLY = rrule.YEARLY
    MONTHLY = rrule.MONTHLY
    WEEKLY = rrule.WEEKLY
    DAILY = rrule.DAILY


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every `interval` days, weeks, months or years; for ever, up to the day `until`, or `count` times.

    `weekdays` (0 is Monday) are those of a weekly one; together with `week` (1 to 4, or LAST_WEEK) the one of a
    monthly or yearly one, else that has a `day` of the month. A yearly one has a `month`. A month that lacks the day
    is passed over. A week begins on a Monday.
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    week: int | None = None
    day: int | None = None
    month: int | None = None
    until: date | None = None
    count: int | None = None


def days(recurrence: Recurrence, first: date, since: date = date.min) -> Iterator[date]:
    """The days it falls on, of those from `first` on, where it begins to count; ascending, without those before
    `since`, or after LATEST.
    """
    rule = rrule.rrule(
        recurrence.frequency,
        dtstart=_midnight(_origin(recurrence, first, since)),
        interval=recurrence.interval,
        wkst=rrule.MO,
        count=recurrence.count,
        bymonth=recurrence.month,
        bymonthday=recurrence.day,
        byweekday=_by_weekday(recurrence) or None,
    )
    last = recurrence.until or LATEST
    begin = max(first, since)
    return (day for day in takewhile(lambda day: day <= last, (each.date() for each in rule)) if day >= begin)


def first_day(recurrence: Recurrence, first: date) -> date | None:
    """The first day it falls on, None if there is none: a 30th of February, or an end before the beginning."""
    return next(days(recurrence, first), None) if _comes(recurrence, first) else None


def _by_weekday(recurrence: Recurrence) -> list[rrule.weekday]:
    found = [_WEEKDAYS[each] for each in recurrence.weekdays]
    return [each(recurrence.week) for each in found] if recurrence.week else found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _origin(recurrence: Recurrence, first: date, since: date) -> date:
    """A day from which the rule gives the same days as from `first`, none of them left out that `since` wants.

    `dateutil` walks from where it starts, one by one. What ends by a count has to be counted from the start.
    """
    if since <= first or recurrence.count is not None:
        return first
    every = recurrence.interval
    match recurrence.frequency:
        case Frequency.DAILY:
            return first + timedelta(days=(since - first).days // every * every)
        case Frequency.WEEKLY:
            monday = first - timedelta(days=first.weekday())
            weeks = (since - monday).days // 7 // every * every
            return monday + timedelta(weeks=weeks) if weeks else first
        case Frequency.MONTHLY:
            months = ((since.year - first.year) * 12 + since.month - first.month) // every * every
            year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
            return date(year, month + 1, 1) if months else first
        case Frequency.YEARLY:
            years = (since.year - first.year) // every * every
            return date(first.year + years, 1, 1) if years else first


def _comes(recurrence: Recurrence, first: date) -> bool:
    """Whether the day of the month ever comes; `dateutil` would look for it until the year 9999."""
    if recurrence.day is None:
        return True
    yearly = recurrence.frequency is Frequency.YEARLY
    start = first.year * 12 + (recurrence.month or first.month) - 1
    step = recurrence.interval * (12 if yearly else 1)
    end = min(start + _CYCLE * 12 * recurrence.interval, LATEST.year * 12)
    return any(recurrence.day <= monthrange(*_month(number))[1] for number in range(start, end, step))


def _month(number: int) -> tuple[int, int]:
    return number // 12, number % 12 + 1
