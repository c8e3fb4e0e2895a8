"""Each provider with a real server, and behind the provider's back a person with a calendar program of that server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette

from mailboxes.base import Mailbox, Wire, Wired
from mailboxes.dav import CaldavMailbox, DavServer
from mailboxes.google import GoogleMailbox, GoogleServer
from mailboxes.memory import MemoryMailbox
from providers import googlecalendar
from providers.base import Event, Mark
from sandbox.dav import calendar_server, relay
from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.serve import serve

INSTANCE = "carillon-test"


@pytest.fixture(scope="session")
def dav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    folder, faults = tmp_path_factory.mktemp("dav"), Faults()
    with calendar_server(folder, {}) as url, serve(FaultyWire(relay(url), faults)) as spoilt:
        yield DavServer(folder, url, Wire(spoilt, faults))


@pytest.fixture(scope="session")
def service_keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """Of two service accounts; half as long as Google's, for which reading one takes a sixth of the time."""
    one, other = (rsa.generate_private_key(public_exponent=65537, key_size=1024) for _ in range(2))
    return one, other


@pytest.fixture(scope="session")
def google_server(service_keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]) -> Iterator[GoogleServer]:
    (google, stranger), faults = (GoogleCalendar([], key=key) for key in service_keys), Faults()
    with serve(FaultyWire(Starlette(routes=routes(google, faults)), faults)) as url:
        keys = (each.service_account(url) for each in (google, stranger))
        known, refused = (googlecalendar.Settings(service_account=key, root_url=url) for key in keys)
        yield GoogleServer(google, Wire(url, faults), known, refused)


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


def _opener(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    opened: list[Mailbox] = []
    new = request.getfixturevalue(f"open_{request.param}")

    def open_one() -> Mailbox:
        opened.append(new())
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(params=["memory", "caldav", "googlecalendar"])
def open_mailbox(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    yield from _opener(request)


@pytest.fixture(params=["caldav", "googlecalendar"])
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
