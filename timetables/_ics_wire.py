"""One GET at a time for a feed: pooled connections, no cookies, no redirects, a limit of bytes and of seconds."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import HTTPBasicAuth

from timetables._ics_addresses import PublicAdapter
from timetables._mytimetable_errors import failure, hung_up, retry_after
from timetables._prompt import NoEndError, PromptAdapter, pieces
from timetables.base import (
    ContractBroken,
    CredentialRefused,
    PersonUnknown,
    SourceError,
    Throttled,
    Unauthorized,
    Unavailable,
)

_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,150}"')
_DATE = re.compile(r"[A-Za-z0-9,: +-]{1,40}")
_VOLATILE = re.compile(rb"^(DTSTAMP|CREATED|LAST-MODIFIED)[:;].*\n", re.MULTILINE | re.IGNORECASE)
"""What many servers write anew with every answer."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a feed's answer is recognised by; `etag` and `modified` are empty where there is none that we could use."""

    etag: str = ""
    modified: str = ""
    digest: str = ""

    def conditions(self) -> dict[str, str]:
        """The headers that ask for an answer only if it is another one."""
        said = {"If-None-Match": self.etag, "If-Modified-Since": "" if self.etag else self.modified}
        return {name: value for name, value in said.items() if value}


NOTHING = Version()
"""No version is known."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an answer may take to begin (`timeout`: to connect, and between two pieces) and as a whole, in seconds,
    and how long it may be in bytes, once unpacked.
    """

    timeout: tuple[float, float]
    seconds: float
    max_bytes: int


class Wire:
    """Shared between threads. At most `pool` requests to a host are under way at a time; others wait for their turn."""

    def __init__(self, bounds: Bounds, *, pool: int, ca_file: Path | None, allow_private: bool) -> None:
        self._bounds = bounds
        self._session = requests.Session()
        # Nothing from the environment: a proxy would connect where we do not see it, and .netrc knows no feed.
        self._session.trust_env = False
        self._session.verify = str(ca_file) if ca_file else True
        # A cookie would carry one person's session into the next one's request.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": "Carillon", "Accept-Encoding": "gzip", "Accept": "text/calendar"})
        kind = PromptAdapter if allow_private else PublicAdapter
        adapter = kind(pool_maxsize=pool, max_retries=0, pool_block=True)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def get(
        self, url: str, headers: Mapping[str, str], known: Version = NOTHING, auth: HTTPBasicAuth | None = None
    ) -> tuple[bytes, Version] | None:
        """What stands at `url`, or None: it is still the version we know. Raises: SourceError."""
        where = place(url)
        try:
            with self._asked(url, {**headers, **known.conditions()}, auth) as response:
                if response.status_code == HTTPStatus.NOT_MODIFIED and known.conditions():
                    return None
                if response.status_code != HTTPStatus.OK:
                    raise _refusal(response, where, signed_in=auth is not None)
                body = b"".join(self._pieces(response, where))
                return body, _version(response, body)
        except NoEndError as error:
            raise Unavailable(
                f"GET {where} did not end within {self._bounds.seconds:g} s: look at the feed's server, or raise "
                "timeout in the timetable's section."
            ) from error
        except urllib3.exceptions.DecodeError as error:
            raise ContractBroken(
                f"GET {where} sent a compressed answer that cannot be unpacked: look at the proxies before it."
            ) from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise failure(error, where) from error
        except ValueError as error:  # requests looks where a redirect leads, followed or not
            raise ContractBroken(
                f"GET {where} answered with a redirect that cannot be read: check its address."
            ) from error

    def answers(self, url: str) -> int:
        """The status with which a host answers at `url`, whatever it is. Raises: SourceError."""
        try:
            with self._asked(url, {}, None) as response:
                return response.status_code
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise failure(error, place(url)) from error

    def _asked(self, url: str, headers: Mapping[str, str], auth: HTTPBasicAuth | None) -> requests.Response:
        """The beginning of an answer; asked once more where a pooled connection was hung up meanwhile."""
        for last in (False, True):
            try:
                return self._session.get(
                    url, headers=headers, auth=auth, timeout=self._bounds.timeout, stream=True, allow_redirects=False
                )
            except requests.ConnectionError as error:
                if last or not hung_up(error):
                    raise
        raise AssertionError("unreachable: the second try returns or raises")

    def _pieces(self, response: requests.Response, where: str) -> Iterator[bytes]:
        size = 0
        for piece in pieces(response, self._bounds.seconds):
            size += len(piece)
            if size > self._bounds.max_bytes:
                raise ContractBroken(
                    f"GET {where} sent more than {self._bounds.max_bytes // 1_000_000} megabytes: look at the feed, "
                    "or raise max_megabytes in the timetable's section."
                )
            yield piece


def place(url: str) -> str:
    """Where a feed is, as one may say it: the rest of its address may be a secret, or name a person."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/…"


def digest(body: bytes) -> str:
    """Recognises a feed's answer, whenever it was made."""
    return hashlib.sha256(_VOLATILE.sub(b"", body)).hexdigest()[:32]


def _version(response: requests.Response, body: bytes) -> Version:
    etag, modified = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    return Version(etag if _ETAG.fullmatch(etag) else "", modified if _DATE.fullmatch(modified) else "", digest(body))


def _refusal(response: requests.Response, where: str, *, signed_in: bool) -> SourceError:
    """What an answer other than 200 means; `signed_in` says that the password went with the question."""
    status = response.status_code
    said = f"GET {where} answered {status}"
    wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None):
        return Throttled(f"{said}: too much for now; make the interval longer if this lasts.", wait)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        # 403 speaks of one feed alone, and so does 401 where the address is the key.
        kind = CredentialRefused if signed_in and status == HTTPStatus.UNAUTHORIZED else Unauthorized
        return kind(f"{said}: check the address of the feed, and username and password beside it.")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return PersonUnknown(f"{said}: no feed of this user; check the username, and the address in the settings.")
    if 300 <= status < 400:  # noqa: PLR2004 - the redirects
        host = urlsplit(response.headers.get("Location", "")).hostname or "the same host"
        return ContractBroken(f"{said}, a redirect to {host}: name the address it leads to; none is followed.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(f"{said}: the feed's server has a problem of its own; it will be tried again.")
    return ContractBroken(f"{said}: no feed should say so; check its address.")
