"""A Redis behind TLS: its certificate is looked at before it is told a password, by us and by Celery."""

import socket
import ssl
import threading
from contextlib import suppress

import pytest
import redis
from kombu.exceptions import OperationalError

from sandbox.certificates import Authority
from worker.queue import Queue, QueueAddressError, celery, connection, verified

PASSWORD = "s3cret"


class Relay:
    """TLS before a Redis; `heard` is what came through it."""

    def __init__(self, certificate, redis_url):
        self.heard = b""
        self._target = redis_url.rpartition("/")[0].rpartition(":")[2]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.chain, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open = []
        self._threads[0].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                self._open.append(plain)
                self._start(self._welcome, plain)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _welcome(self, plain):
        try:
            outside = self._context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            plain.close()
            return
        inside = socket.create_connection(("127.0.0.1", int(self._target)))
        self._open += [outside, inside]
        self._start(self._pass, inside, outside)
        self._pass(outside, inside)

    def _pass(self, source, target):
        with suppress(OSError):
            while piece := source.recv(65_536):
                self.heard += piece
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for each in self._threads:
            each.join(10)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def behind(authority, redis_url):
    """The address of the Redis behind TLS, by the address that its certificate names."""
    opened = []

    def open_one(named="127.0.0.1"):
        opened.append(Relay(authority.server(named), redis_url))
        return f"rediss://127.0.0.1:{opened[-1].port}/0", opened[-1]

    yield open_one
    for each in opened:
        each.close()


def ping(url):
    with connection(url) as client:
        return client.ping()


def sent(url):
    app = celery(url)
    try:
        return Queue(app).synchronize(1, "alice → caldav")
    finally:
        app.close()


def test_a_redis_that_proves_itself_is_spoken_to(behind, authority):
    url, relay = behind()
    trusted = f"{url}?ssl_ca_certs={authority.ca_file}"
    assert ping(trusted)
    assert sent(trusted)
    assert b"alice" in relay.heard


@pytest.mark.parametrize("trust", [True, False], ids=["another host's", "an unknown authority's"])
def test_one_that_does_not_is_told_no_password(behind, authority, trust):
    url, relay = behind("192.0.2.7" if trust else "127.0.0.1")
    url = url.replace("//", f"//:{PASSWORD}@") + (f"?ssl_ca_certs={authority.ca_file}" if trust else "")
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        ping(url)
    assert not sent(url)
    with pytest.raises(OperationalError), celery(url) as app:
        app.connection().ensure_connection(max_retries=0)
    assert relay.heard == b""


@pytest.mark.parametrize("query", ["ssl_cert_reqs=none", "ssl_check_hostname=false", "ssl_cert_reqs=optional"])
def test_nobody_can_ask_for_less(query):
    for use in (connection, celery, verified):
        with pytest.raises(QueueAddressError, match="unverified") as refused:
            use(f"rediss://:{PASSWORD}@redis.example.org/0?{query}")
        assert PASSWORD not in str(refused.value)


def test_an_address_without_tls_stays_as_it_is():
    assert verified("redis://redis:6379/0") == "redis://redis:6379/0"
