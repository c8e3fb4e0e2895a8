"""A server that asks for a pause, or hangs, costs its own mailboxes time and nobody else anything."""

import time
from datetime import timedelta

import pytest
from starlette.responses import JSONResponse

from mailboxes import ews
from sandbox.faults import Fault
from term import NOW, lecture
from worker import limits
from worker.dispatch import dispatch
from worker.synchronize import synchronize

TOMORROW = NOW + timedelta(days=1)
PROJECT = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'calendar'."
USER = PROJECT.replace("per minute", "per minute per user")


@pytest.fixture
def people(term):
    """Two of them, with something to be written."""
    return [term.person(lecture(TOMORROW, "a")) for _ in range(2)]


@pytest.mark.case("faults", 4)
def test_a_mailbox_that_is_told_to_wait_is_asked_nothing_before_and_the_others_are_served(term, people):
    ill, well = people
    assert dispatch(term.installation)["synchronizations"] == 2
    term.spoil("throttled", seconds=420, times=1)
    assert ill.run().outcome == "RETRYING"
    assert timedelta(seconds=415) < term.due_in(ill.ident) < timedelta(seconds=470)
    term.wire.clear()
    term.wire.forget()
    # The sweep does not send it, and a message from before does not run it.
    assert dispatch(term.installation)["synchronizations"] == 0
    assert synchronize(term.installation, ill.ident, term.clock, 0).outcome == "NOT DUE"
    assert term.requests() == 0
    began = time.monotonic()
    assert (well.run().outcome, len(well.starts())) == ("OK", 1)
    assert time.monotonic() - began < 5
    assert ill.run().outcome == "OK"
    assert len(ill.starts()) == 1


def impatient(kind, server):
    """The server's settings, with half a second of patience."""
    if kind == "ews":
        return ews.settings(server.wire.url, timeout=0.5)
    return server.settings.model_copy(update={"timeout": 0.5})


@pytest.mark.case("faults", 5)
@pytest.mark.case("peers", 21)
def test_a_server_that_hangs_gives_the_slot_back_in_time(open_term, server_of, kind):
    term = open_term(kind, settings=impatient(kind, server_of(kind)))
    ill, well = (term.person(lecture(TOMORROW, "a")) for _ in range(2))
    # A first run buys tokens and meets nothing.
    assert ill.run().outcome == "OK"
    ill.tell(lecture(TOMORROW, "a", room="Room 2"))
    term.installation.slots.share(2, 2)
    term.spoil("slow", seconds=20, times=1)
    began = time.monotonic()
    assert ill.run().outcome == "RETRYING"
    assert time.monotonic() - began < 5
    row = ill.row()
    with term.installation.slots.seat((row.tenant_id, kind)) as seated:
        assert seated
    term.wire.clear()
    assert well.run().outcome == "OK"
    assert ill.run().outcome == "OK"
    assert ill.starts() == [(TOMORROW, "Room 2")]


@pytest.mark.case("faults", 4)
@pytest.mark.parametrize(("message", "stops"), [(PROJECT, True), (USER, False)])
def test_what_google_says_of_the_project_stops_every_mailbox_of_it(open_term, monkeypatch, message, stops):
    monkeypatch.setattr(limits, "PAUSE", timedelta(minutes=3))
    term = open_term("googlecalendar")
    ill, other = (term.person(lecture(TOMORROW, "a")) for _ in range(2))
    errors = [{"domain": "usageLimits", "reason": "rateLimitExceeded", "message": message}]
    words = {"error": {"code": 403, "message": message, "errors": errors}}
    monkeypatch.setattr(term.wire, "words", lambda _path: lambda _fault: JSONResponse(words, 403))
    term.wire.add(Fault("/batch/*", "error", times=1))
    assert ill.run().outcome == "RETRYING"
    term.wire.forget()
    other.run()
    assert (term.requests() == 0) == stops
    assert (term.due_in(other.ident) > timedelta(minutes=13)) != stops
    assert other.row().failures == 0
    term.installation.redis.flushall()
    assert other.run().outcome == "OK"
    assert len(other.starts()) == 1
