"""Groups of people and calendar schedules, as tables of the ledger's database.

A schedule's names are the institution's own words about its year; nothing here is about what stands in a calendar.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.ledger import Base


class Effect(StrEnum):
    """What a calendar schedule does to the calendars of its people."""

    NONE = "none"
    HOLD = "hold"
    PUBLISH = "publish"


class Level(StrEnum):
    """Whose a calendar schedule is."""

    TENANT = "Tenant"
    GROUP = "Group"
    USER = "User"


def level(group_id: int | None, user_id: int | None) -> Level:
    """Whose a schedule is, by the parents in its row."""
    if user_id is not None:
        return Level.USER
    return Level.TENANT if group_id is None else Level.GROUP


class MembershipSource(StrEnum):
    """Who said that a person belongs to a group; each takes back only what it said itself."""

    API = "api"
    RULE = "rule"


class Group(Base):
    """People of a tenant who share schedules."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]


class Membership(Base):
    """A person belongs to a group as long as there is a row of any source."""

    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_user", "user_id"),)

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)


class CalendarSchedule(Base):
    """The schedule of a tenant, or of a group or a person of it. `kept` are lines of the iCalendar object it was read
    from; `changed_at` is when it or a period of it last changed. Its spans are worked out up to `spans_until`, in the
    time zone `spans_zone`.
    """

    __tablename__ = "calendar_schedules"
    __table_args__ = (
        CheckConstraint("group_id IS NULL OR user_id IS NULL", name="calendar_schedules_parent"),
        # Three, for to a unique index no empty column equals another.
        Index(
            "calendar_schedules_of_tenant",
            *("tenant_id", "name"),
            unique=True,
            postgresql_where=text("group_id IS NULL AND user_id IS NULL"),
        ),
        Index(
            "calendar_schedules_of_group",
            *("group_id", "name"),
            unique=True,
            postgresql_where=text("group_id IS NOT NULL"),
        ),
        Index(
            "calendar_schedules_of_user",
            *("user_id", "name"),
            unique=True,
            postgresql_where=text("user_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    effect: Mapped[str] = mapped_column(server_default=text("'none'"))
    kept: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    spans_until: Mapped[datetime | None]
    spans_zone: Mapped[str | None]


class CalendarPeriod(Base):
    """A period of a schedule, in the order of `place`. `words` are the API's; see `schedules.period_fields`."""

    __tablename__ = "calendar_periods"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("calendar_schedules.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    words: Mapped[dict[str, Any]]
    kept: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class CalendarSpan(Base):
    """A time at which a schedule of the effect `hold` holds: its periods run one into the other until `ends_at`.

    Those of the near future only, for this is worked out from the periods; `worker.holds` says when.
    """

    __tablename__ = "calendar_spans"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("calendar_schedules.id", ondelete="CASCADE"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
