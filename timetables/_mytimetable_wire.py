"""One GET at a time to a MyTimetable site: pooled connections, no cookies, no redirects, bodies up to a limit."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
import urllib3

from timetables._mytimetable_errors import NotTheApiError, failure, hung_up, refusal
from timetables._prompt import NoEndError, PromptAdapter, pieces
from timetables.base import ContractBroken, Unavailable

LONGEST_SECONDS = 120
"""For the body of an answer, however long the site may be silent in between."""
_LONGEST_REFUSAL = 20_000
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,150}"')


@dataclass(frozen=True, slots=True)
class Version:
    """What an answer is recognised by: its ETag, empty where there is none we could use, and a digest of its body."""

    etag: str = ""
    digest: str = ""


NOTHING = Version()
"""No version is known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What stood at a URL, unpacked; the body is empty when it is still the version we know."""

    where: str
    body: bytes
    version: Version

    def content(self) -> tuple[bytes, str]:
        """Body and URL, as those who read it want them."""
        return self.body, self.where


class Wire:
    """Shared between threads. At most `pool` requests to a site are under way at a time; others wait for their turn."""

    def __init__(
        self, *, pool: int, sites: int, timeout: tuple[float, float], ca_file: Path | None, max_bytes: int
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session = requests.Session()
        # Nothing from the environment: REQUESTS_CA_BUNDLE would win over ca_file, and .netrc over the token.
        self._session.trust_env = False
        self._session.verify = str(ca_file) if ca_file else True
        # A cookie would carry one person's session into the next one's request.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": "Carillon", "Accept-Encoding": "gzip"})
        adapter = PromptAdapter(pool_connections=sites, pool_maxsize=pool, max_retries=0, pool_block=True)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def get(
        self,
        where: str,
        headers: Mapping[str, str | bytes],
        params: Mapping[str, str] | None = None,
        *,
        known: Version = NOTHING,
        personal: bool = True,
        absent: bytes | None = None,
    ) -> Answer:
        """What stands at the URL `where`, unless it is the version we know.

        `personal` requests are made on behalf of somebody. Where the answer is 404, `absent` is taken for it, if given.

        Raises: SourceError.
        """
        conditional = {**headers, "If-None-Match": known.etag} if known.etag else headers
        try:
            with self._asked(where, conditional, params) as response:
                if response.status_code == HTTPStatus.NOT_MODIFIED and known.etag:
                    return Answer(where, b"", known)
                if response.status_code == HTTPStatus.NOT_FOUND and absent is not None:
                    return Answer(where, absent, Version(digest="absent"))
                if response.status_code != HTTPStatus.OK:
                    raise refusal(response, _beginning(response), where, personal=personal)
                return self._answer(response, where)
        except NoEndError as error:
            raise Unavailable(
                f"GET {where} did not end within {LONGEST_SECONDS} s: look at the site, and at its load."
            ) from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise failure(error, where) from error
        except ValueError as error:  # requests looks where a redirect leads, followed or not
            raise NotTheApiError(
                f"GET {where} answered with a redirect that cannot be read: check urls in the timetable's section."
            ) from error

    def _asked(
        self, where: str, headers: Mapping[str, str | bytes], params: Mapping[str, str] | None
    ) -> requests.Response:
        """The beginning of an answer. A pooled connection may be one that the site has just hung up: that is no answer,
        and a GET is asked once more on another.
        """
        ask = partial(
            self._session.get,
            where,
            params=params,
            headers=headers,
            timeout=self._timeout,
            stream=True,
            allow_redirects=False,
        )
        try:
            return ask()
        except requests.ConnectionError as error:
            if not hung_up(error):
                raise
            return ask()

    def _answer(self, response: requests.Response, where: str) -> Answer:
        digest, chunks, size = hashlib.sha256(), [], 0
        for chunk in pieces(response, LONGEST_SECONDS):
            size += len(chunk)
            if size > self._max_bytes:
                raise ContractBroken(
                    f"GET {where} sent more than {self._max_bytes:,} bytes: no timetable of one person is that long; "
                    f"look at the site, or raise max_bytes in the timetable's section."
                )
            digest.update(chunk)
            chunks.append(chunk)
        body = b"".join(chunks)
        if not body:
            raise ContractBroken(f"GET {where} sent an empty answer: look at the site; it will be read again.")
        if "html" in response.headers.get("Content-Type", "") or body.lstrip().startswith(b"<"):
            raise NotTheApiError(
                f"GET {where} sent a page for people: check urls, and that no sign-in stands before it."
            )
        etag = response.headers.get("ETag", "")
        return Answer(where, body, Version(etag if _ETAG.fullmatch(etag) else "", digest.hexdigest()[:32]))


def _beginning(response: requests.Response) -> bytes:
    body = bytearray()
    for piece in pieces(response, LONGEST_SECONDS):
        body += piece
        if len(body) > _LONGEST_REFUSAL:
            break
    return bytes(body[:_LONGEST_REFUSAL])


def databases(wire: Wire, base: str, headers: Mapping[str, str | bytes]) -> Answer:
    """The databases of the site at `base`, as /databasedetails tells them, or /databases before 3.1.

    Raises: SourceError.
    """
    answer = wire.get(f"{base}databasedetails", headers, personal=False, absent=b"")
    return answer if answer.body else wire.get(f"{base}databases", headers, personal=False)
