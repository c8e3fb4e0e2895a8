"""What a tenant's settings and a synchronization's `provisioning_*` fields say about a CalDAV calendar."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr

from providers._address import safe
from providers._held import Held, Moment
from providers._limits import Limited

_PORTS = {"https": 443, "http": 80}


def _safe_address(url: str) -> str:
    """An https address, or http on this machine, that ends with a slash and holds no login, query or fragment.

    One address of a calendar is one text: it is what we know the mailbox by.
    """
    scheme, host, port = origin(safe(url))
    place = f"[{host}]" if host and ":" in host else host
    named = place if port == _PORTS[scheme] else f"{place}:{port}"
    return f"{scheme}://{named}{urlsplit(url).path.rstrip('/')}/"


def _template(url: str) -> str:
    if "{mailbox}" not in urlsplit(url).path:
        raise ValueError("must hold {mailbox} in its path, or everybody would get the same calendar")
    return url


def _path_segment(mailbox: str) -> str:
    if mailbox in {"", ".", ".."} or not mailbox.isprintable():
        raise ValueError("must be a name that can stand in an address")
    return mailbox


_Url = Annotated[str, AfterValidator(_safe_address)]


class Settings(Limited):
    """How to reach everybody's calendar; in `url` and `username` stands `{mailbox}` for the person's account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[_Url, AfterValidator(_template)]
    username: str = Field(default="{mailbox}", min_length=1)
    password: SecretStr
    password_expires: Moment | None = Field(default=None, exclude=True, description="When the password runs out")
    ca_file: FilePath | None = None
    timeout: float = Field(default=30, gt=0, le=300, description="Seconds to connect, and of silence in an answer")

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The password."""
        return (Held("PASSWORD", "password", expires=self.password_expires),)


class Target(BaseModel):
    """`username` is the person's; `smtpAddress` names the account where it is another one, `calendarUrl` a calendar.

    A calendar that is named is a mailbox of its own: an account may have a synchronization with each of several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Annotated[str, AfterValidator(_path_segment)]
    smtp_address: Annotated[str, AfterValidator(_path_segment)] | None = Field(default=None, alias="smtpAddress")
    calendar_url: _Url | None = Field(default=None, alias="calendarUrl")

    @property
    def account(self) -> str:
        """What stands for `{mailbox}` in the settings."""
        return self.smtp_address or self.username

    @property
    def mailbox(self) -> str:
        return self.calendar_url or self.account


def origin(url: str) -> tuple[str, str | None, int]:
    """Scheme, host and port: who gets to see what we send there."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
