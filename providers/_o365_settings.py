"""What an administrator says about Microsoft 365, and what is said of one synchronization with it."""

import re
from datetime import datetime
from typing import Any, Self

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
from providers._limits import Limited, PerMinute
from providers._o365_certificate import read
from providers._o365_colours import COLOURS, Painted
from providers._o365_door import Door
from providers._o365_tokens import Tokens

ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
DIRECTORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
MANY = {"common", "organizations", "consumers"}


class Settings(Limited):
    """The section `[tenants.X.providers.o365]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    directory: str = Field(description="The directory (tenant) of the institution: its id, or one of its domains.")
    client_id: str = Field(min_length=1, description="The application (client) id of the app registration.")
    certificate: SecretStr | None = Field(
        None, description="The application's certificate: PEM text with the private key and the certificate."
    )
    client_secret: SecretStr | None = Field(None, description="The application's client secret, in its place.")
    root_url: str = Field(
        "https://graph.microsoft.com/", description="Where Graph is; another one for national clouds and the sandbox."
    )
    authority: str = Field(
        "https://login.microsoftonline.com/", description="Where tokens are bought; the same holds for it."
    )
    scope: str = Field(
        "https://graph.microsoft.com/.default",
        pattern=r"/\.default$",
        description="What a token is good for; it goes with root_url.",
    )
    ca_file: FilePath | None = Field(None, description="Certificates to trust instead of the usual ones, in PEM.")
    timeout: float = Field(30, gt=0, le=300, description="Seconds to wait for a connection, and then for each answer.")
    batch: int = Field(20, ge=1, le=20, description="Changes that travel in one request.")
    reminder: int | None = Field(
        None, ge=0, le=40320, description="Minutes before its start at which a new event reminds its person."
    )
    categories: dict[str, str] = Field({}, description="Outlook's colours for our categories, by category.")
    # Microsoft says 10,000 in ten minutes. See: https://learn.microsoft.com/graph/throttling-limits
    requests_per_minute_per_mailbox: PerMinute = Field(1_000, exclude=True, description="For one mailbox; 0: any.")

    # A token is bought for the application and lasts an hour: kept here, it serves all runs of this process.
    _tokens: Tokens = PrivateAttr()
    _painted: Painted = PrivateAttr(default_factory=Painted)

    @field_validator("directory")
    @classmethod
    def _is_one_directory(cls, directory: str) -> str:
        if not DIRECTORY.fullmatch(directory) or directory.lower() in MANY:
            raise ValueError("must be the id of a directory, or one of its domains like example.onmicrosoft.com")
        return directory

    @field_validator("certificate")
    @classmethod
    def _is_a_certificate(cls, certificate: SecretStr | None) -> SecretStr | None:
        if certificate is not None:
            read(certificate.get_secret_value())
        return certificate

    @field_validator("client_secret")
    @classmethod
    def _is_not_empty(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("must not be empty")
        return secret

    @field_validator("root_url", "authority")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        return safe(str(HttpUrl(url))).rstrip("/") + "/"

    @field_validator("authority")
    @classmethod
    def _is_private(cls, url: str) -> str:
        if not url.startswith("https://"):
            raise ValueError("must begin with https://")
        return url

    @field_validator("categories")
    @classmethod
    def _are_colours(cls, categories: dict[str, str]) -> dict[str, str]:
        for colour in categories.values():
            if colour not in COLOURS:
                raise ValueError(f'"{colour}" is no colour of Outlook; there are {", ".join(COLOURS)}')
        return categories

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        if (self.certificate is None) == (self.client_secret is None):
            raise ValueError("give either certificate or client_secret, and not both")
        return self

    def model_post_init(self, _context: Any) -> None:
        """Nothing is bought here."""
        secret = self.certificate or self.client_secret
        if secret is None:
            return  # It is about to be refused.
        credential = read(secret.get_secret_value()) if self.certificate else secret.get_secret_value()
        self._tokens = Tokens(
            self.client_id,
            credential=credential,
            authority=self.authority + self.directory,
            scope=self.scope,
            door=Door(self.timeout, self.verify),
        )

    @property
    def expires(self) -> datetime | None:
        """When the certificate runs out; None for a secret, which does not tell."""
        return read(self.certificate.get_secret_value()).expires if self.certificate else None

    @property
    def verify(self) -> str | bool:
        """What requests calls so: the certificates to trust."""
        return str(self.ca_file) if self.ca_file else True

    @property
    def tokens(self) -> Tokens:
        """One purse for all providers made of these settings."""
        return self._tokens

    @property
    def painted(self) -> Painted:
        """Which mailboxes have our categories in their colours, as far as this process knows."""
        return self._painted


class Target(BaseModel):
    """The `provisioning_*` fields of a synchronization with Microsoft 365."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str
    account: str = Field(alias="smtpAddress", max_length=254, description="The account; the username when left out.")

    @property
    def mailbox(self) -> str:
        return self.account

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
