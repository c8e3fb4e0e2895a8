"""The academic year: when there is teaching, when there are exams, and what the year is called."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_WEEK = 36
"""The ISO week in which the academic year begins."""

_BLOCKS = (
    ((*range(4), *range(5, 9)), 9),
    ((*range(10, 16), 18, 19), 20),
    (range(23, 31), 31),
    (range(32, 40), 40),
)
"""Teaching weeks and exam week, counted from the first; 16 and 17 are Christmas. The clocks change in two of them."""


@dataclass(frozen=True, slots=True)
class Block:
    """A quarter of the year: the Mondays of its teaching weeks and of its exam week."""

    weeks: tuple[date, ...]
    exams: date


def academic_year(day: date) -> int:
    """The calendar year in which the academic year of `day` begins; August belongs to the coming one."""
    august = 8
    return day.year if day.month >= august else day.year - 1


def blocks(year: int) -> tuple[Block, ...]:
    first = date.fromisocalendar(year, FIRST_WEEK, 1)
    mondays = [first + timedelta(weeks=week) for week in range(52)]
    return tuple(Block(tuple(mondays[week] for week in weeks), mondays[exams]) for weeks, exams in _BLOCKS)


def label(database: str) -> str:
    """`2026/2027` for `2026`."""
    return f"{database}/{int(database) + 1}"


def moment(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC at which the clocks in `zone` show `clock` (like `09:15`) on `day`."""
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)
