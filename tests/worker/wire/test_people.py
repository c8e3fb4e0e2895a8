"""What people do to events, ours and their own, and what becomes of it at each kind of calendar server."""

from collections import Counter
from datetime import timedelta

import pytest

from providers.base import Event
from sandbox import google_calendar
from sandbox.google_events import GoogleError
from term import lecture
from term.calendars import alike, decorate, plain, whole
from worker.ledger import UnlinkMode

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def lectures(term, number=4):
    return [lecture(term.now + DAY * nth, f"id-{nth}", title=f"Lecture {nth}") for nth in range(1, number + 1)]


def at(someone, nth):
    """Where our event of that day stands."""
    start = someone.term.now + DAY * nth
    return next(name for name, each in someone.box.standing().items() if each.mark and each.start == start)


def elsewhere(event, room="Room 9"):
    return event | {"locations": [{"name": room}]}


@pytest.mark.case("peers", 5)
def test_what_a_person_deleted_is_no_failure_when_it_is_cancelled_and_made_once_more_when_it_changes(term):
    first, second, third, fourth = lectures(term)
    someone = term.person(first, second, third, fourth)
    someone.run()
    for nth in (1, 2):
        someone.box.delete(at(someone, nth))
    someone.tell(elsewhere(second), third, fourth)
    report = someone.run()
    assert (report.outcome, report.failed) == ("OK", 0)
    assert someone.starts() == [
        (term.now + DAY * nth, room) for nth, room in ((2, "Room 9"), (3, "Room 1"), (4, "Room 1"))
    ]
    assert someone.at_rest()


@pytest.mark.case("peers", 6)
def test_an_event_that_was_cancelled_and_comes_back_is_there_once(term):
    first, second = lectures(term, 2)
    someone = term.person(first, second)
    someone.run()
    for _ in range(3):
        someone.tell(second)
        assert someone.run().deleted == 1
        someone.tell(first, second)
        term.wire.forget()
        report = someone.run()
        assert (report.outcome, report.created) == ("OK", 1)
        # Graph remembers a transaction of a deleted event, and each of them is stepped over.
        assert term.requests() <= 8
        assert len(someone.starts()) == 2
    assert someone.at_rest()


@pytest.mark.case("peers", 6)
def test_an_id_that_google_will_not_give_back_is_left_for_another_one(open_term, monkeypatch):
    term = open_term("googlecalendar")
    first, second = lectures(term, 2)
    someone = term.person(first, second)
    someone.run()
    someone.tell(second)
    someone.run()

    def update(*_):
        raise GoogleError(403, "forbidden", "Forbidden")

    monkeypatch.setitem(google_calendar._WRITES, "calendar.events.update", update)
    someone.tell(first, second)
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.requests() <= 6
    assert len(someone.starts()) == 2
    assert someone.at_rest()


@pytest.mark.case("peers", 7)
def test_events_that_are_almost_like_ours_are_never_touched(term):
    events = lectures(term)
    someone = term.person(*events)
    start = term.now + DAY
    mine = Event("Lecture 1", start, start + 2 * HOUR, "Europe/Amsterdam", location="Room 1", category="Lecture")
    foreign = [someone.box.add(mine), alike(someone.box, mine)]
    before = {name: whole(someone.box, name) for name in foreign}
    assert someone.run().created == 4
    someone.tell(*(elsewhere(each) for each in events[:3]))
    report = someone.run()
    assert (report.updated, report.deleted) == (3, 1)
    assert someone.resync().outcome == "OK"
    assert {name: whole(someone.box, name) for name in foreign} == before
    assert term.carry_out(term.unlink(someone.ident, UnlinkMode.CLEANUP)).removed == 3
    assert {name: whole(someone.box, name) for name in someone.box.standing()} == before


@pytest.mark.case("peers", 9)
@pytest.mark.parametrize("policy", ["restore", "respect", "keep"])
def test_a_look_at_the_calendar_follows_the_policy(open_term, kind, policy):
    term = open_term(kind, policy=policy)
    someone = term.person(*lectures(term))
    someone.run()
    deleted, moved, retitled = (at(someone, nth) for nth in (1, 2, 3))
    someone.box.delete(deleted)
    someone.box.edit(moved, start=term.now + 2 * DAY + 5 * HOUR)
    someone.box.edit(retitled, title="Mine")
    assert someone.resync().outcome == "OK"
    titles = {1: "Lecture 1", 2: "Lecture 2", 3: "Mine" if policy == "keep" else "Lecture 3", 4: "Lecture 4"}
    if policy == "respect":
        del titles[1]
    assert {each.start: each.title for each in someone.box.standing().values()} == {
        term.now + DAY * nth: title for nth, title in titles.items()
    }
    assert {moved, retitled} <= someone.box.standing().keys()
    assert someone.at_rest()


@pytest.mark.case("peers", 10)
def test_another_room_is_one_change_of_the_room(term):
    events = lectures(term)
    someone = term.person(*events)
    someone.run()
    name = at(someone, 2)
    before = {each: plain(someone.box, each) for each in someone.box.standing()}
    events[1] = elsewhere(events[1])
    someone.tell(*events)
    term.wire.forget()
    report = someone.run()
    assert (report.created, report.updated, report.deleted) == (0, 1, 0)
    assert term.changes() == 1
    after = {each: plain(someone.box, each) for each in someone.box.standing()}
    assert differing(before[name], after[name]) == 1
    assert Counter(differing(before[each], after[each]) for each in before) == {0: 3, 1: 1}
    assert someone.starts()[1][1] == "Room 9"


@pytest.mark.case("peers", 10)
def test_another_room_leaves_what_a_person_added_to_the_event(term):
    events = lectures(term)
    someone = term.person(*events)
    someone.run()
    name = at(someone, 2)
    decorate(someone.box, name)
    before = plain(someone.box, name)
    someone.tell(events[0], elsewhere(events[1]), *events[2:])
    term.wire.forget()
    report = someone.run()
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 0, 1, 0)
    # One that was refused, for somebody had changed the event, and one that holds to what is there now.
    assert term.changes() <= 2
    assert differing(before, plain(someone.box, name)) == 1
    assert someone.starts()[1][1] == "Room 9"


def differing(before, after):
    return sum(before.get(each) != after.get(each) for each in before.keys() | after.keys())
