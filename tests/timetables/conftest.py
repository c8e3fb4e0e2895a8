"""A MyTimetable source before the sandbox's institution, and before servers that answer whatever a test wants."""

import ipaddress
import socket
import ssl
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.responses import Response
from starlette.routing import Route, Router

from sandbox.app import application
from sandbox.faults import Faults, FaultyWire
from sandbox.institution import Institution
from sandbox.serve import serve
from timetables import mytimetable
from timetables.base import Person


@pytest.fixture
def now():
    return datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def span(now):
    return now - timedelta(days=14), now + timedelta(days=180)


@pytest.fixture
def anna():
    return Person("anna.visser@example.edu")


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def institution(now):
    return Institution(now=now)


@pytest.fixture
def base(institution, faults):
    with serve(application(institution, faults)) as url:
        yield f"{url}/api/v0/"


@pytest.fixture
def source_of():
    """A source for base URLs, with other settings by name."""

    def connected(*urls, **settings):
        known = {"urls": list(urls), "token": "sandbox-elevated", **settings}
        return mytimetable.connect(mytimetable.Settings(**known), "Europe/Amsterdam")

    return connected


@pytest.fixture
def source(base, source_of):
    return source_of(base)


@pytest.fixture
def answering():
    """Starts servers: each gives, for a resource's name, a `Response` or what a function makes of the request.

    Its base URL, and the requests it had.
    """
    with ExitStack() as servers:

        def start(**answers):
            had = Faults()

            def endpoint(answer):
                async def give(request):
                    return answer if isinstance(answer, Response) else answer(request)

                return give

            routes = [Route(f"/api/v0/{name}", endpoint(answer)) for name, answer in answers.items()]
            return servers.enter_context(serve(FaultyWire(Router(routes), had))) + "/api/v0/", had

        yield start


@pytest.fixture
def own_authority(tmp_path):
    """A PEM file with the certificate of 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "authority.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class _Years(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"databases": [{"key": "2026", "label": "2026/2027"}]}')

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def tls_base(own_authority):
    """A site behind TLS, with the certificate in `own_authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_authority)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Years) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/api/v0/"
        server.shutdown()
        thread.join()


@pytest.fixture
def dripping():
    """Starts a server that sends a byte now and then, after it has begun an answer so; its address."""
    done = threading.Event()

    def drip(listener, beginning):
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(beginning)
            while not done.wait(0.05):
                connection.sendall(b"B")

    with ExitStack() as ended:

        def start(beginning=b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"):
            listener = ended.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=drip, args=[listener, beginning], daemon=True)
            thread.start()
            ended.callback(thread.join, timeout=5)
            ended.callback(done.set)
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield start
