"""One person's consent at Google, and that person's token in the place of the service account's.

See: https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus as Status
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from google.auth import credentials, jwt

from providers._causes import is_stranger
from providers._consent import Grant, Issued, Question
from providers._googlecalendar_wire import SCOPE, NoTokenEndpointError, NoTokenNowError, TokenThrottledError, Wire
from providers.base import ContractBroken, CredentialRefused, NotLinked, Throttled, Unauthorized, Unavailable

SCOPES = ("openid", "email", SCOPE)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# Only half of google-auth is typed: as Any, no call of it needs an excuse.
_Credentials: Any = credentials.Credentials
_decode: Any = jwt.decode


class TokenRefusedError(Exception):
    """Google gives us no token; `word` is OAuth's reason, like `invalid_grant`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def now() -> datetime:
    """The clock of tokens."""
    return datetime.now(UTC)


class GoogleConsent:
    """See: `providers._consent.Consent`. `sign_in_url` is where people sign in, `token_url` where tokens are bought."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        sign_in_url: str,
        token_url: str,
        timeout: float,
        ca_file: Path | None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.clock = clock
        self._application = {"client_id": client_id, "client_secret": client_secret}
        self._sign_in_url = sign_in_url
        self._token_url = token_url
        self._timeout = timeout
        self._ca_file = ca_file

    def ask(self, account: str, redirect_uri: str, state: str) -> Question:
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self._application["client_id"],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
            "nonce": nonce,
            "login_hint": account,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            # Without the first there is no refresh token, and without the second there is one the first time only.
            "access_type": "offline",
            "prompt": "consent",
        }
        kept = {"code_verifier": verifier, "nonce": nonce, "redirect_uri": redirect_uri}
        return Question(f"{self._sign_in_url}o/oauth2/v2/auth?{urlencode(asked)}", json.dumps(kept))

    def redeem(self, kept: str, answer: Mapping[str, str]) -> Issued:
        known = json.loads(kept)
        nonce = known.pop("nonce")
        with _translated():
            issued = self._bought(grant_type="authorization_code", code=answer.get("code", ""), nonce=nonce, **known)
        if not issued.account or issued.refresh_token is None:
            raise ContractBroken("Google's sign-in does not say who consented, or until when: check token_url.")
        return issued

    def renew(self, refresh_token: str) -> Issued:
        with _translated():
            return self._bought(grant_type="refresh_token", refresh_token=refresh_token)

    def withdraw(self, refresh_token: str) -> None:
        with _translated():
            try:
                self._post("revoke", {"token": refresh_token})
            except TokenRefusedError as error:
                if error.word not in {"invalid_token", "invalid_request"}:
                    raise

    def _bought(self, nonce: str | None = None, **form: str) -> Issued:
        began = self.clock()
        told = self._post("token", {**form, **self._application})
        match told:
            case {"access_token": str(secret), "expires_in": int(seconds)}:
                self._check_scope(told)
                ends = told.get("refresh_token_expires_in")
                return Issued(
                    secret,
                    began + timedelta(seconds=seconds),
                    told.get("refresh_token"),
                    began + timedelta(seconds=ends) if isinstance(ends, int) else None,
                    self._account(told, nonce),
                )
        raise NoTokenEndpointError("neither a token nor a reason")

    def _post(self, place: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises: TokenRefusedError, and as `Wire.token`."""
        with closing(Wire(self._timeout, self._ca_file)) as wire:
            answer = wire.token(self._token_url + place, "POST", urlencode(form).encode(), _FORM)
        told: dict[str, Any] = json.loads(answer.data)
        if answer.status < Status.MULTIPLE_CHOICES:
            return told
        word = told.get("error")
        if isinstance(word, str) and word.isidentifier():
            raise TokenRefusedError(word)
        raise NoTokenEndpointError(f"{answer.status} and no reason")

    @staticmethod
    def _check_scope(told: Mapping[str, Any]) -> None:
        """People may untick a permission at Google."""
        if "scope" in told and SCOPE not in str(told["scope"]).split():
            raise NotLinked("The person's consent lacks their calendar's events: let them link their calendar again.")

    def _account(self, told: Mapping[str, Any], nonce: str | None) -> str:
        """The address in the id token. It came straight from the token endpoint, over TLS: so its signature need not
        be checked (OpenID Connect Core 1.0, 3.1.3.7).
        """
        if nonce is None or "id_token" not in told:
            return ""
        claims = _decode(str(told["id_token"]), verify=False)
        ours = claims.get("aud") == self._application["client_id"] and claims.get("nonce") == nonce
        return str(claims.get("email", "")).lower() if ours and claims.get("email_verified") is True else ""


@contextmanager
def _translated() -> Iterator[None]:
    """A block that speaks with Google's sign-in. Raises: as `providers._consent.Consent.renew`."""
    try:
        yield
    except TokenRefusedError as error:
        raise _meant(error.word) from error
    except TokenThrottledError as error:
        said = "Google's token endpoint asks for fewer requests: the rest follows later."
        raise Throttled(said, error.retry_after, everybody=True) from error
    except NoTokenNowError as error:
        said = "Google's token endpoint cannot be reached or is failing: it is asked again later."
        stranger = "The certificate of Google's token endpoint is not trusted: check ca_file and token_url."
        raise Unavailable(stranger if is_stranger(error) else said, everybody=True) from error
    except (NoTokenEndpointError, ValueError, TypeError, AttributeError) as error:
        # The last three are said of half an answer, or of half an id token.
        said = "Google's token endpoint gives no token: check token_url, and whether a proxy answers in its place."
        raise ContractBroken(said) from error


def _meant(word: str) -> Unauthorized:
    if word == "invalid_grant":
        return NotLinked(
            f"The person's consent is over or was taken back ({word}): let them link their calendar again."
        )
    return CredentialRefused(f"Google refuses the application ({word}): check client_id and client_secret.")


class Voice(_Credentials):  # type: ignore[misc]  # it is Any
    """One person who consented, as google-auth has credentials."""

    def __init__(self, grant: Grant) -> None:
        super().__init__()
        self._grant = grant

    def before_request(self, request: Any, method: str, url: str, headers: dict[str, str]) -> None:  # noqa: ARG002  # google-auth's
        self.apply(headers)

    def apply(self, headers: dict[str, str], token: str | None = None) -> None:  # noqa: ARG002  # google-auth's
        self.token = self._grant.access_token()
        headers["authorization"] = f"Bearer {self.token}"

    def refresh(self, request: Any) -> None:  # noqa: ARG002  # google-auth's own connection is what we avoid
        """Google refuses the token, or there was none yet."""
        if self.token is not None:
            self._grant.refused(self.token)
        self.token = self._grant.access_token()
