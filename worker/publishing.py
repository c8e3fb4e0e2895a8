"""What a person's calendar schedules of the effect `publish` want in the calendar that a run is for."""

from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from schedules.published import published
from schedules.wanted import Reason, Wanted
from worker import calendar_rows
from worker.database import transaction
from worker.situation import Situation

_OF_SCHEDULE = "wanted, from a calendar schedule"


def wishes(engine: Engine, found: Situation) -> tuple[Wanted, ...]:
    """They stand beside those of the timetable; no key is one of theirs."""
    if not found.effects.published:
        return ()
    # Read after the words of `Situation.carried_out`: what changes in between is read again by the next run.
    with transaction(engine) as session:
        periods = calendar_rows.load(session, [ident for ident, _ in found.effects.published])
    return published(periods, ZoneInfo(found.tenant.settings.time_zone), found.window)


def reasons(engine: Engine, found: Situation) -> list[Reason]:
    """Each of them that the window holds, as people are told of it."""
    return [Reason(wish.key, wish.event, _OF_SCHEDULE) for wish in wishes(engine, found) if wish.start in found.window]
