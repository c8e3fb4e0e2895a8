"""Google Calendar over HTTP, against the sandbox's server, which holds each request against Google's own contract."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from providers import googlecalendar
from providers.base import Create, Event, Mark
from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
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
def far_side():
    """A place for each test's application, and the address of the one server for all of them."""
    place = SimpleNamespace(application=None)

    async def application(scope, receive, send):
        await place.application(scope, receive, send)

    with serve(application) as place.url:
        yield place


@pytest.fixture(scope="session")
def url(far_side):
    return far_side.url


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def google(far_side, faults, service_keys):
    server = GoogleCalendar([ALICE, "bob@example.org"], key=service_keys[0])
    far_side.application = FaultyWire(Router(routes=routes(server, faults)), faults)
    yield server
    assert server.violations == []
    assert server.notifications == 0
    assert all(size <= 50 for size in server.batches)


@pytest.fixture
def settings(google, url):
    return googlecalendar.Settings(service_account=google.service_account(url), root_url=url, timeout=5)


@pytest.fixture
def connected(settings):
    opened = []

    def connect(username=ALICE, settings=settings, **fields):
        target = googlecalendar.Target.model_validate({"username": username, **fields})
        opened.append(googlecalendar.connect(settings, target))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def provider(connected):
    return connected()


@pytest.fixture
def elsewhere(connected, google):
    """A provider for a Google at another address."""

    def connect(url):
        return connected(settings=googlecalendar.Settings(service_account=google.service_account(url), root_url=url))

    return connect


@pytest.fixture
def answering(elsewhere, far_side):
    """A provider for a Google that gives tokens, and says the same to whatever else it is asked."""

    def connect(page):
        async def answer(_request):
            return Response(json.dumps(page), media_type="application/json")

        async def token(_request):
            return Response(json.dumps({"access_token": "t", "expires_in": 3600}))

        far_side.application = Router(routes=[Route("/token", token, methods=["POST"]), Route("/{path:path}", answer)])
        return elsewhere(far_side.url)

    return connect
