"""Google's token endpoint, for service accounts that speak for the accounts of a domain, and for an application that
people consented to.

See: https://developers.google.com/identity/protocols/oauth2/service-account#httprest and
https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import json
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.consents import Consented, Consents, OverError, id_token

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = frozenset({"https://www.googleapis.com/auth/calendar", "https://www.googleapis.com/auth/calendar.events"})
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token allows: to speak for `mailbox` within `scopes`, until `expires` or as long as `person` consents."""

    mailbox: str
    scopes: frozenset[str]
    expires: datetime
    person: Consented | None = None


class GrantRefusedError(Exception):
    """The token endpoint's refusal: OAuth's word for it, and a sentence."""

    def __init__(self, word: str, description: str) -> None:
        super().__init__(description)
        self.word = word


class GoogleTokens:
    """One service account, the scopes an administrator delegated to it, and its tokens; one application, and what
    people said to it. Shared between threads.
    """

    def __init__(
        self, accounts: Collection[str], now: Callable[[], datetime], key: rsa.RSAPrivateKey | None = None
    ) -> None:
        """`accounts` are those of the domain, as they are at the moment of asking."""
        self.lifetime = LONGEST
        self.delegated = SCOPES
        self.client_email = "carillon@sandbox.iam.gserviceaccount.com"
        self._key = key or make_key()
        self._accounts = accounts
        self._now = now
        self._granted: dict[str, Granted] = {}
        self.client_id = f"{secrets.randbelow(10**12)}-sandbox.apps.googleusercontent.com"
        self.client_secret = f"GOCSPX-{secrets.token_urlsafe(20)}"
        self.consents = Consents(self.client_id, now, rotates=False)
        self._lock = threading.Lock()

    def key_document(self, base_url: str) -> str:
        """The service account's key as Google Cloud hands it out, in JSON, for a sandbox that answers at `base_url`."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "sandbox",
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": self.client_email,
                "client_id": "100000000000000000001",
                "token_uri": f"{base_url.rstrip('/')}/token",
            }
        )

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A new token for a signed assertion, or with a person's consent. Raises: GrantRefusedError."""
        if form.get("grant_type") in {"authorization_code", "refresh_token"}:
            return self._for_person(form)
        if form.get("grant_type") != GRANT:
            raise GrantRefusedError("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self._claims(form.get("assertion", ""))
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes or not scopes <= self.delegated:
            raise GrantRefusedError(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, "
                "or client not authorized for any of the scopes requested.",
            )
        mailbox = str(claims.get("sub", "")).lower()
        if mailbox not in self._accounts:
            raise GrantRefusedError("invalid_grant", "Invalid email or User ID")
        return self._sold(mailbox, scopes)

    def _sold(self, mailbox: str, scopes: frozenset[str], person: Consented | None = None) -> dict[str, Any]:
        token = f"ya29.{secrets.token_urlsafe(24)}"
        with self._lock:
            self._granted[token] = Granted(mailbox, scopes, self._now() + self.lifetime, person)
        return {"access_token": token, "expires_in": int(self.lifetime.total_seconds()), "token_type": "Bearer"}

    def _for_person(self, form: Mapping[str, str]) -> dict[str, Any]:
        shown = form.get("client_id", ""), form.get("client_secret", "")
        if not secrets.compare_digest("\n".join(shown), f"{self.client_id}\n{self.client_secret}"):
            raise GrantRefusedError("invalid_client", "The OAuth client was not found.")
        try:
            if form["grant_type"] == "refresh_token":
                person, _ = self.consents.renew(form.get("refresh_token", ""))
                more = {}
            else:
                person = self.consents.redeem(form)
                claims = {"aud": self.client_id, "nonce": person.nonce, "email": person.account, "email_verified": True}
                more = {
                    "refresh_token": self.consents.refresh_token(person),
                    "id_token": id_token({"iss": "https://accounts.google.com", **claims}, self.client_secret),
                }
        except OverError as error:
            said = "Token has been expired or revoked." if error.reason in {"withdrawn", "expired"} else "Bad Request"
            raise GrantRefusedError("invalid_grant", said) from error
        return self._sold(person.account, person.scopes, person) | {"scope": " ".join(sorted(person.scopes))} | more

    def give_back(self, token: str) -> None:
        """The application revokes a refresh token, and with it all that its person let it do.

        Raises: GrantRefusedError.
        """
        try:
            self.consents.withdraw(self.consents.revoke(token).account)
        except OverError as error:
            raise GrantRefusedError("invalid_token", "Token expired or revoked") from error

    def of(self, authorization: str) -> Granted | None:
        """What the `Authorization` header allows; None when its token is unknown, revoked or too old."""
        with self._lock:
            granted = self._granted.get(authorization.removeprefix("Bearer "))
        if granted is None or (granted.person and not self.consents.holds(granted.person)):
            return None
        return granted if granted.expires > self._now() and granted.mailbox in self._accounts else None

    def revoke(self) -> None:
        """Make all tokens worthless."""
        with self._lock:
            self._granted.clear()

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
            public = self._key.public_key()
            public.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature) as error:
            raise GrantRefusedError("invalid_grant", "Invalid JWT Signature.") from error
        if header.get("alg") != "RS256" or claims.get("iss") != self.client_email:
            raise GrantRefusedError("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") != AUDIENCE:
            raise GrantRefusedError("invalid_grant", "Invalid JWT: Failed audience check.")
        self._check_times(claims)
        return dict(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        issued, expires = claims.get("iat"), claims.get("exp")
        if (
            not isinstance(issued, int)
            or not isinstance(expires, int)
            or not 0 < expires - issued <= LONGEST.total_seconds()
            or expires <= self._now().timestamp()
        ):
            raise GrantRefusedError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
            )


def make_key() -> rsa.RSAPrivateKey:
    """A new private key, which takes a tenth of a second to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
