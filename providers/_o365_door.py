"""The way to Microsoft's sign-in, which msal asks for tokens over."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus as Status
from typing import Any

import requests

from providers._retry_after import retry_after

PASSING = {"temporarily_unavailable", "server_error"}
"""What a token endpoint calls its own failures, with whatever status. See: RFC 6749, 4.1.2.1."""


class NoTokenNowError(Exception):
    """The token endpoint cannot be reached, or is failing."""


class TokenThrottledError(Exception):
    """The token endpoint asks for fewer requests; `retry_after` is the wait it names, if any."""

    def __init__(self, message: str, retry_after: timedelta | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoTokenEndpointError(Exception):
    """What answers there is no token endpoint."""


class TokenRefusedError(Exception):
    """Microsoft gives us no token; `word` is OAuth's reason like `invalid_client`, `codes` are its AADSTS numbers."""

    def __init__(self, word: str, codes: list[int]) -> None:
        super().__init__(word)
        self.word = word
        self.codes = codes


class Door:
    """What msal calls its `http_client`. A request is sent once, and a failure is raised before msal remembers it."""

    def __init__(self, timeout: float, verify: str | bool) -> None:
        self._timeout = timeout
        self._verify = verify

    def get(self, url: str, **options: Any) -> requests.Response:
        """For the endpoints of the directory. Raises: as `post`, and TokenRefusedError."""
        answer = self._send("GET", url, **options)
        if not answer.ok:
            raise refused(_told(answer))
        return answer

    def post(self, url: str, **options: Any) -> requests.Response:
        """For a token, or why not. Raises: TokenThrottledError, NoTokenNowError, NoTokenEndpointError."""
        return self._send("POST", url, **options)

    def close(self) -> None:
        """Nothing is kept open: tokens are bought once an hour."""

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_other: Any,
    ) -> requests.Response:
        try:
            # `verify` and `auth` are said with the request: the environment and a .netrc would win over a session's.
            # And so is the connection's end: else it lasts as long as an error that has to do with the answer.
            answer = requests.request(
                method,
                url,
                params=params,
                data=data,
                headers={**(headers or {}), "Connection": "close"},
                timeout=self._timeout,
                verify=self._verify,
                auth=lambda request: request,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise NoTokenNowError("the token endpoint cannot be reached") from error
        return _sound(answer)


def _sound(answer: requests.Response) -> requests.Response:
    wait = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
    if answer.status_code == Status.TOO_MANY_REQUESTS or (answer.status_code == Status.SERVICE_UNAVAILABLE and wait):
        raise TokenThrottledError(f"the token endpoint answered {answer.status_code}", wait)
    if answer.status_code >= Status.INTERNAL_SERVER_ERROR or answer.status_code == Status.REQUEST_TIMEOUT:
        raise NoTokenNowError(f"the token endpoint answered {answer.status_code}")
    if _told(answer).get("error") in PASSING:
        raise NoTokenNowError("the token endpoint is failing")
    return answer


def _told(answer: requests.Response) -> dict[str, Any]:
    """Raises: NoTokenEndpointError, when it is no JSON object."""
    try:
        told = answer.json()
    except ValueError as error:
        raise NoTokenEndpointError(f"{answer.status_code} and no JSON") from error
    if not isinstance(told, dict):
        raise NoTokenEndpointError(f"{answer.status_code} and no JSON object")
    return told


def refused(told: Mapping[str, Any]) -> Exception:
    """What a refusal in the words of OAuth says."""
    word, codes = told.get("error"), told.get("error_codes")
    if not isinstance(word, str) or not word.isidentifier():
        return NoTokenEndpointError("neither a token nor a reason")
    return TokenRefusedError(word, [each for each in codes if isinstance(each, int)] if isinstance(codes, list) else [])
