"""What a run finds in the ledger when it starts, and what it leaves there when it ends."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from schedules.guard import Hold
from schedules.plan import Known
from worker import known as rows
from worker.database import transaction
from worker.installation import Installation
from worker.leases import Lease, LostLeaseError, Mailbox
from worker.ledger import Run, Synchronization, Unlink, UnlinkMode
from worker.settings import Tenant

_LEAVING = (UnlinkMode.UNLINK_ONLY, UnlinkMode.DELETE_FUTURE_EVENTS)


@dataclass(frozen=True, slots=True)
class Situation:
    """A synchronization about to run. `orphans` are the marks that finished unlinks of this mailbox left standing in
    it.
    """

    row: Synchronization
    tenant: Tenant
    known: list[Known]
    orphans: frozenset[str]
    unlinking: int | None

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.row.tenant_id, self.row.type, self.row.mailbox)

    @property
    def mark(self) -> str:
        return str(self.row.id)

    @property
    def hold(self) -> Hold | None:
        if self.row.held_since is None:
            return None
        return Hold(since=self.row.held_since, reading=self.row.held_reading or "", going=0, of=0)

    @property
    def context(self) -> str:
        """What else decides what is written: under another context an unchanged timetable proves nothing."""
        return hashlib.blake2b(self.tenant.settings.model_dump_json().encode(), digest_size=8).hexdigest()

    @property
    def validator(self) -> str | None:
        """The source's word for the reading that was last carried out whole, if it was carried out under the same
        settings.
        """
        context, _, validator = (self.row.validator or "").partition(" ")
        return validator if context == self.context else None


def situation(session: Session, installation: Installation, ident: int) -> Situation | None:
    """None if there is no such synchronization, it is disabled, or its tenant is no longer configured."""
    row = session.get(Synchronization, ident)
    tenant = installation.tenants.get(row.tenant_id) if row else None
    if row is None or tenant is None or not row.enabled:
        return None
    unlinks = session.execute(
        select(Unlink.id, Unlink.synchronization_id, Unlink.mode, Unlink.finished_at).where(
            Unlink.tenant_id == row.tenant_id, Unlink.type == row.type, Unlink.mailbox == row.mailbox
        )
    ).all()
    orphans = frozenset(
        str(unlink.synchronization_id) for unlink in unlinks if unlink.finished_at and unlink.mode in _LEAVING
    )
    unlinking = next((unlink.id for unlink in unlinks if not unlink.finished_at), None)
    return Situation(row, tenant, rows.load(session, ident), orphans, unlinking)


@dataclass(frozen=True, slots=True)
class Held:
    """A synchronization whose mailbox we hold."""

    engine: Engine
    lease: Lease
    ident: int

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction in which the mailbox is still ours and the synchronization is still there, until it ends.

        Raises: LostLeaseError.
        """
        there = select(Synchronization.id).where(Synchronization.id == self.ident)
        with transaction(self.engine) as session:
            self.lease.renew(session)
            if session.execute(there.with_for_update(read=True, key_share=True)).scalar() is None:
                raise LostLeaseError
            yield session

    def renew(self) -> None:
        """Raises: LostLeaseError."""
        with self.transaction():
            pass


def postpone(session: Session, ident: int, until: timedelta) -> None:
    """Let the synchronization be due no later than `until` from now."""
    soon = func.clock_timestamp() + until
    session.execute(
        update(Synchronization)
        .where(Synchronization.id == ident)
        .values(due_at=func.least(Synchronization.due_at, soon))
    )


def conclude(
    session: Session, before: Synchronization, values: dict[str, Any], next_due: datetime, run: Run | None
) -> None:
    """Record how a run ended. If somebody asked for another run meanwhile, the earlier of the two times stands."""
    untouched = Synchronization.due_at == before.due_at
    due_at = case((untouched, next_due), else_=func.least(Synchronization.due_at, next_due))
    if "resync_wanted" in values:
        values["resync_wanted"] = case((untouched, False), else_=Synchronization.resync_wanted)
    session.execute(update(Synchronization).where(Synchronization.id == before.id).values(due_at=due_at, **values))
    if run:
        session.add(run)
