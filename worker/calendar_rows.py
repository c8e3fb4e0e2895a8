"""The periods of calendar schedules, read from and written to their rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from schedules.period_fields import read, shown
from schedules.periods import Period
from worker.calendar_tables import CalendarPeriod

_ROWS = CalendarPeriod.__table__.c


def periods_of(session: Session, schedule_id: int) -> tuple[Period, ...]:
    """The periods of one schedule, in its order."""
    return load(session, [schedule_id])[schedule_id]


def load(session: Session, schedule_ids: Iterable[int]) -> dict[int, tuple[Period, ...]]:
    """The periods of each of these schedules, in its order, by one query."""
    found: defaultdict[int, list[Period]] = defaultdict(list)
    idents = list(schedule_ids)
    chosen = select(_ROWS.schedule_id, _ROWS.words, _ROWS.kept).where(_ROWS.schedule_id.in_(idents))
    for ident, words, kept in session.execute(chosen.order_by(_ROWS.schedule_id, _ROWS.place)):
        found[ident].append(replace(read(words), kept=tuple(kept)))
    return {ident: tuple(found[ident]) for ident in idents}


def save(session: Session, schedule_id: int, periods: Sequence[Period]) -> None:
    """Make these the periods of the schedule, which is locked."""
    session.execute(delete(CalendarPeriod).where(_ROWS.schedule_id == schedule_id))
    rows = [
        {"schedule_id": schedule_id, "name": each.name, "place": place, "words": shown(each), "kept": list(each.kept)}
        for place, each in enumerate(periods)
    ]
    if rows:
        session.execute(insert(CalendarPeriod), rows)
