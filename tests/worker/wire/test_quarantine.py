"""What fails for good costs fewer than 30 requests a day, whoever refuses; counted at the servers, tokens and all."""

from datetime import timedelta

import pytest
from starlette.responses import JSONResponse, Response

from sandbox.faults import Fault
from term import NOW, lecture
from worker.ledger import UnlinkMode

DAY = timedelta(days=1)
MOST = 30
TOMORROW = NOW + timedelta(days=1)


class Readings(dict):
    """What a timetable API says, with the number of times that it was asked."""

    asked = 0

    def get(self, *given):
        self.asked += 1
        return super().get(*given)


@pytest.fixture
def refuse(term, monkeypatch):
    """Let every request to the calendars' server meet a status, those for tokens too unless only the API refuses."""

    def start(status, *, tokens):
        words = {"error": {"code": "refused", "message": "No.", "errors": [{"reason": "forbidden"}]}}
        monkeypatch.setattr(term.wire, "words", lambda _path: lambda _fault: JSONResponse(words, status))
        paths = ["*"] if tokens else ["/batch/*", "/calendar/*", "/cd/*", "/v1.0/*", "/EWS/*", "/*@*"]
        for path in paths:
            term.wire.add(Fault(path, "error"))
        term.wire.forget()

    return start


def a_day(term, person):
    """Every run of a day, each when it is due; how long each was told to wait."""
    end, waits = term.now + DAY, []
    while term.now < end:
        person.run()
        waits.append(term.due_in(person.ident))
        assert waits[-1] > timedelta(seconds=20)
        term.now += waits[-1]
    return waits


@pytest.mark.case("peers", 8)
@pytest.mark.case("faults", 15)
@pytest.mark.parametrize("tokens", [True, False], ids=["everything", "the API"])
@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("known", [True, False], ids=["of old", "new"])
def test_a_mailbox_that_refuses_everything_is_left_in_peace(term, refuse, status, known, tokens):
    person = term.person(lecture(TOMORROW, "a"))
    if known:
        assert person.run().outcome == "OK"
        person.tell(lecture(TOMORROW, "a", room="Room 2"), lecture(TOMORROW + timedelta(hours=3), "b"))
    refuse(status, tokens=tokens)
    waits = a_day(term, person)
    assert 0 < term.requests() < MOST
    row = person.row()
    assert row.status in {"UNAUTHORIZED", "MAILBOX_NOT_FOUND", "FAILED"}
    assert row.status_detail
    assert "defect" not in row.status_detail
    assert max(waits) > timedelta(hours=3)
    term.wire.clear()
    assert person.run().outcome == "OK"
    assert len(person.starts()) == 1 + known


def test_a_mailbox_that_refuses_a_resync_is_left_in_peace(term, refuse):
    person = term.person(lecture(TOMORROW, "a"))
    person.run()
    refuse(403, tokens=False)
    term.set(person.ident, resync_asked_at=term.now)
    a_day(term, person)
    assert 0 < term.requests() < MOST
    assert person.row().status in {"UNAUTHORIZED", "FAILED"}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_unlink_that_is_refused_everything_asks_seldom_too(term, refuse, status):
    person = term.person(lecture(TOMORROW, "a"))
    person.run()
    unlink = term.unlink(person.ident, UnlinkMode.DELETE_ALL_EVENTS)
    refuse(status, tokens=True)
    end = term.now + DAY
    while term.now < end and not term.unlink_row(unlink).finished_at:
        term.carry_out(unlink)
        with term.installation.engine.connect() as connection:
            asked = f"SELECT due_at - clock_timestamp() FROM unlinks WHERE id = {unlink}"
            term.now += connection.exec_driver_sql(asked).scalar_one()
    assert 0 < term.requests() < MOST


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_timetable_api_that_refuses_is_asked_seldom_and_costs_no_event(open_term, status):
    term = open_term("memory")
    person = term.person(lecture(TOMORROW, "a"))
    assert person.run().outcome == "OK"
    term.told.people = Readings({person.name: Response("{}", status, media_type="application/json")})
    waits = a_day(term, person)
    assert 0 < term.told.people.asked < MOST
    row = person.row()
    assert row.status in {"UNAUTHORIZED", "FAILED"}
    assert row.status_detail
    assert max(waits) > timedelta(hours=3)
    assert len(person.starts()) == 1


def test_the_others_go_on_as_ever(term, refuse):
    ill, well = term.person(lecture(TOMORROW, "a")), term.person(lecture(TOMORROW, "a"))
    refuse(403, tokens=False)
    ill.run()
    term.wire.clear()
    assert well.run().outcome == "OK"
    assert term.due_in(ill.ident) > timedelta(minutes=13)
