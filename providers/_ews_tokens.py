"""Access tokens for an application that speaks for itself.

See: RFC 6749, 4.4; https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from providers._retry_after import retry_after

MARGIN = timedelta(minutes=5)
"""A token is taken for spent so long before its end."""


class NoTokenNowError(Exception):
    """The token endpoint cannot be reached, or is failing."""


class TokenThrottledError(Exception):
    """The token endpoint asks for fewer requests; `wait` is the one it names, if any."""

    def __init__(self, wait: timedelta | None) -> None:
        super().__init__("too many requests")
        self.wait = wait


class TokenRefusedError(Exception):
    """The application is refused; `word` is the endpoint's reason, like `invalid_client`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class NoTokenEndpointError(Exception):
    """What answers there is no token endpoint."""


def _now() -> datetime:
    return datetime.now(UTC)


class Tokens:
    """The application's token, bought when it is needed. Shared between threads, of which one buys."""

    def __init__(
        self,
        endpoint: str,
        client_id: str,
        secret: str,
        scope: str,
        *,
        timeout: float,
        ca_file: Path | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._endpoint = endpoint
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": scope,
        }
        self._timeout = timeout
        self._verify = str(ca_file) if ca_file else True
        self._now = now
        self._lock = threading.Lock()
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)

    def get(self) -> str:
        """Raises: NoTokenNowError, TokenThrottledError, TokenRefusedError, NoTokenEndpointError."""
        with self._lock:
            if not self._token or self._now() >= self._until:
                self._token, lifetime = self._bought()
                self._until = self._now() + max(lifetime - MARGIN, lifetime / 2)
            return self._token

    def forget(self, token: str) -> bool:
        """Give up `token`, which was refused. Whether it was one of ours."""
        with self._lock:
            if token == self._token:
                self._token = ""
            return bool(token)

    def _bought(self) -> tuple[str, timedelta]:
        answer = self._asked()
        match _told(answer):
            case {"access_token": str(token), "expires_in": int(seconds)} if answer.ok and token:
                return token, timedelta(seconds=seconds)
            case {"error": str(word)} if word.isidentifier():
                raise TokenRefusedError(word)
        raise NoTokenEndpointError

    def _asked(self) -> requests.Response:
        try:
            answer = requests.post(
                self._endpoint,
                data=self._form,
                auth=_unsigned,
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise NoTokenNowError from error
        if answer.status_code == requests.codes.too_many_requests:
            raise TokenThrottledError(retry_after(answer.headers.get("Retry-After"), self._now()))
        if answer.status_code >= requests.codes.server_error:
            raise NoTokenNowError
        return answer


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without a word of ours, requests signs with what a .netrc file says."""
    return request


def _told(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
