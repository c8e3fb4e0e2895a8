"""Claims what is due and sends it. Any number of beats may ask for it at once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from worker import breaker, deferring, modules
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Run
from worker.queue import CLAIM, LONGEST_TASK, ROUTINE
from worker.slots import Group

BACKLOG = 2_000
"""Messages that may wait; what is claimed beyond what workers get done would only be claimed again."""
BEAT_KEY = "carillon:beat"
KEPT_DAYS = 30

# The groups take turns, one from each, so that however many of one are due, none stands before the others. Left out is
# whoever's mailbox is being emptied or written to: that message would only come back.
_CHOOSE = text("""
    SELECT id FROM (
        SELECT s.id, s.due_at, row_number() OVER (PARTITION BY s.tenant_id, s.type ORDER BY s.due_at) AS turn
        FROM synchronizations s
        WHERE s.enabled AND s.tenant_id = ANY(:tenants) AND (
            s.id = ANY(:probes) OR s.due_at <= now() AND NOT s.tenant_id || ':' || s.type = ANY(:away))
        AND NOT EXISTS (
            SELECT FROM unlinks u
            WHERE u.finished_at IS NULL AND u.tenant_id = s.tenant_id AND u.mailbox = s.mailbox
            AND coalesce(CAST(:stores AS jsonb) ->> u.type, u.type)
                = coalesce(CAST(:stores AS jsonb) ->> s.type, s.type))
        AND NOT EXISTS (
            SELECT FROM leases l
            WHERE l.expires_at > now() AND l.tenant_id = s.tenant_id AND l.mailbox = s.mailbox
            AND l.type = coalesce(CAST(:stores AS jsonb) ->> s.type, s.type))
        ) waiting
    ORDER BY turn, due_at LIMIT :limit
""")
# A probe need not be due: nobody but we ourselves told it to wait.
_CLAIM = text("""
    UPDATE synchronizations SET due_at = clock_timestamp() + make_interval(secs => :seconds)
    FROM users
    WHERE users.id = synchronizations.user_id AND synchronizations.id IN (
        SELECT id FROM synchronizations
        WHERE id = ANY(:chosen) AND enabled AND (due_at <= clock_timestamp() OR id = ANY(:probes))
        FOR UPDATE SKIP LOCKED)
    RETURNING synchronizations.id, users.username || ' → ' || synchronizations.type AS label, coalesce((
        SELECT generation FROM leases l
        WHERE l.tenant_id = synchronizations.tenant_id AND l.mailbox = synchronizations.mailbox
        AND l.type = coalesce(CAST(:stores AS jsonb) ->> synchronizations.type, synchronizations.type)), 0) AS taken
""")
_CLAIM_UNLINKS = text("""
    UPDATE unlinks SET due_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id IN (
        SELECT id FROM unlinks
        WHERE finished_at IS NULL AND due_at <= clock_timestamp() AND tenant_id = ANY(:tenants)
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, username || ' → ' || type || ' ' || mode
""")


def _now() -> datetime:
    return datetime.now(UTC)


def dispatch(installation: Installation, clock: Callable[[], datetime] = _now) -> dict[str, int]:
    """Send a task for everything that is due, the groups in turn. Claiming pushes it into the future, so that a lost
    message or a crash is by itself a retry. Of those whose server is away only a probe is sent, and of those whom a
    calendar schedule holds nothing; `clock` is for the schedules, and PostgreSQL's for what is due.
    """
    room = _room(installation)
    away, probes = _away(installation) if room else ([], [])
    given: dict[str, Any] = {"tenants": list(installation.tenants), "stores": json.dumps(modules.STORES), "limit": room}
    given |= {"away": [f"{tenant}:{kind}" for tenant, kind in away], "probes": probes}
    with transaction(installation.engine) as session:
        deferring.defer(session, installation.zones(), clock())
    with transaction(installation.engine) as session:
        # They go to another queue, and a full one of routine runs must not hold them up.
        unlinks = session.execute(_CLAIM_UNLINKS, given | {"seconds": LONGEST_TASK, "limit": BACKLOG}).all()
        chosen = session.scalars(_CHOOSE, given).all() if room else []
        claimed = session.execute(_CLAIM, given | {"seconds": CLAIM, "chosen": chosen}).all() if chosen else []
    sent = sum(installation.queue.unlink(ident, label) for ident, label in unlinks)
    turns = {ident: turn for turn, ident in enumerate(chosen)}
    for row in sorted(claimed, key=lambda row: turns[row.id]):
        sent += installation.queue.synchronize(row.id, row.label, claim=row.taken)
    return {"synchronizations": len(claimed), "unlinks": len(unlinks), "sent": sent}


def _room(installation: Installation) -> int:
    """How many messages may be added; leaves a sign of life for `/health` on the way."""
    try:
        installation.redis.set(BEAT_KEY, f"{datetime.now(UTC).timestamp():.0f}")
        waiting = installation.redis.llen(ROUTINE)
    except redis.RedisError:
        return 0
    return max(0, BACKLOG - int(waiting))


def _away(installation: Installation) -> tuple[list[Group], list[int]]:
    """The groups whose server does not answer, and whom to send to see whether it does again."""
    try:
        away = breaker.away(installation.redis, installation.groups())
        return away, breaker.probes(installation.redis, away)
    except redis.RedisError:
        return [], []


def prune(session: Session) -> int:
    """Forget the runs of more than KEPT_DAYS ago; the newest of each synchronization stays. The number of those that
    went.
    """
    newest = select(func.max(Run.id)).group_by(Run.synchronization_id).scalar_subquery()
    old = Run.started_at < func.now() - text(f"interval '{KEPT_DAYS} days'")
    return session.execute(delete(Run).where(old, Run.id.not_in(newest))).rowcount  # type: ignore[attr-defined,no-any-return]  # a cursor result has it
