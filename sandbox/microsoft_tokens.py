"""Entra's tokens for an application that speaks for itself, bought with its secret or with what its key has signed; and
for one that speaks for a person who consented.

See: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from sandbox.consents import Consented, Consents, OverError, Reason, id_token
from sandbox.microsoft_assertions import ASSERTION_TYPE, GrantRefusedError, check_assertion

GRAPH = "https://graph.microsoft.com"
OUTLOOK = "https://outlook.office365.com"
DEFAULT = "/.default"


def _now() -> datetime:
    return datetime.now(UTC)


class MicrosoftTokens:
    """One directory, one application registered in it, and the tokens that it bought. Shared between threads.

    `lifetime` is that of the tokens bought from now on, `granted` their number so far; `consents` are what people said
    to the application. Entra lets a refresh token be used again for a while; here it is good once.
    """

    def __init__(self, *, now: Callable[[], datetime] = _now) -> None:
        self.directory = str(uuid.uuid4())
        self.client_id = str(uuid.uuid4())
        self.client_secret = secrets.token_urlsafe(30)
        self.secret_expires: datetime | None = None
        self.lifetime = timedelta(minutes=60)
        self.granted = 0
        self._certificates: list[x509.Certificate] = []
        self._now = now
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._persons: dict[str, Consented] = {}
        self.consents = Consents(self.client_id, now, rotates=True)
        self._lock = threading.Lock()

    def register(self, certificate_pem: str) -> None:
        """The administrator uploads a certificate to the application."""
        self._certificates.append(x509.load_pem_x509_certificate(certificate_pem.encode()))

    def forget_certificates(self) -> None:
        """The administrator takes all certificates away."""
        self._certificates.clear()

    def grant(self, directory: str, form: Mapping[str, str], endpoint: str) -> dict[str, Any]:
        """A new token; `endpoint` is the URL under which it is asked for. Raises: GrantRefusedError."""
        self.check_directory(directory)
        if form.get("grant_type") not in {"client_credentials", "authorization_code", "refresh_token"}:
            raise GrantRefusedError(
                "unsupported_grant_type", 70003, "The app requested an unsupported grant type.", 400
            )
        if form.get("client_id") != self.client_id:
            raise GrantRefusedError(
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id')}' was not found in the directory '{directory}'.",
                400,
            )
        self._check_credential(form, endpoint)
        if form["grant_type"] == "client_credentials":
            return self._sold(_resource(form.get("scope", "")))
        try:
            return self._for_person(form)
        except OverError as error:
            raise GrantRefusedError("invalid_grant", *_OVER[error.reason], 400) from error

    def _sold(self, resource: str, person: Consented | None = None) -> dict[str, Any]:
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = resource, self._now() + self.lifetime
            self.granted += 1
            if person is not None:
                self._persons[token] = person
        seconds = int(self.lifetime.total_seconds())
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}

    def _for_person(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises: OverError."""
        if form["grant_type"] == "refresh_token":
            person, refresh_token = self.consents.renew(form.get("refresh_token", ""))
        else:
            person = self.consents.redeem(form)
            refresh_token = self.consents.refresh_token(person)
        known = {each.removeprefix(f"{GRAPH}/") for each in person.scopes}
        told = self._sold(GRAPH, person) | {"scope": " ".join(sorted(known - {"offline_access"}))}
        if "offline_access" in known:
            told["refresh_token"] = refresh_token
        return told | {"id_token": id_token(self._claims(person), self.client_secret)}

    def _claims(self, person: Consented) -> dict[str, Any]:
        now = int(self._now().timestamp())
        said = {"aud": self.client_id, "tid": self.directory, "sub": person.account, "nonce": person.nonce}
        issuer = f"https://login.microsoftonline.com/{self.directory}/v2.0"
        return said | {"iss": issuer, "iat": now, "exp": now + 3600, "preferred_username": person.account}

    def person(self, token: str) -> Consented | None:
        """For whom `token` speaks, None for the application itself."""
        with self._lock:
            return self._persons.get(token)

    def withdraw(self, account: str) -> None:
        """The person takes their consent back, and tokens with it."""
        self.consents.withdraw(account)
        with self._lock:
            for token in [each for each, person in self._persons.items() if person.account == account.lower()]:
                self._tokens.pop(token, None)

    def check_directory(self, directory: str) -> None:
        """Raises: GrantRefusedError."""
        if directory.lower() != self.directory:
            said = f"Tenant '{directory}' not found. Check to make sure you have the correct tenant ID."
            raise GrantRefusedError("invalid_request", 90002, said, 400)

    def accepts(self, token: str, resource: str = GRAPH) -> bool:
        """Whether `token` is good for `resource` now."""
        with self._lock:
            meant_for, expires = self._tokens.get(token, ("", self._now()))
        return meant_for == resource and self._now() < expires

    def revoke(self) -> None:
        """Make all tokens worthless, whatever their time."""
        with self._lock:
            self._tokens.clear()

    def _check_credential(self, form: Mapping[str, str], endpoint: str) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION_TYPE:
                said = "The request body must contain the parameter 'client_assertion_type'."
                raise GrantRefusedError("invalid_request", 900144, said, 400)
            check_assertion(form["client_assertion"], self.client_id, endpoint, self._certificates, self._now())
        elif "client_secret" not in form:
            said = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise GrantRefusedError("invalid_client", 7000218, said, 401)
        elif not secrets.compare_digest(form["client_secret"].encode(), self.client_secret.encode()):
            said = f"Invalid client secret provided for app '{self.client_id}'."
            raise GrantRefusedError("invalid_client", 7000215, said, 401)
        elif self.secret_expires and self.secret_expires <= self._now():
            said = f"The provided client secret keys for app '{self.client_id}' are expired."
            raise GrantRefusedError("invalid_client", 7000222, said, 401)


_OVER: dict[Reason, tuple[int, str]] = {
    "unknown": (9002313, "Invalid request. Request is malformed or invalid."),
    "used": (54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code."),
    "expired": (700082, "The refresh token has expired due to inactivity."),
    "withdrawn": (65001, "The user or administrator has not consented to use the application."),
    "redirect_uri": (500112, "The reply address does not match the reply address provided when requesting the code."),
    "code_verifier": (501481, "The Code_Verifier does not match the code_challenge supplied."),
}


def _resource(scope: str) -> str:
    resource = scope.removesuffix(DEFAULT).rstrip("/")
    if not scope.endswith(DEFAULT):
        said = f"The provided value for scope {scope} is not valid. It must end with /.default."
        raise GrantRefusedError("invalid_scope", 1002012, said, 400)
    if resource not in {GRAPH, OUTLOOK}:
        said = f"The resource principal named {resource} was not found in the tenant."
        raise GrantRefusedError("invalid_resource", 500011, said, 400)
    return resource
