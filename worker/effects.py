"""What calendar schedules mean for one person's calendar now: whether it is held, and what they put into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.orm import Session

from worker.calendar_tables import Effect, Level, level
from worker.holds import SPAN

FOR_A_PERSON = frozenset({"UNAUTHORIZED", "NOT_LINKED", "MAILBOX_NOT_FOUND", "FAILED"})
"""Statuses that a hold leaves alone: people look for them, and for what they mean it does not matter."""

_WHOSE = {Level.TENANT: "the institution", Level.GROUP: "a group of this person", Level.USER: "this person"}
# One part for each level: of one condition with an OR in it PostgreSQL reads every schedule of the tenant.
_CONCERNING = text(f"""
    SELECT s.id, s.effect, s.changed_at, s.group_id, s.user_id, span.ends_at
    FROM (
        SELECT * FROM calendar_schedules
        WHERE tenant_id = :tenant AND group_id IS NULL AND user_id IS NULL AND effect <> '{Effect.NONE}'
        UNION ALL
        SELECT * FROM calendar_schedules
        WHERE group_id IN (SELECT group_id FROM memberships WHERE user_id = :person) AND effect <> '{Effect.NONE}'
        UNION ALL
        SELECT * FROM calendar_schedules WHERE user_id = :person AND effect <> '{Effect.NONE}'
    ) s LEFT JOIN LATERAL ({SPAN}) span ON s.effect = '{Effect.HOLD}'
    ORDER BY s.id
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Until:
    """A calendar is not written to before `end`, for a schedule of this level."""

    end: datetime
    level: Level

    def sentence(self, zone: ZoneInfo) -> str:
        """What an administrator reads about it, with the end in the tenant's zone."""
        end = f"{self.end.astimezone(zone):%Y-%m-%d %H:%M}"
        return (
            f"Held by a calendar schedule of {_WHOSE[self.level]} until {end} ({zone.key}); "
            "what changes until then is written after it."
        )


@dataclass(frozen=True, slots=True)
class Effects:
    """`published` are the schedules that put their periods into the calendar: their ids, and when they last changed."""

    until: Until | None = None
    published: Sequence[tuple[int, datetime]] = ()


def effects(session: Session, tenant_id: int, user_id: int, now: datetime) -> Effects:
    """What the schedules of a person, of their groups and of their tenant do at this moment, by one query."""
    given = {"tenant": tenant_id, "person": user_id, "now": now}
    holding, published = [], []
    for ident, effect, changed_at, group_id, owner_id, ends_at in session.execute(_CONCERNING, given):
        if effect == Effect.PUBLISH:
            published.append((ident, changed_at))
        elif ends_at and ends_at > now:
            holding.append(Until(ends_at, level(group_id, owner_id)))
    return Effects(max(holding, key=lambda each: each.end, default=None), tuple(published))
