"""CalDAV: certificates."""

import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers import caldav
from providers.base import (
    Marks,
    Unavailable,
)

OURS = Marks("carillon-test")
MULTISTATUS = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{}</d:multistatus>'


@pytest.fixture
def secure(tmp_path):
    """An empty calendar behind TLS, with a certificate of nobody's: its address and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, until)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "ca.pem").write_bytes(certificate)
    (tmp_path / "both.pem").write_bytes(private + certificate)

    class Empty(BaseHTTPRequestHandler):
        def do_REPORT(self):
            body = MULTISTATUS.format("").encode()
            self.send_response(207)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with HTTPServer(("localhost", 0), Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://localhost:{server.server_port}/{{mailbox}}/", tmp_path / "ca.pem"
        server.shutdown()
        thread.join()


class TestTls:
    def connect(self, url, **other):
        return caldav.connect(caldav.Settings(url=url, password="x", **other), caldav.Target(username="a"))

    def test_a_certificate_of_nobodys_is_not_trusted(self, secure):
        with pytest.raises(Unavailable, match="ca_file"):
            self.connect(secure[0]).find(OURS)

    def test_one_given_as_ca_file_is(self, secure):
        provider = self.connect(secure[0], ca_file=secure[1])
        assert provider.find(OURS) == []
        provider.close()

    def test_a_lost_ca_file_is_told(self, secure):
        provider = self.connect(secure[0], ca_file=secure[1])
        secure[1].unlink()
        with pytest.raises(Unavailable, match="ca_file"):
            provider.find(OURS)
