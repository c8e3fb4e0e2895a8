from datetime import UTC, datetime

import icalendar
import pytest
import requests

from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.institution_ics import feed
from sandbox.serve import serve

ZONE = "Europe/Amsterdam"


@pytest.fixture
def institution():
    return Institution(now=datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def url(institution):
    with serve(application(institution, Faults())) as base:
        yield base


@pytest.fixture
def anna(institution):
    return institution.people[0]


def address(url, person):
    """Where `/user` says that the feed is."""
    headers = {"apiToken": "sandbox-elevated", "requestedAuth": person.username}
    told = requests.get(f"{url}/api/v0/user", headers=headers, timeout=10)
    return told.json()["feedUrl"]


def wished(institution, person):
    wishes = institution.wishes(person.username)
    return [each for each in institution.timetable(person.username) if not (each.draft or wishes.hides(each))]


def test_a_feed_holds_what_the_person_wants_in_a_calendar_as_the_institution_knows_it(institution, url, anna):
    answer = requests.get(address(url, anna), timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    events = icalendar.Calendar.from_ical(answer.content).events
    assert [str(each["UID"]) for each in events] == [
        f"{each.id(institution.zone)}@timetable.example.edu" for each in wished(institution, anna)
    ]
    for said, true in zip(events, wished(institution, anna), strict=True):
        local = true.start.astimezone(institution.zone)
        assert said["DTSTART"].dt == (local.date() if true.all_day else local)
        assert said["DTSTART"].params.get("TZID") == (None if true.all_day else ZONE)
        assert str(said.get("LOCATION", "")) == ", ".join(room.name for room in true.rooms)
        assert str(said["SUMMARY"]).endswith(true.title)
        assert ("Staff: " in said.get("DESCRIPTION", "")) == bool(true.staff)
    assert not any(each.errors for each in events)


def test_what_is_filtered_for_the_calendar_is_not_in_the_feed(institution, anna):
    before = feed(institution, anna).count(b"BEGIN:VEVENT")
    institution.filter_group(anna.username, "Exam", for_sync=True)
    after = feed(institution, anna)
    assert after.count(b"BEGIN:VEVENT") < before
    assert b"CATEGORIES:Exam" not in after
    institution.filtering = False
    assert feed(institution, anna).count(b"BEGIN:VEVENT") == before


def test_a_feed_is_sent_again_only_when_it_is_another(institution, url, anna):
    where = address(url, anna)
    first = requests.get(where, headers={"Accept-Encoding": "gzip"}, timeout=10)
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Last-Modified"] == "Fri, 20 Nov 2026 12:00:00 GMT"
    known = {"If-None-Match": first.headers["ETag"]}
    assert requests.get(where, headers=known, timeout=10).status_code == 304
    institution.add(anna.username, "Talk", datetime(2026, 12, 1, 9, tzinfo=UTC))
    again = requests.get(where, headers=known, timeout=10)
    assert again.status_code == 200
    assert b"SUMMARY:Talk" in again.content


def test_a_feed_is_in_the_persons_language(url, anna):
    dutch = requests.get(address(url, anna), headers={"Accept-Language": "nl-NL"}, timeout=10)
    assert b"Type: Hoorcollege" in dutch.content


def test_only_the_whole_address_opens_a_feed(institution, url, anna):
    where = address(url, anna)
    other = address(url, institution.people[1])
    mixed = where.partition("&t=")[0] + "&t=" + other.partition("&t=")[2]
    statuses = [requests.get(each, timeout=10).status_code for each in (mixed, f"{url}/ical", f"{where}x")]
    assert statuses == [403, 404, 403]
    assert requests.get(f"{url}/ical?eu=nobody&t=x", timeout=10).status_code == 404
