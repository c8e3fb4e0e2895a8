"""What a run finds in the ledger when it starts, and what it leaves there when it ends."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from schedules.guard import Hold
from schedules.plan import IN_DOUBT
from worker import known as rows
from worker.database import transaction
from worker.installation import Installation
from worker.leases import Lease, LostLeaseError, Mailbox
from worker.ledger import Run, Synchronization, Unlink, UnlinkMode
from worker.settings import Tenant

_LEAVING = (UnlinkMode.UNLINK_ONLY, UnlinkMode.DELETE_FUTURE_EVENTS)


@dataclass(frozen=True, slots=True)
class Situation:
    """A synchronization about to run.

    `states` counts its events by state: a run that finds nothing to do never loads them. `orphans` are the marks that
    this person's earlier unlinks left standing in the mailbox.
    """

    row: Synchronization
    tenant: Tenant
    states: Mapping[str, int]
    orphans: frozenset[str]
    unlinking: int | None

    @property
    def mark(self) -> str:
        return str(self.row.id)

    @property
    def hold(self) -> Hold | None:
        if self.row.held_since is None:
            return None
        return Hold(since=self.row.held_since, reading=self.row.held_reading or "", going=0, of=0)

    @property
    def place(self) -> str:
        """Where we write. What stands at another place than last time is not known before it was read."""
        provider = self.tenant.providers.get(self.row.type)
        return _digest(provider.model_dump_json() if provider else "", json.dumps(self.row.fields, sort_keys=True))

    @property
    def in_doubt(self) -> bool:
        """Whether an outcome was not recorded."""
        return any(self.states.get(state) for state in IN_DOUBT)

    @property
    def moved(self) -> bool:
        """Whether the last whole run wrote somewhere else."""
        return self.row.validator is not None and not self.row.validator.startswith(f"{self.place} ")

    @property
    def validator(self) -> str | None:
        """The source's word for the reading last carried out whole; None if it was under other settings."""
        known, begins = self.row.validator or "", self.carried_out("")
        return known.removeprefix(begins) if known.startswith(begins) else None

    def carried_out(self, reading: str) -> str:
        """What to remember of a reading: where and under which settings it was carried out, and the source's word."""
        return f"{self.place} {_digest(self.tenant.settings.model_dump_json())} {reading}"


def situation(session: Session, installation: Installation, ident: int) -> Situation | None:
    """None if there is no such synchronization, it is disabled, or its tenant is no longer configured."""
    row = session.get(Synchronization, ident)
    tenant = installation.tenants.get(row.tenant_id) if row else None
    if row is None or tenant is None or not row.enabled:
        return None
    of_mailbox = (Unlink.tenant_id == row.tenant_id, Unlink.type == row.type, Unlink.mailbox == row.mailbox)
    unlinks = session.scalars(select(Unlink).where(*of_mailbox)).all()
    unlinking = next((unlink.id for unlink in unlinks if not unlink.finished_at), None)
    # Only this person's: somebody else may have left theirs in the same mailbox, and they are not ours to take over.
    left = (each for each in unlinks if each.mode in _LEAVING and each.username == row.user.username)
    orphans = frozenset(str(each.synchronization_id) for each in left)
    return Situation(row, tenant, rows.states(session, ident), orphans, unlinking)


def mailbox_of(session: Session, ident: int) -> Mailbox | None:
    """What a run of this synchronization takes a lease on; None if there is no such synchronization."""
    columns = (Synchronization.tenant_id, Synchronization.type, Synchronization.mailbox)
    found = session.execute(select(*columns).where(Synchronization.id == ident)).one_or_none()
    return Mailbox(*found) if found else None


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Held:
    """A synchronization whose mailbox we hold."""

    engine: Engine
    lease: Lease
    ident: int

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction in which the mailbox is still ours and the synchronization still there and not paused.

        Raises: LostLeaseError.
        """
        there = select(Synchronization.id).where(Synchronization.id == self.ident, Synchronization.enabled)
        with transaction(self.engine) as session:
            self.lease.renew(session)
            if session.execute(there.with_for_update(read=True)).scalar() is None:
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
    session: Session, before: Synchronization, values: dict[str, Any], wait: timedelta, run: Run | None
) -> None:
    """Record how a run ended; the next one is due in `wait`, by PostgreSQL's clock, for that is what claims go by.

    If somebody asked for another run meanwhile, the earlier of the two times stands, and so does a wish for a resync.
    """
    next_due = func.clock_timestamp() + wait
    untouched = Synchronization.due_at == before.due_at
    due_at = case((untouched, next_due), else_=func.least(Synchronization.due_at, next_due))
    if "resync_asked_at" in values:
        asked = Synchronization.resync_asked_at
        values["resync_asked_at"] = case((asked == before.resync_asked_at, None), else_=asked)
    session.execute(update(Synchronization).where(Synchronization.id == before.id).values(due_at=due_at, **values))
    if run:
        session.add(run)
