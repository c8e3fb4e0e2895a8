"""The way to Exchange: one service account's connections, which all mailboxes of a process share.

exchangelib's pool of sessions is used; its way of sending is not. That logs whole requests when something unexpected
comes up, takes the certificates that the environment names for those that we name, loses a `Retry-After`, shrinks the
pool for good after every busy answer, and waits for a free connection without end.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Any, Literal, Protocol, cast

import requests
from exchangelib import Configuration, FailFast, Version
from exchangelib.protocol import BaseProtocol
from exchangelib.transport import BASIC, NTLM, get_auth_instance
from requests.adapters import HTTPAdapter

from providers._ews_tokens import Tokens
from providers._retry_after import retry_after

PATIENCE = 60.0
"""Seconds to wait until one of the account's connections is free."""
_SPOKEN = {requests.codes.ok, requests.codes.unauthorized, requests.codes.server_error}
"""The statuses of answers that have more to tell."""


class NoConnectionFreeError(Exception):
    """All connections of the service account stayed in use."""


class RefusedError(Exception):
    """Exchange answered without SOAP, with `status`; `wait` is what a `Retry-After` asks for."""

    def __init__(self, status: int, wait: timedelta | None) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.wait = wait


class SignIn(Protocol):
    def auth(self) -> Any:
        """What requests calls to sign a request. A session has one of its own: NTLM signs connections."""

    def again(self, refused: requests.Response) -> bool:
        """Whether a request that met a 401 may be sent once more, with another token."""


@dataclass(frozen=True)
class Login:
    """By name and password."""

    kind: Literal["ntlm", "basic"]
    username: str
    password: str = field(repr=False)

    def auth(self) -> Any:
        if self.kind == "basic":
            # As bytes: requests would write them in Latin-1, and stumble over what that lacks. See: RFC 7617, 2.1.
            return get_auth_instance(BASIC, username=self.username.encode(), password=self.password.encode())
        # NTLM reads what stands before a backslash as the domain, and an address has none.
        username = f"\\{self.username}" if "@" in self.username else self.username
        return get_auth_instance(NTLM, username=username, password=self.password)

    def again(self, refused: requests.Response) -> bool:  # noqa: ARG002  # a password does not change
        return False


class Bearer:
    """By an application's token, which serves all connections."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def auth(self) -> Any:
        return self._sign

    def again(self, refused: requests.Response) -> bool:
        """A token may be revoked before its time. Nothing was done by a request that bore it."""
        return self._tokens.forget(refused.request.headers.get("Authorization", "").removeprefix("Bearer "))

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._tokens.get()}"
        return request


class _Adapter(HTTPAdapter):
    """Tells a refusal as soon as it comes: in the middle of NTLM's handshake, the library would stumble over it."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        """Raises: RefusedError, requests.RequestException."""
        answer = super().send(*args, **options)
        if answer.status_code in _SPOKEN:
            return answer
        # To its end: a session has one connection, which would stay taken.
        _ = answer.content
        raise _refused(answer)


class Wire(BaseProtocol):
    """What exchangelib calls a protocol. A request is sent once."""

    HTTP_ADAPTER_CLS = _Adapter

    def __init__(
        self, url: str, sign_in: SignIn, version: Version, connections: int, *, timeout: float, ca_file: Path | None
    ) -> None:
        super().__init__(
            Configuration(service_endpoint=url, version=version, retry_policy=FailFast(), max_connections=connections)
        )
        self.version = version
        self._sign_in = sign_in
        self._timeout = timeout
        self._verify = str(ca_file) if ca_file else True

    def create_session(self) -> requests.Session:
        """Makes no request."""
        session: requests.Session = self.raw_session(self.service_endpoint)
        # An Exchange stands nearby: no proxy, and no certificates or passwords but those of the settings.
        session.trust_env = False
        session.auth = self._sign_in.auth()
        return session

    def get_session(self) -> requests.Session:
        """Raises: NoConnectionFreeError."""
        with suppress(Empty):
            return cast("requests.Session", self._session_pool.get(block=False))
        with self._session_pool_lock:
            if self._session_pool_size < self.max_connections:
                self._session_pool_size += 1
                return self.create_session()
        try:
            return cast("requests.Session", self._session_pool.get(timeout=PATIENCE))
        except Empty:
            raise NoConnectionFreeError from None

    def release_session(self, session: requests.Session) -> None:
        self._session_pool.put(session, block=False)

    def post(self, envelope: bytes, headers: dict[str, str]) -> bytes:
        """The SOAP envelope that answers this one.

        Raises: RefusedError, NoConnectionFreeError, requests.RequestException, what tokens raise.
        """
        session = self.get_session()
        try:
            answer = self._send(session, envelope, headers)
            if answer.status_code == requests.codes.unauthorized and self._sign_in.again(answer):
                answer = self._send(session, envelope, headers)
        finally:
            self.release_session(session)
        return _envelope(answer)

    def _send(self, session: requests.Session, envelope: bytes, headers: dict[str, str]) -> requests.Response:
        return session.post(
            self.service_endpoint,
            data=envelope,
            headers=headers,
            timeout=self._timeout,
            verify=self._verify,
            allow_redirects=False,
        )


def _envelope(answer: requests.Response) -> bytes:
    """A SOAP fault comes with a 500, as SOAP demands, and so do pages that are none."""
    fault = answer.status_code == requests.codes.server_error and b"Envelope" in answer.content
    if answer.status_code == requests.codes.ok or fault:
        return answer.content
    raise _refused(answer)


def _refused(answer: requests.Response) -> RefusedError:
    return RefusedError(answer.status_code, retry_after(answer.headers.get("Retry-After"), datetime.now(UTC)))
