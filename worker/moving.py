"""A synchronization that goes on another way into its store, or under another address of its mailbox. It stays the
same one, with all it knows: its next run reads the calendar, meets its events by their marks, and writes none anew.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from worker import modules
from worker.ledger import Synchronization, User
from worker.situation import MOVED

AT_ONCE = timedelta(seconds=30)
"""A run wanted now is sent now, and is due after this: should the message be lost, the sweep finds it."""


def locked(session: Session, tenant_id: int, username: str) -> User | None:
    """The user, who stays until the transaction ends; of two that move their synchronizations, the second waits."""
    chosen = select(User).where(User.tenant_id == tenant_id, User.username == username)
    return session.scalar(chosen.with_for_update(key_share=True))


def continued(session: Session, user: User, kind: str, mailbox: str) -> Synchronization | None:
    """The synchronization that one of type `kind` with `mailbox` would only continue; locked, like its siblings.

    It is the one that writes to this mailbox another way; else the only one of the store whose mailbox is not found,
    for an address that is given anew is most likely that of a mailbox which was renamed. None if there is neither, or
    already the very one.
    """
    in_store = Synchronization.type.in_(modules.sharing(kind))
    chosen = select(Synchronization).where(Synchronization.user_id == user.id, in_store).order_by(Synchronization.id)
    rows = session.scalars(chosen.with_for_update(of=Synchronization)).all()
    here = [row for row in rows if row.mailbox == mailbox]
    if here:
        return None if any(row.type == kind for row in here) else here[0]
    gone = [row for row in rows if row.status == "MAILBOX_NOT_FOUND"]
    return gone[0] if len(gone) == 1 else None


def move(row: Synchronization, kind: str, mailbox: str, fields: Mapping[str, str]) -> None:
    """Let `row`, which is locked, go on as `kind` in `mailbox`, due at once. A run under way can record nothing more.

    A paused one stays paused.
    """
    row.validator = MOVED
    row.type, row.mailbox, row.fields = kind, mailbox, dict(fields)
    row.failures = 0
    row.due_at = func.clock_timestamp() + AT_ONCE
    if row.enabled:
        row.status, row.status_detail = "OK" if row.last_sync else "PENDING", ""
