"""Moving mailboxes from one way into a store to another one, mailbox by mailbox: tried first, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from providers.base import Marks
from schedules.sameness import leads_here
from worker import known as rows
from worker import modules, moving
from worker.database import transaction
from worker.ending import Report
from worker.installation import Installation
from worker.leases import Mailbox, lease
from worker.ledger import Synchronization
from worker.mailbox import calendar, target
from worker.synchronize import synchronize


class NotMovedError(Exception):
    """A synchronization stays as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How a mailbox looks from the other way in: events that stand by the ledger, that were found with their mark, and
    that were both.
    """

    known: int
    found: int
    adopted: int

    @property
    def missing(self) -> int:
        return self.known - self.adopted


def survey(installation: Installation, row: Synchronization, kind: str, now: datetime) -> Survey:
    """Try `kind` with the mailbox of `row`, and change nothing.

    Raises: NotMovedError, ProviderError.
    """
    tenant = installation.tenants[row.tenant_id]
    with transaction(installation.engine) as session:
        standing = [each for each in rows.load(session, row.id) if each.ref]
    ours = {str(row.id), *(each.marked_by for each in standing if each.marked_by)}
    with calendar(tenant, kind, row.user.username, row.fields) as provider:
        provider.check()
        listed = provider.find(Marks(tenant.settings.instance, None if len(ours) > 1 else str(row.id)))
    found = [each for each in listed if each.mark.synchronization in ours]
    keys = {each.mark.key for each in found}
    made = Survey(len(standing), len(found), sum(each.key in keys for each in standing))
    if standing and not leads_here(standing, listed, str(row.id), now, by_id=False):
        raise NotMovedError(
            f"{made.missing} of {made.known} events are not in the mailbox that {kind} opens: "
            "that is another one; move the mailbox itself first."
        )
    return made


def migrate(installation: Installation, row: Synchronization, kind: str, clock: Callable[[], datetime]) -> Report:
    """Move `row` to `kind` and run it; what the run did not finish, the daemon does.

    Raises: NotMovedError, TargetError.
    """
    held = Mailbox.of(row)
    with lease(installation.engine, held) as taken:
        if taken is None:
            raise NotMovedError("A run or an unlink writes to this mailbox now; call again when it has ended.")
        with transaction(installation.engine) as session:
            taken.renew(session)
            _move(session, row, kind)
    return synchronize(installation, row.id, clock, by_hand=True)


def _move(session: Session, before: Synchronization, kind: str) -> None:
    user = moving.locked(session, before.tenant_id, before.user.username)
    chosen = select(Synchronization).where(Synchronization.id == before.id, Synchronization.enabled)
    row = session.scalar(chosen.with_for_update(of=Synchronization))
    if user is None or row is None or (row.type, row.mailbox) != (before.type, before.mailbox):
        raise NotMovedError("It was changed meanwhile; call again.")
    mailbox = cast("modules.Target", target(kind, user.username, row.fields)).mailbox
    if moving.continued(session, user, kind, mailbox) is not row:
        raise NotMovedError(f"There is a synchronization of type {kind} with this mailbox already; unlink one of them.")
    moving.move(row, kind, mailbox, row.fields)
