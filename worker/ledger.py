"""The ledger: everything Carillon must not forget, as tables of one PostgreSQL database.

Instants are aware and in UTC. Titles, texts and addresses of events are never kept: a mark, a fingerprint and the
server's id suffice.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UnlinkMode(StrEnum):
    """What becomes of the events when a synchronization is taken away."""

    UNLINK_ONLY = "UNLINK_ONLY"
    DELETE_FUTURE_EVENTS = "DELETE_FUTURE_EVENTS"
    DELETE_ALL_EVENTS = "DELETE_ALL_EVENTS"
    CLEANUP = "CLEANUP"


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this attribute of the class; it is no instance's default
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class Tenant(Base):
    """An institution; everything else about it stands in `carillon.toml`, under `key`."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)


class User(Base):
    """A person of a tenant. `attributes` keeps the order and every value of a repeated name; None where none were
    given.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "username"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    username: Mapped[str]
    display_name: Mapped[str | None]
    locale: Mapped[str | None]
    attributes: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    roles: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class Token(Base):
    """An API token; only the SHA-256 of it is kept. `requestedAuth` needs an elevated one.

    `access_right` is what it may do with calendar schedules, `group_name` the group that it is confined to.
    `capabilities` are what it may do with notification calendars. From `expires_at` on it is refused.
    """

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    roles: Mapped[list[str]]
    elevated: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    access_right: Mapped[str | None]
    group_name: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    capabilities: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))


class Synchronization(Base):
    """One user's link to one mailbox at one provider.

    `fields` are the `provisioning_*` values without their prefix. `due_at` is when the next run may start: claiming
    pushes it into the future first, so that a crash is by itself a retry. `validator` is the source's word for the
    reading that was last carried out whole, behind the place where that was; `worker.situation` reads it.

    The `held_*` columns are those of `schedules.guard.Hold`, for the plan that waits now; `released_reading` is a
    reading that an operator lets pass, however much it takes away. `rebuild_asked_at` asks for a resync that takes
    whatever carries our instance's mark for this synchronization's. `deferred_until` is the end of a hold by a
    calendar schedule that it waits for; None once another run has come to its end.
    """

    __tablename__ = "synchronizations"
    __table_args__ = (
        UniqueConstraint("user_id", "type", "mailbox"),
        Index("synchronizations_due", "due_at", postgresql_where=text("enabled")),
        Index("synchronizations_mailbox", "tenant_id", "type", "mailbox"),
        Index("synchronizations_held", "tenant_id", postgresql_where=text("enabled AND held_since IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    type: Mapped[str]
    mailbox: Mapped[str]
    fields: Mapped[dict[str, str]]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    status: Mapped[str] = mapped_column(server_default=text("'PENDING'"))
    status_detail: Mapped[str] = mapped_column(server_default=text("''"))
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    validator: Mapped[str | None]
    resync_asked_at: Mapped[datetime | None]
    rebuild_asked_at: Mapped[datetime | None]
    held_since: Mapped[datetime | None]
    held_reading: Mapped[str | None]
    held_going: Mapped[int | None]
    held_of: Mapped[int | None]
    released_reading: Mapped[str | None]
    deferred_until: Mapped[datetime | None]
    last_sync: Mapped[datetime | None]
    last_resync: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Event(Base):
    """What we know to have written, one row an event; the columns are those of `schedules.plan.Known`.

    A row whose state is `creating`, `updating` or `deleting` is an intent whose outcome is not recorded: it is settled
    by looking at the server.
    """

    __tablename__ = "events"

    synchronization_id: Mapped[int] = mapped_column(
        ForeignKey("synchronizations.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int]
    state: Mapped[str]
    fingerprint: Mapped[bytes]
    activity: Mapped[bytes]
    starts_at: Mapped[datetime]
    remote_id: Mapped[str | None]
    version: Mapped[str | None]
    marked_by: Mapped[str | None]
    merge: Mapped[bool] = mapped_column(server_default=text("false"))


class Lease(Base):
    """Who may write to a mailbox now. `generation` grows with every holder, so that a late one can record nothing.
    `type` is the name of a store, which two types of provider may share.
    """

    __tablename__ = "leases"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    mailbox: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class Run(Base):
    """One pass of one synchronization, kept for people who ask what happened."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_synchronization", "synchronization_id", "started_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    synchronization_id: Mapped[int] = mapped_column(ForeignKey("synchronizations.id", ondelete="CASCADE"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    status: Mapped[str]
    resync: Mapped[bool]
    created: Mapped[int]
    updated: Mapped[int]
    deleted: Mapped[int]
    kept: Mapped[int]
    failed: Mapped[int]
    detail: Mapped[str]


class Unlink(Base):
    """A synchronization being taken away: all that is needed to carry it out after the synchronization itself has left
    the ledger.

    `cutoff` is the «now» of DELETE_FUTURE_EVENTS, fixed when the call was accepted. `found` counts what carried the
    mark and was to go.
    """

    __tablename__ = "unlinks"
    __table_args__ = (
        Index("unlinks_due", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("unlinks_mailbox", "tenant_id", "type", "mailbox"),
        Index("unlinks_person", "tenant_id", "username"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    synchronization_id: Mapped[int] = mapped_column(BigInteger)
    username: Mapped[str]
    type: Mapped[str]
    mailbox: Mapped[str]
    fields: Mapped[dict[str, str]]
    mode: Mapped[str]
    cutoff: Mapped[datetime]
    state: Mapped[str]
    found: Mapped[int] = mapped_column(server_default=text("0"))
    removed: Mapped[int] = mapped_column(server_default=text("0"))
    remaining: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str] = mapped_column(server_default=text("''"))
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
