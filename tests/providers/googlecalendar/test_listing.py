"""Google Calendar: what is found."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import base, googlecalendar
from providers.base import Create, Mark, Marks, Window
from sandbox.faults import Fault

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = Marks("carillon-test", "7")


def test_only_what_carries_the_marks_is_found(provider, google, lecture, mark):
    google.put_foreign(ALICE, {"summary": "Mine", "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}})
    provider.push(
        [Create(lecture(), mark(0)), Create(lecture(), mark(0, "8")), Create(lecture(), mark(0, "7", "other"))]
    )
    assert [each.mark for each in provider.find(OURS)] == [mark(0)]
    assert {each.mark for each in provider.find(Marks("carillon-test"))} == {mark(0), mark(0, "8")}


def test_a_window_is_half_open_and_counts_starts(provider, creates):
    provider.push(creates(4))
    window = Window(START + timedelta(hours=1), START + timedelta(hours=3))
    assert [each.mark.key for each in provider.find(OURS, window)] == ["1", "2"]
    began_before = Window(START + timedelta(minutes=1), START + timedelta(minutes=50))
    assert provider.find(OURS, began_before) == []


def test_two_events_with_the_same_mark_are_both_found(provider, lecture, mark):
    provider.push([Create(lecture(), mark(0)), Create(lecture(), mark(0), generation=1)])
    assert [each.mark for each in provider.find(OURS)] == [mark(0), mark(0)]


def test_a_listing_follows_its_pages(provider, monkeypatch, creates):
    provider.push(creates(7))
    monkeypatch.setattr(googlecalendar, "PAGE", 3)
    assert [each.mark.key for each in provider.find(OURS)] == [str(number) for number in range(7)]


def test_exceptions_to_an_event_that_a_person_made_recurring_are_not_ours(answering):
    items = [
        {**_item(), "recurringEventId": "a", "id": "a_2"},
        {"id": "a_3", "status": "cancelled", "recurringEventId": "a"},
        _item(),
    ]
    found = answering({"kind": "calendar#events", "timeZone": "UTC", "items": items}).find(OURS)
    assert [each.ref.id for each in found] == ["a"]


def test_a_damaged_mark_is_still_our_instances(provider, google, creates):
    [done] = provider.push(creates(1))
    google.edit(ALICE, done.ref.id, {"extendedProperties": {"private": {"carillonKey": None}}})
    [found] = provider.find(Marks("carillon-test"))
    assert found.mark == Mark("carillon-test", "7", "")


@pytest.mark.parametrize(
    "spoil",
    [
        {"kind": None},
        {"timeZone": None},
        {"items": [{}]},
        {"items": [None]},
        {"items": 3},
        {"items": ["etag"]},
        {"status": "half"},
        {"etag": None},
        {"start": {}},
        {"start": {"dateTime": "soon"}},
        {"start": {"dateTime": "0001-01-01T00:00:00+10:00"}},
        {"start": {"date": "2026-11-23"}, "timeZone": "Europe"},
        {"extendedProperties": {}},
        {"extendedProperties": {"private": None}},
        {"extendedProperties": {"private": {"carillonInstance": "carillon-test", "carillonSynchronization": ["7"]}}},
        {"extendedProperties": {"private": {"carillonInstance": "other"}}},
        {"nextPageToken": "round"},
        {"nextPageToken": ["round"]},
    ],
)
def test_half_a_listing_is_never_a_listing(answering, spoil):
    page = {
        "kind": "calendar#events",
        "timeZone": "UTC",
        "items": [_item() | {k: v for k, v in spoil.items() if k in _item()}],
    }
    page |= {name: value for name, value in spoil.items() if name not in _item()}
    with pytest.raises(base.ContractBroken):
        answering(_clean(page)).find(OURS)


def _item():
    private = {"carillonInstance": "carillon-test", "carillonSynchronization": "7", "carillonKey": "k"}
    moment = {"dateTime": "2026-11-23T10:00:00Z"}
    return {
        "id": "a",
        "etag": '"1"',
        "status": "confirmed",
        "start": moment,
        "end": moment,
        "extendedProperties": {"private": private},
    }


def _clean(value):
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items() if each is not None}
    return [_clean(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttled", base.Throttled),
        ("rate_limited", base.Throttled),
        ("error", base.Unavailable),
        ("unavailable", base.Unavailable),
        ("lost", base.Unavailable),
        ("cut_off", base.Unavailable),
        ("html", base.ContractBroken),
        ("empty", base.ContractBroken),
        ("truncated", base.ContractBroken),
    ],
)
def test_a_listing_is_complete_or_it_raises(provider, faults, kind, error, creates):
    provider.push(creates(3))
    faults.add(Fault(EVENTS, kind, times=1))
    with pytest.raises(error):
        provider.find(OURS)
    assert len(provider.find(OURS)) == 3
