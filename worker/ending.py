"""How a run ends: what is remembered and shown of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy.engine import Engine

from schedules.guard import Hold
from schedules.retry import Decision, Status, turn
from worker import known as rows
from worker.database import transaction
from worker.ledger import Run, Synchronization
from worker.push import Tally
from worker.situation import Situation

WAITS = "The calendar server takes no more requests from us for now; it goes on by itself."
GOES_ON = "A long push goes on in the next run."

_STRANGE = "event(s) here carry the mark of another synchronization of this person and were left as they are."


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, as Flower shows it. `outcome` is the synchronization's status, or why there was no run."""

    outcome: str
    created: int = 0
    updated: int = 0
    deleted: int = 0
    kept: int = 0
    failed: int = 0
    detail: str = ""


def to_be_continued(row: Synchronization, decision: Decision, tally: Tally, now: datetime) -> Decision:
    """The decision on a run that has still something to do, without an error.

    One that may ask nothing of the server now and did nothing is no failure, and no success either: status and
    back-off stay what they were.
    """
    due_at = now + turn(tally.wait, row.id)
    status: Status = "OK" if row.last_sync else "PENDING"
    if not (tally.wait and tally.idle):
        return replace(decision, status=status, detail=GOES_ON, due_at=due_at)
    if row.failures or row.status_detail:
        return replace(
            decision, status=cast("Status", row.status), detail=row.status_detail, failures=row.failures, due_at=due_at
        )
    return replace(decision, status=status, detail=WAITS, due_at=due_at)


def held(hold: Hold | None) -> dict[str, Any]:
    """What to remember of a plan that waits, or that none does. An operator's word was for one that is decided now."""
    counts = {"held_going": hold and hold.going, "held_of": hold and hold.of}
    reading = {"held_since": hold and hold.since, "held_reading": hold and hold.reading}
    return counts | reading | {"released_reading": None}


def remark(engine: Engine, found: Situation, tally: Tally, strange: int) -> str:
    """What is to be said of a run that came to its end."""
    if tally.refused:
        return f"{tally.failed} event(s) were refused: {tally.refused}"
    if found.states.get("rejected"):
        return _still_refused(engine, found.row.id)
    return f"{strange} {_STRANGE}" if strange else ""


def run_row(
    found: Situation, report: Report, times: tuple[datetime, datetime], *, resync: bool, waited: bool
) -> Run | None:
    """The row to keep of a run with its start and end, `waited` if it could do nothing but wait.

    A run that did nothing and said nothing new leaves none: there are millions of them.
    """
    counts: Mapping[str, int] = {
        name: getattr(report, name) for name in ("created", "updated", "deleted", "kept", "failed")
    }
    did = any(number for name, number in counts.items() if name != "kept")
    said = (report.outcome, report.detail) != (found.row.status, found.row.status_detail)
    if waited or not (did or said or resync):
        return None
    ends = {"started_at": times[0], "finished_at": times[1]}
    row = {"synchronization_id": found.row.id, "resync": resync, "status": report.outcome, "detail": report.detail}
    return Run(**row, **ends, **counts)


def _still_refused(engine: Engine, ident: int) -> str:
    with transaction(engine) as session:
        number = rows.states(session, ident).get("rejected", 0)
    again = "are offered again when they change, and at the next resync"
    return f"{number} event(s) were refused by the server and {again}." if number else ""
