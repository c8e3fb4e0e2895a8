"""Google Calendar: what stands in the way of a change."""

import dataclasses
from datetime import UTC, datetime

import pytest

from providers import base
from providers._googlecalendar_payload import event_id, to_body
from providers.base import Create, Delete, Done, Mark, Ref, Update
from sandbox import google_calendar
from sandbox.faults import Fault
from sandbox.google_events import GoogleError

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
BATCH = "/batch/calendar/v3"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}
ALL = frozenset(base.FIELDS)


def test_a_create_of_what_is_there_with_our_mark_brings_it_to_what_was_asked(provider, google, faults, lecture, mark):
    provider.push([Create(lecture(), mark(0))])
    faults.forget()
    [done] = provider.push([Create(lecture(title="Later wish"), mark(0))])
    [there] = google.mailbox(ALICE)
    assert there["summary"] == "Later wish"
    assert done == Done(Ref(there["id"], there["etag"]))
    assert len(faults.seen()) == 3


@pytest.mark.case("peers", 6)
def test_a_deleted_event_at_the_id_is_brought_back_to_life(provider, google, lecture, mark, creates):
    [done] = provider.push(creates(1))
    google.remove(ALICE, done.ref.id)
    [again] = provider.push([Create(lecture(title="Back"), mark(0))])
    [there] = google.mailbox(ALICE)
    assert (there["summary"], there["status"], there["id"]) == ("Back", "confirmed", done.ref.id)
    assert again.ref.version == there["etag"]
    assert there["reminders"] == {"useDefault": False, "overrides": []}


def test_a_foreign_event_at_the_id_stays_as_it_is(provider, google, lecture, mark, creates):
    foreign = google.put_foreign(
        ALICE,
        {
            "id": event_id(mark(0), 0),
            "summary": "Mine",
            "start": {"date": "2026-11-23"},
            "end": {"date": "2026-11-24"},
        },
    )
    outcomes = provider.push([*creates(1), Create(lecture(), mark(0), generation=1)])
    assert isinstance(outcomes[0], base.Conflict)
    assert isinstance(outcomes[1], Done)
    assert foreign in google.mailbox(ALICE)


def test_a_tombstone_that_google_will_not_give_back_is_a_conflict(provider, google, monkeypatch, creates):
    [done] = provider.push(creates(1))
    google.remove(ALICE, done.ref.id)

    def update(*_):
        raise GoogleError(403, "forbidden", "Forbidden")

    monkeypatch.setitem(google_calendar._WRITES, "calendar.events.update", update)
    assert isinstance(provider.push(creates(1))[0], base.Conflict)
    assert isinstance(provider.push([dataclasses.replace(creates(1)[0], generation=1)])[0], Done)


@pytest.mark.parametrize(("method", "kind"), [("GET", base.Throttled), ("PATCH", base.Throttled)])
def test_what_fails_while_looking_at_an_event_in_the_way_is_that_events_outcome(
    provider, faults, method, kind, creates
):
    provider.push(creates(1))
    faults.add(Fault(f"{EVENTS}/*", "throttled", method=method, times=1))
    assert [type(each) for each in provider.push(creates(2))] == [kind, Done]


def test_a_stale_version_cannot_overwrite(provider, google, lecture, mark, creates):
    first, second = provider.push(creates(2))
    for each in (first, second):
        google.edit(ALICE, each.ref.id, {"summary": "By hand"})
    outcomes = provider.push([Update(lecture(), mark(0), first.ref, ALL), Delete(mark(1), second.ref)])
    assert [type(each) for each in outcomes] == [base.Conflict, base.Conflict]
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["By hand", "By hand"]


def test_no_version_overwrites_any(provider, google, lecture, mark, creates):
    [done] = provider.push(creates(1))
    google.edit(ALICE, done.ref.id, {"summary": "By hand"})
    assert isinstance(provider.push([Update(lecture(), mark(0), Ref(done.ref.id), ALL)])[0], Done)
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["Lecture 0"]


@pytest.mark.parametrize("versioned", [True, False])
def test_an_update_of_what_is_gone_is_told_and_a_delete_of_it_is_done(provider, google, lecture, mark, versioned):
    made = provider.push([Create(lecture(), mark(number)) for number in range(2)])
    refs = [each.ref if versioned else Ref(each.ref.id) for each in made]
    for ref in refs:
        google.remove(ALICE, ref.id)
    never = Ref("0" * 20)
    outcomes = provider.push(
        [
            Update(lecture(), mark(0), refs[0], ALL),
            Delete(mark(1), refs[1]),
            Update(lecture(), mark(2), never, ALL),
            Delete(mark(3), never),
        ]
    )
    assert [type(each) for each in outcomes] == [base.EventGone, Done, base.EventGone, Done]
    assert google.mailbox(ALICE) == []


def test_one_bad_event_does_not_stop_the_others(provider, google, lecture, mark, creates):
    bad = Create(lecture(end=START), mark("bad"))
    outcomes = provider.push([creates(1)[0], bad, Create(lecture(1), mark(1))])
    assert [type(each) for each in outcomes] == [Done, base.Rejected, Done]
    assert len(google.mailbox(ALICE)) == 2


@pytest.fixture
def meddle(google):
    """Lets somebody do something after the first look at an event, before anything else is asked."""
    whole = google.call

    def arrange(deed):
        def call(request):
            answer = whole(request)
            if request.verb == "GET":
                google.call = whole
                deed()
            return answer

        google.call = call

    return arrange


def test_what_changes_between_a_look_and_the_change_is_a_conflict(provider, google, meddle, lecture, mark):
    [done] = provider.push([Create(lecture(), mark(0))])
    for change in (Update(lecture(), mark(0), Ref(done.ref.id), ALL), Delete(mark(0), Ref(done.ref.id))):
        meddle(lambda: google.edit(ALICE, done.ref.id, {"summary": "By hand", "extendedProperties": None}))
        assert isinstance(provider.push([change])[0], base.Conflict)
        assert [each["summary"] for each in google.mailbox(ALICE)] == ["By hand"]
        google.edit(ALICE, done.ref.id, {"extendedProperties": to_body(lecture(), mark(0))["extendedProperties"]})


def test_what_goes_away_between_a_look_and_the_change_is_gone(provider, google, meddle, lecture, mark):
    [done] = provider.push([Create(lecture(), mark(0))])
    meddle(lambda: google.remove(ALICE, done.ref.id))
    # Google has the event still, as a deleted one of another version.
    assert isinstance(provider.push([Update(lecture(), mark(0), Ref(done.ref.id), ALL)])[0], base.Conflict)
    assert isinstance(provider.push([Update(lecture(), mark(0), Ref(done.ref.id), ALL)])[0], base.EventGone)
    assert google.mailbox(ALICE) == []


@pytest.mark.parametrize(
    ("kind", "meaning"), [("throttled", base.Throttled), ("error", base.Unavailable), ("rate_limited", base.Throttled)]
)
def test_what_cannot_be_looked_at_is_not_written(provider, google, faults, kind, meaning):
    refs = [Ref(google.put_foreign(ALICE, DAY)["id"]) for _ in range(2)]
    before = google.mailbox(ALICE)
    faults.add(Fault(f"{EVENTS}/{refs[0].id}", kind, method="GET", times=1))
    outcomes = provider.push([Delete(Mark("carillon-test", "7", "k"), ref) for ref in refs])
    assert [type(each) for each in outcomes] == [meaning, base.Conflict]
    assert google.mailbox(ALICE) == before


def test_a_look_that_fails_as_a_whole_is_raised_for_nothing_was_done(provider, google, faults, creates, mark):
    [done] = provider.push(creates(1))
    faults.add(Fault(BATCH, "error", times=1))
    with pytest.raises(base.Unavailable):
        provider.push([Delete(mark(0), Ref(done.ref.id)), Delete(mark(0), done.ref)])
    assert len(google.mailbox(ALICE)) == 1


@pytest.mark.parametrize("answer", [[], "x", {}, {"status": "confirmed"}, {"etag": '"1"', "status": None}])
def test_a_look_that_shows_no_event_leaves_it_alone(provider, google, creates, mark, answer):
    [done] = provider.push(creates(1))
    whole = google.call
    google.call = lambda request: answer if request.verb == "GET" else whole(request)
    with pytest.raises(base.ContractBroken):
        provider.push([Delete(mark(0), Ref(done.ref.id))])
    assert isinstance(provider.push(creates(1))[0], base.Conflict)
    assert [each["etag"] for each in google.mailbox(ALICE)] == [done.ref.version]


def test_a_category_alone_is_looked_at_and_keeps_its_version(provider, creates, lecture, mark):
    [done] = provider.push(creates(1))
    assert provider.push([Update(lecture(), mark(0), Ref(done.ref.id), frozenset({"category"}))]) == [done]


def test_an_event_google_never_knew_is_gone_if_the_calendar_is_there(provider, faults, creates, lecture, mark):
    never = Ref("0" * 20, '"1"')
    changes = [Update(lecture(), mark(2), never, ALL), Delete(mark(3), never)]
    assert [type(each) for each in provider.push(changes)] == [base.EventGone, Done]
    assert [each.path for each in faults.seen()][1:] == [BATCH, EVENTS]
    faults.forget()
    assert [type(each) for each in provider.push([*creates(1), *changes])] == [Done, base.EventGone, Done]
    assert [each.path for each in faults.seen()] == [BATCH]


def test_an_event_that_got_another_organizer_does_not_stop_the_others(provider, google, creates, lecture, mark):
    first, second = provider.push(creates(2))
    whole = google.call

    def call(request):
        if request.verb == "PATCH" and first.ref.id in request.path:
            raise GoogleError(
                403, "forbiddenForNonOrganizer", "Shared properties can only be changed by the organizer."
            )
        return whole(request)

    google.call = call
    changes = [Update(lecture(title="New"), mark(n), each.ref, ALL) for n, each in enumerate((first, second))]
    assert [type(each) for each in provider.push(changes)] == [base.Rejected, Done]
