"""A person's other synchronizations with the same store. When two addresses lead to one mailbox, the one that comes
later writes to it and the other gives way.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from providers.base import Found, Unavailable
from schedules.plan import Known
from schedules.sameness import leads_here
from worker import known as rows
from worker.database import transaction
from worker.leases import Lease, Mailbox, lease
from worker.ledger import Synchronization
from worker.situation import Held, Situation, moved


@dataclass(frozen=True, slots=True)
class Sibling:
    """A synchronization that writes to the mailbox we hold, and what it knows; under its `lease` no run of it goes
    on.
    """

    row: Synchronization
    lease: Lease
    known: tuple[Known, ...]

    @property
    def mark(self) -> str:
        return str(self.row.id)

    def give_way(self, session: Session, to: int) -> None:
        """Pause it and let it forget its events, which synchronization `to` has now."""
        rows.forget(session, self.row.id, [each.key for each in self.known])
        paused = {
            "enabled": False,
            "status": "DISABLED",
            "status_detail": f"Synchronization {to} writes to this mailbox now; unlink this one with UNLINK_ONLY.",
            # Whoever resumes it has it begin anew, with a look at what stands there.
            "validator": None,
            "last_sync": None,
        }
        session.execute(update(Synchronization).where(Synchronization.id == self.row.id).values(**paused))


@contextmanager
def writing_here(held: Held, found: Situation, listed: Sequence[Found], now: datetime) -> Iterator[list[Sibling]]:
    """Those siblings whose mailbox is the one in which `listed` was read, each under its lease for the length of the
    block.

    Raises: Unavailable, while a run or an unlink of one of them is under way.
    """
    with ExitStack() as stack:
        here = (row for row in found.siblings if _leads_here(held, found, row, listed, now))
        yield [_taken(stack, held, row) for row in here]


def _leads_here(held: Held, found: Situation, row: Synchronization, listed: Sequence[Found], now: datetime) -> bool:
    one_way = row.type == found.row.type and not moved(found.tenant, row)
    return leads_here(_known(held, row), listed, str(row.id), now, by_id=one_way)


def _taken(stack: ExitStack, held: Held, row: Synchronization) -> Sibling:
    mailbox = Mailbox.of(row)
    taken = held.lease if mailbox == held.lease.mailbox else stack.enter_context(lease(held.engine, mailbox))
    if taken is None:
        raise Unavailable(f"Synchronization {row.id} leads to this mailbox too and writes to it now; this one follows.")
    return Sibling(row, taken, _known(held, row))


def _known(held: Held, row: Synchronization) -> tuple[Known, ...]:
    with transaction(held.engine) as session:
        return tuple(rows.load(session, row.id))
