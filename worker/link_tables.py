"""Whose calendar is opened by that person's own consent, and who is on the way there."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.ledger import Base


class LinkedAccount(Base):
    """An account whose person consented. `refresh_token` is encrypted by `worker.secret_keys`; `generation` grows with
    every one that takes its place, so that an older one never does.

    `username` is whose synchronization it was consented for: a name, for an unlink outlives its user. `refused` is why
    the last renewal failed for good, empty if it did not. From `leaving_at` on it is used no more, and is being given
    back.
    """

    __tablename__ = "linked_accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "type", "account"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    type: Mapped[str]
    account: Mapped[str]
    username: Mapped[str]
    refresh_token: Mapped[bytes]
    generation: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    granted_at: Mapped[datetime]
    renewed_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    refused: Mapped[str] = mapped_column(server_default=text("''"))
    refused_at: Mapped[datetime | None]
    leaving_at: Mapped[datetime | None]


class LinkRequest(Base):
    """An address at which a person may consent. Of all that could be shown here as a proof, only hashes are kept.

    `digest` is that of the address, `state_digest` and `browser_digest` of what the identity provider and the browser
    will bring back; `kept`, encrypted, is what the provider needs to understand the answer. It is opened once, and
    answered once.
    """

    __tablename__ = "link_requests"
    __table_args__ = (Index("link_requests_expired", "expires_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    type: Mapped[str]
    account: Mapped[str]
    username: Mapped[str]
    return_url: Mapped[str | None]
    digest: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    state_digest: Mapped[bytes | None] = mapped_column(unique=True)
    browser_digest: Mapped[bytes | None]
    kept: Mapped[bytes | None]
    answered_at: Mapped[datetime | None]
