"""Each provider with a real server, and behind the provider's back a person with a calendar program of that server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from mailboxes import servers
from mailboxes.base import Mailbox, Wired
from mailboxes.connectdaily import ConnectDailyMailbox, ConnectDailyServer
from mailboxes.dav import CaldavMailbox, DavServer
from mailboxes.ews import EwsMailbox, EwsServer
from mailboxes.google import GoogleMailbox, GoogleServer
from mailboxes.graph import GraphMailbox, GraphServer
from mailboxes.memory import MemoryMailbox
from providers.base import Event, Mark
from sandbox.certificates import Authority

INSTANCE = "carillon-test"


@pytest.fixture(scope="session")
def dav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with servers.dav(tmp_path_factory.mktemp("dav")) as server:
        yield server


@pytest.fixture(scope="session")
def service_keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """Of two service accounts."""
    return servers.service_key(), servers.service_key()


@pytest.fixture(scope="session")
def google_server(service_keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]) -> Iterator[GoogleServer]:
    with servers.google(*service_keys) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever talks to Microsoft's sign-in does so over TLS."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def graph_server(authority: Authority) -> Iterator[GraphServer]:
    with servers.graph(authority) as server:
        yield server


@pytest.fixture(scope="session")
def ews_server() -> Iterator[EwsServer]:
    with servers.ews() as server:
        yield server


@pytest.fixture(scope="session")
def connectdaily_server() -> Iterator[ConnectDailyServer]:
    with servers.connectdaily() as server:
        yield server


@pytest.fixture
def open_memory() -> Callable[[], Mailbox]:
    return MemoryMailbox


@pytest.fixture
def open_caldav(dav_server: DavServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: CaldavMailbox(dav_server)
    dav_server.wire.faults.clear()


@pytest.fixture
def open_googlecalendar(google_server: GoogleServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: GoogleMailbox(google_server)
    google_server.wire.faults.clear()
    assert google_server.google.violations == []


@pytest.fixture
def open_o365(graph_server: GraphServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: GraphMailbox(graph_server)
    graph_server.wire.faults.clear()
    assert graph_server.exchange.violations == []
    assert all(size <= 20 for size in graph_server.graph.batches)


@pytest.fixture
def open_ews(ews_server: EwsServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: EwsMailbox(ews_server)
    ews_server.wire.faults.clear()
    assert ews_server.exchange.violations == []


@pytest.fixture
def open_connectdaily(connectdaily_server: ConnectDailyServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: ConnectDailyMailbox(connectdaily_server)
    connectdaily_server.wire.faults.clear()


def _opener(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    opened: list[Mailbox] = []
    new = request.getfixturevalue(f"open_{request.param}")

    def open_one() -> Mailbox:
        opened.append(new())
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(params=["memory", "caldav", "connectdaily", "ews", "googlecalendar", "o365"])
def open_mailbox(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    yield from _opener(request)


@pytest.fixture(params=["caldav", "connectdaily", "ews", "googlecalendar", "o365"])
def open_wired(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    yield from _opener(request)


@pytest.fixture
def mailbox(open_mailbox: Callable[[], Mailbox]) -> Mailbox:
    """A fresh mailbox, of each provider in turn."""
    return open_mailbox()


@pytest.fixture
def wired(open_wired: Callable[[], Wired]) -> Wired:
    """A fresh mailbox, of each provider that speaks over a wire in turn."""
    return open_wired()


@pytest.fixture
def lecture() -> Callable[..., Event]:
    """A plain event, but for what is said otherwise."""

    def make(**other: Any) -> Event:
        start = other.get("start", datetime(2026, 11, 3, 9, tzinfo=UTC))
        usual = Event("Networks", start, start + timedelta(hours=2), "Europe/Amsterdam", location="Room 1.05")
        return replace(usual, **{"description": "Bring the book.", "category": "Lecture", **other})

    return make


@pytest.fixture
def mark() -> Callable[..., Mark]:
    def make(key: str = "key-1", synchronization: str = "17", instance: str = INSTANCE) -> Mark:
        return Mark(instance, synchronization, key)

    return make
