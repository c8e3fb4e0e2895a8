"""An operator's word for a plan that is held: what it would take away, and letting exactly that reading pass."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, any_, func, literal, update
from sqlalchemy.orm import Session

from providers.base import Found, Marks
from schedules.plan import Known
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.mailbox import calendar
from worker.trial import trial


class NotHeldError(Exception):
    """There is nothing to release; the message says why and what to do."""


def held(row: Synchronization) -> bool:
    """Whether a plan of it waits. A run that failed since then has not decided anything."""
    return row.enabled and row.held_since is not None


def require(row: Synchronization) -> None:
    """Raises: NotHeldError."""
    if not row.enabled:
        raise NotHeldError("The synchronization is disabled; PATCH it with enabled=true first.")
    if not held(row):
        raise NotHeldError("The synchronization is not held; its runs carry out what they plan.")


def release(session: Session, idents: Sequence[int]) -> None:
    """Let the reading that holds each of these pass, if it comes again; they are due now. The caller commits."""
    # As one value: of many PostgreSQL takes 65,535.
    named = Synchronization.id == any_(literal(idents, ARRAY(BigInteger)))
    chosen = update(Synchronization).where(named, Synchronization.enabled, Synchronization.held_since.is_not(None))
    session.execute(chosen.values(released_reading=Synchronization.held_reading, due_at=func.clock_timestamp()))


def preview(installation: Installation, row: Synchronization, now: datetime) -> list[Found]:
    """What would leave the calendar if the held plan were released, by start; reads both sides and changes nothing.

    Raises: NotHeldError, also when the timetable is no longer the one that is held; ProviderError, SourceError.
    """
    require(row)
    made = trial(installation, row.id, now)
    if made is None or made.reading != row.held_reading:
        raise NotHeldError("The timetable has changed since it was held; the next run judges it anew.")
    tenant = installation.tenants[row.tenant_id]
    others = any(each.marked_by for each in made.plan.deletes)
    with calendar(tenant, row.type, row.user.username, row.fields) as provider:
        there = provider.find(Marks(tenant.settings.instance, None if others else str(row.id)))
    return _of(there, made.plan.deletes, str(row.id))


def _of(there: Sequence[Found], deletes: Sequence[Known], synchronization: str) -> list[Found]:
    """Those events that the deletes mean, by their ids; by their marks in a mailbox that was moved meanwhile."""
    ids = {each.ref.id for each in deletes if each.ref}
    marks = {(each.marked_by or synchronization, each.key) for each in deletes}
    by_id = [each for each in there if each.ref.id in ids]
    return by_id or [each for each in there if (each.mark.synchronization, each.mark.key) in marks]
