"""What an administrator says about Microsoft 365, and what is said of one synchronization with it."""

import re
from functools import cached_property
from typing import Any, Literal, Self

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
from providers._address import Root
from providers._held import Held, Moment, Secret
from providers._limits import Limited, PerMinute
from providers._o365_certificate import read
from providers._o365_colours import COLOURS, Painted
from providers._o365_consent import MicrosoftConsent
from providers._o365_door import Door
from providers._o365_tokens import Tokens

DIRECTORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
MANY = {"common", "organizations", "consumers"}


class Settings(Limited):
    """The section `[tenants.X.providers.o365]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    directory: str = Field(description="The directory (tenant) of the institution: its id, or one of its domains.")
    client_id: str = Field(min_length=1, description="The application (client) id of the app registration.")
    access: Literal["application", "delegated"] = Field(
        "application", exclude=True, description="Who consents: an administrator for all, or each person."
    )
    certificate: SecretStr | None = Field(
        None, description="The application's certificate: PEM text with the private key and the certificate."
    )
    client_secret: Secret | None = Field(None, description="The application's client secret, in its place.")
    client_secret_expires: Moment | None = Field(
        None, exclude=True, description="When the client secret runs out: it does not tell."
    )
    root_url: Root = Field(
        "https://graph.microsoft.com/", description="Where Graph is; another one for national clouds and the sandbox."
    )
    authority: Root = Field(
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
    _consent: MicrosoftConsent = PrivateAttr()
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
        if self.client_secret is None and self.client_secret_expires is not None:
            raise ValueError("client_secret_expires goes with client_secret; the certificate tells its own end")
        return self

    def model_post_init(self, _context: Any) -> None:
        """Nothing is bought here."""
        if self.certificate or self.client_secret:  # else it is about to be refused
            application = self._application
            self._tokens = Tokens(self.client_id, scope=self.scope, **application)
            permissions = ["Calendars.ReadWrite", *(["MailboxSettings.ReadWrite"] if self.categories else [])]
            resource = self.scope.removesuffix("/.default")
            self._consent = MicrosoftConsent(self.client_id, resource=resource, permissions=permissions, **application)

    @property
    def _application(self) -> dict[str, Any]:
        """How the application signs in, and where."""
        secret = self.client_secret.get_secret_value() if self.client_secret else ""
        credential = read(self.certificate.get_secret_value()) if self.certificate else secret
        door = Door(self.timeout, self.verify)
        return {"credential": credential, "authority": self.authority + self.directory, "door": door}

    @cached_property
    def credentials(self) -> tuple[Held, ...]:
        """The certificate, or the secret in its place."""
        # Kept, for each reading of a key takes so long that a run would notice.
        if self.certificate is None:
            return (Held("CLIENT_SECRET", "client_secret", expires=self.client_secret_expires),)
        known = read(self.certificate.get_secret_value())
        return (Held("CERTIFICATE", "certificate", known.begins, known.expires),)

    @property
    def verify(self) -> str | bool:
        """What requests calls so: the certificates to trust."""
        return str(self.ca_file) if self.ca_file else True

    @property
    def tokens(self) -> Tokens:
        """One purse for all providers made of these settings."""
        return self._tokens

    @property
    def consent(self) -> MicrosoftConsent:
        """How each person consents, where the settings say so."""
        return self._consent

    @property
    def painted(self) -> Painted:
        """Which mailboxes have our categories in their colours, as far as this process knows."""
        return self._painted


class Target(Account):
    """The `provisioning_*` fields of a synchronization with Microsoft 365."""
