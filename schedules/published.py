"""What calendar schedules put into a calendar, beside the timetable."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from providers.base import Event, Window
from schedules.fingerprint import fingerprint
from schedules.identity import of_period
from schedules.normalise import line, span
from schedules.periods import Occurrence, Period, expand
from schedules.term_ics import title
from schedules.wanted import Wanted


def published(schedules: Mapping[int, Sequence[Period]], zone: ZoneInfo, window: Window) -> tuple[Wanted, ...]:
    """An event for each time that a period takes place in `window` or partly so; sorted by start and key.

    `schedules` are the periods by the schedule's number. That, the period's name and the start make the key, so that
    another name of the schedule changes nothing. A period that moves to another day is the same activity.
    """
    made = {
        wish.key: wish
        for ident, periods in schedules.items()
        for period in periods
        for wish in _wishes(ident, period, zone, window)
    }
    return tuple(sorted(made.values(), key=lambda each: (each.start, each.key)))


def _wishes(ident: int, period: Period, zone: ZoneInfo, window: Window) -> list[Wanted]:
    named = line(title(period)) or period.name
    return [_wanted(ident, period, _event(named, each, zone)) for each in expand(period, zone, window)]


def _event(named: str, occurrence: Occurrence, zone: ZoneInfo) -> Event:
    start, end = span(occurrence.start, occurrence.end, zone, all_day=occurrence.all_day)
    return Event(named, start, end, zone.key, occurrence.all_day, "", "", "")


def _wanted(ident: int, period: Period, event: Event) -> Wanted:
    key, activity = of_period(ident, period.name, event.start)
    return Wanted(key, event, fingerprint(event), activity)
