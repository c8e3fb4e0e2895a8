"""The way to Google: one connection and one access token for each mailbox.

google-api-python-client comes with httplib2, which sends a POST a second time when the answer to the first was lost,
and it buys the tokens that a batch needs over a connection without our timeout and certificates. So requests carries
what that library says, and google-auth is given no other wire than ours.
"""

import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus as Status
from pathlib import Path
from typing import Any, NamedTuple

import google_auth_httplib2
import httplib2
import requests
from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from providers._bounded import bound
from providers._retry_after import retry_after

SCOPE = "https://www.googleapis.com/auth/calendar.events"

PASSING = ("internal_failure", "server_error", "temporarily_unavailable")
"""What a token endpoint calls its own failures, with whatever status. See: RFC 6749, 4.1.2.1."""

_PART = re.compile(rb"^HTTP/1\.\d (\d{3})", re.MULTILINE)


class NoTokenNowError(Exception):
    """The token endpoint cannot be reached, or is failing."""


class TokenThrottledError(Exception):
    """The token endpoint asks for fewer requests; `retry_after` is the wait it names, if any."""

    def __init__(self, message: str, retry_after: timedelta | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoTokenEndpointError(Exception):
    """What answers there is no token endpoint."""


class Answer(NamedTuple):
    """What google-auth looks at in an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Wire:
    """What googleapiclient calls `http`. A request is sent once.

    `written` tells whether one that changes something was accepted since it was last set to False, a batch not counted
    of which every part met a 401.
    """

    def __init__(self, timeout: float, ca_file: Path | None) -> None:
        self.written = False
        self._timeout = timeout
        self._verify = str(ca_file) if ca_file else True
        self._session = requests.Session()
        bound(self._session)
        # Without a word of ours, requests puts what a .netrc file says in the place of our Authorization header.
        self._session.auth = lambda request: request

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        **_redirections: Any,
    ) -> tuple[Any, bytes]:
        """Raises: requests.RequestException."""
        answer = self._send(method, uri, body, headers)
        refused = set(_PART.findall(answer.content)) == {b"401"}
        self.written = self.written or (method != "GET" and answer.ok and not refused)
        response = httplib2.Response({**answer.headers, "status": str(answer.status_code)})
        response.reason = answer.reason
        return response, answer.content

    def token(self, url: str, method: str, body: bytes, headers: Mapping[str, str], **_timeout: Any) -> Answer:
        """What google-auth calls to buy a token. An answer after which it would sleep and ask again is raised instead.

        Raises: TokenThrottledError, NoTokenNowError, NoTokenEndpointError.
        """
        try:
            answer = self._send(method, url, body, headers)
        except requests.RequestException as error:
            raise NoTokenNowError(f"{url} cannot be reached") from error
        wait = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        if answer.status_code == Status.TOO_MANY_REQUESTS or (
            answer.status_code == Status.SERVICE_UNAVAILABLE and wait
        ):
            raise TokenThrottledError(f"{url} answered {answer.status_code}", wait)
        told = _told(answer.content)
        passing = told and any(told.get(name) in PASSING for name in ("error", "error_description"))
        if (
            passing
            or answer.status_code >= Status.INTERNAL_SERVER_ERROR
            or answer.status_code == Status.REQUEST_TIMEOUT
        ):
            raise NoTokenNowError(f"{url} answered {answer.status_code}")
        if told is None:
            raise NoTokenEndpointError(f"{url} answered {answer.status_code} with something that is not a JSON object")
        return Answer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        self._session.close()

    def _send(
        self, method: str, url: str, body: str | bytes | None, headers: Mapping[str, str] | None
    ) -> requests.Response:
        return self._session.request(
            method, url, data=body, headers=headers, timeout=self._timeout, verify=self._verify, allow_redirects=False
        )


class Tokens:
    """The access tokens bought so far by mailbox, at most `limit` of them. Shared between threads."""

    def __init__(self, limit: int = 5000) -> None:
        self._limit = limit
        self._kept: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def get(self, mailbox: str) -> tuple[str, datetime] | tuple[None, None]:
        with self._lock:
            return self._kept.get(mailbox, (None, None))

    def keep(self, mailbox: str, token: str, expiry: datetime) -> None:
        with self._lock:
            self._kept.pop(mailbox, None)
            if len(self._kept) >= self._limit:
                del self._kept[next(iter(self._kept))]
            self._kept[mailbox] = (token, expiry)


# Only half of google-auth is typed: as Any, no call of it needs an excuse.
_Credentials: Any = service_account.Credentials


class ServiceAccount(_Credentials):  # type: ignore[misc]  # it is Any
    """The service account, and the same speaking for one mailbox over that mailbox's wire."""

    _wire: Wire
    _tokens: Tokens

    def speaking_for(self, mailbox: str, wire: Wire, tokens: Tokens) -> "ServiceAccount":
        voice: ServiceAccount = self.with_subject(mailbox)
        voice._wire, voice._tokens = wire, tokens
        voice.token, voice.expiry = tokens.get(mailbox)
        return voice

    def before_request(self, request: Any, method: str, url: str, headers: dict[str, str]) -> None:  # noqa: ARG002  # google-auth's
        """As google-auth has it, without the thread that asks in which regions a token is good: of ours nobody says."""
        if not self.valid:
            self.refresh(request)
        self.apply(headers)

    def refresh(self, request: Any) -> None:  # noqa: ARG002  # google-auth's own connection is what we avoid
        super().refresh(self._wire.token)
        self._tokens.keep(self._subject, self.token, self.expiry)


def service(root_url: str, voice: Any, wire: Wire) -> Any:
    """The Calendar service of googleapiclient, which asks for a new token once when one is refused."""
    http = google_auth_httplib2.AuthorizedHttp(voice, http=wire, max_refresh_attempts=1)
    return build_from_document(_document(root_url), http=http)


@cache
def _document(root_url: str) -> str:
    """The discovery document with another root: `client_options.api_endpoint` would leave batches at Google."""
    document = json.loads(get_static_doc("calendar", "v3"))
    document |= {"rootUrl": root_url, "baseUrl": root_url + document["servicePath"]}
    return json.dumps(document | {"resources": {"events": document["resources"]["events"]}})


def _told(content: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(content)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
