"""A schedule's periods after a call: what was added, changed or taken away, or why nothing was.

All or nothing: each function gives the whole new list, or raises.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schedules.period_fields import merged, read, shown
from schedules.periods import Period, PeriodProblemError, checked

MOST_PERIODS = 2_000
"""In one schedule."""
Periods = tuple[Period, ...]

_STAMPS = ("DTSTAMP", "LAST-MODIFIED")
"""When an event of iCalendar was what it says: not so any more after a change."""
_COUNTED = re.compile(r"SEQUENCE(?:;[^:]*)?:(\d{1,9})", re.IGNORECASE)


class UnknownPeriodError(LookupError):
    """The schedule has no period of this `name`."""

    def __init__(self, name: str) -> None:
        super().__init__("There is no period of this name in the schedule.")
        self.name = name


class NameTakenError(ValueError):
    """There is one of this `name` already."""

    def __init__(self, name: str) -> None:
        super().__init__("There is one of this name already; names are unique within their parent.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Change:
    """What a list of periods says of one: `fields` in the API's words, those alone that are given."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    new_name: str | None = None
    delete: bool = False


def added(periods: Sequence[Period], *new: Period) -> Periods:
    """Raises: NameTakenError; PeriodProblemError."""
    return _whole([*periods, *map(checked, new)])


def removed(periods: Sequence[Period], name: str) -> Periods:
    """Raises: UnknownPeriodError."""
    named(periods, name)
    return tuple(each for each in periods if each.name != name)


def updated(periods: Sequence[Period], name: str, fields: Mapping[str, Any], new_name: str | None = None) -> Periods:
    """The one of this name as `fields` say, and otherwise as it was. Raises: UnknownPeriodError; NameTakenError;
    PeriodProblemError.
    """
    found = named(periods, name)
    after = _changed(found, fields, new_name or name)
    return _whole([after if each is found else each for each in periods])


def changed(periods: Sequence[Period], changes: Sequence[Change]) -> Periods:
    """What a list of changes leads to: one that is known is updated or deleted, an unknown one is made.

    Every name is that of a period before the call. Raises: UnknownPeriodError, for one that shall go or get another
    name; NameTakenError; PeriodProblemError.
    """
    wanted = {each.name: each for each in changes}
    if len(wanted) < len(changes):
        raise PeriodProblemError("periods", "a name stands there twice; give each period once")
    there = {each.name for each in periods}
    kept = [_after(each, wanted.get(each.name)) for each in periods]
    made = [_made(each) for each in changes if each.name not in there]
    return _whole([each for each in kept if each] + made)


def _after(period: Period, change: Change | None) -> Period | None:
    if change is None:
        return period
    if not change.delete:
        return _changed(period, change.fields, change.new_name or period.name)
    if change.fields or change.new_name:
        raise PeriodProblemError("delete", "a period that is deleted has no other field than its name")
    return None


def _made(change: Change) -> Period:
    if change.delete or change.new_name:
        raise UnknownPeriodError(change.name)
    return checked(read({**change.fields, "name": change.name}))


def _changed(period: Period, fields: Mapping[str, Any], name: str) -> Period:
    after = checked(read(merged(shown(period), {**fields, "name": name})))
    if shown(after) == shown(period):
        return period
    # What it was called elsewhere is not what it is called from now on.
    old = _STAMPS if name == period.name else (*_STAMPS, "SUMMARY")
    return replace(after, kept=tuple(_counted_on(each) for each in period.kept if _field(each) not in old))


def _counted_on(line: str) -> str:
    """Whoever has the event already takes one with another SEQUENCE for newer."""
    found = _COUNTED.fullmatch(line)
    return f"SEQUENCE:{int(found[1]) + 1}" if found else line


def _field(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].upper()


def named(periods: Sequence[Period], name: str) -> Period:
    """The one of this name. Raises: UnknownPeriodError."""
    found = next((each for each in periods if each.name == name), None)
    if found is None:
        raise UnknownPeriodError(name)
    return found


def _whole(periods: Sequence[Period]) -> Periods:
    if len(periods) > MOST_PERIODS:
        raise PeriodProblemError("periods", f"a schedule has at most {MOST_PERIODS:,}; divide it into several")
    seen: set[str] = set()
    for each in periods:
        if each.name in seen:
            raise NameTakenError(each.name)
        seen.add(each.name)
    return tuple(periods)
