"""What an application signs with its certificate's key in order to get a token, and how Entra refuses it.

See: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
}


class GrantRefusedError(Exception):
    """The token endpoint's refusal: OAuth's word for it, Entra's AADSTS number, a sentence and the HTTP status."""

    def __init__(self, word: str, number: int, description: str, status: int) -> None:
        super().__init__(description)
        self.word = word
        self.number = number
        self.status = status


def check_assertion(
    assertion: str, client_id: str, endpoint: str, certificates: Iterable[x509.Certificate], now: datetime
) -> None:
    """Return if `assertion` was signed for `endpoint` by the key of one of the certificates.

    Raises: GrantRefusedError.
    """
    signed, _, signature = assertion.rpartition(".")
    try:
        header, claims = (dict(json.loads(_decoded(part))) for part in signed.split("."))
        raw = _decoded(signature)
    except (ValueError, TypeError) as error:
        raise _refused(50027, "JWT token is invalid or malformed.") from error
    certificate = _certificate(header, certificates)
    if certificate.not_valid_after_utc <= now:
        raise _signature("The key used is expired.", header)
    try:
        _public_key(certificate).verify(raw, signed.encode(), _PADDINGS[header["alg"]], hashes.SHA256())
    except (InvalidSignature, KeyError) as error:
        raise _signature("The signature does not fit the key.", header) from error
    _check_claims(claims, client_id, endpoint, now.timestamp())


def _certificate(header: Mapping[str, Any], certificates: Iterable[x509.Certificate]) -> x509.Certificate:
    for each in certificates:
        for name, algorithm in (("x5t", hashes.SHA1()), ("x5t#S256", hashes.SHA256())):
            if str(header.get(name, "")).rstrip("=") == _encoded(each.fingerprint(algorithm)):
                return each
    raise _signature("The key was not found.", header)


def _public_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise _refused(5002738, "The certificate's key is not an RSA key.")
    return key


def _check_claims(claims: Mapping[str, Any], client_id: str, endpoint: str, now: float) -> None:
    if claims.get("aud") != endpoint:
        raise _refused(700023, "Client assertion audience claim does not match Realm issuer.")
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    begins, ends = (_seconds(claims.get(name, 0)) for name in ("nbf", "exp"))
    if not begins <= now < ends:
        raise _refused(700024, "Client assertion is not within its valid time range.")


def _seconds(claim: Any) -> float:
    return claim if isinstance(claim, int | float) else 0.0


def _signature(reason: str, header: Mapping[str, Any]) -> GrantRefusedError:
    thumbprint = header.get("x5t") or header.get("x5t#S256")
    said = "Client assertion contains an invalid signature or was signed with a key that is not registered."
    return _refused(700027, f"{said} [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']")


def _refused(number: int, description: str) -> GrantRefusedError:
    return GrantRefusedError("invalid_client", number, description, 401)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
