"""Who is due and held by a calendar schedule waits for its end, without a message to a worker."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ARRAY, BigInteger, DateTime, Text, bindparam, text
from sqlalchemy.orm import Session

from worker import holds
from worker.calendar_tables import level
from worker.effects import FOR_A_PERSON, Until

PACE = 20
"""How many people a second a change of their schedules makes due."""

# The people of what holds now, who are due. What an operator asked for is not held up.
_HELD = text("""
    WITH holding AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:holding AS jsonb))
            AS held (tenant_id bigint, group_id bigint, user_id bigint, until timestamptz)
    ), due AS MATERIALIZED (
        SELECT id, user_id, tenant_id FROM synchronizations
        WHERE enabled AND due_at <= clock_timestamp() AND tenant_id = ANY(:tenants)
        AND resync_asked_at IS NULL AND rebuild_asked_at IS NULL
    ), found AS (
        SELECT d.id, h.until, h.group_id, h.user_id FROM due d JOIN holding h USING (tenant_id)
        WHERE h.group_id IS NULL AND h.user_id IS NULL
        UNION ALL
        SELECT d.id, h.until, h.group_id, h.user_id
        FROM due d JOIN memberships m ON m.user_id = d.user_id JOIN holding h ON h.group_id = m.group_id
        UNION ALL
        SELECT d.id, h.until, h.group_id, h.user_id FROM due d JOIN holding h ON h.user_id = d.user_id
    ), longest AS (
        SELECT DISTINCT ON (id) id, until, group_id, user_id FROM found ORDER BY id, until DESC
    )
    SELECT s.id, s.tenant_id, longest.until, longest.group_id, longest.user_id
    FROM longest JOIN synchronizations s USING (id)
    WHERE s.enabled AND s.due_at <= clock_timestamp() ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
""")
_DEFER = text("""
    UPDATE synchronizations s
    SET status = CASE WHEN s.status = ANY(:for_a_person) THEN s.status ELSE 'HELD' END,
        status_detail = held.detail, due_at = held.until, deferred_until = held.until
    FROM unnest(:idents, :untils, :details) AS held (id, until, detail) WHERE s.id = held.id
""").bindparams(
    bindparam("for_a_person", value=sorted(FOR_A_PERSON), type_=ARRAY(Text)),
    bindparam("idents", type_=ARRAY(BigInteger)),
    bindparam("untils", type_=ARRAY(DateTime(timezone=True))),
    bindparam("details", type_=ARRAY(Text)),
)
# Whoever is at it just now learns of a change in the next run, and who is due earlier anyway is not written to.
_WAKE = """
    UPDATE synchronizations s SET due_at = now() + make_interval(secs => turn)
    FROM (
        SELECT id, (row_number() OVER (ORDER BY id) - 1) / CAST(:pace AS float) AS turn FROM (
            SELECT s.id FROM synchronizations s
            WHERE s.enabled AND s.failures = 0 AND {concerned}
            ORDER BY s.id FOR UPDATE SKIP LOCKED
        ) found
    ) woken WHERE s.id = woken.id AND s.due_at > now() + make_interval(secs => turn)
"""
_WHOSE = {
    "tenant": text(_WAKE.format(concerned="s.tenant_id = :parent")),
    "group": text(
        _WAKE.format(concerned="s.user_id IN (SELECT user_id FROM memberships WHERE group_id = :parent)"),
    ),
    "user": text(_WAKE.format(concerned="s.user_id = :parent")),
}
_MEMBERS = text(
    _WAKE.format(
        concerned="""s.user_id = ANY(:people) AND EXISTS (
            SELECT FROM calendar_schedules c WHERE c.group_id = :parent AND c.effect <> 'none')"""
    )
)
_WAITING = text("""
    SELECT id, user_id, deferred_until FROM synchronizations
    WHERE enabled AND deferred_until IS NOT NULL AND due_at > clock_timestamp()
""")
_FREE = text("""
    UPDATE synchronizations SET due_at = clock_timestamp()
    WHERE id = ANY(:idents) AND enabled AND deferred_until IS NOT NULL
""").bindparams(bindparam("idents", type_=ARRAY(BigInteger)))


def defer(session: Session, zones: Mapping[int, ZoneInfo], now: datetime) -> int:
    """Let everybody of these tenants who is due and held wait until the hold's end; how many. `now` is for the
    schedules; who is due goes by PostgreSQL's clock, as claims do.
    """
    holding = holds.scopes(session, now)
    given = {"tenants": list(zones), "holding": orjson.dumps(holding).decode()}
    found = session.execute(_HELD, given).all() if holding else []
    if found:
        told = [Until(row.until, level(row.group_id, row.user_id)).sentence(zones[row.tenant_id]) for row in found]
        deferred: dict[str, Any] = {"idents": [row.id for row in found], "untils": [row.until for row in found]}
        session.execute(_DEFER, deferred | {"details": told})
    return len(found)


def wake(session: Session, tenant_id: int, group_id: int | None, user_id: int | None) -> None:
    """Make the people due whom a change of a schedule concerns, PACE a second; not those whose runs fail."""
    if user_id is not None:
        whose, parent = "user", user_id
    else:
        whose, parent = ("tenant", tenant_id) if group_id is None else ("group", group_id)
    session.execute(_WHOSE[whose], {"parent": parent, "pace": PACE})


def wake_members(session: Session, group_id: int, user_ids: Sequence[int]) -> None:
    """The same of people who have come to a group or left it, if it has a schedule with an effect."""
    if user_ids:
        session.execute(_MEMBERS, {"parent": group_id, "people": list(user_ids), "pace": PACE})


def free(session: Session, now: datetime) -> int:
    """Make everybody due who waits for the end of a hold that is there no more, as when a membership ended, or longer
    than anything holds them now; how many those are.
    """
    waiting = session.execute(_WAITING).all()
    held = holds.people(session, {row.user_id for row in waiting}, now) if waiting else {}
    idents = [row.id for row in waiting if row.deferred_until > held.get(row.user_id, now)]
    session.execute(_FREE, {"idents": idents})
    return len(idents)
