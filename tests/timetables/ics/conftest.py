"""iCalendar written by hand, and servers that answer whatever a test wants."""

from contextlib import ExitStack
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from sandbox.faults import Faults, FaultyWire
from sandbox.serve import serve
from timetables import ics
from timetables._ics_events import events
from timetables._ics_texts import checked
from timetables.base import Person

ZONE = ZoneInfo("Europe/Amsterdam")
SPAN = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def written():
    """The text of a calendar with events of these lines, or of one line each, and something at its head."""

    def write(*contents, head=(), end="\r\n"):
        inner = [line for each in contents for line in ("BEGIN:VEVENT", *each, "END:VEVENT")]
        return end.join(["BEGIN:VCALENDAR", "VERSION:2.0", *head, *inner, "END:VCALENDAR", ""]).encode()

    return write


@pytest.fixture(scope="session")
def read_body():
    """The events of an answer, in the order of their starts; times without a zone are those of Amsterdam."""

    def read(body, span=SPAN, patterns=None, most=20_000):
        found = events(body, "GET https://x.nl/…", ZONE, span, checked(patterns or {}), most)
        return sorted(found, key=lambda each: (each.start, each.id))

    return read


@pytest.fixture(scope="session")
def read(written, read_body):
    """The events of a calendar with events of these lines."""

    def of(*contents, head=(), **other):
        return read_body(written(*contents, head=head), **other)

    return of


@pytest.fixture
def span():
    return SPAN


@pytest.fixture
def alice():
    return Person("alice")


@pytest.fixture
def answering():
    """Starts a server that gives an answer, or what a function makes of the request, whatever it is asked.

    Its address, and the requests it had.
    """
    with ExitStack() as servers:

        def start(answer):
            had = Faults()

            async def give(request):
                return answer if isinstance(answer, Response) else answer(request)

            return servers.enter_context(serve(FaultyWire(Router([Route("/{path:path}", give)]), had))), had

        yield start


@pytest.fixture
def source_at():
    """A source for the feeds at an address, with other settings by name."""

    def connected(address, **settings):
        known = {"url": f"{address}/{{username}}.ics", "allow_private": True, **settings}
        return ics.connect(ics.Settings(**known), "Europe/Amsterdam")

    return connected
