"""A recurrence as an RRULE and back. Only what the API can say is understood; all else is refused with a reason.

See: RFC 5545, sections 3.3.10 and 3.8.5.3.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schedules.recurrence import LAST_WEEK, MOST_TIMES, Frequency, Recurrence

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
WEEKS = (1, 2, 3, 4, LAST_WEEK)
"""Of a month: what a rule may say of a day of the week."""
_WIDEST = {Frequency.DAILY: 7, Frequency.WEEKLY: 7}
"""How many days of the week a rule may name; of a month or year, one."""


class IcsProblemError(ValueError):
    """Why something of iCalendar cannot become a schedule: a sentence's end, with the property's name in it."""


def rrule(recurrence: Recurrence, first: date, clock: time | None, zone: ZoneInfo) -> str:
    """The RRULE's value for what first begins on `first`, at `clock` where it is no whole day."""
    parts = [f"FREQ={recurrence.frequency.name}"]
    if recurrence.interval > 1:
        parts.append(f"INTERVAL={recurrence.interval}")
    if recurrence.month:
        parts.append(f"BYMONTH={recurrence.month}")
    if recurrence.day:
        parts.append(f"BYMONTHDAY={recurrence.day}")
    if recurrence.weekdays:
        parts.append("BYDAY=" + ",".join(f"{recurrence.week or ''}{DAYS[each]}" for each in recurrence.weekdays))
    if recurrence.until:
        parts.append(f"UNTIL={_until_shown(max(recurrence.until, first), clock, zone)}")
    if recurrence.count:
        parts.append(f"COUNT={recurrence.count}")
    return ";".join(parts)


def recurrence(said: Any, first: date, clock: time | None, zone: ZoneInfo) -> Recurrence:
    """What an RRULE, as `icalendar` parsed it, means for what first begins on `first`, at `clock` where it is no whole
    day. Raises: IcsProblemError.
    """
    rule = {str(name).upper(): values for name, values in said.items()}
    if unknown := rule.keys() - _KNOWN:
        raise IcsProblemError(f"its RRULE has {min(unknown)}, which a period cannot say")
    frequency = Frequency.__members__.get(str(_one(rule, "FREQ")).upper())
    if frequency is None:
        raise IcsProblemError("its RRULE repeats more often than once a day")
    interval, count = (_number(rule, name) for name in ("INTERVAL", "COUNT"))
    weekdays, week = _by_day(rule, frequency)
    if frequency is Frequency.DAILY and weekdays and interval in {None, 1}:
        frequency = Frequency.WEEKLY  # on these days of the week, said the other way
    found = Recurrence(
        frequency,
        interval or 1,
        until=_until(_one(rule, "UNTIL"), clock, zone),
        count=count,
        **_of(frequency, weekdays, week, _number(rule, "BYMONTHDAY"), _number(rule, "BYMONTH"), first),
    )
    _check_weeks(found, rule)
    return found


def _of(  # noqa: PLR0917 - the parts of a rule, for one look at which of them go together
    frequency: Frequency, weekdays: tuple[int, ...], week: int | None, day: int | None, month: int | None, first: date
) -> dict[str, Any]:
    """The rest of a recurrence; what the rule leaves open is that of the first day."""
    match frequency, bool(weekdays), week, day, month:
        case Frequency.DAILY, False, None, None, None:
            return {}
        case Frequency.WEEKLY, _, None, None, None:
            return {"weekdays": weekdays or (first.weekday(),)}
        case Frequency.MONTHLY, False, None, _, None:
            return {"day": _day(day or first.day)}
        case Frequency.MONTHLY, True, int(), None, None:
            return {"weekdays": weekdays, "week": week}
        case Frequency.YEARLY, False, None, _, _:
            return {"day": _day(day or first.day), "month": month or first.month}
        case Frequency.YEARLY, True, int(), None, int():
            return {"weekdays": weekdays, "week": week, "month": month}
        case _:
            raise IcsProblemError("its RRULE has parts together that a period cannot say")


def _day(day: int) -> int:
    if day < 1:
        raise IcsProblemError("its RRULE counts days from the end of the month")
    return day


def _one(rule: dict[str, Any], name: str) -> Any:
    values = rule.get(name) or [None]
    if len(values) > 1:
        raise IcsProblemError(f"its RRULE has several values of {name}")
    return values[0]


def _number(rule: dict[str, Any], name: str) -> int | None:
    found = _one(rule, name)
    if found is None:
        return None
    number = int(found)
    if abs(number) > MOST_TIMES or (number < 1 and name != "BYMONTHDAY"):
        raise IcsProblemError(f"its RRULE's {name} is not from 1 to {MOST_TIMES}")
    return number


def _by_day(rule: dict[str, Any], frequency: Frequency) -> tuple[tuple[int, ...], int | None]:
    """The days of the week and which of the month, from `BYDAY=-1FR` or from `BYDAY=FR;BYSETPOS=-1`."""
    said = rule.get("BYDAY", [])
    place = _one(rule, "BYSETPOS")
    weeks = {each.relative if place is None else int(place) for each in said}
    if len(said) > _WIDEST.get(frequency, 1) or (place is not None and any(each.relative for each in said)):
        raise IcsProblemError("its RRULE has a BYDAY that a period cannot say")
    if (place is not None and not said) or weeks - {None, *WEEKS}:
        raise IcsProblemError("its RRULE does not say the first to fourth or last of the month")
    return tuple(sorted({DAYS.index(each.weekday) for each in said})), next(iter(weeks), None)


def _check_weeks(found: Recurrence, rule: dict[str, Any]) -> None:
    """With every other week and several days in it, it matters on which day a week begins."""
    start = _one(rule, "WKST")
    if len(found.weekdays) > 1 and found.interval > 1 and start is not None and start.weekday != "MO":
        raise IcsProblemError("its RRULE's weeks do not begin on a Monday (WKST)")


def _until_shown(until: date, clock: time | None, zone: ZoneInfo) -> str:
    """A day for whole days, else the instant in UTC (RFC 5545, 3.3.10)."""
    if clock is None:
        return f"{until:%Y%m%d}"
    return f"{datetime.combine(until, clock, zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _until(said: date | None, clock: time | None, zone: ZoneInfo) -> date | None:
    """The last day on which it may begin. Of whole days it is a day, whatever it looks like."""
    if not isinstance(said, datetime):
        return said
    if clock is None:
        return said.date()
    last = said.astimezone(zone) if said.tzinfo else said.replace(tzinfo=zone)
    begins = datetime.combine(last.date(), clock, zone)
    # Compared as instants: a clock that is set forward or back shows one of them otherwise.
    return last.date() - timedelta(days=begins.astimezone(UTC) > last.astimezone(UTC))
