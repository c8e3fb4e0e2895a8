"""The credentials that a provider's settings hold, and until when each is good."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr


@dataclass(frozen=True, slots=True)
class Held:
    """A credential as `credentials` of a provider's `Settings` declares it; `name` is the setting it stands in.

    `begins` and `expires` are aware and in UTC, None where they are not known.
    """

    kind: Literal["PASSWORD", "CLIENT_SECRET", "CERTIFICATE", "SERVICE_ACCOUNT_KEY"]
    name: str
    begins: datetime | None = None
    expires: datetime | None = None


def _moment(value: object) -> datetime:
    """A day stands for its beginning, so that nobody is warned too late; what names no zone is meant in UTC."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ValueError("expected a day or a moment, like 2027-05-01")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""When a credential runs out that does not tell it itself."""


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("must not be empty")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
