"""Whether a plan must wait: for a second equal reading, or where a whole tenant is held, for an operator's word."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from schedules.guard import Hold, Limits, guard
from schedules.plan import Known, Plan
from schedules.wanted import Wanted
from worker.database import transaction
from worker.situation import Situation

# The number of all is known from one small table; the events are asked of no more calendars than can make a difference.
_TENANT_HELD = text("""
    SELECT CASE
        WHEN held < :floor THEN false
        WHEN held > CAST(:share AS float) * (
            SELECT count(*) FROM synchronizations WHERE tenant_id = :tenant AND enabled
        ) THEN true
        ELSE held > CAST(:share AS float) * (
            SELECT count(*) FROM (
                SELECT FROM synchronizations s WHERE s.tenant_id = :tenant AND s.enabled
                AND EXISTS (SELECT FROM events e WHERE e.synchronization_id = s.id)
                LIMIT CAST(held / CAST(:share AS float) AS bigint) + 1
            ) standing
        )
    END
    FROM (
        SELECT count(*) AS held FROM synchronizations WHERE tenant_id = :tenant AND enabled AND held_since IS NOT NULL
    ) counted
""")


def judge(  # noqa: PLR0917 - where to ask, and what `guard` is given
    engine: Engine,
    found: Situation,
    plan: Plan,
    known: Sequence[Known],
    now: datetime,
    reading: str,
    published: Iterable[Wanted] = (),
) -> Hold | None:
    """Why `plan`, made for `reading`, must wait, or None: carry it out.

    What calendar schedules go on to publish is not counted, or an empty timetable would not look empty beside it. What
    an operator released passes, however much it takes away. The others of the tenant are counted only when nothing
    else would keep the plan waiting.
    """
    limits = found.tenant.settings.guard.limits()
    beside = {wish.key for wish in published}
    hold = guard(plan, [row for row in known if row.key not in beside], now, limits, found.hold, reading)
    if hold is None or hold.reading == found.row.released_reading:
        return None
    if not hold.confirmed(now, limits):
        return hold
    with transaction(engine) as session:
        whole = tenant_held(session, found.row.tenant_id, limits)
    return replace(hold, tenant=found.tenant.key) if whole else None


def tenant_held(session: Session, tenant_id: int, limits: Limits) -> bool:
    """Whether so many of the tenant's synchronizations are held that no second reading lets anything pass."""
    given = {"tenant": tenant_id, "floor": limits.tenant_floor, "share": limits.tenant_share}
    return bool(session.execute(_TENANT_HELD, given).scalar_one())
