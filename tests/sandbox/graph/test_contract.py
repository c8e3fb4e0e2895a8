"""The sandbox's Graph: requests outside Microsoft's contract, and a client that nobody here wrote."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from O365 import Account, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

from contracts.graph import contract

ALICE = "alice@example.org"
HOURS = {name: {"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"} for name in ("start", "end")}


@pytest.fixture
def strict(graph):
    graph.contract = contract()
    return graph


@pytest.mark.parametrize(
    "request_",
    [
        ("POST", "/events", {**HOURS, "title": "A"}, {}),
        ("POST", "/events", {**HOURS, "subject": 3}, {}),
        ("POST", "/events", {**HOURS, "isAllDay": "false"}, {}),
        ("POST", "/events", {**HOURS, "body": {"contentType": "HTML", "content": ""}}, {}),
        ("POST", "/events", {**HOURS, "body": {"contentType": "text", "text": ""}}, {}),
        ("POST", "/events", {**HOURS, "showAs": "away"}, {}),
        ("POST", "/events", {**HOURS, "location": "here"}, {}),
        ("POST", "/events", {**HOURS, "attendees": "guest@example.org"}, {}),
        ("POST", "/events", {**HOURS, "singleValueExtendedProperties": [{"id": "x", "value": 1}]}, {}),
        ("POST", "/events", {**HOURS, "singleValueExtendedProperties": [{"id": "x", "value": "1"}]}, {}),
        ("POST", "/events", None, {}),
        ("POST", "/events", [], {}),
        ("PATCH", "/events/x", {"colour": "red"}, {}),
        ("PATCH", "/events", {}, {}),
        ("PUT", "/events/x", HOURS, {}),
        ("GET", "/events", {"some": "body"}, {}),
        ("GET", "/events", None, {"limit": 5}),
        ("GET", "/events/x", None, {"filter": "subject eq 'a'"}),
        ("GET", "/calendarView", None, {"startDateTime": "2026-11-23T00:00:00Z"}),
        ("GET", "/elsewhere", None, {}),
    ],
)
def test_a_request_outside_the_contract_is_refused_and_remembered(rude, strict, request_):
    verb, path, body, params = request_
    assert rude(verb, path, body, **params).status_code == 400
    assert len(strict.exchange.violations) == 1


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {**HOURS, "title": "A"},
        {**HOURS, "subject": 3},
        {**HOURS, "isAllDay": "false"},
        {**HOURS, "isReminderOn": "false"},
        {**HOURS, "reminderMinutesBeforeStart": "5"},
        {**HOURS, "body": "text"},
        {**HOURS, "body": {"contentType": "word"}},
        {**HOURS, "showAs": "away"},
        {**HOURS, "location": "here"},
        {**HOURS, "locations": {}},
        {**HOURS, "categories": "Red"},
        {**HOURS, "attendees": ["guest@example.org"]},
        {**HOURS, "start": "2026-11-23"},
        {**HOURS, "singleValueExtendedProperties": {}},
        {**HOURS, "singleValueExtendedProperties": [{"id": "x", "value": "1"}]},
    ],
)
def test_without_the_contract_the_sandbox_still_reads_bodies_strictly(rude, graph, body):
    graph.contract = None
    assert rude("POST", body=body).status_code == 400
    assert rude.subjects() == []


def test_a_batch_outside_the_contract_is_refused_and_remembered(rude, strict):
    answer = rude.session.post(f"{rude.url}/v1.0/$batch", json={"requests": [], "more": 1}, timeout=5)
    assert answer.status_code == 400
    (answer,) = rude.batch(
        {
            "method": "POST",
            "url": f"/users/{ALICE}/calendar/events",
            "headers": {"Content-Type": "application/json"},
            "body": {**HOURS, "title": "A"},
        }
    ).values()
    assert answer["status"] == 400
    assert len(strict.exchange.violations) == 2


def test_a_violation_tells_where_and_not_what(rude, strict):
    rude("POST", body={**HOURS, "isAllDay": "a secret"})
    (told,) = strict.exchange.violations
    assert "isAllDay" in told
    assert "secret" not in told


def test_what_is_no_json_is_refused(client):
    url = f"{client.url}/v1.0/users/{ALICE}/calendar/events"
    assert client.session.post(url, data="{half", timeout=5).status_code == 400


@pytest.mark.parametrize("body", [{"recurrence": {}}, {"importance": "high"}, {"isOnlineMeeting": True}])
def test_what_the_store_does_not_keep_is_not_played(rude, graph, body):
    assert rude("POST", body={**HOURS, **body}).status_code == 400
    assert len(graph.exchange.violations) == 1


def test_an_answer_outside_the_contract_is_remembered_too(rude, strict):
    made = rude.make()
    item = strict.exchange.own(ALICE).items()[0]
    strict.exchange.own(ALICE).change(item.id, {"show_as": "away"})
    assert rude("GET", f"/events/{made['id']}").status_code == 200
    (told,) = strict.exchange.violations
    assert "showAs" in told


class Tokens(MemoryTokenBackend):
    """A token bought elsewhere, as O365 keeps one."""

    has_data = True

    def __init__(self, token):
        super().__init__()
        self.bought = token

    def get_access_token(self, **_):
        later = datetime.now(UTC) + timedelta(hours=1)
        return {"secret": self.bought, "expires_on": str(int(later.timestamp()))}


@pytest.fixture
def schedule(rude, url):
    class Local(MSGraphProtocol):
        _protocol_url = f"{url}/"

    account = Account(
        ("id", "secret"),
        auth_flow_type="credentials",
        tenant_id="directory",
        protocol=Local(timezone="Europe/Amsterdam"),
        main_resource=ALICE,
        token_backend=Tokens(rude.session.headers["Authorization"].removeprefix("Bearer ")),
        requests_delay=0,
        request_retries=0,
    )
    yield account.schedule()
    account.con.session.close()


def test_o365_reads_the_calendar_and_its_events(rude, graph, schedule):
    made = rude.make("Optics", location={"displayName": "Room 1"})
    calendar = schedule.get_default_calendar()
    (event,) = calendar.get_events(include_recurring=False)
    assert (event.subject, event.location["displayName"], event.object_id) == ("Optics", "Room 1", made["id"])
    assert event.start == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert event.delete()
    assert (rude.subjects(), graph.exchange.violations) == ([], [])


def test_the_strict_contract_refuses_what_o365_would_write(rude, schedule, strict):
    event = schedule.new_event("Optics")
    event.start = datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("UTC"))
    with pytest.raises(OSError, match="400"):
        event.save()
    (told,) = strict.exchange.violations
    assert "isOnlineMeeting" in told
    assert rude.subjects() == []
