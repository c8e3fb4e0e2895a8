"""A ledger that lost its events, or the very synchronizations, learns them from the calendars: each is read back, and
what carries our instance's mark is taken for what it is before anything is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, any_, func, literal, update
from sqlalchemy.orm import Session

from providers.base import Marks
from worker import known as rows
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.mailbox import calendar
from worker.situation import marks_of_others


@dataclass(frozen=True, slots=True)
class Survey:
    """How many events stand by the ledger, how many stand in the calendar with a mark that a rebuild takes for theirs,
    and how many of those carry the number of another synchronization.
    """

    known: int
    found: int
    renumbered: int


def ask(session: Session, idents: Sequence[int], now: datetime) -> None:
    """Have these rebuilt by their next runs, which are due now, or once they are paused no more. The caller commits."""
    # As one value: of many PostgreSQL takes 65,535.
    chosen = update(Synchronization).where(Synchronization.id == any_(literal(idents, ARRAY(BigInteger))))
    session.execute(chosen.values(rebuild_asked_at=now, due_at=func.clock_timestamp()))


def survey(installation: Installation, row: Synchronization) -> Survey:
    """What a rebuild would meet. Reads the calendar and changes nothing. Raises: ProviderError."""
    tenant = installation.tenants[row.tenant_id]
    with transaction(installation.engine) as session:
        standing = sum(each.ref is not None for each in rows.load(session, row.id))
        others = marks_of_others(session, row)
    with calendar(tenant, row.type, row.user.username, row.fields) as provider:
        listed = provider.find(Marks(tenant.settings.instance))
    marks = [each.mark.synchronization for each in listed if each.mark.synchronization not in others]
    return Survey(standing, len(marks), sum(mark != str(row.id) for mark in marks))
