"""Who may write to a mailbox. PostgreSQL's clock alone decides, and a generation number keeps a late worker from
recording anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from worker import modules
from worker.database import transaction
from worker.ledger import Synchronization, Unlink

SECONDS = 120
"""How long a mailbox stays taken after a worker died; far above the timeout of one call to a provider, and renewed
before each.
"""

_TAKE = text("""
    INSERT INTO leases (tenant_id, type, mailbox, generation, expires_at)
    VALUES (:tenant_id, :type, :mailbox, 1, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (tenant_id, type, mailbox) DO UPDATE
    SET generation = leases.generation + 1, expires_at = excluded.expires_at
    WHERE leases.expires_at < clock_timestamp()
    RETURNING generation
""")
_RENEW = text("""
    UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE tenant_id = :tenant_id AND type = :type AND mailbox = :mailbox AND generation = :generation
""")
_GIVE_BACK = text("""
    UPDATE leases SET expires_at = '-infinity'
    WHERE tenant_id = :tenant_id AND type = :type AND mailbox = :mailbox AND generation = :generation
""")


class LostLeaseError(Exception):
    """Somebody else may be writing to the mailbox by now: record nothing, send nothing more."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What a lease is taken on: whichever way leads into the store, one at a time writes to it."""

    tenant_id: int
    store: str
    mailbox: str

    @classmethod
    def of(cls, row: Synchronization | Unlink) -> "Mailbox":
        return cls(row.tenant_id, modules.store(row.type), row.mailbox)


@dataclass(frozen=True, slots=True)
class Lease:
    mailbox: Mailbox
    generation: int

    def renew(self, session: Session) -> None:
        """Hold the mailbox for SECONDS more, and lock the lease until the transaction ends.

        Everything recorded under a lease begins with this. A lease that ran out and that nobody took is still ours: the
        generation tells, and a run on a slow server comes to its end.

        Raises: LostLeaseError.
        """
        if not session.execute(
            _RENEW, {**_names(self.mailbox), "generation": self.generation, "seconds": SECONDS}
        ).rowcount:  # type: ignore[attr-defined]  # a cursor result has it
            raise LostLeaseError


@contextmanager
def lease(engine: Engine, mailbox: Mailbox) -> Iterator[Lease | None]:
    """The mailbox for the length of the block, or None: somebody has it."""
    with transaction(engine) as session:
        generation = session.execute(_TAKE, {**_names(mailbox), "seconds": SECONDS}).scalar()
    if generation is None:
        yield None
        return
    try:
        yield Lease(mailbox, generation)
    finally:
        with transaction(engine) as session:
            session.execute(_GIVE_BACK, {**_names(mailbox), "generation": generation})


def _names(mailbox: Mailbox) -> dict[str, object]:
    return {"tenant_id": mailbox.tenant_id, "type": mailbox.store, "mailbox": mailbox.mailbox}
