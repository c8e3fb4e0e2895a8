"""What a run would do, and why an event is or is not wanted: for people, without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.base import Marks
from schedules.guard import Hold, reading
from schedules.plan import IN_DOUBT, Known, Plan, plan
from schedules.wanted import Reason, reasons, wanted
from timetables.base import Person, SourceEvent
from worker import known as rows
from worker import publishing
from worker.database import transaction
from worker.effects import Until
from worker.installation import Installation
from worker.judging import judge
from worker.looking import settle
from worker.mailbox import calendar
from worker.situation import Situation, situation


@dataclass(frozen=True, slots=True)
class Trial:
    """The plan that a run would carry out now, or would hold; `reading` is the wish that it was made for. `until` is
    what keeps workers from it: a calendar schedule.
    """

    plan: Plan
    hold: Hold | None
    reading: str
    until: Until | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One event of the timetable or a calendar schedule, why it is wanted or not, and what the ledger knows of it."""

    reason: Reason
    known: Known | None


def trial(installation: Installation, ident: int, now: datetime) -> Trial | None:
    """None if there is nothing that could run. Raises: ProviderError, SourceError."""
    found = _situation(installation, ident, now)
    if found is None:
        return None
    found, events = _read(installation, found)
    published = publishing.wishes(installation.engine, found)
    wish = (*wanted(events, found.tenant.rendering, found.window), *published)
    known = _settled(found, _known(installation, ident), now)
    planned, word = plan(wish, known, found.window), reading(wish)
    hold = judge(installation.engine, found, planned, known, now, word, published)
    return Trial(planned, hold, word, found.effects.until)


def explain(installation: Installation, ident: int, now: datetime) -> list[Explanation] | None:
    """Every event of the person's timetable and calendar schedules by start; None if there is nothing that could run.

    Raises: SourceError.
    """
    found = _situation(installation, ident, now)
    if found is None:
        return None
    found, events = _read(installation, found)
    of_timetable = reasons(events, found.tenant.rendering, found.window)
    told = sorted([*of_timetable, *publishing.reasons(installation.engine, found)], key=lambda each: each.event.start)
    known = {each.key: each for each in _known(installation, ident)}
    return [Explanation(reason, known.get(reason.key)) for reason in told]


def _situation(installation: Installation, ident: int, now: datetime) -> Situation | None:
    with transaction(installation.engine) as session:
        return situation(session, installation, ident, now)


def _read(installation: Installation, found: Situation) -> tuple[Situation, Sequence[SourceEvent]]:
    """The person's events, and the situation with the window for which they were read."""
    person = Person(found.row.user.username, found.row.user.locale or "")
    timetable = installation.sources[found.row.tenant_id].fetch(person, found.window.start, found.window.end)
    if timetable is None:
        raise AssertionError("a source that is asked without a validator has to tell the whole timetable")
    return found.reaching(timetable.end), timetable.events


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
