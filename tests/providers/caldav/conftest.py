"""A CalDAV calendar at a real server, and a server that says what it is told to say."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from providers import caldav
from providers.base import Create
from sandbox.serve import serve

MULTISTATUS = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{}</d:multistatus>'


@pytest.fixture
def caldav_mailbox(open_caldav):
    mailbox = open_caldav()
    yield mailbox
    mailbox.close()


@pytest.fixture
def provider(caldav_mailbox):
    return caldav_mailbox.connect()


@pytest.fixture
def put(provider, lecture, mark):
    """An event of ours that is already there."""

    def make(**other):
        (outcome,) = provider.push([Create(lecture(**other), mark())])
        return outcome.ref

    return make


@pytest.fixture(scope="session")
def stage():
    """One server for all scripts: its address, what it shall answer, and what it was asked."""
    place = SimpleNamespace(asked=[], answers=[])

    async def answer(request):
        place.asked.append(request)
        await request.body()
        return place.answers.pop(0) if len(place.answers) > 1 else place.answers[0]

    methods = ["GET", "PUT", "DELETE", "REPORT", "PROPFIND"]
    with serve(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as place.url:
        yield place


@pytest.fixture
def scripted(stage):
    """A provider for a server that gives the told answers in turn, the last one for ever; and what it was asked."""
    opened = []
    stage.asked = []

    def connect(*script, **settings):
        stage.answers = list(script)
        options = {"url": stage.url + "/{mailbox}/", "password": "sécret", **settings}
        opened.append(caldav.connect(caldav.Settings.model_validate(options), caldav.Target(username="a")))
        return opened[-1]

    connect.asked, connect.url = stage.asked, stage.url
    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def listing():
    """The answer to a query, of these parts."""

    def answer(*parts, status=207):
        return Response(MULTISTATUS.format("".join(parts)), status, media_type="application/xml")

    return answer
