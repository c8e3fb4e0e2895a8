"""A throw-away certificate authority, so that the sandbox can answer over HTTPS and programs can sign with keys."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SLACK = timedelta(hours=1)
"""What a certificate is older than its making, for clocks that do not agree."""

_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate with its chain, and its private key, as files in PEM."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ApplicationCertificate:
    """What an application signs with, both in PEM; an administrator registers `certificate`."""

    private_key: str
    certificate: str


def _now() -> datetime:
    return datetime.now(UTC)


class Authority:
    """Certifies servers on this machine. `ca_file` is what their clients must trust."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = _now) -> None:
        self.ca_file = folder / "authority.pem"
        self._folder = folder
        self._now = now
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        extensions = [x509.BasicConstraints(ca=True, path_length=0), _SIGNS]
        self._own = _sign("The sandbox's authority", self._key, now(), timedelta(days=2), extensions=extensions)
        self.ca_file.write_bytes(_certificate_pem(self._own))

    def server(self, address: str = "127.0.0.1") -> Certificate:
        """For localhost and an address, good for two days."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))]
        extensions = [
            x509.SubjectAlternativeName(names),
            x509.BasicConstraints(ca=False, path_length=None),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        ]
        signed = _sign(
            "localhost", key, self._now(), timedelta(days=2), signer=(self._own, self._key), extensions=extensions
        )
        made = Certificate(self._folder / "server.pem", self._folder / "server.key")
        made.chain.write_bytes(_certificate_pem(signed) + _certificate_pem(self._own))
        made.key.touch(mode=0o600)
        made.key.write_text(_key_pem(key))
        return made


def application_certificate(days: int = 365, *, now: Callable[[], datetime] = _now) -> ApplicationCertificate:
    """A key and its self-signed certificate, good for `days` from now, or one that ended so many days ago."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    begun = now() if days > 0 else now() + timedelta(days=days - 1)
    end = now() + timedelta(days=days)
    signed = _sign("Carillon in the sandbox", key, begun, end - begun)
    return ApplicationCertificate(_key_pem(key), _certificate_pem(signed).decode())


def _sign(
    name: str,
    key: rsa.RSAPrivateKey,
    begun: datetime,
    lifetime: timedelta,
    *,
    signer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None,
    extensions: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, with_key = (signer[0].subject, signer[1]) if signer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun - SLACK)
        .not_valid_after(begun + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(with_key.public_key()), critical=False)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=isinstance(each, x509.BasicConstraints | x509.KeyUsage))
    return builder.sign(with_key, hashes.SHA256())


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
