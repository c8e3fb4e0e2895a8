"""What a message is still worth when it arrives: it may be late, come twice, or meet a run under way."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from worker import modules
from worker.ledger import Lease, Synchronization, Unlink


def overtaken(session: Session, row: Synchronization, claimed: int | None) -> bool:
    """Whether it was run since its mailbox's lease had come to `claimed`, which its message was sent at; None for a
    message that goes by what a person asked for, and is worth a run at any time.
    """
    return claimed is not None and generation(session, row) != claimed and alone(session, row)


def alone(session: Session, row: Synchronization) -> bool:
    """Whether nothing else writes to its mailbox, so that all that happens to the lease is its own doing."""
    types = modules.sharing(row.type)
    others = select(Synchronization.id).where(
        Synchronization.tenant_id == row.tenant_id,
        Synchronization.type.in_(types),
        Synchronization.mailbox == row.mailbox,
        Synchronization.id != row.id,
    )
    unlinks = select(Unlink.id).where(
        Unlink.tenant_id == row.tenant_id,
        Unlink.type.in_(types),
        Unlink.mailbox == row.mailbox,
        Unlink.finished_at.is_(None),
    )
    return not session.execute(select(or_(others.exists(), unlinks.exists()))).scalar()


def generation(session: Session, row: Synchronization) -> int:
    """How many times the mailbox's lease was taken."""
    here = (Lease.tenant_id == row.tenant_id, Lease.type == modules.store(row.type), Lease.mailbox == row.mailbox)
    return session.execute(select(Lease.generation).where(*here)).scalar() or 0
