"""A Connect Daily calendar at the sandbox's server, and a server that says what it is told to say."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from providers import connectdaily
from providers.base import Create
from sandbox.serve import serve

LIST = '<?xml version="1.0" encoding="UTF-8"?><list type_id="1"><item><id>3</id><name>Ours</name></item></list>'


@pytest.fixture
def box(open_connectdaily, connectdaily_server):
    """A calendar of one's own at the sandbox's server."""
    mailbox = open_connectdaily()
    yield mailbox
    mailbox.close()
    daily = connectdaily_server.daily
    daily.longest, daily.own_guids, daily.as_days = {}, False, False


@pytest.fixture
def provider(box):
    return box.connect()


@pytest.fixture
def only(provider):
    """What becomes of a single change."""

    def push(change, by=provider):
        (outcome,) = by.push([change])
        return outcome

    return push


@pytest.fixture
def put(only, lecture, mark):
    """An event of ours that is already there."""
    return lambda **other: only(Create(lecture(**other), mark())).ref


@pytest.fixture(scope="session")
def stage():
    """One server for all scripts: its address, what it shall answer to what, and what it was asked."""
    place = SimpleNamespace(asked=[], answers=[], calendars=[])

    async def answer(request):
        place.asked.append((request.method, request.url.path, await request.body()))
        if request.url.path.endswith("list.xml"):
            status = place.calendars.pop(0) if place.calendars else 200
            return Response(LIST, status, media_type="text/xml")
        return place.answers.pop(0) if len(place.answers) > 1 else place.answers[0]

    methods = ["GET", "PUT", "POST", "DELETE"]
    with serve(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as place.url:
        yield place


@pytest.fixture
def scripted(stage):
    """A provider for a server that gives the told answers in turn, the last one for ever; and what it was asked.

    It lists calendar 3 among its calendars, with the statuses of `calendars` in turn and then with 200.
    """
    opened = []
    stage.asked.clear()

    def connect(*script, calendars=(), **settings):
        stage.calendars = list(calendars)
        stage.answers = [JSONResponse(each) if isinstance(each, dict) else each for each in script]
        words = {"url": stage.url, "user_id": "11", "token": "S3CRET", "calendar_id": 3, "time_zone": "UTC"}
        made = connectdaily.Settings.model_validate({**words, **settings})
        opened.append(connectdaily.connect(made, connectdaily.Target(username="alice")))
        return opened[-1]

    connect.asked = stage.asked
    yield connect
    for each in opened:
        each.close()
