"""One pass of one synchronization: read the timetable, plan, write the difference, record what came of it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from providers.base import Delete, Done, EventError, Found, Provider, Unavailable, Window
from schedules import due
from schedules.guard import Hold, reading, sentence
from schedules.plan import Known, plan
from schedules.retry import Decision, Status, decide
from schedules.wanted import Wanted, wanted
from timetables.base import Person
from worker import known as rows
from worker.database import transaction
from worker.edge import attempt
from worker.holding import judge
from worker.installation import Installation
from worker.leases import Lease, LostLeaseError, Mailbox, lease
from worker.ledger import Run, Synchronization
from worker.looking import look
from worker.mailbox import calendar
from worker.push import Tally, batches, push, steps
from worker.queue import LONGEST_TASK
from worker.situation import Held, Situation, conclude, mailbox_of, postpone, situation

Clock = Callable[[], datetime]

ROUNDS = 3
"""How often one run plans anew because the calendar was changed under its hands."""
BUSY = timedelta(seconds=5)

_STRANGE = "event(s) here carry the mark of another synchronization of this person and were left as they are."

_log = logging.getLogger("carillon.synchronize")


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


def synchronize(installation: Installation, ident: int, clock: Clock) -> Report:
    """One run, if there is one to make and nobody else writes to the mailbox; an error becomes a recorded outcome."""
    with transaction(installation.engine) as session:
        mailbox = mailbox_of(session, ident)
    if mailbox is None:
        return Report("GONE")
    with lease(installation.engine, mailbox) as held:
        if held is None:
            with transaction(installation.engine) as session:
                postpone(session, ident, BUSY)
            return Report("BUSY", detail="another run writes to this mailbox")
        return _Pass(installation, ident, held, clock).report()


class _Pass:
    """A run under a lease. What it learns on the way is what its end is decided from."""

    def __init__(self, installation: Installation, ident: int, held: Lease, clock: Clock) -> None:
        self.installation = installation
        self.ident = ident
        self.lease = held
        self.clock = clock
        self.started = clock()
        self.deadline = time.monotonic() + LONGEST_TASK
        self.tally = Tally()
        self.reading = ""
        self.hold: Hold | None = None
        self.resync = False
        self.strange = 0
        self.validator: str | None = None

    def report(self) -> Report:
        # Read under the lease: what was there before it may be another run's past.
        with transaction(self.installation.engine) as session:
            found = situation(session, self.installation, self.ident)
        if found is None:
            return Report("GONE")
        if found.unlinking:
            return Report("WAITING", detail=f"unlink {found.unlinking} of this mailbox is not done")
        if Mailbox.of(found.row) != self.lease.mailbox:
            return Report("LOST", detail="it was moved to another mailbox")
        self.held = Held(self.installation.engine, self.lease, self.ident, found.row.type)
        try:
            error = attempt(lambda: self._run(found), _log, self.ident)
        except LostLeaseError:
            return Report("LOST", detail="another worker took this mailbox over, or it is being unlinked or was moved")
        return self._end(found, error)

    def _run(self, found: Situation) -> None:
        tenant, row = found.tenant, found.row
        settings = tenant.settings
        window = due.window(self.started, settings.window.past, settings.window.future, settings.time_zone)
        self.resync = _wants_resync(found, self.started)
        with calendar(tenant, row.type, row.user.username, row.fields) as provider:
            look = self.resync or found.moved or found.in_doubt
            known = self._look(found, provider) if look else None
            person = Person(row.user.username, row.user.locale or "")
            source = self.installation.sources[row.tenant_id]
            timetable = source.fetch(person, window.start, window.end, None if look else found.validator)
            if timetable is None:
                self.validator, self.tally.kept = row.validator, sum(found.states.values())
                return
            known = self._known() if known is None else known
            wish = wanted(timetable.events, tenant.rendering, window)
            if self._write(found, provider, wish, known, window):
                self.validator = found.carried_out(timetable.validator)

    def _write(
        self, found: Situation, provider: Provider, wish: Sequence[Wanted], known: list[Known], window: Window
    ) -> bool:
        """Whether the calendar now is as wished. Raises what stopped the writing, if it was more than one event's."""
        for nth in range(ROUNDS):
            planned = plan(wish, known, window)
            if nth == 0:
                self.reading = reading(wish)
                self.hold = judge(self.installation.engine, found, planned, known, self.started, self.reading)
                if self.hold:
                    return False
            self.tally.kept, self.tally.look = planned.kept, False
            todo = steps(planned, found.tenant.settings.instance, found.mark, self.tally.spent)
            self._forget(planned.forgotten)
            push(self.held, provider, todo, self.tally, self._in_time)
            if self.tally.error:
                raise self.tally.error
            if self.tally.unfinished:
                return False
            if not self.tally.look:
                return True
            known = self._look(found, provider)
        raise Unavailable("The calendar kept changing while it was written to; the next run goes on from there.")

    def _known(self) -> list[Known]:
        with self.held.transaction() as session:
            return rows.load(session, self.ident)

    def _look(self, found: Situation, provider: Provider) -> list[Known]:
        """Read the calendar back and record what it says about what we know."""
        sight = look(self.held, found, provider, self.started, afresh=self.resync)
        self.strange = sight.strange
        self._remove(provider, sight.surplus)
        return sight.known

    def _remove(self, provider: Provider, surplus: Sequence[Found]) -> None:
        """Take away what stands twice under one mark; the ledger never knew the second."""
        for batch in batches(surplus, provider.capabilities.batch):
            self.held.renew()
            for outcome in provider.push([Delete(each.mark, each.ref) for each in batch]):
                if isinstance(outcome, Done):
                    self.tally.deleted += 1
                elif not isinstance(outcome, EventError):
                    raise outcome

    def _forget(self, gone: Sequence[Known]) -> None:
        if gone:
            with self.held.transaction() as session:
                rows.forget(session, self.ident, [each.key for each in gone])

    def _in_time(self) -> bool:
        return time.monotonic() < self.deadline

    def _end(self, found: Situation, error: Exception | None) -> Report:
        now, row, tally = self.clock(), found.row, self.tally
        decision = self._decision(found, error, now)
        report = Report(
            decision.status, tally.created, tally.updated, tally.deleted, tally.kept, tally.failed, decision.detail
        )
        values: dict[str, Any] = {
            "status": decision.status,
            "status_detail": decision.detail,
            "failures": decision.failures,
        }
        # What was let pass and takes several runs is not to be held again in between.
        if error is None and not (tally.unfinished and self.reading == row.held_reading):
            values |= _held(self.hold)
        whole = error is None and not self.hold and not tally.unfinished
        if whole:
            values |= {"last_sync": now, "validator": self.validator}
        if whole and self.resync:
            values |= {"last_resync": now, "resync_asked_at": None, "rebuild_asked_at": None}
        try:
            with self.held.transaction() as session:
                conclude(session, row, values, decision.due_at - now, self._run_row(row, report, now))
        except LostLeaseError:
            return replace(report, outcome="LOST")
        _log.info(
            "run id=%d status=%s created=%d updated=%d deleted=%d kept=%d failed=%d seconds=%.3f",
            *(self.ident, report.outcome, tally.created, tally.updated, tally.deleted, tally.kept, tally.failed),
            (now - self.started).total_seconds(),
        )
        return report

    def _decision(self, found: Situation, error: Exception | None, now: datetime) -> Decision:
        row, settings = found.row, found.tenant.settings
        decision = decide(error, row.failures, now, settings.interval, self.ident)
        if error:
            return decision
        if self.hold:
            confirmed_at = self.hold.since + settings.guard.confirm_after
            # That of a tenant which is held as a whole has passed, and means nothing.
            until = decision.due_at if self.hold.tenant else min(decision.due_at, max(now, confirmed_at))
            return replace(decision, status="HELD", detail=sentence(self.hold), due_at=until)
        if self.tally.unfinished:
            status: Status = "OK" if row.last_sync else "PENDING"
            return replace(decision, status=status, detail="A long push goes on in the next run.", due_at=now)
        return replace(decision, detail=self._remark(found))

    def _remark(self, found: Situation) -> str:
        """What is to be said of a run that came to its end."""
        if self.tally.refused:
            return f"{self.tally.failed} event(s) were refused: {self.tally.refused}"
        if found.states.get("rejected"):
            return self._still_refused()
        return f"{self.strange} {_STRANGE}" if self.strange else ""

    def _still_refused(self) -> str:
        with transaction(self.installation.engine) as session:
            number = rows.states(session, self.ident).get("rejected", 0)
        again = "are offered again when they change, and at the next resync"
        return f"{number} event(s) were refused by the server and {again}." if number else ""

    def _run_row(self, row: Synchronization, report: Report, now: datetime) -> Run | None:
        """A run that did nothing and said nothing new leaves no row: there are millions of them."""
        tally = self.tally
        if not (tally.created or tally.updated or tally.deleted or tally.failed or self.resync) and (
            report.outcome == row.status and report.detail == row.status_detail
        ):
            return None
        return Run(
            synchronization_id=self.ident,
            started_at=self.started,
            finished_at=now,
            resync=self.resync,
            status=report.outcome,
            detail=report.detail,
            created=tally.created,
            updated=tally.updated,
            deleted=tally.deleted,
            kept=tally.kept,
            failed=tally.failed,
        )


def _held(hold: Hold | None) -> dict[str, Any]:
    """What to remember of a plan that waits, or that none does. An operator's word was for one that is decided now."""
    counts = {"held_going": hold and hold.going, "held_of": hold and hold.of}
    reading = {"held_since": hold and hold.since, "held_reading": hold and hold.reading}
    return counts | reading | {"released_reading": None}


def _wants_resync(found: Situation, now: datetime) -> bool:
    """Asked for, or due, or the first push goes where another synchronization of this person may have events."""
    row = found.row
    if row.resync_asked_at or row.rebuild_asked_at or (row.last_sync is None and found.shared):
        return True
    since = row.last_resync or row.created_at
    return due.resync_due(since, now, found.tenant.settings.resync_interval, row.id)
