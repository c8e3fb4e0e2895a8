"""Entra's tokens for an application that speaks for itself: bought with its secret or with what its key has signed.

See: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from sandbox.microsoft_assertions import ASSERTION_TYPE, GrantRefusedError, check_assertion

GRAPH = "https://graph.microsoft.com"
OUTLOOK = "https://outlook.office365.com"
DEFAULT = "/.default"


def _now() -> datetime:
    return datetime.now(UTC)


class MicrosoftTokens:
    """One directory, one application registered in it, and the tokens that it bought. Shared between threads.

    `lifetime` is that of the tokens bought from now on, `granted` their number so far.
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
        if form.get("grant_type") != "client_credentials":
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
        resource = _resource(form.get("scope", ""))
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = resource, self._now() + self.lifetime
            self.granted += 1
        seconds = int(self.lifetime.total_seconds())
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}

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


def _resource(scope: str) -> str:
    resource = scope.removesuffix(DEFAULT).rstrip("/")
    if not scope.endswith(DEFAULT):
        said = f"The provided value for scope {scope} is not valid. It must end with /.default."
        raise GrantRefusedError("invalid_scope", 1002012, said, 400)
    if resource not in {GRAPH, OUTLOOK}:
        said = f"The resource principal named {resource} was not found in the tenant."
        raise GrantRefusedError("invalid_resource", 500011, said, 400)
    return resource
