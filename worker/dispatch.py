"""Claims what is due and sends it. Any number of beats may ask for it at once."""

import json
from datetime import UTC, datetime

import redis
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from worker import modules
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Run
from worker.queue import LONGEST_TASK, ROUTINE

BACKLOG = 2_000
"""Messages that may wait; what is claimed beyond what workers get done would only be claimed again."""
BEAT_KEY = "carillon:beat"
KEPT_DAYS = 30

_CLAIM_SYNCHRONIZATIONS = text("""
    UPDATE synchronizations SET due_at = clock_timestamp() + make_interval(secs => :seconds)
    FROM users
    WHERE users.id = synchronizations.user_id AND synchronizations.id IN (
        SELECT s.id FROM synchronizations s
        WHERE s.enabled AND s.due_at <= clock_timestamp() AND s.tenant_id = ANY(:tenants) AND NOT EXISTS (
            SELECT FROM unlinks u
            WHERE u.finished_at IS NULL AND u.tenant_id = s.tenant_id AND u.mailbox = s.mailbox
            AND coalesce(CAST(:stores AS jsonb) ->> u.type, u.type)
                = coalesce(CAST(:stores AS jsonb) ->> s.type, s.type))
        ORDER BY s.due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING synchronizations.id, users.username || ' → ' || synchronizations.type
""")
_CLAIM_UNLINKS = text("""
    UPDATE unlinks SET due_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id IN (
        SELECT id FROM unlinks
        WHERE finished_at IS NULL AND due_at <= clock_timestamp() AND tenant_id = ANY(:tenants)
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, username || ' → ' || type || ' ' || mode
""")


def dispatch(installation: Installation) -> dict[str, int]:
    """Send a task for everything that is due. Claiming pushes it LONGEST_TASK into the future, so that a crash is by
    itself a retry.
    """
    room = _room(installation)
    with transaction(installation.engine) as session:
        due = {"seconds": LONGEST_TASK, "limit": room, "tenants": list(installation.tenants)}
        stores = {"stores": json.dumps(modules.STORES)}
        # They go to another queue, and a full one of routine runs must not hold them up.
        unlinks = session.execute(_CLAIM_UNLINKS, due | {"limit": BACKLOG}).all()
        synchronizations = session.execute(_CLAIM_SYNCHRONIZATIONS, due | stores).all()
    sent = sum(installation.queue.unlink(ident, label) for ident, label in unlinks)
    sent += sum(installation.queue.synchronize(ident, label) for ident, label in synchronizations)
    return {"synchronizations": len(synchronizations), "unlinks": len(unlinks), "sent": sent}


def _room(installation: Installation) -> int:
    """How many messages may be added; leaves a sign of life for `/health` on the way."""
    try:
        installation.redis.set(BEAT_KEY, f"{datetime.now(UTC).timestamp():.0f}")
        waiting = installation.redis.llen(ROUTINE)
    except redis.RedisError:
        return 0
    return max(0, BACKLOG - int(waiting))


def prune(session: Session) -> int:
    """Forget the runs of more than KEPT_DAYS ago; the newest of each synchronization stays. The number of those that
    went.
    """
    newest = select(func.max(Run.id)).group_by(Run.synchronization_id).scalar_subquery()
    old = Run.started_at < func.now() - text(f"interval '{KEPT_DAYS} days'")
    return session.execute(delete(Run).where(old, Run.id.not_in(newest))).rowcount  # type: ignore[attr-defined,no-any-return]  # a cursor result has it
