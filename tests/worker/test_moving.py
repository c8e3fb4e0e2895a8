"""Another way into the same mailbox, or another address of it: every event is met again and none is written anew."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

import pytest

from providers.base import Unavailable
from providers.memory import Fault, Stored
from worker import known as rows
from worker.database import transaction
from worker.dispatch import dispatch
from worker.leases import Mailbox, lease
from worker.ledger import UnlinkMode
from worker.trial import trial


@pytest.fixture
def moved(two_ways):
    """A synchronization that has run as `memory` and has gone over to `mirror`; nothing has been asked since."""
    ident = two_ways.link()
    two_ways.run(ident)
    two_ways.move(ident, "mirror")
    two_ways.store.calls.clear()
    return ident


def known(world, ident):
    with transaction(world.installation.engine) as session:
        return rows.load(session, ident)


def each_once(world):
    counted = Counter(each.mark.key for each in world.ours().values())
    return world.standing() == world.wished() and set(counted.values()) == {1}


def first(world):
    """The place of our first event to come, and what stands there."""
    coming = [(name, each) for name, each in world.ours().items() if each.event.start > world.now]
    return min(coming, key=lambda each: each[1].event.start)


def test_a_move_adopts_every_event_and_writes_none(two_ways, moved):
    before = two_ways.ours()
    report = two_ways.run(moved)
    assert (report.outcome, report.kept) == ("OK", len(before))
    assert (report.created, report.updated, report.deleted) == (0, 0, 0)
    assert two_ways.store.calls == ["find"]
    assert two_ways.ours() == before
    assert {each.ref.id.partition(":")[0] for each in known(two_ways, moved)} == {"mirror"}
    two_ways.store.calls.clear()
    assert two_ways.run(moved).kept == len(before)
    assert two_ways.store.calls == []


def test_what_changes_after_a_move_is_written_the_new_way(two_ways, moved):
    two_ways.run(moved)
    _, stored = first(two_ways)
    zone = two_ways.institution.zone
    wishes = two_ways.institution.wishes(two_ways.people[0])
    coming = two_ways.institution.timetable(
        two_ways.people[0], stored.event.start, stored.event.start + timedelta(days=30)
    )
    changed, cancelled, *_ = (e for e in coming if e.course and e.rooms and not (e.draft or wishes.hides(e)))
    two_ways.institution.change_room(changed.id(zone), two_ways.institution.rooms[0])
    two_ways.institution.cancel(cancelled.id(zone))
    two_ways.store.calls.clear()
    report = two_ways.run(moved)
    assert (report.created, report.updated, report.deleted) == (0, 1, 1)
    assert two_ways.store.calls == ["push"]
    assert each_once(two_ways)


def test_a_dry_run_after_a_move_has_nothing_to_do(two_ways, moved):
    made = trial(two_ways.installation, moved, two_ways.now)
    assert made.plan.empty
    assert made.plan.kept == len(two_ways.wished())


def test_going_back_before_any_run_is_no_loss(two_ways, moved):
    two_ways.move(moved, "memory")
    report = two_ways.run(moved)
    assert (report.kept, two_ways.store.calls) == (len(two_ways.wished()), ["find"])


def test_going_back_after_a_run_that_failed_is_no_loss(two_ways, moved):
    two_ways.institution.add(two_ways.people[0], "Something new", two_ways.now + timedelta(days=2))
    two_ways.store.faults.append(Fault("push", Unavailable("not now")))
    assert two_ways.run(moved).outcome == "RETRYING"
    two_ways.move(moved, "memory")
    report = two_ways.run(moved)
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 1, 0, 0)
    assert each_once(two_ways)


@pytest.mark.parametrize("call", ["find", "push"])
@pytest.mark.parametrize("done", [True, False])
def test_a_worker_that_dies_in_the_first_run_after_a_move_loses_nothing(two_ways, moved, call, done):
    two_ways.institution.add(two_ways.people[0], "Something new", two_ways.now + timedelta(days=2))
    two_ways.store.faults.append(Fault(call, KeyboardInterrupt(), done=done))
    with pytest.raises(KeyboardInterrupt):
        two_ways.run(moved)
    report = two_ways.run(moved)
    assert (report.outcome, report.updated, report.deleted) == ("OK", 0, 0)
    assert each_once(two_ways)


@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("done", [True, False])
def test_a_move_in_the_middle_of_the_first_push_doubles_nothing(two_ways, place, done):
    ident = two_ways.link()
    two_ways.store.faults.append(Fault("push", KeyboardInterrupt(), place=place, done=done))
    with pytest.raises(KeyboardInterrupt):
        two_ways.run(ident)
    stood = two_ways.ours()
    two_ways.move(ident, "mirror")
    report = two_ways.run(ident)
    assert (report.outcome, report.created, report.deleted) == ("OK", len(two_ways.wished()) - len(stood), 0)
    assert stood.items() <= two_ways.ours().items()
    assert each_once(two_ways)


def test_a_move_after_an_update_without_an_answer_writes_that_event_again(two_ways):
    ident = two_ways.link()
    two_ways.run(ident)
    source = two_ways.institution.timetable(
        two_ways.people[0], two_ways.now + timedelta(days=1), two_ways.now + timedelta(days=60)
    )
    wishes = two_ways.institution.wishes(two_ways.people[0])
    event = next(each for each in source if each.course and each.rooms and not (each.draft or wishes.hides(each)))
    two_ways.institution.change_room(event.id(two_ways.institution.zone), two_ways.institution.rooms[0])
    two_ways.store.faults.append(Fault("push", KeyboardInterrupt(), done=True))
    with pytest.raises(KeyboardInterrupt):
        two_ways.run(ident)
    two_ways.move(ident, "mirror")
    report = two_ways.run(ident)
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 0, 1, 0)
    assert each_once(two_ways)


def test_a_run_under_way_records_nothing_more_when_its_mailbox_goes_another_way(two_ways, monkeypatch):
    ident = two_ways.link()
    put = two_ways.store.put

    def move_meanwhile(*arguments):
        monkeypatch.setattr(two_ways.store, "put", put)
        two_ways.move(ident, "mirror")
        return put(*arguments)

    monkeypatch.setattr(two_ways.store, "put", move_meanwhile)
    assert two_ways.run(ident).outcome == "LOST"
    assert two_ways.store.calls == ["push"]
    assert {each.state for each in known(two_ways, ident)} == {"creating"}
    report = two_ways.run(ident)
    assert (report.outcome, report.updated, report.deleted) == ("OK", 0, 0)
    assert report.created == len(two_ways.wished()) - 50
    assert each_once(two_ways)


def test_whichever_way_leads_into_a_mailbox_one_run_at_a_time_writes_to_it(two_ways, moved):
    row = two_ways.row(moved)
    other = two_ways.link(kind="memory")
    assert Mailbox.of(row) == Mailbox.of(two_ways.row(other))
    with lease(two_ways.installation.engine, Mailbox.of(row)):
        assert two_ways.run(moved).outcome == "BUSY"
        assert two_ways.run(other).outcome == "BUSY"
    assert two_ways.store.calls == []


@pytest.mark.parametrize("policy", ["restore", "respect", "keep"])
def test_what_a_person_moved_before_a_move_follows_the_policy(two_ways, moved, policy):
    [tenant] = two_ways.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", policy)
    name, stored = first(two_ways)
    dragged = replace(stored.event, start=stored.event.start + timedelta(minutes=30))
    two_ways.store.put(two_ways.people[0], name, Stored(dragged, stored.mark, 0, reminder=5))
    report = two_ways.run(moved)
    assert (report.created, report.updated, report.deleted) == (0, 1, 0)
    assert two_ways.ours()[name].event == stored.event
    assert two_ways.ours()[name].reminder == 5


@pytest.mark.parametrize(("policy", "title"), [("restore", True), ("respect", True), ("keep", False)])
def test_another_title_is_noticed_in_a_move(two_ways, moved, policy, title):
    [tenant] = two_ways.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", policy)
    name, stored = first(two_ways)
    retitled = replace(stored.event, title="Mine")
    two_ways.store.put(two_ways.people[0], name, Stored(retitled, stored.mark, 0))
    assert two_ways.run(moved).updated == 1
    assert (two_ways.ours()[name].event.title == stored.event.title) is title


def test_what_a_person_deleted_before_a_move_follows_the_policy(two_ways, moved):
    [tenant] = two_ways.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", "respect")
    name, stored = first(two_ways)
    two_ways.store.put(two_ways.people[0], name, replace(stored, deleted=True))
    report = two_ways.run(moved)
    assert (report.created, report.updated, report.deleted) == (0, 0, 0)
    assert name not in two_ways.ours()


def test_a_mailbox_that_is_another_one_is_filled_whatever_the_policy(two_ways, moved):
    [tenant] = two_ways.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", "respect")
    two_ways.move(moved, "mirror", smtpAddress="another")
    name, stored = first(two_ways)
    two_ways.store.put("another", name, stored)
    report = two_ways.run(moved)
    assert report.created == len(two_ways.wished()) - 1
    assert len(two_ways.ours("another")) == len(two_ways.wished())


def test_of_copies_under_one_mark_the_one_that_stands_where_it_was_put_is_kept(two_ways, moved):
    name, stored = first(two_ways)
    elsewhere = replace(stored.event, start=stored.event.start + timedelta(days=1))
    two_ways.store.put(two_ways.people[0], "a copy", Stored(elsewhere, stored.mark, 0))
    report = two_ways.run(moved)
    assert (report.created, report.updated, report.deleted) == (0, 0, 1)
    assert two_ways.ours()[name] == stored
    assert each_once(two_ways)


@pytest.mark.parametrize("prefix", ["", "/renamed/"])
def test_a_renamed_mailbox_keeps_every_event(world, prefix):
    """Also where ids begin with the address, as CalDAV's do."""
    ident = world.link()
    world.run(ident)
    standing = world.store.mailboxes.pop(world.people[0])
    world.store.mailboxes["renamed"] = {f"{prefix}{name}": stored for name, stored in standing.items()}
    before = world.ours("renamed")
    world.set(ident, status="MAILBOX_NOT_FOUND")
    world.move(ident, "memory", smtpAddress="renamed")
    world.store.calls.clear()
    report = world.run(ident)
    assert (report.outcome, report.kept, world.store.calls) == ("OK", len(before), ["find"])
    assert world.ours("renamed") == before


def test_a_place_is_recorded_as_earlier_versions_recorded_it(world):
    """Else an upgrade would have every calendar read anew, and bring back what people deleted."""
    ident = world.link(smtpAddress="x")
    world.run(ident)
    [tenant] = world.installation.tenants.values()
    told = "\0".join((tenant.providers["memory"].model_dump_json(), json.dumps({"smtpAddress": "x"})))
    digest = blake2b(told.encode(), digest_size=8).hexdigest()
    assert world.row(ident).validator.startswith(f"{digest} ")


def test_a_mailbox_that_goes_another_way_and_then_to_another_address_keeps_every_event(two_ways, moved):
    before = two_ways.ours()
    two_ways.store.mailboxes["renamed"] = two_ways.store.mailboxes.pop(two_ways.people[0])
    two_ways.move(moved, "mirror", smtpAddress="renamed")
    report = two_ways.run(moved)
    assert (report.outcome, report.kept, two_ways.store.calls) == ("OK", len(before), ["find"])
    assert two_ways.ours("renamed") == before


def test_at_another_place_in_the_same_way_versions_tell_what_a_person_changed(world):
    ident = world.link()
    world.run(ident)
    world.set(ident, validator="memory/another settings reading")
    name, stored = first(world)
    elsewhere = replace(stored.event, location="At home")
    world.store.put(world.people[0], name, Stored(elsewhere, stored.mark, 0))
    assert world.run(ident).updated == 1
    assert world.ours()[name].event == stored.event


def test_what_an_unlink_left_is_adopted_the_other_way(two_ways):
    ident = two_ways.link()
    two_ways.run(ident)
    before = set(two_ways.ours())
    two_ways.unlink(ident, UnlinkMode.UNLINK_ONLY)
    again = two_ways.link(kind="mirror")
    report = two_ways.run(again)
    assert (report.created, report.updated, report.deleted) == (0, len(before), 0)
    assert set(two_ways.ours()) == before
    assert {each.mark.synchronization for each in two_ways.ours().values()} == {str(again)}


def test_an_unlink_one_way_holds_up_a_synchronization_the_other_way(two_ways):
    two_ways.installation.redis.flushall()
    ident = two_ways.link()
    two_ways.run(ident)
    unlink = two_ways.unlink(ident, UnlinkMode.CLEANUP)
    again = two_ways.link(kind="mirror")
    assert two_ways.run(again).outcome == "WAITING"
    assert dispatch(two_ways.installation)["synchronizations"] == 0
    two_ways.set(again, due_at=two_ways.now + timedelta(days=3650))
    two_ways.carry_out(unlink)
    assert dispatch(two_ways.installation)["synchronizations"] == 1, "the end of the unlink wakes it"
    assert two_ways.run(again).outcome == "OK"
    assert each_once(two_ways)
