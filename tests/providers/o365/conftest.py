"""Microsoft 365 over HTTPS, against the sandbox's Graph, which holds each request against Microsoft's own contract."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from contracts.graph import contract_if_there
from providers import o365
from providers.base import Create, Event, Mark
from sandbox.exchange import Exchange
from sandbox.faults import Faults, FaultyWire
from sandbox.graph import routes
from sandbox.graph_service import Graph
from sandbox.microsoft_login import routes as login_routes
from sandbox.microsoft_tokens import MicrosoftTokens
from sandbox.serve import serve

ALICE = "alice@example.org"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def lecture():
    """One of a row of lectures, an hour apart, but for what is said otherwise."""

    def make(number=0, **changes):
        start = START + timedelta(hours=number)
        event = Event(f"Lecture {number}", start, start + timedelta(minutes=45), "Europe/Amsterdam", location="Room 1")
        return replace(event, **changes)

    return make


@pytest.fixture
def mark():
    def make(key, synchronization="7", instance="carillon-test"):
        return Mark(instance, synchronization, str(key))

    return make


@pytest.fixture
def creates(lecture, mark):
    return lambda count: [Create(lecture(number), mark(number)) for number in range(count)]


@pytest.fixture(scope="session")
def far_side(authority):
    """A place for each test's application, and the address of the one server for all of them."""
    place = SimpleNamespace(application=None, ca_file=authority.ca_file)

    async def application(scope, receive, send):
        await place.application(scope, receive, send)

    with serve(application, 0, authority.server()) as place.url:
        yield place


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def clock():
    """What the far side and we take for the present."""

    class Clock:
        ahead = timedelta(0)

        def __call__(self):
            return datetime.now(UTC) + self.ahead

    return Clock()


@pytest.fixture
def graph(far_side, faults, clock):
    graph = Graph(Exchange([ALICE, "bob@example.org"]), MicrosoftTokens(now=clock), contract_if_there())
    far_side.application = FaultyWire(Router(routes=routes(graph, faults)), faults)
    yield graph
    assert graph.exchange.violations == []
    assert graph.exchange.notifications == 0
    assert all(size <= 20 for size in graph.batches)


@pytest.fixture
def calendar(graph):
    """What stands in Alice's calendar."""
    return graph.exchange.own(ALICE)


@pytest.fixture
def words(graph, far_side):
    """What an administrator writes into the settings."""
    tokens = graph.tokens
    return {
        "directory": tokens.directory,
        "client_id": tokens.client_id,
        "client_secret": tokens.client_secret,
        "root_url": far_side.url,
        "authority": far_side.url,
        "ca_file": far_side.ca_file,
        "timeout": 5,
    }


@pytest.fixture
def make_settings(words, clock):
    def make(**other):
        said = {name: value for name, value in {**words, **other}.items() if value is not None}
        settings = o365.Settings.model_validate(said)
        settings.tokens.clock = clock
        return settings

    return make


@pytest.fixture
def settings(make_settings):
    return make_settings()


@pytest.fixture
def connected(settings):
    opened = []

    def connect(username=ALICE, settings=settings):
        opened.append(o365.connect(settings, o365.Target(username=username)))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def provider(connected):
    return connected()


@pytest.fixture
def answering(connected, graph, far_side):
    """A provider for a Graph that says the same to whatever it is asked, but for tokens."""

    def connect(body, status=200, headers=None):
        async def answer(_request):
            return JSONResponse(body, status, headers)

        anything = Route("/v1.0/{path:path}", answer, methods=["GET", "POST"])
        far_side.application = Router(routes=[*login_routes(graph.tokens), anything])
        return connected()

    return connect
