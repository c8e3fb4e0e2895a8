"""A run against a real ledger: what it writes, and what it leaves alone."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from providers.base import Event
from providers.memory import Stored
from worker.synchronize import Report


def coming(world, number=8):
    """Events of the first person that can be changed, from tomorrow on."""
    wishes = world.institution.wishes(world.people[0])
    found = world.institution.timetable(world.people[0], world.now + timedelta(days=1), world.now + timedelta(days=60))
    plain = [e for e in found if e.course and e.rooms and not (e.all_day or e.draft or wishes.hides(e))]
    return plain[:number]


def test_a_first_run_writes_the_timetable_and_nothing_else(world):
    ident = world.link()
    report = world.run(ident)
    assert world.standing() == world.wished()
    assert report == Report("OK", created=len(world.wished()))
    row = world.row(ident)
    assert (row.status, row.failures, row.status_detail) == ("OK", 0, "")
    assert row.last_sync == world.now
    assert row.last_resync is None


def test_a_run_without_a_change_asks_the_provider_for_nothing(world):
    ident = world.link()
    world.run(ident)
    world.store.calls.clear()
    world.now += timedelta(minutes=15)
    report = world.run(ident)
    assert world.store.calls == []
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 0, 0, 0)
    assert world.row(ident).last_sync == world.now
    assert len(world.runs(ident)) == 1


def test_a_run_without_a_change_asks_the_ledger_ten_times(world):
    ident = world.link()
    world.link(smtpAddress="second mailbox")
    world.run(ident)
    asked = []
    event.listen(world.installation.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    assert world.run(ident).outcome == "OK"
    assert len(asked) == 10, asked


def test_a_new_day_shifts_the_window_and_touches_only_its_edges(world):
    ident = world.link()
    world.run(ident)
    before = world.ours()
    world.now += timedelta(days=1)
    report = world.run(ident)
    assert report.updated == report.deleted == 0
    assert before.items() <= world.ours().items()


def test_only_the_difference_is_written_in_one_call(world):
    ident = world.link()
    world.run(ident)
    moved, put_off, cancelled, elsewhere = coming(world)[:4]
    zone = world.institution.zone
    world.institution.move(moved.id(zone), moved.start + timedelta(minutes=30))
    world.institution.move(put_off.id(zone), put_off.start + timedelta(days=1))
    world.institution.cancel(cancelled.id(zone))
    world.institution.change_room(elsewhere.id(zone), world.institution.rooms[0])
    world.institution.add(world.people[0], "Guest lecture", moved.start + timedelta(hours=9))
    world.store.calls.clear()
    report = world.run(ident)
    assert (report.created, report.updated, report.deleted) == (1, 3, 1)
    assert world.store.calls == ["push"]
    assert world.standing() == world.wished()


def test_what_a_person_filters_for_the_calendar_leaves_it_and_comes_back(world):
    ident = world.link()
    world.run(ident)
    before = world.standing()
    world.institution.filter_group(world.people[0], "Exam", for_sync=True)
    gone = world.run(ident)
    assert gone.deleted
    assert len(world.standing()) == len(before) - gone.deleted
    world.institution.filter_group(world.people[0], "Exam", for_sync=False)
    world.run(ident)
    assert world.standing() == before


def test_an_event_the_person_changed_is_looked_at_and_then_updated(world):
    ident = world.link()
    world.run(ident)
    event = coming(world)[0]
    name, stored = next((n, s) for n, s in world.ours().items() if s.event.start == event.start)
    world.store.put(world.people[0], name, Stored(stored.event, stored.mark, 0, reminder=15))
    world.institution.change_room(event.id(world.institution.zone), world.institution.rooms[0])
    report = world.run(ident)
    assert (report.outcome, report.updated) == ("OK", 1)
    assert world.ours()[name].reminder == 15
    assert world.ours()[name].event.location == world.institution.rooms[0]


def test_an_event_that_is_gone_is_made_once_more(world):
    ident = world.link()
    world.run(ident)
    event = coming(world)[0]
    name, stored = next((n, s) for n, s in world.ours().items() if s.event.start == event.start)
    world.store.put(world.people[0], name, Stored(stored.event, stored.mark, 0, deleted=True))
    world.institution.change_room(event.id(world.institution.zone), world.institution.rooms[0])
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()


def test_a_resync_brings_back_what_people_moved_or_deleted_and_leaves_their_own_alone(world):
    ident = world.link()
    world.run(ident)
    (first, moved), (second, thrown), *_ = world.ours().items()
    dragged = Event(
        **{name: getattr(moved.event, name) for name in Event.__slots__} | {"end": moved.event.end + timedelta(hours=2)}
    )
    world.store.put(world.people[0], first, Stored(dragged, moved.mark, 0, reminder=5))
    world.store.put(world.people[0], second, Stored(thrown.event, thrown.mark, 0, deleted=True))
    own = Stored(Event("Dentist", world.now, world.now + timedelta(hours=1), "Europe/Amsterdam"), None, 0)
    world.store.put(world.people[0], "own", own)
    world.set(ident, resync_asked_at=world.now)
    report = world.run(ident)
    assert (report.created, report.updated) == (1, 1)
    assert world.standing() == world.wished()
    assert world.ours()[first].reminder == 5
    assert world.store.live(world.people[0])["own"].event == own.event
    assert world.row(ident).last_resync == world.now
    assert world.row(ident).resync_asked_at is None


def test_a_resync_removes_what_stands_twice_under_one_mark(world):
    ident = world.link()
    world.run(ident)
    _, stored = next(iter(world.ours().items()))
    world.store.put(world.people[0], "copy", stored)
    world.set(ident, resync_asked_at=world.now)
    assert world.run(ident).deleted == 1
    assert world.standing() == world.wished()


def test_a_resync_asked_for_during_a_run_is_not_forgotten(world, monkeypatch):
    ident = world.link()
    fetch = type(world.installation.sources[world.row(ident).tenant_id]).fetch

    def ask_meanwhile(*arguments):
        world.set(ident, resync_asked_at=world.now, due_at=world.now)
        return fetch(*arguments)

    monkeypatch.setattr(type(world.installation.sources[world.row(ident).tenant_id]), "fetch", ask_meanwhile)
    world.run(ident)
    assert world.row(ident).resync_asked_at
    assert world.row(ident).due_at <= world.now


def test_other_settings_make_an_unchanged_timetable_be_written_anew(world):
    ident = world.link()
    world.run(ident)
    place, _, rest = (world.row(ident).validator or "").partition(" ")
    world.set(ident, validator=f"{place} another {rest.partition(' ')[2]}")
    world.store.calls.clear()
    report = world.run(ident)
    assert report.kept == len(world.wished())
    assert world.store.calls == []
    assert "another" not in (world.row(ident).validator or "")


@pytest.mark.parametrize("policy", ["restore", "respect"])
def test_a_calendar_at_another_place_is_read_and_then_filled(world, policy):
    ident = world.link()
    world.run(ident)
    [tenant] = world.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", policy)
    world.set(ident, fields={"smtpAddress": "another"})
    assert world.run(ident).created == len(world.wished())
    assert len(world.ours("another")) == len(world.wished())
    world.store.calls.clear()
    world.run(ident)
    assert world.store.calls == []
