"""A period in the words of the API, and back. `shown` and `read` are each other's inverse.

The words stand in the contract's own order, and everything that may be left out on the way in is there on the way out.
"""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from schedules.periods import Period, PeriodProblemError
from schedules.recurrence import LAST_WEEK, Frequency, Recurrence

FULL, PARTIAL = "Full days", "Partial days"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKS = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": LAST_WEEK}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
KINDS = {
    "recurDaily": Frequency.DAILY,
    "recurWeekly": Frequency.WEEKLY,
    "recurMonthlyByDay": Frequency.MONTHLY,
    "recurMonthlyByWeek": Frequency.MONTHLY,
    "recurYearlyByDay": Frequency.YEARLY,
    "recurYearlyByWeek": Frequency.YEARLY,
}
ENDS = ("recurEndDate", "recurEndOccurrence")


def shown(period: Period) -> dict[str, Any]:
    """What the API says of it."""
    said: dict[str, Any] = {"name": period.name, "type": FULL if period.all_day else PARTIAL}
    said |= {"startDay": period.start_day.isoformat(), "stopDay": period.stop_day.isoformat()}
    if period.start_time and period.stop_time:
        said |= {"startTime": f"{period.start_time:%H:%M}", "stopTime": f"{period.stop_time:%H:%M}"}
    return said | ({"recurrence": _recurrence_shown(period.recurrence)} if period.recurrence else {})


def read(said: Mapping[str, Any]) -> Period:
    """The period of these words, each of which is of its own right shape.

    Raises: PeriodProblemError, where they do not go together. What they mean is `schedules.periods.checked`'s to judge.
    """
    for field in ("name", "type", "startDay", "stopDay"):
        if said.get(field) is None:
            raise PeriodProblemError(field, "missing; it is required")
    times = [_clock(said, field) for field in ("startTime", "stopTime")]
    given = said.get("recurrence")
    return Period(
        name=said["name"],
        start_day=date.fromisoformat(said["startDay"]),
        stop_day=date.fromisoformat(said["stopDay"]),
        start_time=times[0],
        stop_time=times[1],
        recurrence=None if given is None else _recurrence_read(given),
    )


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a period that is changed: those of `given`, and where it says nothing, those of `before`.

    Times go with the partial days that they belong to, and `"recurrence": null` ends the repetition.
    """
    stays = dict(before)
    if given.get("type") == FULL:
        stays.pop("startTime", None)
        stays.pop("stopTime", None)
    return {name: value for name, value in (stays | dict(given)).items() if value is not None}


def _clock(said: Mapping[str, Any], field: str) -> time | None:
    given = said.get(field)
    if said["type"] == PARTIAL and given is None:
        raise PeriodProblemError(field, f'missing; a period of "{PARTIAL}" has it')
    if said["type"] == FULL and given is not None:
        raise PeriodProblemError(field, f'a period of "{FULL}" has none; leave it out, or make it "{PARTIAL}"')
    return None if given is None else time.fromisoformat(given)


def _recurrence_shown(recurrence: Recurrence) -> dict[str, Any]:
    by_week = recurrence.week is not None
    kind = next(
        name
        for name, frequency in KINDS.items()
        if frequency is recurrence.frequency and by_week == name.endswith("ByWeek")
    )
    rule: dict[str, Any] = {"recurInterval": recurrence.interval}
    if kind == "recurWeekly":
        rule |= {name: number in recurrence.weekdays for number, name in enumerate(WEEKDAYS)}
    if recurrence.day is not None:
        rule["dayOfMonth"] = recurrence.day
    if by_week:
        rule["dayOfWeekInMonth"] = next(name for name, number in WEEKS.items() if number == recurrence.week)
        rule["dayOfWeek"] = WEEKDAYS[recurrence.weekdays[0]]
    if recurrence.month is not None:
        rule["month"] = MONTHS[recurrence.month - 1]
    return {kind: rule} | _end_shown(recurrence)


def _end_shown(recurrence: Recurrence) -> dict[str, Any]:
    if recurrence.until:
        return {"recurForEver": False, "recurEndDate": recurrence.until.isoformat()}
    if recurrence.count:
        return {"recurForEver": False, "recurEndOccurrence": recurrence.count}
    return {"recurForEver": True}


def _recurrence_read(given: Mapping[str, Any]) -> Recurrence:
    kinds = [kind for kind in KINDS if given.get(kind) is not None]
    if len(kinds) != 1:
        raise PeriodProblemError("recurrence", f"expected exactly one of {', '.join(KINDS)}")
    ends = [end for end in ENDS if given.get(end) is not None]
    if len(ends) + bool(given.get("recurForEver")) != 1:
        raise PeriodProblemError("recurrence", f'expected exactly one end: "recurForEver": true, {" or ".join(ENDS)}')
    rule, until = given[kinds[0]], given.get("recurEndDate")
    return Recurrence(
        frequency=KINDS[kinds[0]],
        interval=rule["recurInterval"],
        weekdays=_weekdays(rule),
        week=WEEKS.get(rule.get("dayOfWeekInMonth")),
        day=rule.get("dayOfMonth"),
        month=MONTHS.index(rule["month"]) + 1 if "month" in rule else None,
        until=until and date.fromisoformat(until),
        count=given.get("recurEndOccurrence"),
    )


def _weekdays(rule: Mapping[str, Any]) -> tuple[int, ...]:
    if "dayOfWeek" in rule:
        return (WEEKDAYS.index(rule["dayOfWeek"]),)
    return tuple(number for number, name in enumerate(WEEKDAYS) if rule.get(name))
