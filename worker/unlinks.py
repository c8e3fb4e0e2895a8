"""Taking a synchronization away: accepted in one transaction, carried out by a durable job that can be resumed at
every step.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from providers.base import (
    CalendarGone,
    Delete,
    Done,
    EventError,
    Found,
    MailboxGone,
    Marks,
    Provider,
    ProviderError,
    Rejected,
    Unavailable,
)
from schedules.retry import decide, turn
from worker import modules, verdicts
from worker.database import transaction
from worker.edge import attempt
from worker.ending import WAITS
from worker.installation import Installation
from worker.leases import Lease, LostLeaseError, Mailbox, lease
from worker.ledger import Event, Synchronization, Unlink, UnlinkMode
from worker.limits import NotNowError, allowance
from worker.mailbox import calendar
from worker.push import batches
from worker.settings import Tenant
from worker.slots import again

PENDING, RUNNING, RETRYING, DONE = "PENDING", "RUNNING", "RETRYING", "DONE"
BUSY = timedelta(seconds=5)
RHYTHM = timedelta(minutes=15)
"""What the waits between two attempts grow from."""

PATIENCE = 25
"""Attempts, over about five days, until a mailbox that is not there counts as gone with everything in it."""

REFUSALS = 3
"""Attempts until an event that its server will not let go stays, and the unlink ends without it."""

_log = logging.getLogger("carillon.unlink")


@dataclass(frozen=True, slots=True)
class UnlinkReport:
    """How far an unlink has come, as Flower shows it."""

    state: str
    mode: str = ""
    found: int = 0
    removed: int = 0
    remaining: int = 0
    detail: str = ""


def accept(session: Session, synchronization: Synchronization, mode: UnlinkMode, now: datetime) -> Unlink:
    """Record the unlink and take the synchronization out of the ledger; UNLINK_ONLY is done with that. The caller
    commits, then sends it.
    """
    unlink = Unlink(
        tenant_id=synchronization.tenant_id,
        synchronization_id=synchronization.id,
        username=synchronization.user.username,
        type=synchronization.type,
        mailbox=synchronization.mailbox,
        fields=synchronization.fields,
        mode=mode.value,
        cutoff=now,
        state=PENDING,
    )
    if mode is UnlinkMode.UNLINK_ONLY:
        unlink.state, unlink.finished_at = DONE, now
    session.add(unlink)
    session.delete(synchronization)
    session.flush()
    return unlink


def going(found: Sequence[Found], mode: UnlinkMode, cutoff: datetime) -> list[Found]:
    """Those of the events found that `mode` removes. What has begun is not in the future."""
    if mode is UnlinkMode.UNLINK_ONLY:
        return []
    if mode is UnlinkMode.DELETE_FUTURE_EVENTS:
        return [each for each in found if each.start > cutoff]
    return list(found)


def marks(instance: str, synchronization_id: int, mode: UnlinkMode) -> Marks:
    """What to look for: CLEANUP takes the whole instance's, every other mode this synchronization's."""
    return Marks(instance, None if mode is UnlinkMode.CLEANUP else str(synchronization_id))


def preview(
    installation: Installation, synchronization: Synchronization, mode: UnlinkMode, now: datetime
) -> list[Found]:
    """What `mode` would remove if it were accepted at `now`, by start; reads the calendar and changes nothing.

    Raises: providers.base.ProviderError.
    """
    if mode is UnlinkMode.UNLINK_ONLY:
        return []
    tenant = installation.tenants[synchronization.tenant_id]
    username = synchronization.user.username
    with calendar(tenant, synchronization.type, username, synchronization.fields) as provider:
        found = provider.find(marks(tenant.settings.instance, synchronization.id, mode))
    return going(found, mode, now)


def carry_out(installation: Installation, ident: int, clock: Callable[[], datetime]) -> UnlinkReport:
    """Go on with an unlink, if it is not done and nobody else writes to the mailbox. Whatever goes wrong becomes a
    recorded state.
    """
    with transaction(installation.engine) as session:
        row = session.get(Unlink, ident)
    if row is None or row.finished_at:
        return UnlinkReport(row.state if row else "GONE")
    tenant = installation.tenants.get(row.tenant_id)
    if tenant is None:
        return UnlinkReport("GONE", detail="its tenant is not in carillon.toml any more")
    with installation.slots.seat((row.tenant_id, row.type)) as seated:
        if not seated:
            full = f"runs for {row.type} hold all the slots that they may hold here"
            return _later(installation, row, again(ident), "FULL", full)
        with lease(installation.engine, Mailbox.of(row)) as held:
            if held is None:
                return _later(installation, row, BUSY, "BUSY", "a run writes to this mailbox")
            return _Job(installation, tenant, row, held, clock).report()


def _later(installation: Installation, row: Unlink, wait: timedelta, state: str, detail: str) -> UnlinkReport:
    with transaction(installation.engine) as session:
        _set(session, row.id, due_at=func.clock_timestamp() + wait)
    return UnlinkReport(state, row.mode, detail=detail)


class _Job:
    """An unlink under a lease."""

    def __init__(
        self, installation: Installation, tenant: Tenant, row: Unlink, held: Lease, clock: Callable[[], datetime]
    ) -> None:
        self.installation = installation
        self.engine = installation.engine
        self.tenant = tenant
        self.ident = row.id
        self.group = (row.tenant_id, row.type)
        self.allowance = allowance(installation, row)
        self.lease = held
        self.clock = clock

    def report(self) -> UnlinkReport:
        with transaction(self.engine) as session:
            row = session.get_one(Unlink, self.ident)
        if row.finished_at:
            return UnlinkReport(row.state, row.mode, row.found, row.removed)
        try:
            return self._attempt(row)
        except LostLeaseError:
            return UnlinkReport("LOST", row.mode, detail="another worker took this mailbox over")

    def _run(self, row: Unlink) -> None:
        mode = UnlinkMode(row.mode)
        looked_for = marks(self.tenant.settings.instance, row.synchronization_id, mode)
        with calendar(self.tenant, row.type, row.username, row.fields) as provider:
            try:
                self.allowance.take(1)
                found = going(provider.find(looked_for), mode, row.cutoff)
            except CalendarGone:
                found = []  # with the calendar went all that stood in it
            self._count(state=RUNNING, found=row.removed + len(found), remaining=len(found))
            self._remove(provider, found, row.removed)

    def _remove(self, provider: Provider, found: Sequence[Found], removed: int) -> None:
        """Delete what was found, and count after every batch. An event that was changed meanwhile is left to the next
        attempt.
        """
        left = len(found)
        errors: list[ProviderError] = []
        for batch in batches(found, provider.capabilities.batch):
            self.allowance.take(len(batch))
            outcomes = provider.push([Delete(each.mark, each.ref) for each in batch])
            gone = sum(isinstance(outcome, Done) for outcome in outcomes)
            left, removed = left - gone, removed + gone
            self._count(removed=removed, remaining=left)
            errors += [outcome for outcome in outcomes if not isinstance(outcome, Done)]
            if any(not isinstance(error, EventError) for error in errors):
                break
        _raise(errors, left)

    def _count(self, **values: Any) -> None:
        with transaction(self.engine) as session:
            self.lease.renew(session)
            _set(session, self.ident, **values)

    def _attempt(self, row: Unlink) -> UnlinkReport:
        try:
            error = attempt(lambda: self._run(row), _log, self.ident)
        except NotNowError as told:
            # Nothing failed: the server's limits let it go on later.
            self._count(due_at=func.clock_timestamp() + turn(told.wait, self.ident))
            return UnlinkReport("WAITING", row.mode, detail=WAITS)
        return self._end(error)

    def _end(self, error: Exception | None) -> UnlinkReport:
        now = self.clock()
        self.allowance.heed(error)
        verdicts.note(self.installation, self.group, error, now, read=False, asked=self.allowance.used)
        with transaction(self.engine) as session:
            self.lease.renew(session)
            row = session.get_one(Unlink, self.ident)
            if _given_up(error, row.failures):
                row.state, row.error, row.finished_at = DONE, f"Given up: {error}", now
                _wake(session, row)
            elif error:
                decision = decide(error, row.failures, now, RHYTHM, self.ident)
                row.state, row.error, row.failures = RETRYING, decision.detail, decision.failures
                _set(session, self.ident, due_at=func.clock_timestamp() + (decision.due_at - now))
            else:
                row.state, row.error, row.finished_at = DONE, "", now
                _wake(session, row)
        _log.info(
            "unlink id=%d mode=%s state=%s found=%d removed=%d", row.id, row.mode, row.state, row.found, row.removed
        )
        return UnlinkReport(row.state, row.mode, row.found, row.removed, row.remaining, row.error)


def _raise(errors: Sequence[ProviderError], left: int) -> None:
    """Raise what kept `left` events from going: what concerns all of them first, a refusal of single ones last."""
    for error in errors:
        if not isinstance(error, EventError):
            raise error
    for error in errors:
        if not isinstance(error, Rejected):
            raise Unavailable(f"{left} event(s) could not be removed yet: {error}") from error
    for error in errors:
        raise Rejected(f"{left} event(s) were left standing: {error}") from error


def _given_up(error: Exception | None, failures: int) -> bool:
    """Whether no further attempt would help, after so many failures in a row."""
    return (isinstance(error, MailboxGone) and failures >= PATIENCE) or (
        isinstance(error, Rejected) and failures >= REFUSALS
    )


def _wake(session: Session, done: Unlink) -> None:
    """Synchronizations of this mailbox have waited. After a CLEANUP nothing of theirs stands: they begin anew."""
    same = (
        Synchronization.tenant_id == done.tenant_id,
        Synchronization.type.in_(modules.sharing(done.type)),
        Synchronization.mailbox == done.mailbox,
    )
    values: dict[str, Any] = {"due_at": func.clock_timestamp()}
    if done.mode == UnlinkMode.CLEANUP:
        values |= {"validator": None, "last_sync": None}
        session.execute(delete(Event).where(Event.synchronization_id.in_(select(Synchronization.id).where(*same))))
    session.execute(update(Synchronization).where(*same).values(**values))


def _set(session: Session, ident: int, **values: Any) -> None:
    session.execute(update(Unlink).where(Unlink.id == ident).values(**values))
