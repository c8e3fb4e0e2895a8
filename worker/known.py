"""The rows of one synchronization's events, read into and written from the values that `schedules` plans with."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from providers.base import Ref
from schedules.plan import Known
from worker.ledger import Event

_ROWS = Event.__table__.c
_COLUMNS = (
    _ROWS.key,
    _ROWS.generation,
    _ROWS.state,
    _ROWS.fingerprint,
    _ROWS.activity,
    _ROWS.starts_at,
    _ROWS.remote_id,
    _ROWS.version,
    _ROWS.marked_by,
    _ROWS.merge,
)


def load(session: Session, synchronization_id: int) -> list[Known]:
    """Every row there is, in the order of their keys."""
    found = session.execute(
        select(*_COLUMNS).where(_ROWS.synchronization_id == synchronization_id).order_by(_ROWS.key)
    ).all()
    return [
        Known(
            key=key,
            generation=generation,
            fingerprint=fingerprint,
            activity=activity,
            start=starts_at,
            ref=None if remote_id is None else Ref(remote_id, version),
            state=state,
            merge=merge,
            marked_by=marked_by,
        )
        for key, generation, state, fingerprint, activity, starts_at, remote_id, version, marked_by, merge in found
    ]


def states(session: Session, synchronization_id: int) -> dict[str, int]:
    """How many rows there are in each state."""
    counted = select(_ROWS.state, func.count()).where(_ROWS.synchronization_id == synchronization_id)
    return {state: number for state, number in session.execute(counted.group_by(_ROWS.state))}  # noqa: C416 - rows, not pairs


def replace(session: Session, synchronization_id: int, before: Iterable[Known], after: Iterable[Known]) -> None:
    """Bring the rows from `before` to `after`; only what differs is written."""
    old = {known.key: known for known in before}
    new = {known.key: known for known in after}
    forget(session, synchronization_id, old.keys() - new.keys())
    save(session, synchronization_id, [known for key, known in new.items() if old.get(key) != known])


def save(session: Session, synchronization_id: int, rows: Sequence[Known]) -> None:
    """Make or overwrite the rows of these keys."""
    if not rows:
        return
    statement = insert(Event)
    overwritten = {column.name: statement.excluded[column.name] for column in _COLUMNS if column.name != "key"}
    session.execute(
        statement.on_conflict_do_update(index_elements=["synchronization_id", "key"], set_=overwritten),
        [_row(synchronization_id, known) for known in rows],
    )


def forget(session: Session, synchronization_id: int, keys: Iterable[str]) -> None:
    """Drop the rows of these keys."""
    gone = list(keys)
    if gone:
        session.execute(delete(Event).where(_ROWS.synchronization_id == synchronization_id, _ROWS.key.in_(gone)))


def _row(synchronization_id: int, known: Known) -> dict[str, Any]:
    return {
        "synchronization_id": synchronization_id,
        "key": known.key,
        "generation": known.generation,
        "state": known.state,
        "fingerprint": known.fingerprint,
        "activity": known.activity,
        "starts_at": known.start,
        "remote_id": known.ref and known.ref.id,
        "version": known.ref and known.ref.version,
        "marked_by": known.marked_by,
        "merge": known.merge,
    }
