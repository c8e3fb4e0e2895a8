"""How the university divides its years: into terms, and into weeks with names of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.institution_model import UnknownNameError, code
from sandbox.institution_year import FIRST_WEEK, blocks, label, moment

_WEEK = timedelta(weeks=1)
_WEEKEND = timedelta(days=5)
SYLLABUS, CALENDAR = "SYLLABUS", "CALENDAR"
LABEL_MAPS = (SYLLABUS, CALENDAR)
"""Weeks by their number in the block, and by that in the calendar."""


@dataclass(frozen=True, slots=True)
class Term:
    """`ranges` are aware and in UTC, each from a Monday's local midnight to the one at which it is over."""

    id: str
    key: str | None
    name: str
    ranges: tuple[tuple[datetime, datetime], ...]

    @property
    def start(self) -> datetime:
        return self.ranges[0][0]

    @property
    def end(self) -> datetime:
        return self.ranges[-1][1]

    def until(self, end: datetime) -> "Term":
        """The same term, over at `end`: its last range goes on to there, or what would come after is left out."""
        if end == self.end:
            return self
        *others, (last, _) = [each for each in self.ranges if each[0] < end]
        return replace(self, ranges=(*others, (last, end)))


@dataclass(frozen=True, slots=True)
class WeekLabel:
    """The year and the week of ISO 8601."""

    year: int
    week: int
    description: str


def terms(databases: Iterable[str], zone: ZoneInfo, *, dutch: bool) -> Iterator[Term]:
    """Of each academic year the whole, with and without its holidays, and its blocks without their breaks."""
    whole, block = ("Hele jaar", "Blok") if dutch else ("All year", "Block")
    for place, database in enumerate(databases, 1):
        year = int(database)
        first, end = _first(year), _first(year + 1)
        taught = [monday for each in blocks(year) for monday in (*each.weeks, each.exams)]
        named: list[tuple[str, str | None, list[tuple[date, date]]]] = [(whole, None, list(_runs(taught)))]
        named += [
            (f"{block} {number}", f"BLOCK{number}", list(_runs([*each.weeks, each.exams])))
            for number, each in enumerate(blocks(year), 1)
        ]
        for name, key, runs in named:
            ident = f"{database}!{code('term', database, key)}"
            yield Term(ident, key, f"[{label(database)}] {name}", _moments(runs, zone))
        yield Term(f"TermTime!{place}", f"All {database}", f"[Term Time] {whole}", _moments([(first, end)], zone))


def week_labels(key: str, databases: Iterable[str], *, dutch: bool) -> list[WeekLabel]:
    """The labels of one map, a week each, of all the years. Raises: UnknownNameError."""
    if key not in LABEL_MAPS:
        raise UnknownNameError(f"Week label map not found: {key}; there are {', '.join(LABEL_MAPS)}")
    return [
        WeekLabel(*monday.isocalendar()[:2], description)
        for database in databases
        for monday, description in (_syllabus if key == SYLLABUS else _calendar)(int(database), dutch)
    ]


def default_labels(roles: Iterable[str]) -> str:
    """The map of a person with these roles: staff go by the calendar."""
    return CALENDAR if "ROLE_STAFF" in roles else SYLLABUS


def _syllabus(year: int, dutch: bool) -> Iterator[tuple[date, str]]:
    """Teaching weeks and exam weeks; holidays have no label."""
    for number, block in enumerate(blocks(year), 1):
        for week, monday in enumerate(block.weeks, 1):
            yield monday, f"wk {number}.{week}"
        yield block.exams, f"{'tentamens' if dutch else 'exams'} {number}"


def _calendar(year: int, dutch: bool) -> Iterator[tuple[date, str]]:
    monday = _first(year)
    while monday < _first(year + 1):
        yield monday, f"{'week' if dutch else 'wk'} {monday.isocalendar().week}"
        monday += _WEEK


def _first(year: int) -> date:
    return date.fromisocalendar(year, FIRST_WEEK, 1)


def _runs(mondays: Iterable[date]) -> Iterator[tuple[date, date]]:
    """From the Monday to the Saturday of each run of weeks without a gap."""
    start = last = None
    for monday in mondays:
        if start and last and monday > last + _WEEK:
            yield start, last + _WEEKEND
            start = None
        start, last = start or monday, monday
    if start and last:
        yield start, last + _WEEKEND


def _moments(runs: Iterable[tuple[date, date]], zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((moment(start, "00:00", zone), moment(end, "00:00", zone)) for start, end in runs)
