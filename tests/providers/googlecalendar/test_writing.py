"""Google Calendar: what is written."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers._googlecalendar_payload import event_id
from providers.base import Create, Done, Mark, Marks, Ref, Update, Window

ALICE = "alice@example.org"
OURS = Marks("carillon-test", "7")


def test_an_event_arrives_whole_and_reminds_nobody(provider, google, lecture, mark):
    event = lecture(description="Bring a < calculator\nand a pen", category="Lecture")
    [done] = provider.push([Create(event, mark("k"))])
    [there] = google.mailbox(ALICE)
    assert (there["id"], there["etag"]) == (done.ref.id, done.ref.version)
    assert there["id"] == event_id(mark("k"), 0)
    assert (there["summary"], there["location"]) == (event.title, event.location)
    assert there["description"] == event.description
    assert there["start"] == {"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe/Amsterdam"}
    assert there["reminders"] == {"useDefault": False, "overrides": []}
    assert there["extendedProperties"]["private"] == {
        "carillonInstance": "carillon-test",
        "carillonSynchronization": "7",
        "carillonKey": "k",
    }
    assert "attendees" not in there
    assert "conferenceData" not in there


def test_ids_differ_by_generation_and_by_every_part_of_the_mark(mark):
    marks = [mark("k"), mark("k", "8"), mark("k", instance="other"), mark("l"), Mark("carillon-test7", "", "k")]
    ids = {event_id(each, generation) for each in marks for generation in range(2)}
    assert len(ids) == 10
    assert all(set(each) <= set("0123456789abcdefghijklmnopqrstuv") and len(each) == 52 for each in ids)


def test_an_update_leaves_alone_what_it_does_not_name(provider, google, lecture, mark, creates):
    [done] = provider.push(creates(1))
    google.edit(ALICE, done.ref.id, {"description": "my notes", "colorId": "5", "reminders": {"useDefault": True}})
    change = Update(
        lecture(location="Room 9", title="New"), mark(0), Ref(done.ref.id), frozenset({"location"}), merge=True
    )
    assert isinstance(provider.push([change])[0], Done)
    [there] = google.mailbox(ALICE)
    assert (there["location"], there["summary"]) == ("Room 9", "Lecture 0")
    assert (there["description"], there["colorId"], there["reminders"]["useDefault"]) == ("my notes", "5", True)


def test_texts_can_be_emptied(provider, google, lecture, mark):
    [done] = provider.push([Create(lecture(description="old"), mark(0))])
    empty = Update(lecture(location=""), mark(0), done.ref, frozenset({"location", "description"}))
    assert isinstance(provider.push([empty])[0], Done)
    [there] = google.mailbox(ALICE)
    assert (there["location"], there["description"]) == ("", "")


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland"])
def test_an_all_day_event_keeps_its_days_in_whatever_zone(provider, google, zone, lecture, mark):
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    event = lecture(start=midnight, end=midnight + timedelta(days=2), zone=zone, all_day=True)
    [done] = provider.push([Create(event, mark("day"))])
    [there] = google.mailbox(ALICE)
    assert (there["start"], there["end"]) == ({"date": "2026-11-23"}, {"date": "2026-11-25"})
    [found] = provider.find(OURS, Window(midnight, midnight + timedelta(seconds=1)))
    assert (found.start, found.end, found.ref) == (midnight, event.end, done.ref)


def test_an_event_becomes_all_day_and_timed_again(provider, google, lecture, mark, creates):
    [done] = provider.push(creates(1))
    day = lecture(
        start=datetime(2026, 11, 22, 23, tzinfo=UTC), end=datetime(2026, 11, 23, 23, tzinfo=UTC), all_day=True
    )
    [done] = provider.push([Update(day, mark(0), done.ref, frozenset({"time"}))])
    assert provider.find(OURS)[0].start == day.start
    [done] = provider.push([Update(lecture(), mark(0), done.ref, frozenset({"time"}))])
    assert google.mailbox(ALICE)[0]["start"] == {
        "dateTime": "2026-11-23T10:00:00+01:00",
        "timeZone": "Europe/Amsterdam",
    }


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_each_hour_of_the_days_on_which_clocks_change_comes_back_as_it_was(provider, day, lecture, mark):
    hours = [lecture(start=day + timedelta(hours=n), end=day + timedelta(hours=n + 1)) for n in range(-3, 5)]
    provider.push([Create(event, mark(number)) for number, event in enumerate(hours)])
    assert [(each.start, each.end) for each in provider.find(OURS)] == [(each.start, each.end) for each in hours]


def test_a_mark_can_be_changed(provider, lecture, mark):
    [done] = provider.push([Create(lecture(), mark("old", "6"))])
    adopt = Update(lecture(), mark("new"), done.ref, frozenset({"mark"}))
    [adopted] = provider.push([adopt])
    assert [(each.mark, each.ref) for each in provider.find(OURS)] == [(mark("new"), adopted.ref)]
    assert provider.find(Marks("carillon-test", "6")) == []


def test_the_longest_marks_fit_into_a_listing(provider, lecture):
    long = Mark(":" * 255, "/" * 255, "," * 255)
    provider.push([Create(lecture(), long)])
    assert [each.mark for each in provider.find(Marks(long.instance, long.synchronization))] == [long]
