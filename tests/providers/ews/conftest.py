"""Exchange over HTTP, against the sandbox's server, which holds each request and answer against Exchange's schemas."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from mailboxes.ews import SERVICE, schemas, settings
from providers import ews
from providers.base import Create, Delete, Event, Mark, Update
from sandbox.ews import ITEMS, OPERATIONS, routes
from sandbox.ews_access import Accounts
from sandbox.ews_ids import store_id
from sandbox.exchange import Exchange
from sandbox.faults import Fault, Faults, FaultyWire
from sandbox.microsoft_login import routes as login
from sandbox.microsoft_tokens import OUTLOOK, MicrosoftTokens
from sandbox.serve import serve

ALICE = "alice@example.org"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Term:
    """A row of lectures, an hour apart, and what may be asked for them."""

    @staticmethod
    def event(number=0, **changes):
        start = START + timedelta(hours=number)
        event = Event(f"Lecture {number}", start, start + timedelta(minutes=45), "Europe/Amsterdam", location="Room 1")
        return replace(event, **changes)

    @staticmethod
    def mark(key, synchronization="7", instance="carillon-test"):
        return Mark(instance, synchronization, str(key))

    def create(self, number=0, **changes):
        return Create(self.event(number, **changes), self.mark(number))

    def creates(self, count, **changes):
        return [self.create(number, **changes) for number in range(count)]

    def update(self, ref, number=0, *, merge=False, **changes):
        """Of the fields in `changes`."""
        return Update(self.event(number, **changes), self.mark(number), ref, frozenset(changes), merge)

    def delete(self, ref, number=0):
        return Delete(self.mark(number), ref)


@pytest.fixture
def term():
    return Term()


@pytest.fixture(scope="session")
def far_side():
    """A place for each test's application, and the address of the one server for all of them."""
    place = SimpleNamespace(application=None)

    async def application(scope, receive, send):
        await place.application(scope, receive, send)

    with serve(application) as place.url:
        yield place


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def tokens():
    return MicrosoftTokens()


@pytest.fixture
def accounts(tokens):
    known = Accounts(lambda token: tokens.accepts(token, OUTLOOK))
    known.add(**SERVICE, impersonates=True)
    known.add("service", SERVICE["password"], impersonates=True)  # NTLM carries the domain beside the name
    known.add("EXAMPLE\\helper", "secret", delegate=True)
    known.add("EXAMPLE\\nobody", "secret")
    return known


@pytest.fixture
def application(accounts, tokens, faults):
    """Of an Exchange, and of the directory that its tokens come from."""

    def make(exchange):
        own = routes(exchange, faults, accounts, schemas())
        return FaultyWire(Router(routes=[*own, *login(tokens)]), faults)

    return make


class Office:
    """An Exchange, and what came in there."""

    def __init__(self, faults):
        self.exchange = Exchange([ALICE, "bob@example.org"])
        self.faults = faults

    def there(self):
        """What is in Alice's calendar."""
        return self.exchange.own(ALICE).items()

    def edit(self, ref, **fields):
        """Alice changes an event."""
        self.exchange.own(ALICE).change(store_id(ref.id), fields)

    def asked(self):
        """The operations so far, in their order."""
        return [each.method for each in self.faults.seen(f"{OPERATIONS}*", parts=True)]

    def spoil(self, kind, operation="*", *, items=False, seconds=0.0, times=None):
        """What goes wrong with an operation as a whole, or with its items."""
        path = f"{ITEMS if items else OPERATIONS}*"
        self.faults.add(Fault(path, kind, seconds=seconds, times=times, method=operation))


@pytest.fixture
def office(far_side, application, faults):
    opened = Office(faults)
    far_side.application = application(opened.exchange)
    yield opened
    assert opened.exchange.violations == []
    assert opened.exchange.notifications == 0


@pytest.fixture
def known(office, far_side):  # noqa: ARG001  # settings are of no use without a server
    """Settings for the service account, but for what is said otherwise."""
    return lambda **other: settings(far_side.url, **other)


@pytest.fixture
def connected(known):
    """A provider by the settings that are given, else by those of the test's service account."""
    usual = known()

    def connect(mailbox=ALICE, **other):
        return ews.connect(known(**other) if other else usual, ews.Target(username=mailbox))

    return connect


@pytest.fixture
def provider(connected):
    return connected()


@pytest.fixture
def bodies():
    """What `answering`'s server was sent."""
    return []


@pytest.fixture
def answering(far_side, bodies):
    """A provider for something that says the same to whatever it is asked."""

    def connect(content, status=200, headers=None):
        async def answer(request):
            bodies.append(await request.body())
            return Response(content, status, headers)

        far_side.application = Router(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
        return ews.connect(settings(far_side.url), ews.Target(username=ALICE))

    return connect
