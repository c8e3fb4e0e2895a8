"""Calendar schedules in the ledger: found, made, changed and deleted. The caller holds the transaction and commits, so
that a call is carried out whole or not at all. Whom a change of a schedule with an effect concerns is due soon.

To change the periods of a schedule, find it with `lock`, work out the new ones with `schedules.period_changes`, and
`write` them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from providers.base import Window
from schedules.holidays import public_holidays
from schedules.period_changes import NameTakenError, added
from schedules.periods import Occurrence, Period, expand
from schedules.term_ics import Term, renamed
from worker import calendar_rows, deferring, holds
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarSchedule, Effect, Level, level


class UnknownScheduleError(LookupError):
    """The parent has no schedule of this `name`."""

    def __init__(self, name: str) -> None:
        super().__init__("There is no calendar schedule of this name here.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Parent:
    """Whose schedules: a group's or a person's, with neither the tenant's own."""

    tenant_id: int
    group_id: int | None = None
    user_id: int | None = None

    @property
    def level(self) -> Level:
        return level(self.group_id, self.user_id)


def listing(session: Session, parents: Sequence[Parent]) -> list[tuple[str, Level]]:
    """The name and level of every schedule of these parents: by parent, in their order, then by name."""
    found: list[tuple[str, Level]] = []
    for parent in parents:
        names = session.scalars(select(CalendarSchedule.name).where(_of(parent)).order_by(CalendarSchedule.name))
        found += [(name, parent.level) for name in names]
    return found


def find(session: Session, parent: Parent, name: str, *, lock: bool = False) -> CalendarSchedule:
    """The schedule; with `lock`, nobody else changes it until the transaction ends. Raises: UnknownScheduleError."""
    chosen = select(CalendarSchedule).where(_of(parent), CalendarSchedule.name == name)
    found = session.scalar(chosen.with_for_update() if lock else chosen)
    if found is None:
        raise UnknownScheduleError(name)
    return found


def create(
    session: Session,
    parent: Parent,
    name: str,
    term: Term,
    *,
    zone: ZoneInfo,
    now: datetime,
    effect: Effect = Effect.NONE,
) -> CalendarSchedule:
    """A new schedule with the periods of `term`. Raises: NameTakenError; PeriodProblemError."""
    periods = added((), *term.periods)
    made = _inserted(session, parent, name, effect)
    if made is None:
        raise NameTakenError(name)
    write(session, made, periods, zone=zone, now=now, kept=term.kept)
    return made


def write(
    session: Session,
    schedule: CalendarSchedule,
    periods: Sequence[Period],
    *,
    zone: ZoneInfo,
    now: datetime,
    effect: Effect | None = None,
    kept: Sequence[str] | None = None,
) -> None:
    """Give a schedule, which is locked, these periods, and where they are named another effect or other lines that an
    iCalendar object said of it.
    """
    before = schedule.effect
    schedule.effect = effect or schedule.effect
    schedule.kept = schedule.kept if kept is None else list(kept)
    schedule.changed_at = now
    session.flush()
    calendar_rows.save(session, schedule.id, periods)
    holds.work_out(session, schedule, periods, zone, now)
    if {before, schedule.effect} != {Effect.NONE}:
        deferring.wake(session, schedule.tenant_id, schedule.group_id, schedule.user_id)


def replace(
    session: Session, parent: Parent, name: str, term: Term, *, zone: ZoneInfo, now: datetime
) -> tuple[CalendarSchedule, bool]:
    """The schedule of this name with the periods of `term` and no others, and whether it was made. Of two such calls at
    once, one makes it. Raises: NameTakenError; PeriodProblemError.
    """
    periods = added((), *term.periods)
    made = _inserted(session, parent, name, Effect.NONE)
    found = made or find(session, parent, name, lock=True)
    write(session, found, periods, zone=zone, now=now, kept=term.kept)
    return found, made is not None


def rename(session: Session, schedule: CalendarSchedule, name: str, now: datetime) -> None:
    """Give a schedule, which is locked, another name. Raises: NameTakenError."""
    if name == schedule.name:
        return
    try:
        with session.begin_nested():
            schedule.name = name
            session.flush()
    except IntegrityError as error:
        raise NameTakenError(name) from error
    schedule.kept = list(renamed(schedule.kept, name))
    schedule.changed_at = now


def remove(session: Session, parent: Parent, names: Iterable[str]) -> None:
    """Delete the schedules of these names, all of them or none. Raises: UnknownScheduleError, for the first unknown."""
    wanted = list(dict.fromkeys(names))
    chosen = select(CalendarSchedule).where(_of(parent), CalendarSchedule.name.in_(wanted))
    there = {each.name: each for each in session.scalars(chosen.order_by(CalendarSchedule.id).with_for_update())}
    for name in wanted:
        if name not in there:
            raise UnknownScheduleError(name)
    session.execute(delete(CalendarSchedule).where(CalendarSchedule.id.in_([each.id for each in there.values()])))
    if any(each.effect != Effect.NONE for each in there.values()):
        deferring.wake(session, parent.tenant_id, parent.group_id, parent.user_id)


def add_holidays(
    session: Session, schedule: CalendarSchedule, country: str, year: int, *, zone: ZoneInfo, now: datetime
) -> int:
    """Add the public holidays to a schedule, which is locked; how many it did not have yet. A holiday is known by its
    name, so that a second time adds nothing. Raises: PeriodProblemError.
    """
    before = periods_of(session, schedule.id)
    there = {each.name for each in before}
    new = [each for each in public_holidays(country, year) if each.name not in there]
    if new:
        write(session, schedule, added(before, *new), zone=zone, now=now)
    return len(new)


def occurrences(
    session: Session, schedule: CalendarSchedule, zone: ZoneInfo, window: Window, limit: int
) -> list[tuple[str, Occurrence]]:
    """The name of a period and a time at which it takes place, within `window` or partly so: the first `limit`."""
    # One after another, for each of thousands of periods may take place on every day.
    found = merge(*(_named(period, zone, window) for period in periods_of(session, schedule.id)))
    return [(name, each) for each, name in islice(found, limit)]


def _named(period: Period, zone: ZoneInfo, window: Window) -> Iterator[tuple[Occurrence, str]]:
    return ((each, period.name) for each in expand(period, zone, window))


def _inserted(session: Session, parent: Parent, name: str, effect: Effect) -> CalendarSchedule | None:
    """A new schedule; None if there is one of this name, also one that was being made by somebody else."""
    row = {"tenant_id": parent.tenant_id, "group_id": parent.group_id, "user_id": parent.user_id, "name": name}
    statement = insert(CalendarSchedule).values(**row, effect=effect).on_conflict_do_nothing()
    made: CalendarSchedule | None = session.scalar(statement.returning(CalendarSchedule))
    return made


def _of(parent: Parent) -> ColumnElement[bool]:
    return and_(
        CalendarSchedule.tenant_id == parent.tenant_id,
        CalendarSchedule.group_id.is_not_distinct_from(parent.group_id),
        CalendarSchedule.user_id.is_not_distinct_from(parent.user_id),
    )
