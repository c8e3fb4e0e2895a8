"""Who holds now: the calendar schedules of the effect `hold`, worked out ahead as spans of time.

The spans of a schedule never overlap, so that the one which may hold at a moment is the last one that began before it:
one look into an index for each schedule, however many spans there are. They reach HORIZON ahead, and `refresh` moves
them on every day: where beat does not come to that for so long, it sends no runs either.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, DateTime, bindparam, delete, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from providers.base import Window
from schedules.periods import Period, spans
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarSchedule, CalendarSpan, Effect
from worker.database import transaction

HORIZON = timedelta(days=40)
LONGEST = timedelta(days=366)
"""A hold that goes on for longer is told with an end so far ahead, which moves on with HORIZON."""
DAY = timedelta(days=1)
_NOW = bindparam("now", type_=DateTime(timezone=True))
SPAN = """
    SELECT ends_at FROM calendar_spans WHERE schedule_id = s.id AND starts_at <= :now ORDER BY starts_at DESC LIMIT 1
"""
"""Of a schedule `s`, the span that may go on at `:now`."""
_SCOPES = text(f"""
    SELECT s.tenant_id, s.group_id, s.user_id, max(span.ends_at) AS until
    FROM calendar_schedules s CROSS JOIN LATERAL ({SPAN}) span WHERE span.ends_at > :now
    GROUP BY s.tenant_id, s.group_id, s.user_id ORDER BY s.tenant_id, s.group_id, s.user_id
""").bindparams(_NOW)  # noqa: S608 - of constants
_PEOPLE = text(f"""
    SELECT s.person, max(span.ends_at) AS until FROM (
        SELECT u.id AS person, s.id FROM users u JOIN calendar_schedules s USING (tenant_id)
        WHERE u.id = ANY(:users) AND s.group_id IS NULL AND s.user_id IS NULL
        UNION ALL
        SELECT m.user_id, s.id FROM memberships m JOIN calendar_schedules s USING (group_id)
        WHERE m.user_id = ANY(:users)
        UNION ALL
        SELECT s.user_id, s.id FROM calendar_schedules s WHERE s.user_id = ANY(:users)
    ) s CROSS JOIN LATERAL ({SPAN}) span WHERE span.ends_at > :now GROUP BY s.person
""").bindparams(_NOW, bindparam("users", type_=ARRAY(BigInteger)))  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose calendars are held until when: those of a group, of a person, or with neither of a whole tenant."""

    tenant_id: int
    group_id: int | None
    user_id: int | None
    until: datetime


def scopes(session: Session, now: datetime) -> list[Scope]:
    """Every tenant, group and person that a schedule holds at this moment, each once."""
    return [Scope(*row) for row in session.execute(_SCOPES, {"now": now})]


def people(session: Session, user_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """Those of these people whose calendars are held at this moment, and until when: by a schedule of their own, of a
    group of theirs or of their tenant.
    """
    found = session.execute(_PEOPLE, {"now": now, "users": list(user_ids)})
    return {user_id: until for user_id, until in found}  # noqa: C416 - rows, not pairs


def work_out(
    session: Session, schedule: CalendarSchedule, periods: Sequence[Period], zone: ZoneInfo, now: datetime
) -> None:
    """Replace the spans of a schedule, which is locked, by those of its periods from `now` on."""
    session.execute(delete(CalendarSpan).where(CalendarSpan.schedule_id == schedule.id))
    if schedule.effect != Effect.HOLD:
        return
    schedule.spans_until, schedule.spans_zone = now + HORIZON, zone.key
    found = _spans(periods, zone, now)
    if found:
        rows = [{"schedule_id": schedule.id, "starts_at": start, "ends_at": end} for start, end in found]
        session.execute(insert(CalendarSpan), rows)


def _spans(periods: Sequence[Period], zone: ZoneInfo, now: datetime) -> list[tuple[datetime, datetime]]:
    """Those that begin before HORIZON. Where one goes on there, its end is looked for beyond."""
    found = spans(periods, zone, Window(now, now + HORIZON))
    if found and found[-1][1] >= now + HORIZON:
        further = spans(periods, zone, Window(found[-1][0], now + LONGEST))
        found[-1] = found[-1][0], further[0][1]
    return found


def refresh(engine: Engine, zones: Mapping[int, ZoneInfo], now: datetime) -> int:
    """Work out anew what was last worked out a day ago, or for another time zone than its tenant has now; `zones` by
    the tenant's id. How many schedules that were; each has a transaction of its own.
    """
    with transaction(engine) as session:
        idents = _stale(session, zones, now)
    return sum(_refreshed(engine, ident, zones, now) for ident in idents)


def _stale(session: Session, zones: Mapping[int, ZoneInfo], now: datetime) -> list[int]:
    columns = (
        CalendarSchedule.id,
        CalendarSchedule.tenant_id,
        CalendarSchedule.spans_until,
        CalendarSchedule.spans_zone,
    )
    holding = session.execute(select(*columns).where(CalendarSchedule.effect == Effect.HOLD))
    return [
        ident
        for ident, tenant_id, until, zone in holding
        if tenant_id in zones and (until is None or until < now + HORIZON - DAY or zone != zones[tenant_id].key)
    ]


def _refreshed(engine: Engine, ident: int, zones: Mapping[int, ZoneInfo], now: datetime) -> bool:
    with transaction(engine) as session:
        schedule = session.scalar(select(CalendarSchedule).where(CalendarSchedule.id == ident).with_for_update())
        if schedule is None:
            return False
        work_out(session, schedule, periods_of(session, ident), zones[schedule.tenant_id], now)
    return True
