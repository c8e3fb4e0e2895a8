"""How much there is to do and how it goes, counted in the ledger: one query for each question."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from worker.ledger import Synchronization, Unlink

LATE_SECONDS = 300
"""What has been due for longer than that is late: a sweep comes every five seconds."""


@dataclass(frozen=True, slots=True)
class Share:
    """The synchronizations of one tenant, type and status: how many, and how many of them are due and late now."""

    tenant_id: int
    type: str
    status: str
    number: int
    due: int
    late: int


def synchronizations(session: Session) -> Iterator[Share]:
    """All there are, by tenant, type and status. By PostgreSQL's clock, as claims go."""
    row = Synchronization
    due = row.enabled & (row.due_at <= func.now())
    late = row.enabled & (row.due_at <= func.now() - text(f"interval '{LATE_SECONDS} seconds'"))
    counts = (func.count(), func.count().filter(due), func.count().filter(late))
    by = (row.tenant_id, row.type, row.status)
    for found in session.execute(select(*by, *counts).group_by(*by).order_by(*by)):
        yield Share(*found)


def open_unlinks(session: Session) -> list[tuple[int, str, int]]:
    """Tenant, type and how many are not done."""
    by = (Unlink.tenant_id, Unlink.type)
    chosen = select(*by, func.count()).where(Unlink.finished_at.is_(None)).group_by(*by).order_by(*by)
    return [(tenant_id, kind, number) for tenant_id, kind, number in session.execute(chosen)]
