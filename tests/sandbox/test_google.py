"""The sandbox's Google over HTTP: what the documents say of the real one, one test for each sentence."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from google.auth import jwt
from google.auth.crypt import RSASigner
from starlette.routing import Router

from sandbox.faults import Fault, Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.google_tokens import GRANT
from sandbox.serve import serve

ALICE = "alice@example.org"
SCOPE = "https://www.googleapis.com/auth/calendar.events"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


class Client:
    """A program that speaks for Alice."""

    def __init__(self, google, url):
        self.google, self.url = google, url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.buy().json()['access_token']}"

    def buy(self, **claims):
        key = json.loads(self.google.service_account(self.url))
        now = int(self.google.tokens._now().timestamp())
        usual = {
            "iss": key["client_email"],
            "sub": ALICE,
            "scope": SCOPE,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
        }
        assertion = jwt.encode(RSASigner.from_service_account_info(key), usual | claims)
        return requests.post(key["token_uri"], {"grant_type": GRANT, "assertion": assertion}, timeout=5)

    def __call__(self, verb, path="", body=None, headers=None, calendar="primary", **params):
        url = f"{self.url}/calendar/v3/calendars/{calendar}/events{path}"
        return self.session.request(verb, url, params=params, json=body, headers=headers, timeout=5)


@pytest.fixture(scope="module")
def served():
    google, faults = GoogleCalendar([ALICE, "bob@example.org"], now=Clock()), Faults()
    with serve(FaultyWire(Router(routes=routes(google, faults)), faults)) as url:
        yield google, faults, url


@pytest.fixture
def google(served):
    google, faults, _ = served
    yield google
    for each in google.mailbox(ALICE):
        google.remove(ALICE, each["id"])
    google.violations.clear()
    google.batches.clear()
    google.notifications = 0
    faults.clear()
    faults.forget()


@pytest.fixture
def faults(served):
    return served[1]


@pytest.fixture
def client(google, served):
    opened = Client(google, served[2])
    yield opened
    opened.session.close()


def reason(answer):
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


# Tokens


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"sub": "nobody@example.org"}, "invalid_grant"),
        ({"iss": "other@sandbox.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "https://example.org/"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"iat": 1}, "invalid_grant"),
        ({"scope": "https://mail.google.com/"}, "unauthorized_client"),
        ({"scope": ""}, "unauthorized_client"),
    ],
)
def test_a_grant_with_a_wrong_claim_is_refused(client, claims, error):
    answer = client.buy(**claims)
    assert (answer.status_code >= 400, answer.json()["error"]) == (True, error)


def test_a_grant_signed_with_another_key_is_refused(client, google, monkeypatch):
    other = GoogleCalendar([])
    monkeypatch.setattr(google, "service_account", other.service_account)
    assert client.buy().json()["error"] == "invalid_grant"


@pytest.mark.parametrize("form", [{}, {"grant_type": "password"}, {"grant_type": GRANT, "assertion": "a.b.c"}])
def test_what_is_no_grant_is_refused(served, form):
    assert requests.post(f"{served[2]}/token", form, timeout=5).status_code == 400


def test_a_token_runs_out(client, google, monkeypatch):
    assert client("GET").status_code == 200
    monkeypatch.setattr(google.tokens._now, "now", google.tokens._now.now + timedelta(seconds=3601))
    assert reason(client("GET")) == (401, "authError")


def test_nothing_is_told_without_a_token(client):
    assert reason(client("GET", headers={"Authorization": "Bearer made-up"})) == (401, "authError")


def test_another_persons_calendar_is_not_found(client):
    assert reason(client("GET", calendar="bob@example.org")) == (404, "notFound")
    assert client("GET", calendar=ALICE).status_code == 200


# Events


def test_an_event_is_made_read_changed_and_deleted(client):
    made = client("POST", body={**DAY, "summary": "A", "location": "X"})
    event = made.json()
    assert made.headers["ETag"] == event["etag"]
    assert (event["status"], event["sequence"], event["iCalUID"]) == ("confirmed", 0, f"{event['id']}@google.com")
    patched = client("PATCH", f"/{event['id']}", {"location": None, "end": {"date": "2026-11-25"}}).json()
    assert "location" not in patched
    assert (patched["summary"], patched["sequence"]) == ("A", 1)
    assert patched["etag"] != event["etag"]
    replaced = client("PUT", f"/{event['id']}", {**DAY, "location": "Y"}).json()
    assert "summary" not in replaced
    assert replaced["created"] == event["created"]
    assert client("DELETE", f"/{event['id']}").status_code == 204
    assert reason(client("DELETE", f"/{event['id']}")) == (410, "deleted")
    assert client("GET", f"/{event['id']}").json()["status"] == "cancelled"
    assert client("GET").json()["items"] == []


def test_an_id_is_taken_for_good(client):
    assert client("POST", body={**DAY, "id": "abc123"}).status_code == 200
    assert reason(client("POST", body={**DAY, "id": "abc123"})) == (409, "duplicate")
    client("DELETE", "/abc123")
    assert reason(client("POST", body={**DAY, "id": "abc123"})) == (409, "duplicate")
    assert client("PUT", "/abc123", {**DAY, "status": "confirmed"}).json()["status"] == "confirmed"


@pytest.mark.parametrize("name", ["abcd", "has-dash", "UPPER", "wxyz12"])
def test_an_id_is_written_in_base32hex(client, name):
    assert reason(client("POST", body={**DAY, "id": name})) == (400, "invalid")


def test_a_stale_version_changes_nothing(client):
    event = client("POST", body=DAY).json()
    client("PATCH", f"/{event['id']}", {"summary": "B"})
    stale = {"If-Match": event["etag"]}
    for verb, body in (("PATCH", {"summary": "C"}), ("PUT", DAY), ("DELETE", None)):
        assert reason(client(verb, f"/{event['id']}", body, stale)) == (412, "conditionNotMet")
    assert client("GET", f"/{event['id']}").json()["summary"] == "B"


def test_an_import_of_a_known_uid_replaces(client):
    first = client("POST", "/import", {**DAY, "iCalUID": "u@x", "summary": "A"}).json()
    second = client("POST", "/import", {**DAY, "iCalUID": "u@x", "summary": "B"}).json()
    assert (first["id"], second["summary"]) == (second["id"], "B")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-23"}}, "timeRangeEmpty"),
        ({"start": {"date": "2026-11-23"}, "end": {"dateTime": "2026-11-24T09:00:00Z"}}, "invalid"),
        (
            {"start": {"date": "2026-11-23", "dateTime": "2026-11-23T09:00:00Z"}, "end": {"date": "2026-11-24"}},
            "invalid",
        ),
        ({"start": {"dateTime": "2026-11-23T09:00:00"}, "end": {"dateTime": "2026-11-23T10:00:00"}}, "invalid"),
        (
            {
                "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "Mars/Olympus"},
                "end": {"dateTime": "2026-11-23T10:00:00", "timeZone": "Mars/Olympus"},
            },
            "invalid",
        ),
        ({"start": {}, "end": {}}, "invalid"),
    ],
)
def test_times_that_make_no_span_are_refused(client, times, expected):
    assert reason(client("POST", body=times)) == (400, expected)


def test_extended_properties_have_limits(client):
    private = {"a" * 44: "kept", "a" * 45: "dropped", "long": "x" * 2000}
    kept = client("POST", body={**DAY, "extendedProperties": {"private": private}}).json()["extendedProperties"][
        "private"
    ]
    assert kept == {"a" * 44: "kept", "long": "x" * 1024}
    many = {f"p{number}": "x" for number in range(301)}
    assert reason(client("POST", body={**DAY, "extendedProperties": {"private": many}})) == (400, "invalid")


def test_a_reader_cannot_write(client, google):
    google.add_calendar(ALICE, "team", role="reader")
    assert client("GET", calendar="team").json()["accessRole"] == "reader"
    assert reason(client("POST", body=DAY, calendar="team")) == (403, "requiredAccessLevel")


def test_whoever_would_be_notified_is_counted(client, google):
    event = client("POST", body={**DAY, "attendees": [{"email": "a@x.org"}, {"email": "b@x.org"}]}).json()
    assert google.notifications == 2
    client("PATCH", f"/{event['id']}", {"summary": "B"})
    assert google.notifications == 2
    client("PATCH", f"/{event['id']}", {"summary": "C"}, sendUpdates="all")
    assert google.notifications == 4


# Listings


def marked(client, key, **body):
    return client("POST", body={**DAY, **body, "extendedProperties": {"private": {"key": key, "all": "1"}}}).json()


def test_filters_on_properties_must_all_hold(client):
    one, _ = marked(client, "1"), marked(client, "2")
    client("POST", body=DAY)
    assert len(client("GET", privateExtendedProperty="all=1").json()["items"]) == 2
    both = client("GET", privateExtendedProperty=["all=1", "key=1"]).json()
    assert [each["id"] for each in both["items"]] == [one["id"]]
    assert reason(client("GET", privateExtendedProperty="all")) == (400, "badRequest")


def test_a_window_takes_what_ends_after_its_begin_and_starts_before_its_end(client):
    for hour in (8, 9, 10):
        start, end = (f"2026-11-23T{each:02}:00:00Z" for each in (hour, hour + 1))
        client("POST", body={"start": {"dateTime": start}, "end": {"dateTime": end}, "summary": str(hour)})
    window = {"timeMin": "2026-11-23T09:00:00Z", "timeMax": "2026-11-23T10:00:00Z"}
    assert [each["summary"] for each in client("GET", **window).json()["items"]] == ["9"]
    turned = {"timeMin": window["timeMax"], "timeMax": window["timeMin"]}
    assert reason(client("GET", **turned)) == (400, "timeRangeEmpty")


def test_pages_hold_250_or_what_is_asked_for_and_add_up(client, google):
    for _ in range(260):
        google.put_foreign(ALICE, DAY)
    first = client("GET").json()
    assert len(first["items"]) == 250
    rest = client("GET", pageToken=first["nextPageToken"]).json()
    assert len(rest["items"]) == 10
    assert "nextPageToken" not in rest
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 260
    assert len(client("GET", maxResults=2500).json()["items"]) == 260


def test_deleted_events_show_when_asked_for(client):
    event = client("POST", body=DAY).json()
    client("DELETE", f"/{event['id']}")
    shown = client("GET", showDeleted="true", updatedMin=event["updated"]).json()["items"]
    assert (event["id"], "cancelled") in [(each["id"], each["status"]) for each in shown]


def test_a_sync_token_tells_what_changed_since(client, google):
    kept, gone = client("POST", body=DAY).json(), client("POST", body=DAY).json()
    token = client("GET", maxResults=2500).json()["nextSyncToken"]
    assert client("GET", syncToken=token).json()["items"] == []
    client("PATCH", f"/{kept['id']}", {"summary": "B"})
    client("DELETE", f"/{gone['id']}")
    changed = {each["id"]: each["status"] for each in client("GET", syncToken=token).json()["items"]}
    assert changed == {kept["id"]: "confirmed", gone["id"]: "cancelled"}
    assert reason(client("GET", syncToken=token, privateExtendedProperty="a=b")) == (400, "badRequest")
    assert reason(client("GET", syncToken="made-up")) == (410, "fullSyncRequired")
    google.forget_sync_tokens()
    assert reason(client("GET", syncToken=token)) == (410, "fullSyncRequired")
    google.oldest_sync_token = 0


def test_words_uids_and_orders_are_looked_for(client):
    client("POST", body={**DAY, "summary": "Optics", "iCalUID": "u1"})
    client("POST", body={"start": {"date": "2026-01-01"}, "end": {"date": "2026-01-02"}, "summary": "Algebra"})
    assert [each["summary"] for each in client("GET", q="optic").json()["items"]] == ["Optics"]
    assert [each["summary"] for each in client("GET", iCalUID="u1").json()["items"]] == ["Optics"]
    ordered = client("GET", singleEvents="true", orderBy="startTime").json()["items"]
    assert [each["summary"] for each in ordered] == ["Algebra", "Optics"]
    assert reason(client("GET", orderBy="startTime")) == (400, "badRequest")


def test_partial_answers_hold_what_is_asked_for_only(client, google):
    marked(client, "1", summary="A")
    fields = "accessRole,items(id,start/date,extendedProperties/private)"
    assert {each: type(value) for each, value in client("GET", fields=fields).json().items()} == {
        "accessRole": str,
        "items": list,
    }
    [item] = client("GET", fields=fields).json()["items"]
    assert {"start": item["start"], "extendedProperties": item["extendedProperties"]} == {
        "start": {"date": "2026-11-23"},
        "extendedProperties": {"private": {"key": "1", "all": "1"}},
    }
    assert item.keys() == {"id", "start", "extendedProperties"}
    assert client("GET", fields="items/summary").json() == {"items": [{"summary": "A"}]}
    assert google.violations == []


# The contract


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "", None, {"maxresults": 5}),
        ("GET", "", None, {"maxResults": "many"}),
        ("GET", "", None, {"maxResults": 0}),
        ("GET", "", None, {"timeMin": "2026-11-23T00:00:00"}),
        ("GET", "", None, {"timeMin": "yesterday"}),
        ("GET", "", None, {"showDeleted": "yes"}),
        ("GET", "", None, {"orderBy": "title"}),
        ("GET", "", None, {"q": ["a", "b"]}),
        ("GET", "", None, {"fields": "items(id,titel)"}),
        ("GET", "", None, {"fields": "items(id"}),
        ("GET", "", None, {"fields": "items/id/more"}),
        ("GET", "", {"some": "body"}, {}),
        ("GET", "/x/instances", None, {}),
        ("POST", "", {"start": {"date": "2026-11-23"}}, {}),
        ("POST", "", {**DAY, "title": "A"}, {}),
        ("POST", "", {**DAY, "summary": 3}, {}),
        ("POST", "", {**DAY, "summary": None}, {}),
        ("POST", "", {**DAY, "sequence": True}, {}),
        ("POST", "", {**DAY, "attendees": "a@x.org"}, {}),
        ("POST", "", {**DAY, "attendees": [{"mail": "a@x.org"}]}, {}),
        ("POST", "", {**DAY, "extendedProperties": {"private": {"n": 1}}}, {}),
        ("POST", "", {**DAY, "start": {"date": "23-11-2026"}}, {}),
        ("POST", "", [], {}),
        ("POST", "", DAY, {"sendUpdates": "some"}),
        ("POST", "/import", DAY, {}),
        ("PUT", "/abcde", {"summary": "A"}, {}),
        ("PATCH", "/abcde", {"colour": None}, {}),
        ("PATCH", "", {}, {}),
    ],
)
def test_a_request_outside_the_contract_is_refused_and_remembered(client, google, request_):
    verb, path, body, params = request_
    assert reason(client(verb, path, body, **params)) == (400, "badRequest")
    assert len(google.violations) == 1


def test_what_is_no_json_is_outside_the_contract(client, google):
    url = f"{client.url}/calendar/v3/calendars/primary/events"
    assert client.session.post(url, data="{half", timeout=5).status_code == 400
    assert len(google.violations) == 1


def test_a_scope_that_a_method_does_not_take_is_not_enough(client):
    answer = client.session.get(f"{client.url}/calendar/v3/calendars/primary", timeout=5)
    assert reason(answer) == (403, "insufficientPermissions")
    wider = client.buy(scope="https://www.googleapis.com/auth/calendar").json()["access_token"]
    answer = client.session.get(answer.url, headers={"Authorization": f"Bearer {wider}"}, timeout=5)
    assert (answer.json()["id"], answer.json()["timeZone"]) == (ALICE, "Europe/Amsterdam")


# Batches


def batch(client, *parts, headers=None):
    lines = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n{part}\r\n"
        for number, part in enumerate(parts)
    ]
    return client.session.post(
        f"{client.url}/batch/calendar/v3",
        data="".join(lines) + "--b--",
        headers={"Content-Type": 'multipart/mixed; boundary="b"', **(headers or {})},
        timeout=5,
    )


def insertion(summary):
    body = json.dumps({**DAY, "summary": summary}, ensure_ascii=False)
    line = "POST /calendar/v3/calendars/alice%40example.org/events?fields=id HTTP/1.1"
    return f"{line}\nContent-Type: application/json\n\n{body}"


def test_each_part_of_a_batch_is_answered_under_its_id(client, google, faults):
    faults.forget()
    answer = batch(client, insertion("A"), "GET /calendar/v3/calendars/primary/events/none HTTP/1.1\n\n")
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.text.index("<response-0>") < answer.text.index("HTTP/1.1 200 OK") < answer.text.index("<response-1>")
    assert "HTTP/1.1 404 Not Found" in answer.text
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["A"]
    assert [(each.method, each.status) for each in faults.seen(parts=True)] == [("POST", 200), ("GET", 404)]
    assert google.batches == [2]


def test_a_part_may_bring_its_own_token(client, google):
    part = "GET /calendar/v3/calendars/primary/events HTTP/1.1\nAuthorization: Bearer made-up\n\n"
    assert "HTTP/1.1 401 Unauthorized" in batch(client, part).text
    assert google.violations == []


def test_a_fault_can_hit_one_part(client, google, faults):
    faults.add(Fault("/calendar/v3/calendars/alice@example.org/events", "throttled", seconds=3, times=1))
    answer = batch(client, insertion("A"), insertion("B"))
    assert "429 Too Many Requests" in answer.text
    assert "retry-after: 3" in answer.text
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["B"]


@pytest.mark.parametrize("kind", ["lost", "unavailable_after"])
def test_a_part_can_be_done_and_its_answer_lost(client, google, faults, kind):
    faults.add(Fault("/calendar/*", kind, times=1))
    answer = batch(client, insertion("A"), insertion("B"))
    assert ("<response-0>" in answer.text) is (kind == "unavailable_after")
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["A", "B"]


def test_a_batch_has_a_thousand_parts_at_most(client, google):
    get = "GET /calendar/v3/calendars/primary/events?maxResults=1 HTTP/1.1\n\n"
    assert batch(client, *[get] * 1001).status_code == 400
    assert google.violations == ["batch: 1001 parts"]


@pytest.mark.parametrize("part", ["", "GET", "GET /calendar/v3/calendars/primary/events"])
def test_what_is_no_batch_is_refused(client, google, part):
    assert batch(client, part).status_code == 400
    assert batch(client, insertion("A"), headers={"Content-Type": "application/json"}).status_code == 400
    assert len(google.violations) == 2
    assert google.mailbox(ALICE) == []


def test_letters_of_every_language_survive_a_batch(client, google):
    body = insertion("Größe ∂ 数学").encode()
    assert batch(client, body.decode()).status_code == 200
    assert google.mailbox(ALICE)[0]["summary"] == "Größe ∂ 数学"


# The people


def test_a_person_works_in_their_own_calendar_without_a_token(client, faults):
    url = f"{client.url}/sandbox/google/{ALICE}/events"
    faults.forget()
    made = requests.post(url, json={**DAY, "summary": "Mine"}, timeout=5)
    assert made.status_code == 201
    one = f"{url}/{made.json()['id']}"
    assert requests.patch(one, json={"summary": "Still mine"}, timeout=5).json()["etag"] != made.json()["etag"]
    assert [each["summary"] for each in requests.get(url, timeout=5).json()] == ["Still mine"]
    assert requests.delete(one, timeout=5).status_code == 204
    assert requests.get(url, timeout=5).json() == []
    assert requests.delete(one, timeout=5).status_code == 410
    assert requests.post(url, data="{half", timeout=5).status_code == 400
    assert requests.get(url.replace("alice", "nobody"), timeout=5).status_code == 404
    assert faults.seen() == []
