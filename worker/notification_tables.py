"""Notification calendars, what they warn of, and the tokens that rotate, as tables of the ledger's database."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.ledger import Base


class NotificationCalendar(Base):
    """A calendar of a tenant. Whoever knows the `secret` may read it: the end of its address.

    The secret is shown again in every listing, so it is kept as it is; what it opens stands in these tables anyway.
    It is looked for by `digest`, its SHA-256, which takes as long whatever is guessed.
    """

    __tablename__ = "notification_calendars"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    secret: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)


class NotificationSubscription(Base):
    """A calendar warns of the end of a credential; `credential` is its id in `worker.credentials`.

    No row is removed with its credential, which is none of the ledger: what is there again is warned of again.
    """

    __tablename__ = "notification_subscriptions"

    calendar_id: Mapped[int] = mapped_column(
        ForeignKey("notification_calendars.id", ondelete="CASCADE"), primary_key=True
    )
    credential: Mapped[str] = mapped_column(primary_key=True)
    comment: Mapped[str] = mapped_column(server_default=text("''"))
    changed_at: Mapped[datetime]


class RotatingToken(Base):
    """A token that gets another text. `next_digest` is of the one that was given out last, until it is used."""

    __tablename__ = "rotating_tokens"

    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"), primary_key=True)
    next_digest: Mapped[bytes | None] = mapped_column(unique=True)
