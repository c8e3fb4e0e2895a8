"""What an administrator says about Google Calendar, and what is said of one synchronization with it."""

import json
import re
from functools import cached_property
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    HttpUrl,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from providers._address import safe
from providers._googlecalendar_wire import SCOPE, ServiceAccount, Tokens, Wire
from providers._limits import Limited, PerMinute

ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")


class Settings(Limited):
    """The section `[tenants.X.providers.googlecalendar]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service_account: SecretStr = Field(
        description="The service account's key: the JSON text that Google Cloud hands out."
    )
    root_url: str = Field(
        "https://www.googleapis.com/", description="Where the API is; another one for tests and the sandbox."
    )
    ca_file: FilePath | None = Field(None, description="Certificates to trust instead of the usual ones, in PEM.")
    timeout: float = Field(30, gt=0, le=300, description="Seconds to wait for a connection, and then for each answer.")

    # Google's own figures. See: https://developers.google.com/workspace/calendar/api/guides/quota
    requests_per_minute: PerMinute = Field(10_000, exclude=True, description="Those of the project; 0: any number.")
    requests_per_minute_per_mailbox: PerMinute = Field(600, exclude=True, description="Those of one user; 0: any.")

    # A token is bought for each mailbox and lasts an hour: kept here, it serves all runs of this process.
    _tokens: Tokens = PrivateAttr(default_factory=Tokens)

    @field_validator("service_account")
    @classmethod
    def _is_a_key(cls, key: SecretStr) -> SecretStr:
        _account(key)
        return key

    @field_validator("root_url")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        return safe(str(HttpUrl(url))).rstrip("/") + "/"

    @cached_property
    def _service_account(self) -> ServiceAccount:
        return _account(self.service_account)

    def speaking_for(self, mailbox: str, wire: Wire) -> ServiceAccount:
        """The service account in the name of `mailbox`, with the token that is left from the run before."""
        return self._service_account.speaking_for(mailbox, wire, self._tokens)


class Target(BaseModel):
    """The `provisioning_*` fields of a synchronization with Google Calendar."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str
    account: str = Field(alias="smtpAddress", max_length=254, description="The account; the username when left out.")
    calendar: str = Field(
        "primary", alias="calendarId", min_length=1, max_length=254, description="One of its calendars."
    )

    @property
    def mailbox(self) -> str:
        """Two calendars of one account are two mailboxes: each has its own synchronization."""
        own = self.calendar == "primary" or self.calendar.lower() == self.account
        return self.account if own else f"{self.account} {self.calendar}"

    @model_validator(mode="before")
    @classmethod
    def _from_username(cls, fields: Any) -> Any:
        return {"smtpAddress": fields.get("username"), **fields} if isinstance(fields, dict) else fields

    @field_validator("account")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not ADDRESS.fullmatch(address):
            raise ValueError("must be the account's e-mail address, like alice@example.org")
        return address.lower()


def _account(key: SecretStr) -> ServiceAccount:
    try:
        fields = json.loads(key.get_secret_value())
        account: ServiceAccount = ServiceAccount.from_service_account_info(fields, scopes=[SCOPE])
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            "must be the JSON text of a service account's key, as made in Google Cloud under Keys"
        ) from error
    try:
        safe(str(fields["token_uri"]))
    except ValueError as error:
        raise ValueError(f"its token_uri {error}") from error
    return account
