"""The sandbox's Google: one event, made, read, changed and deleted."""

import pytest
import requests

ALICE = "alice@example.org"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}


def test_an_event_is_made_read_changed_and_deleted(client, reason):
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


def test_an_id_is_taken_for_good(client, reason):
    assert client("POST", body={**DAY, "id": "abc123"}).status_code == 200
    assert reason(client("POST", body={**DAY, "id": "abc123"})) == (409, "duplicate")
    client("DELETE", "/abc123")
    assert reason(client("POST", body={**DAY, "id": "abc123"})) == (409, "duplicate")
    assert client("PUT", "/abc123", {**DAY, "status": "confirmed"}).json()["status"] == "confirmed"


@pytest.mark.parametrize("name", ["abcd", "has-dash", "UPPER", "wxyz12"])
def test_an_id_is_written_in_base32hex(client, name, reason):
    assert reason(client("POST", body={**DAY, "id": name})) == (400, "invalid")


def test_a_stale_version_changes_nothing(client, reason):
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
def test_times_that_make_no_span_are_refused(client, times, expected, reason):
    assert reason(client("POST", body=times)) == (400, expected)


def test_extended_properties_have_limits(client, reason):
    private = {"a" * 44: "kept", "a" * 45: "dropped", "long": "x" * 2000}
    kept = client("POST", body={**DAY, "extendedProperties": {"private": private}}).json()["extendedProperties"][
        "private"
    ]
    assert kept == {"a" * 44: "kept", "long": "x" * 1024}
    many = {f"p{number}": "x" for number in range(301)}
    assert reason(client("POST", body={**DAY, "extendedProperties": {"private": many}})) == (400, "invalid")


def test_a_reader_cannot_write(client, google, reason):
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
