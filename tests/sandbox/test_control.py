from datetime import UTC, datetime, timedelta

import orjson
import pytest
import requests

from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = "anna.visser@example.edu"


@pytest.fixture
def base():
    with serve(application(Institution(now=NOW), Faults())) as url:
        yield url


def ms(moment):
    return int(moment.timestamp() * 1000)


def timetable(base):
    """Asks for Anna's; the status of the answer."""
    headers = {"apiToken": "sandbox-elevated", "requestedAuth": ANNA}
    return requests.get(f"{base}/api/v0/timetable", headers=headers, timeout=5).status_code


def test_people_and_their_events_are_told_for_those_who_look(base):
    people = requests.get(f"{base}/sandbox/people", timeout=5).json()
    assert people[0] == {
        "username": ANNA,
        "name": "Anna Visser",
        "mail": ANNA,
        "roles": ["ROLE_STUDENT", "ROLE_MEMBER"],
    }
    span = {"startDate": ms(NOW), "endDate": ms(NOW + timedelta(days=7))}
    for person in (people[0], people[-1]):
        events = requests.get(f"{base}/sandbox/people/{person['username']}/events", params=span, timeout=5)
        assert events.json()
        assert all(event["startDate"] < span["endDate"] for event in events.json())
    page = requests.get(base, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Anna Visser" in page.text


def test_faults_are_switched_on_and_requests_counted_over_http(base):
    fault = {"path": "/api/v0/timetable", "kind": "unavailable", "times": 1}
    assert requests.post(f"{base}/sandbox/faults", json=fault, timeout=5).status_code == 200
    assert requests.get(f"{base}/sandbox/faults", timeout=5).json() == [{**fault, "seconds": 1.0, "method": "*"}]
    assert [timetable(base) for _ in range(2)] == [503, 200]
    seen = requests.get(f"{base}/sandbox/requests?path=/api/*&method=GET", timeout=5).json()
    assert [each["status"] for each in seen] == [503, 200]
    requests.post(f"{base}/sandbox/faults", json=fault, timeout=5)
    assert requests.delete(f"{base}/sandbox/faults", timeout=5).status_code == 204
    assert requests.delete(f"{base}/sandbox/requests", timeout=5).status_code == 204
    assert timetable(base) == 200
    assert len(requests.get(f"{base}/sandbox/requests", timeout=5).json()) == 1
    wrong = requests.post(f"{base}/sandbox/faults", data=orjson.dumps({"path": "*", "kind": "fire"}), timeout=5)
    assert wrong.status_code == 400
    assert "kind" in wrong.json()["error"]
