"""Where a person's feed is: at an address made of their username, in a folder, or where a MyTimetable site says."""

import os
import re
import stat
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from timetables._held import Moment
from timetables._mytimetable_events import profile
from timetables._mytimetable_settings import LOOPBACK, BaseUrl, Token
from timetables._mytimetable_wire import Wire as SiteWire
from timetables._mytimetable_wire import databases
from timetables.base import ContractBroken, PersonUnknown, Unavailable

PLACE = "{username}"


def _address(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    no_address = ValueError(
        f"expected an address with {PLACE} in its path or query, like https://example.org/ical/{PLACE}.ics"
    )
    text = re.sub(r"^webcals?://", "https://", text)
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise no_address from None
    if url.scheme not in {"http", "https"} or not host or PLACE in url.netloc or "@" in url.netloc:
        raise no_address
    if PLACE not in f"{url.path}?{url.query}" or not text.isascii() or url.fragment:
        raise no_address
    if url.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must begin with https:// (http:// only for this machine): timetables are personal")
    return SecretStr(text)


def _path(path: Path) -> Path:
    if not path.is_absolute() or PLACE not in path.name or PLACE in str(path.parent):
        raise ValueError(f"expected an absolute path with {PLACE} in the file's name, like /exports/{PLACE}.ics")
    return path


class FeedOf(BaseModel):
    """A MyTimetable site that tells each person's feed; see `GET /user` of its API."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[BaseUrl, Field(description="The API's base URL; it ends in /api/v0/.")]
    token: Annotated[Token, Field(description="An API token with elevated privileges.")]
    token_expires: Moment | None = Field(None, description="When the token runs out; it does not tell itself.")


Address = Annotated[SecretStr, AfterValidator(_address)]
File = Annotated[Path, AfterValidator(_path)]


def of_template(template: str, name: str) -> str:
    """The address with a username in it, whatever that holds. Raises: PersonUnknown."""
    if name in {".", ".."} or "/" in name:
        raise PersonUnknown("No feed has the name of a folder: correct the user's username.")
    return template.replace(PLACE, quote(name.encode(), safe=""))


def of_site(wire: SiteWire, site: FeedOf, name: str) -> str:
    """What a MyTimetable site says is a person's feed; over TLS, for the address holds a secret.

    Raises: SourceError.
    """
    headers = {**_shown(site), "requestedAuth": name.encode()}
    _, _, told = profile(*wire.get(f"{site.url}user", headers).content())
    if not told:
        raise PersonUnknown(f"GET {site.url}user told of no feed: switch iCalendar feeds on there, for this user too.")
    try:
        url = urlsplit(told.strip())
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https", "webcal", "webcals"} or "@" in url.netloc or not told.isascii():
        raise ContractBroken(f"GET {site.url}user told of a feed that is no address: look at the site's settings.")
    # A site behind a proxy often does not know that people reach it over TLS.
    scheme = "http" if url.scheme == "http" and host in LOOPBACK else "https"
    return urlunsplit((scheme, *url[1:4], ""))


def presence(wire: SiteWire, site: FeedOf) -> str:
    """What an operator is told of a site that answers and takes our token. Raises: SourceError."""
    databases(wire, site.url, _shown(site))
    return f"iCalendar feeds are those that {site.url} tells of; it answers."


def _shown(site: FeedOf) -> dict[str, str | bytes]:
    return {"apiToken": site.token.get_secret_value(), "Accept": "application/json"}


def read(template: Path, name: str, max_bytes: int) -> bytes:
    """A person's file. Raises: PersonUnknown, Unavailable, ContractBroken."""
    if "/" in name or "\0" in name or name.startswith("."):
        raise PersonUnknown("No file has such a name: correct the user's username.")
    path = template.with_name(template.name.replace(PLACE, name))
    try:
        with open(path, "rb", opener=_regular) as file:
            body = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        if not template.parent.is_dir():
            raise Unavailable(f"The folder {path.parent} is not there: make it, or mount it; look at file.") from error
        raise PersonUnknown(
            f"There is no file of this user in {path.parent}: correct the username, or file."
        ) from error
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"A file in {path.parent} cannot be read ({type(error).__name__}): see its rights."
        ) from error
    if len(body) > max_bytes:
        raise ContractBroken(
            f"A file in {path.parent} is longer than {max_bytes // 1_000_000} megabytes: look at the export, or raise "
            "max_megabytes in the timetable's section."
        )
    return body


def _regular(path: str, flags: int) -> int:
    # A pipe would keep us waiting for its other end.
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise ContractBroken(f"There is no file of this user in {Path(path).parent}, but something else: look there.")
