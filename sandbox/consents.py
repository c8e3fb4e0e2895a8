"""People who let an application into their accounts: what an identity provider remembers of that.

See: RFC 6749, 4.1; RFC 7636; and for refresh tokens that are used twice RFC 9700, 4.14.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

Reason = Literal["unknown", "used", "expired", "withdrawn", "redirect_uri", "code_verifier"]


class AskedWronglyError(Exception):
    """The application's question is none that a person is shown."""


class OverError(Exception):
    """A code or a refresh token is worth nothing, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application wants to be let do, and where the answer goes."""

    redirect_uri: str
    state: str
    challenge: str
    nonce: str
    scopes: frozenset[str]
    hint: str


@dataclass(frozen=True, slots=True)
class Consented:
    """Who said yes, to what. What comes of one yes is one family of tokens."""

    account: str
    scopes: frozenset[str]
    nonce: str
    family: str


@dataclass(frozen=True, slots=True)
class _Code:
    asked: Asked
    consented: Consented
    expires: datetime
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Refresh:
    consented: Consented
    expires: datetime
    used: bool = False


class Consents:
    """What people said to one application. Shared between threads.

    With `rotates`, a refresh token is good once, and one that is used again ends all that came of that consent;
    `reused` counts those. The two lifetimes are those of what is given out from now on.
    """

    def __init__(self, client_id: str, now: Callable[[], datetime], *, rotates: bool) -> None:
        self.client_id = client_id
        self.redirect_uris: set[str] = set()
        self.code_lifetime = timedelta(minutes=5)
        self.refresh_lifetime = timedelta(days=90)
        self.reused = 0
        self._rotates = rotates
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._withdrawn: set[str] = set()
        self._lock = threading.Lock()

    def asked(self, query: Mapping[str, str]) -> Asked:
        """Raises: AskedWronglyError, in which case nobody is sent anywhere."""
        if query.get("client_id") != self.client_id:
            raise AskedWronglyError("There is no application with this client_id.")
        if query.get("redirect_uri") not in self.redirect_uris:
            raise AskedWronglyError("The redirect_uri is not registered for the application.")
        if query.get("response_type") != "code" or query.get("response_mode", "query") != "query":
            raise AskedWronglyError("The sandbox plays response_type=code, answered in the query.")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise AskedWronglyError("The sandbox asks for PKCE with S256.")
        return Asked(
            query["redirect_uri"],
            query.get("state", ""),
            query["code_challenge"],
            query.get("nonce", ""),
            frozenset(query.get("scope", "").split()),
            query.get("login_hint", ""),
        )

    def accept(self, asked: Asked, account: str, scopes: Collection[str]) -> str:
        """The person lets the application do `scopes`. Where their browser goes."""
        code, family = secrets.token_urlsafe(24), secrets.token_urlsafe(8)
        consented = Consented(account.lower(), frozenset(scopes), asked.nonce, family)
        with self._lock:
            self._codes[code] = _Code(asked, consented, self._now() + self.code_lifetime)
        return _with(asked, code=code)

    def refuse(self, asked: Asked, word: str = "access_denied") -> str:
        """The person does not. Where their browser goes."""
        return _with(asked, error=word)

    def redeem(self, form: Mapping[str, str]) -> Consented:
        """What a code is worth, once. Raises: OverError."""
        with self._lock:
            known = self._codes.get(form.get("code", ""))
            if known is None:
                raise OverError("unknown")
            if known.used:
                self._withdrawn.add(known.consented.family)
                raise OverError("used")
            self._codes[form["code"]] = replace(known, used=True)
        if known.expires <= self._now():
            raise OverError("expired")
        if form.get("redirect_uri") != known.asked.redirect_uri:
            raise OverError("redirect_uri")
        if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), known.asked.challenge):
            raise OverError("code_verifier")
        return known.consented

    def refresh_token(self, consented: Consented) -> str:
        """A new one."""
        token = f"1.{secrets.token_urlsafe(40)}"
        with self._lock:
            self._refresh[token] = _Refresh(consented, self._now() + self.refresh_lifetime)
        return token

    def renew(self, token: str) -> tuple[Consented, str | None]:
        """Whose it is, and the one that takes its place, if one does. Raises: OverError."""
        with self._lock:
            known = self._known(token)
            if self._rotates:
                self._refresh[token] = replace(known, used=True)
        return known.consented, self.refresh_token(known.consented) if self._rotates else None

    def _known(self, token: str) -> _Refresh:
        known = self._refresh.get(token)
        if known is None:
            raise OverError("unknown")
        if known.used:
            self.reused += 1
            self._withdrawn.add(known.consented.family)
        if known.consented.family in self._withdrawn:
            raise OverError("withdrawn")
        if known.expires <= self._now():
            raise OverError("expired")
        return known

    def withdraw(self, account: str) -> None:
        """The person takes back all they consented to."""
        with self._lock:
            said = [each.consented for each in self._codes.values()] + [
                each.consented for each in self._refresh.values()
            ]
            self._withdrawn |= {each.family for each in said if each.account == account.lower()}

    def revoke(self, token: str) -> Consented:
        """The application gives a consent back. Raises: OverError."""
        with self._lock:
            known = self._known(token)
            self._withdrawn.add(known.consented.family)
            return known.consented

    def holds(self, consented: Consented) -> bool:
        """Whether it was not taken back."""
        with self._lock:
            return consented.family not in self._withdrawn

    def refresh_tokens(self) -> list[str]:
        """All that were ever given out."""
        with self._lock:
            return list(self._refresh)


def id_token(claims: Mapping[str, Any], secret: str) -> str:
    """An id token, signed with the application's secret."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_encoded(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def _with(asked: Asked, **answer: str) -> str:
    mark = "&" if "?" in asked.redirect_uri else "?"
    return f"{asked.redirect_uri}{mark}{urlencode({**answer, 'state': asked.state})}"


def _challenge(verifier: str) -> str:
    return _encoded(hashlib.sha256(verifier.encode()).digest())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
