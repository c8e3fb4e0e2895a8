"""Taking a synchronization away: accepted in one transaction, carried out by a durable job that can be resumed at every step."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from providers.base import Found
from worker.installation import Installation
from worker.ledger import Synchronization, Unlink, UnlinkMode

PENDING, RUNNING, RETRYING, DONE = "PENDING", "RUNNING", "RETRYING", "DONE"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an unlink would remove, sorted by start."""

    events: tuple[Found, ...]


def accept(session: Session, synchronization: Synchronization, mode: UnlinkMode, now: datetime) -> Unlink:
    """Record the unlink and take the synchronization out of the ledger; UNLINK_ONLY is done with that. The caller commits and then sends it."""
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


def preview(installation: Installation, synchronization: Synchronization, mode: UnlinkMode, now: datetime) -> Preview:
    """What `mode` would remove if it were accepted at `now`; reads the calendar and changes nothing.

    Raises: providers.base.ProviderError.
    """
    raise NotImplementedError
