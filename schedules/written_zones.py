"""A time zone of the world, written out for those who read a calendar and know no zone by its name.

Where a clock changes by yearly rules, they are what is said: Outlook passes over lists of dates, and showed half of
each year an hour off. See: RFC 5545, section 3.6.5; MS-OXCICAL, section 2.1.3.1.1.19.
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import icalendar

from schedules.ics_rules import DAYS, WEEKS
from schedules.recurrence import LAST_WEEK

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_OLDEST = 1900
"""Clocks went by the sun before, and nobody set them."""
_YEARS = 30
"""How far its changes are looked at: days of the week come round every 28 years, and less might look like a rule."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a clock is set from and to, as offsets from UTC, and what its time is called from then on."""

    before: timedelta
    after: timedelta
    name: str


@lru_cache(maxsize=64)
def definition(key: str, first: int, this: int) -> tuple[str, ...]:
    """The content lines of the zone called `key`, from the year `first` on to thirty years from `this`, or for ever."""
    zone, first, last = ZoneInfo(key), max(first, _OLDEST), this + _YEARS
    onsets: dict[_Turn, list[datetime]] = {}
    for moment in _changes(zone, first, last):
        turn = _turn(zone, moment - _MINUTE, moment)
        onsets.setdefault(turn, []).append((moment + turn.before).replace(tzinfo=None))
    ruled, rules = _ruled(onsets, first, this, last)
    start = datetime(first, 1, 1, tzinfo=zone)
    lines = [] if ruled == first else _observance(_turn(zone, start, start), [start])
    for turn, each in onsets.items():
        if dates := [onset for onset in each if onset.year < ruled]:
            lines += _observance(turn, dates)
    for turn, rule in rules.items():
        lines += _observance(turn, [onset for onset in onsets[turn] if onset.year >= ruled], rule)
    return ("BEGIN:VTIMEZONE", f"TZID:{key}", *lines, "END:VTIMEZONE")


def _ruled(
    onsets: Mapping[_Turn, Sequence[datetime]], first: int, this: int, last: int
) -> tuple[int, dict[_Turn, str]]:
    """The year from which on its clock changes by yearly rules, and these; `last` and none if it does not."""
    for year in range(first, this + 1):
        later = {turn: [onset for onset in each if onset.year >= year] for turn, each in onsets.items()}
        rules = {turn: _rule(each, last - year) for turn, each in later.items() if each}
        if rules and all(rules.values()):
            return year, rules
    return last, {}


def _changes(zone: ZoneInfo, first: int, last: int) -> Iterator[datetime]:
    """The instants at which its clock is set, once a day at most, and on a whole minute."""
    day = datetime(first, 1, 1, tzinfo=UTC)
    while day.year < last:
        if _offset(zone, day) != _offset(zone, day + _DAY):
            yield _change(zone, day)
        day += _DAY


def _change(zone: ZoneInfo, day: datetime) -> datetime:
    before = _offset(zone, day)
    minutes = range(_DAY // _MINUTE)
    return day + _MINUTE * bisect_left(minutes, True, key=lambda each: _offset(zone, day + each * _MINUTE) != before)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _turn(zone: ZoneInfo, before: datetime, after: datetime) -> _Turn:
    return _Turn(_offset(zone, before), _offset(zone, after), after.astimezone(zone).tzname() or "")


def _rule(onsets: Sequence[datetime], years: int) -> str:
    """The yearly rule by which all of these come about, one in each of so many years; empty if there is none."""
    first = onsets[0]
    alike = {(each.month, each.weekday(), each.time()) for each in onsets}
    found = [week for week in WEEKS if all(_falls(each, week) for each in onsets)]
    if len({each.year for each in onsets}) != years or len(onsets) != years or len(alike) != 1 or not found:
        return ""
    return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={found[0]}{DAYS[first.weekday()]}"


def _falls(day: datetime, week: int) -> bool:
    """Whether it is in this week of its month, counted by its own day of the week."""
    if week == LAST_WEEK:
        return day.day + 7 > monthrange(day.year, day.month)[1]
    return (day.day + 6) // 7 == week


def _observance(turn: _Turn, onsets: Sequence[datetime], rule: str = "") -> list[str]:
    kind = "DAYLIGHT" if turn.after > turn.before else "STANDARD"
    first, *more = (f"{each:%Y%m%dT%H%M%S}" for each in onsets)
    dates = [rule] if rule else [f"RDATE:{','.join(more)}"] if more else []
    offsets = (("TZOFFSETFROM", turn.before), ("TZOFFSETTO", turn.after))
    said = [f"{name}:{icalendar.vUTCOffset(offset).to_ical()}" for name, offset in offsets]
    return [f"BEGIN:{kind}", f"DTSTART:{first}", *dates, f"TZNAME:{turn.name}", *said, f"END:{kind}"]
