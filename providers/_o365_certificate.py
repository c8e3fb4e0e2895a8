"""The certificate by which Microsoft knows the application: its private key and it, in one PEM text."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """`private_key` and `public_certificate` in PEM, as msal wants them; the two moments are aware and in UTC."""

    private_key: str = field(repr=False)
    public_certificate: str
    begins: datetime
    expires: datetime

    def credential(self) -> dict[str, str]:
        """What msal signs with, and lets Microsoft find the certificate by."""
        return {"private_key": self.private_key, "public_certificate": self.public_certificate}


def read(pem: str) -> Certificate:
    """The key in `pem`, and the one of its certificates that belongs to it; they may stand in any order.

    Raises: ValueError.
    """
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(pem)]
    if not blocks:
        raise ValueError("must be PEM text, with a private key and the certificate that was uploaded for it")
    keys = [text for label, text in blocks if label.endswith("PRIVATE KEY")]
    key = _key(keys)
    certificates = [text for label, text in blocks if label == "CERTIFICATE"]
    if not certificates:
        raise ValueError("holds a private key and no certificate: put both into one file")
    for text in certificates:
        certificate = _certificate(text)
        if certificate.public_key() == key.public_key():
            return Certificate(keys[0], text, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    raise ValueError("holds a private key and a certificate that do not belong together")


def _key(found: list[str]) -> rsa.RSAPrivateKey:
    if len(found) != 1:
        raise ValueError("must hold one private key, beside the certificate that was uploaded for it")
    try:
        key = load_pem_private_key(found[0].encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("holds a private key that cannot be read: it must be whole and not encrypted") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("holds a private key of another kind than RSA, which Microsoft does not take")  # noqa: TRY004  # pydantic's
    return key


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise ValueError("holds a certificate that cannot be read") from error
