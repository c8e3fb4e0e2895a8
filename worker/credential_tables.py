"""What providers and sources last said of the credentials that we show them."""

from datetime import datetime

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from worker.ledger import Base


class CredentialVerdict(Base):
    """`credential` is the id of `worker.credentials`. `refused` is the reason, empty when it was accepted since;
    `refused_at` is when that began. `accepted_at` is an hour late at most; a run that found nothing new does not count.
    """

    __tablename__ = "credential_verdicts"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    credential: Mapped[str] = mapped_column(primary_key=True)
    refused: Mapped[str] = mapped_column(server_default=text("''"))
    refused_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
