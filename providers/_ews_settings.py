"""What an administrator says about Exchange, and what is said of one synchronization with it."""

from functools import cached_property
from typing import Literal

from exchangelib import Version
from exchangelib.version import EXCHANGE_2013_SP1, EXCHANGE_2016, EXCHANGE_2019
from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator

from providers._account import Account
from providers._address import safe
from providers._ews_tokens import Tokens
from providers._ews_wire import Bearer, Login, Wire
from providers._held import Held, Moment

ACCOUNT = ("username", "password")
_BUILDS = {"2013": EXCHANGE_2013_SP1, "2016": EXCHANGE_2016, "2019": EXCHANGE_2019}
APPLICATION = ("directory", "client_id", "client_secret")


class Settings(BaseModel):
    """The section `[tenants.X.providers.ews]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(description="The address of the service, like https://mail.example.org/EWS/Exchange.asmx.")
    access: Literal["impersonation", "delegate"] = Field(
        "impersonation", description="How the service account reaches people's mailboxes."
    )
    auth: Literal["ntlm", "basic", "oauth2"] = Field("ntlm", description="How it signs in.")
    username: str | None = Field(None, min_length=1, description="The service account, for ntlm and basic.")
    password: SecretStr | None = Field(None, description="Its password.")
    password_expires: Moment | None = Field(None, exclude=True, description="When the password runs out.")
    directory: str | None = Field(None, min_length=1, description="The Entra directory's id, for oauth2.")
    client_id: str | None = Field(None, min_length=1, description="The application's id, for oauth2.")
    client_secret: SecretStr | None = Field(None, description="The application's secret, for oauth2.")
    client_secret_expires: Moment | None = Field(None, exclude=True, description="When that secret runs out.")
    authority: str = Field("https://login.microsoftonline.com/", description="Where tokens are bought, for oauth2.")
    scope: str = Field(
        "https://outlook.office365.com/.default", min_length=1, description="What a token is for, for oauth2."
    )
    version: Literal["2013", "2016", "2019"] = Field(
        "2016", description="The oldest Exchange among the servers: 2016 stands for all later ones."
    )
    connections: int = Field(10, ge=1, le=100, description="Requests of the service account under way at a time.")
    reminder: int | None = Field(None, ge=0, le=40_320, description="Minutes before an event to remind of it.")
    ca_file: FilePath | None = Field(None, description="Certificates to trust instead of the usual ones, in PEM.")
    timeout: float = Field(30, gt=0, le=300, description="Seconds to wait for a connection, and then for each answer.")

    @field_validator("url")
    @classmethod
    def _is_the_service(cls, url: str) -> str:
        if not safe(url).lower().endswith(".asmx"):
            raise ValueError("must be the whole address of the service, which ends in /EWS/Exchange.asmx")
        return url

    @field_validator("authority")
    @classmethod
    def _ends_with_a_slash(cls, url: str) -> str:
        return safe(url).rstrip("/") + "/"

    @model_validator(mode="after")
    def _can_sign_in(self) -> "Settings":
        wanted, idle = (APPLICATION, ACCOUNT) if self.auth == "oauth2" else (ACCOUNT, APPLICATION)
        missing = [name for name in wanted if getattr(self, name) is None]
        if missing:
            raise ValueError(f'auth = "{self.auth}" needs {" and ".join(missing)}')
        spare = [name for name in (*idle, f"{idle[-1]}_expires") if getattr(self, name) is not None]
        if spare:
            raise ValueError(f'auth = "{self.auth}" has no use for {" and ".join(spare)}')
        if self.auth == "oauth2" and self.access == "delegate":
            raise ValueError('auth = "oauth2" needs access = "impersonation": an application is nobody\'s delegate')
        return self

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The application's secret, or the service account's password."""
        if self.auth == "oauth2":
            return (Held("CLIENT_SECRET", "client_secret", expires=self.client_secret_expires),)
        return (Held("PASSWORD", "password", expires=self.password_expires),)

    @cached_property
    def wire(self) -> Wire:
        """The connections of the service account, which all mailboxes of this process share. Opens none."""
        version = Version(_BUILDS[self.version])
        return Wire(self.url, self._login(), version, self.connections, timeout=self.timeout, ca_file=self.ca_file)

    def _login(self) -> Login | Bearer:
        if self.auth == "oauth2":
            endpoint = f"{self.authority}{self.directory}/oauth2/v2.0/token"
            application = (str(self.client_id), _text(self.client_secret), self.scope)
            return Bearer(Tokens(endpoint, *application, timeout=self.timeout, ca_file=self.ca_file))
        return Login(self.auth, str(self.username), _text(self.password))


class Target(Account):
    """The `provisioning_*` fields of a synchronization with Exchange."""

    account: str = Field(
        alias="smtpAddress", max_length=254, description="The mailbox's primary address; the username when left out."
    )

    @field_validator("account")
    @classmethod
    def _can_be_said(cls, address: str) -> str:
        # Exchange has no others, and a request's header could not say them.
        if not (address.isascii() and address.isprintable()):
            raise ValueError("must be the account's e-mail address in ASCII, like alice@example.org")
        return address


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
