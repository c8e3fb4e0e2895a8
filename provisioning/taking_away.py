"""Unlinks accepted together in one transaction, and sent after it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select
from sqlalchemy.orm import Session

from worker.installation import Installation
from worker.ledger import Synchronization, Unlink, UnlinkMode
from worker.unlinks import accept


def accept_all(session: Session, chosen: Select[Synchronization], mode: UnlinkMode, now: datetime) -> Sequence[Unlink]:
    """Take away every synchronization that `chosen` selects; of two calls at once, the second finds none left."""
    found = session.scalars(chosen.order_by(Synchronization.id).with_for_update(of=Synchronization)).all()
    return [accept(session, each, mode, now) for each in found]


def send(installation: Installation, accepted: Sequence[Unlink]) -> None:
    """After the commit: let a worker begin. What is not sent is found by the next sweep."""
    for each in accepted:
        if each.mode != UnlinkMode.UNLINK_ONLY:
            installation.queue.unlink(each.id, f"{each.username} → {each.type} {each.mode}")
