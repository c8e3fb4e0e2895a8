"""What a run finds in the ledger when it starts, and what it leaves there when it ends."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select, union, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from providers.base import Window
from schedules import due
from schedules.guard import Hold
from schedules.plan import IN_DOUBT
from worker import known as rows
from worker import modules
from worker.database import transaction
from worker.effects import Effects, effects
from worker.installation import Installation
from worker.leases import Lease, LostLeaseError
from worker.ledger import Run, Synchronization, Unlink, UnlinkMode
from worker.settings import Tenant

_LEAVING = (UnlinkMode.UNLINK_ONLY, UnlinkMode.DELETE_FUTURE_EVENTS)

_WISHES = frozenset({"resync_asked_at", "rebuild_asked_at", "released_reading"})
"""Columns that a call sets and the run that fulfils it empties."""

MOVED = "moved"
"""The validator of a synchronization that goes on elsewhere, until a run there has come to its end."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A synchronization about to run.

    `states` counts its events by state: a run that finds nothing to do never loads them. `orphans` are the marks that
    this person's earlier unlinks left standing in mailboxes of this store, `siblings` the person's other
    synchronizations with it: a second address may lead to the same mailbox. `effects` are those of calendar schedules;
    `window` is of the moment at which the run began, and until the timetable was read, as it is configured.
    """

    row: Synchronization
    tenant: Tenant
    states: Mapping[str, int]
    orphans: frozenset[str]
    siblings: tuple[Synchronization, ...]
    unlinking: int | None
    effects: Effects
    window: Window

    @property
    def mark(self) -> str:
        return str(self.row.id)

    @property
    def wished(self) -> bool:
        """Whether an operator asked for a run of it: no calendar schedule holds that up."""
        return bool(self.row.resync_asked_at or self.row.rebuild_asked_at)

    @property
    def shared(self) -> bool:
        """Whether events of this person that carry another mark than ours may stand in the mailbox."""
        return bool(self.orphans or self.siblings)

    @property
    def hold(self) -> Hold | None:
        if self.row.held_since is None:
            return None
        return Hold(since=self.row.held_since, reading=self.row.held_reading or "", going=0, of=0)

    @property
    def in_doubt(self) -> bool:
        """Whether an outcome was not recorded."""
        return any(self.states.get(state) for state in IN_DOUBT)

    @property
    def moved(self) -> bool:
        """Whether the last whole run wrote somewhere else, or another way."""
        return moved(self.tenant, self.row)

    @property
    def carried_over(self) -> bool:
        """Whether it goes on another way or at another address: the same ids may be spelled otherwise there."""
        return self.row.validator == MOVED

    @property
    def validator(self) -> str | None:
        """The source's word for the reading last carried out whole; None if it was under other settings."""
        known, begins = self.row.validator or "", self.carried_out("")
        return known.removeprefix(begins) if known.startswith(begins) else None

    def reaching(self, end: datetime | None) -> "Situation":
        """The same once the source has read on to `end`, if it did: the window goes on to there, and never ends earlier
        than it would.
        """
        window = Window(self.window.start, max(self.window.end, end)) if end else self.window
        return replace(self, window=window)

    def carried_out(self, reading: str) -> str:
        """What to remember of a reading: where and under which settings it was carried out, beside what calendar
        schedules publish, and the source's word. The window is the one before that word, which tells how far it went.
        """
        published = [f"{ident} {changed_at.timestamp()}" for ident, changed_at in self.effects.published]
        beside = [f"{self.window.start} {self.window.end}", *published] if published else []
        under = _digest(self.tenant.settings.model_dump_json(), *beside)
        return f"{place(self.tenant, self.row)} {under} {reading}"


def place(tenant: Tenant, row: Synchronization) -> str:
    """Where a synchronization writes. What stands at another place than last time is not known before it was read."""
    provider = tenant.providers.get(row.type)
    return _digest(provider.model_dump_json() if provider else "", json.dumps(row.fields, sort_keys=True))


def moved(tenant: Tenant, row: Synchronization) -> bool:
    """Whether what the ledger knows of a synchronization was written at another place."""
    return row.validator is not None and not row.validator.startswith(f"{place(tenant, row)} ")


def situation(session: Session, installation: Installation, ident: int, now: datetime) -> Situation | None:
    """None if there is no such synchronization, it is disabled, or its tenant is no longer configured."""
    theirs = _of_person(session, ident)
    row = theirs.pop(ident, None)
    tenant = installation.tenants.get(row.tenant_id) if row else None
    if row is None or tenant is None or not row.enabled:
        return None
    unlinks = _unlinks(session, row)
    here = (each for each in unlinks if each.mailbox == row.mailbox and not each.finished_at)
    # Only this person's: somebody else may have left theirs in the same mailbox, and they are not ours to take over.
    left = (each for each in unlinks if each.mode in _LEAVING and each.username == row.user.username)
    return Situation(
        row,
        tenant,
        states=rows.states(session, ident),
        orphans=frozenset(str(each.synchronization_id) for each in left),
        siblings=tuple(each for each in theirs.values() if each.type in modules.sharing(row.type)),
        unlinking=next((each.id for each in here), None),
        effects=effects(session, row.tenant_id, row.user_id, now),
        window=_window(tenant, now),
    )


def _window(tenant: Tenant, now: datetime) -> Window:
    settings = tenant.settings
    return due.window(now, settings.window.past, settings.window.future, settings.time_zone)


def _unlinks(session: Session, row: Synchronization) -> Sequence[Unlink]:
    """Those of the mailbox that are not done, and all that this person has in the store."""
    in_store = (Unlink.tenant_id == row.tenant_id, Unlink.type.in_(modules.sharing(row.type)))
    unfinished = and_(Unlink.mailbox == row.mailbox, Unlink.finished_at.is_(None))
    chosen = select(Unlink).where(*in_store, or_(unfinished, Unlink.username == row.user.username))
    return session.scalars(chosen.order_by(Unlink.id)).all()


def marks_of_others(session: Session, row: Synchronization) -> set[str]:
    """The marks of what other people's synchronizations, present or unlinked, have in the mailbox of `row`."""
    here = (row.tenant_id, modules.sharing(row.type), row.mailbox)
    live = select(Synchronization.id).where(*_at(Synchronization, *here), Synchronization.user_id != row.user_id)
    left = select(Unlink.synchronization_id).where(*_at(Unlink, *here), Unlink.username != row.user.username)
    return {str(ident) for ident in session.scalars(union(live, left))}


def _at(table: type[Synchronization | Unlink], tenant_id: int, types: list[str], mailbox: str) -> tuple[Any, ...]:
    return table.tenant_id == tenant_id, table.type.in_(types), table.mailbox == mailbox


def _of_person(session: Session, ident: int) -> dict[int, Synchronization]:
    """The synchronization with all others of its person, in one query: every run begins with it."""
    person = select(Synchronization.user_id).where(Synchronization.id == ident).scalar_subquery()
    chosen = select(Synchronization).where(Synchronization.user_id == person).order_by(Synchronization.id)
    return {row.id: row for row in session.scalars(chosen)}


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Held:
    """A synchronization whose mailbox we hold, to be written to as `kind` of provider."""

    engine: Engine
    lease: Lease
    ident: int
    kind: str

    @contextmanager
    def transaction(self, beside: Mapping[int, Lease] | None = None) -> Iterator[Session]:
        """A transaction in which the mailbox is still ours, and the synchronization still there, not paused, and not
        moved to another mailbox or another way into it. `beside` are the leases, by id, of others that it changes: they
        are locked too, and none of them was moved to another mailbox.

        Raises: LostLeaseError.
        """
        same = (Synchronization.type == self.kind, Synchronization.mailbox == self.lease.mailbox.mailbox)
        there = select(Synchronization.id).where(Synchronization.id == self.ident, Synchronization.enabled, *same)
        with transaction(self.engine) as session:
            self.lease.renew(session)
            if beside:
                self._lock(session, beside)
            if session.execute(there.with_for_update(read=True)).scalar() is None:
                raise LostLeaseError
            yield session

    def _lock(self, session: Session, beside: Mapping[int, Lease]) -> None:
        for each in beside.values():
            each.renew(session)
        # Whoever changes several of a person's synchronizations locks them in this order, or two might wait for
        # each other.
        chosen = select(Synchronization.id, Synchronization.mailbox).where(
            Synchronization.id.in_([self.ident, *beside])
        )
        for ident, mailbox in session.execute(chosen.order_by(Synchronization.id).with_for_update()):
            if ident in beside and mailbox != beside[ident].mailbox.mailbox:
                raise LostLeaseError

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


def keep(session: Session, row: Synchronization, time: timedelta) -> None:
    """Let nobody claim the synchronization for `time`, whose run has begun, unless somebody asked for another run."""
    kept = (
        update(Synchronization)
        .where(Synchronization.id == row.id, Synchronization.due_at == row.due_at)
        .values(due_at=func.clock_timestamp() + time)
    )
    row.due_at = session.execute(kept.returning(Synchronization.due_at)).scalar() or row.due_at


def conclude(
    session: Session, before: Synchronization, values: dict[str, Any], wait: timedelta, run: Run | None
) -> None:
    """Record how a run ended; the next one is due in `wait`, by PostgreSQL's clock, for that is what claims go by.

    If somebody asked for another run meanwhile, the earlier of the two times stands, and so does what they wished for.
    """
    next_due = func.clock_timestamp() + wait
    untouched = Synchronization.due_at == before.due_at
    due_at = case((untouched, next_due), else_=func.least(Synchronization.due_at, next_due))
    for name in _WISHES & values.keys():
        wished = getattr(Synchronization, name)
        values[name] = case((wished == getattr(before, name), None), else_=wished)
    session.execute(update(Synchronization).where(Synchronization.id == before.id).values(due_at=due_at, **values))
    if run:
        session.add(run)
