"""What a run would do, and why an event is or is not wanted: for people, without changing anything."""

from dataclasses import dataclass
from datetime import datetime

from providers.base import Marks, Window
from schedules import due
from schedules.guard import Hold, reading
from schedules.plan import IN_DOUBT, Known, Plan, plan
from schedules.wanted import Reason, reasons, wanted
from timetables.base import Person, Timetable
from worker import known as rows
from worker.database import transaction
from worker.holding import judge
from worker.installation import Installation
from worker.looking import settle
from worker.mailbox import calendar
from worker.situation import Situation, situation


@dataclass(frozen=True, slots=True)
class Trial:
    """The plan that a run would carry out now, or would hold; `reading` is the wish that it was made for."""

    plan: Plan
    hold: Hold | None
    reading: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One event of the timetable, why it is wanted or not, and what the ledger knows of it."""

    reason: Reason
    known: Known | None


def trial(installation: Installation, ident: int, now: datetime) -> Trial | None:
    """None if there is nothing that could run. Raises: ProviderError, SourceError."""
    found = _situation(installation, ident)
    if found is None:
        return None
    window, timetable = _read(installation, found, now)
    wish, known = (
        wanted(timetable.events, found.tenant.rendering, window),
        _settled(found, _known(installation, ident), now),
    )
    planned, word = plan(wish, known, window), reading(wish)
    return Trial(planned, judge(installation.engine, found, planned, known, now, word), word)


def explain(installation: Installation, ident: int, now: datetime) -> list[Explanation] | None:
    """Every event of the person's timetable by start; None if there is nothing that could run. Raises: SourceError."""
    found = _situation(installation, ident)
    if found is None:
        return None
    window, timetable = _read(installation, found, now)
    known = {each.key: each for each in _known(installation, ident)}
    return [
        Explanation(reason, known.get(reason.key))
        for reason in reasons(timetable.events, found.tenant.rendering, window)
    ]


def _situation(installation: Installation, ident: int) -> Situation | None:
    with transaction(installation.engine) as session:
        return situation(session, installation, ident)


def _read(installation: Installation, found: Situation, now: datetime) -> tuple[Window, Timetable]:
    settings = found.tenant.settings
    window = due.window(now, settings.window.past, settings.window.future, settings.time_zone)
    person = Person(found.row.user.username, found.row.user.locale or "")
    timetable = installation.sources[found.row.tenant_id].fetch(person, window.start, window.end)
    if timetable is None:
        raise AssertionError("a source that is asked without a validator has to tell the whole timetable")
    return window, timetable


def _known(installation: Installation, ident: int) -> list[Known]:
    with transaction(installation.engine) as session:
        return rows.load(session, ident)


def _settled(found: Situation, known: list[Known], now: datetime) -> list[Known]:
    """What is known, with what is in doubt looked up as the run would look it up."""
    if not any(each.state in IN_DOUBT for each in known):
        return known
    row = found.row
    with calendar(found.tenant, row.type, row.user.username, row.fields) as provider:
        there = provider.find(Marks(found.tenant.settings.instance, found.mark))
    return list(settle(found, known, there, now).known)
