"""One pass of one synchronization: read the timetable, plan, write the difference, record what came of it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers.base import Delete, Done, EventError, Found, Provider, Unavailable
from schedules import due
from schedules.guard import Hold, reading, sentence
from schedules.plan import Known, plan
from schedules.retry import Decision, decide
from schedules.wanted import Wanted, wanted
from timetables.base import Person
from worker import breaker, publishing, verdicts
from worker import known as rows
from worker.database import transaction
from worker.edge import attempt
from worker.effects import FOR_A_PERSON, Until
from worker.ending import Report, held, remark, run_row, to_be_continued
from worker.installation import Installation
from worker.judging import judge
from worker.leases import Lease, LostLeaseError, Mailbox, lease
from worker.ledger import Synchronization
from worker.limits import NotNowError, allowance
from worker.looking import look
from worker.mailbox import calendar
from worker.messages import alone, overtaken
from worker.push import Tally, batches, push, steps
from worker.queue import LONGEST_TASK
from worker.situation import Held, Situation, conclude, keep, postpone, situation
from worker.slots import again

Clock = Callable[[], datetime]

ROUNDS = 3
"""How often one run plans anew because the calendar was changed under its hands."""
BUSY = timedelta(seconds=5)
CLAIM_OF_A_RUN = timedelta(seconds=LONGEST_TASK)
"""For a run that calls its server: one call may outlast a lease, and then nobody shall begin anew beside it."""

_log = logging.getLogger("carillon.synchronize")


def synchronize(
    installation: Installation, ident: int, clock: Clock, claimed: int | None = None, *, by_hand: bool = False
) -> Report:
    """One run, if there is one to make and nobody else writes to the mailbox; an error becomes a recorded outcome.

    `claimed` is what `worker.messages.overtaken` asks of a message. `by_hand`, an operator's word for this one run, no
    calendar schedule holds.
    """
    with transaction(installation.engine) as session:
        row = session.get(Synchronization, ident)
        late = row is not None and overtaken(session, row, claimed)
    if row is None:
        return Report("GONE")
    if late:
        return Report("NOT DUE", detail="it was run after this message was sent")
    with installation.slots.seat((row.tenant_id, row.type)) as seated:
        if not seated:
            return _later(installation, row)
        with lease(installation.engine, Mailbox.of(row)) as held:
            return _Pass(installation, ident, held, clock).report(by_hand) if held else _busy(installation, row)


def _later(installation: Installation, row: Synchronization) -> Report:
    with transaction(installation.engine) as session:
        postpone(session, row.id, again(row.id))
    return Report("FULL", detail=f"runs for {row.type} hold all the slots that they may hold here")


def _busy(installation: Installation, row: Synchronization) -> Report:
    with transaction(installation.engine) as session:
        # Its own run decides when the next one is due; somebody else's knows nothing of this one.
        if not alone(session, row):
            postpone(session, row.id, BUSY)
    return Report("BUSY", detail="another run writes to this mailbox")


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
        self.published: Sequence[Wanted] = ()
        self.validator: str | None = None

    def report(self, by_hand: bool) -> Report:
        # Read under the lease: what was there before it may be another run's past.
        with transaction(self.installation.engine) as session:
            found = situation(session, self.installation, self.ident, self.started)
        if found is None:
            return Report("GONE")
        if found.unlinking:
            return Report("WAITING", detail=f"unlink {found.unlinking} of this mailbox is not done")
        if Mailbox.of(found.row) != self.lease.mailbox:
            return Report("LOST", detail="it was moved to another mailbox")
        self.held = Held(self.installation.engine, self.lease, self.ident, found.row.type)
        if found.effects.until and not (by_hand or found.wished):
            return self._deferred(found, found.effects.until)
        self.allowance = allowance(self.installation, found.row)
        try:
            error = attempt(lambda: self._run(found), _log, self.ident)
        except NotNowError as told:
            error, self.tally.wait, self.tally.unfinished = None, told.wait, True
        except LostLeaseError:
            return Report("LOST", detail="another worker took this mailbox over, or it is being unlinked or was moved")
        return self._end(found, error)

    def _deferred(self, found: Situation, until: Until) -> Report:
        """A schedule holds, and was not seen to when the message was sent."""
        detail = until.sentence(ZoneInfo(found.tenant.settings.time_zone))
        breaker.leave(self.installation.redis, (found.row.tenant_id, found.row.type), self.ident)
        try:
            with self.held.transaction() as session:
                status = found.row.status if found.row.status in FOR_A_PERSON else "HELD"
                values = {"status": status, "status_detail": detail, "deferred_until": until.end}
                conclude(session, found.row, values, until.end - self.started, None)
        except LostLeaseError:
            return Report("LOST")
        return Report("HELD", detail=detail)

    def _run(self, found: Situation) -> None:
        tenant, row, window = found.tenant, found.row, found.window
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
            further = found.reaching(timetable.end)
            self.published = publishing.wishes(self.installation.engine, further)
            wish = (*wanted(timetable.events, tenant.rendering, further.window), *self.published)
            if self._write(further, provider, wish, known):
                self.validator = found.carried_out(timetable.validator)

    def _write(self, found: Situation, provider: Provider, wish: Sequence[Wanted], known: list[Known]) -> bool:
        """Whether the calendar now is as wished. Raises what stopped the writing, if it was more than one event's."""
        for nth in range(ROUNDS):
            planned = plan(wish, known, found.window)
            if nth == 0:
                self.reading = reading(wish)
                judged = (planned, known, self.started, self.reading, self.published)
                self.hold = judge(self.installation.engine, found, *judged)
                if self.hold:
                    return False
            self.tally.kept, self.tally.look = planned.kept, False
            todo = steps(planned, found.tenant.settings.instance, found.mark, self.tally.spent)
            self._forget(planned.forgotten)
            if todo:
                self._keep(found)
            push(self.held, provider, todo, self.tally, in_time=self._in_time, ask=self.allowance.ask)
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
        self._keep(found)
        self.allowance.take(1)
        sight = look(self.held, found, provider, self.started, afresh=self.resync)
        self.strange = sight.strange
        self._remove(provider, sight.surplus)
        return sight.known

    def _remove(self, provider: Provider, surplus: Sequence[Found]) -> None:
        """Take away what stands twice under one mark; the ledger never knew the second."""
        for batch in batches(surplus, provider.capabilities.batch):
            self.allowance.take(len(batch))
            self.held.renew()
            for outcome in provider.push([Delete(each.mark, each.ref) for each in batch]):
                if isinstance(outcome, Done):
                    self.tally.deleted += 1
                elif not isinstance(outcome, EventError):
                    raise outcome

    def _keep(self, found: Situation) -> None:
        with self.held.transaction() as session:
            keep(session, found.row, CLAIM_OF_A_RUN)

    def _forget(self, gone: Sequence[Known]) -> None:
        if gone:
            with self.held.transaction() as session:
                rows.forget(session, self.ident, [each.key for each in gone])

    def _in_time(self) -> bool:
        return time.monotonic() < self.deadline

    def _end(self, found: Situation, error: Exception | None) -> Report:
        now, row, tally = self.clock(), found.row, self.tally
        self.allowance.heed(error)
        # A routine run that finds nothing new says nothing new of a credential either, and looks at no verdict.
        read = bool(self.reading) or (self.validator is not None and row.status != "OK")
        verdicts.note(*(self.installation, (row.tenant_id, row.type), error, now), read=read, asked=self.allowance.used)
        decision = self._decision(found, error, now)
        report = Report(
            decision.status, tally.created, tally.updated, tally.deleted, tally.kept, tally.failed, decision.detail
        )
        waited = bool(tally.wait) and tally.idle
        kept = run_row(found, report, (self.started, now), resync=self.resync, waited=waited)
        try:
            with self.held.transaction() as session:
                conclude(session, row, self._values(row, decision, error, now), decision.due_at - now, kept)
        except LostLeaseError:
            return replace(report, outcome="LOST")
        _log.info(
            "run id=%d status=%s created=%d updated=%d deleted=%d kept=%d failed=%d seconds=%.3f",
            *(self.ident, report.outcome, tally.created, tally.updated, tally.deleted, tally.kept, tally.failed),
            (now - self.started).total_seconds(),
        )
        return report

    def _values(
        self, row: Synchronization, decision: Decision, error: Exception | None, now: datetime
    ) -> dict[str, Any]:
        """What the row says from now on."""
        tally = self.tally
        values: dict[str, Any] = {
            "status": decision.status,
            "status_detail": decision.detail,
            "failures": decision.failures,
            "deferred_until": None,
        }
        # What was let pass and takes several runs is not to be held again in between; and what was not read says
        # nothing. Another reading ends a hold even if the run then fails: the clock begins anew.
        if self.reading not in {row.held_reading, ""} or not (error or tally.unfinished):
            values |= held(self.hold)
        whole = error is None and not self.hold and not tally.unfinished
        if whole:
            values |= {"last_sync": now, "validator": self.validator}
        if whole and self.resync:
            values |= {"last_resync": now, "resync_asked_at": None, "rebuild_asked_at": None}
        return values

    def _decision(self, found: Situation, error: Exception | None, now: datetime) -> Decision:
        row, settings = found.row, found.tenant.settings
        decision = decide(error, row.failures, now, settings.interval, self.ident)
        if self.allowance.used and breaker.note(self.installation.redis, (row.tenant_id, row.type), self.ident, error):
            return replace(decision, detail=f"{decision.detail} {breaker.SENTENCE}")
        if error:
            return decision
        if self.hold:
            confirmed_at = self.hold.since + settings.guard.confirm_after
            # That of a tenant which is held as a whole has passed, and means nothing.
            until = decision.due_at if self.hold.tenant else min(decision.due_at, max(now, confirmed_at))
            return replace(decision, status="HELD", detail=sentence(self.hold), due_at=until)
        if self.tally.unfinished:
            return to_be_continued(row, decision, self.tally, now)
        return replace(decision, detail=remark(self.installation.engine, found, self.tally, self.strange))


def _wants_resync(found: Situation, now: datetime) -> bool:
    """Asked for, or due, or the first push goes where another synchronization of this person may have events."""
    row = found.row
    if row.resync_asked_at or row.rebuild_asked_at or (row.last_sync is None and found.shared):
        return True
    since = row.last_resync or row.created_at
    return due.resync_due(since, now, found.tenant.settings.resync_interval, row.id)
