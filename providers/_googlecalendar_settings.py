"""What an administrator says about Google Calendar, and what is said of one synchronization with it."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    FilePath,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from providers._account import Account
from providers._address import Root, safe
from providers._googlecalendar_consent import GoogleConsent
from providers._googlecalendar_wire import SCOPE, ServiceAccount, Tokens, Wire
from providers._held import Held, Moment, Secret
from providers._limits import Limited, PerMinute
from providers.base import Unauthorized


class Settings(Limited):
    """The section `[tenants.X.providers.googlecalendar]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access: Literal["application", "delegated"] = Field(
        "application", exclude=True, description="Who consents: an administrator for all, or each person."
    )
    service_account: SecretStr | None = Field(
        None, description="The service account's key: the JSON text that Google Cloud hands out."
    )
    service_account_expires: Moment | None = Field(
        None, exclude=True, description="When that key runs out, where your organization lets keys end."
    )
    client_id: str | None = Field(
        None, min_length=1, exclude=True, description="The OAuth client's id, where each person consents."
    )
    client_secret: Secret | None = Field(None, exclude=True, description="The OAuth client's secret.")
    client_secret_expires: Moment | None = Field(
        None, exclude=True, description="When the client secret runs out, if you let it."
    )
    sign_in_url: Root = Field(
        "https://accounts.google.com/", exclude=True, description="Where people sign in and consent."
    )
    token_url: Root = Field(
        "https://oauth2.googleapis.com/", exclude=True, description="Where tokens are bought with their consent."
    )
    root_url: Root = Field(
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
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _account(key)
        return key

    @model_validator(mode="after")
    def _has_what_its_access_needs(self) -> Self:
        service, client = ("service_account",), ("client_id", "client_secret")
        if self.access == "delegated":
            self._check(needed=client, strange=(*service, "service_account_expires"))
        else:
            self._check(needed=service, strange=(*client, "client_secret_expires"))
        return self

    def _check(self, needed: Sequence[str], strange: Sequence[str]) -> None:
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f'access = "{self.access}" needs {" and ".join(missing)}')
        if given := [name for name in strange if getattr(self, name) is not None]:
            raise ValueError(f'{" and ".join(given)} cannot stand beside access = "{self.access}"')

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The service account's key, or the client secret; neither tells how long it is good."""
        if self.access == "delegated":
            return (Held("CLIENT_SECRET", "client_secret", expires=self.client_secret_expires),)
        return (Held("SERVICE_ACCOUNT_KEY", "service_account", expires=self.service_account_expires),)

    @cached_property
    def consent(self) -> GoogleConsent:
        """How each person consents, where the settings say so."""
        return GoogleConsent(
            self.client_id or "",
            self.client_secret.get_secret_value() if self.client_secret else "",
            sign_in_url=self.sign_in_url,
            token_url=self.token_url,
            timeout=self.timeout,
            ca_file=self.ca_file,
        )

    @cached_property
    def _service_account(self) -> ServiceAccount:
        if self.service_account is None:
            raise Unauthorized("Each person consents for themselves here: let them link their calendar.")
        return _account(self.service_account)

    def speaking_for(self, mailbox: str, wire: Wire) -> ServiceAccount:
        """The service account in the name of `mailbox`, with the token that is left from the run before."""
        return self._service_account.speaking_for(mailbox, wire, self._tokens)


class Target(Account):
    """The `provisioning_*` fields of a synchronization with Google Calendar."""

    calendar: str = Field(
        "primary", alias="calendarId", min_length=1, max_length=254, description="One of its calendars."
    )

    @property
    def mailbox(self) -> str:
        """Two calendars of one account are two mailboxes: each has its own synchronization."""
        own = self.calendar == "primary" or self.calendar.lower() == self.account
        return self.account if own else f"{self.account} {self.calendar}"


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
