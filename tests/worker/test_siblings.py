"""A person's two synchronizations with one store: two addresses of one mailbox, or two mailboxes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from providers.base import Unavailable
from providers.memory import Calendar, Fault, Stored
from worker.database import transaction
from worker.leases import Mailbox, lease
from worker.ledger import UnlinkMode

ALIAS = "another address"
LOCK = text("SELECT FROM synchronizations WHERE id = :id FOR UPDATE")
WAITING = text("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@pytest.fixture
def linked(world):
    """A synchronization that has run, in a mailbox that a second address leads to."""
    ident = world.link()
    world.run(ident)
    world.store.mailboxes[ALIAS] = world.store.mailboxes[world.people[0]]
    world.store.calls.clear()
    return ident


def marks(world, mailbox=None):
    """How many events carry which synchronization's mark."""
    return Counter(int(each.mark.synchronization) for each in world.ours(mailbox).values())


def each_once(world):
    counted = Counter(each.mark.key for each in world.ours().values())
    return world.standing() == world.wished() and set(counted.values()) == {1}


def coming(world, number):
    live = {name: each for name, each in world.ours().items() if each.event.start > world.now}
    return list(live.items())[:number]


def test_a_first_run_of_a_person_without_another_synchronization_looks_at_nothing(world):
    world.link(world.people[1])
    world.run(world.link())
    assert set(world.store.calls) == {"push"}


def test_under_a_second_address_the_events_are_taken_over_and_the_first_synchronization_gives_way(world, linked):
    before = world.ours()
    second = world.link(smtpAddress=ALIAS)
    report = world.run(second)
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert report.updated == len(before)
    assert world.ours().keys() == before.keys()
    assert marks(world) == {second: len(before)}
    first = world.row(linked)
    assert (first.enabled, first.status) == (False, "DISABLED")
    said = f"Synchronization {second} writes to this mailbox now; unlink this one with UNLINK_ONLY."
    assert first.status_detail == said
    assert world.run(linked).outcome == "GONE"
    world.carry_out(world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS))
    assert each_once(world)


@pytest.mark.usefixtures("linked")
def test_taking_over_writes_marks_only(world, monkeypatch):
    changed = set()
    update = type(world.store).put
    before = world.ours()

    def watch(store, mailbox, name, stored):
        changed.add((stored.event == before[name].event, stored.mark == before[name].mark))
        return update(store, mailbox, name, stored)

    monkeypatch.setattr(type(world.store), "put", watch)
    world.run(world.link(smtpAddress=ALIAS))
    assert changed == {(True, False)}


def test_a_second_address_the_other_way_is_noticed_by_the_keys(two_ways, linked):
    before = two_ways.ours().keys()
    second = two_ways.link(kind="mirror", smtpAddress=ALIAS)
    report = two_ways.run(second)
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert two_ways.ours().keys() == before
    assert marks(two_ways) == {second: len(before)}
    assert two_ways.row(linked).status == "DISABLED"


def test_two_ways_to_one_address_are_one_mailbox(two_ways, linked):
    before = two_ways.ours().keys()
    second = two_ways.link(kind="mirror")
    assert two_ways.run(second).outcome == "OK"
    assert two_ways.ours().keys() == before
    assert marks(two_ways) == {second: len(before)}
    assert two_ways.row(linked).status == "DISABLED"


def test_two_mailboxes_of_one_person_stay_two(world):
    first, second = world.link(), world.link(smtpAddress="second mailbox")
    for ident in (first, second):
        assert world.run(ident).created == len(world.wished())
    assert marks(world) == {first: len(world.wished())}
    assert marks(world, "second mailbox") == {second: len(world.wished())}
    assert world.row(first).status == world.row(second).status == "OK"


def test_a_few_events_that_a_person_copied_pause_nothing_and_are_left_as_they_are(world):
    first, second = world.link(), world.link(smtpAddress="second mailbox")
    world.run(first)
    for name, stored in coming(world, 5):
        world.store.put("second mailbox", f"copy of {name}", stored)
    copies = world.ours("second mailbox")
    report = world.run(second)
    assert (report.outcome, report.created, report.deleted) == ("OK", len(world.wished()), 0)
    assert copies.items() <= world.ours("second mailbox").items()
    assert world.row(second).status_detail.startswith("5 event(s) here carry the mark of another synchronization")
    assert world.row(first).status == "OK"
    assert world.run(first).outcome == "OK"


def test_a_whole_calendar_that_was_copied_is_still_another_mailbox(world):
    first, second = world.link(), world.link(smtpAddress="second mailbox")
    world.run(first)
    for name, stored in world.ours().items():
        world.store.put("second mailbox", f"copy of {name}", stored)
    assert world.run(second).outcome == "OK"
    assert world.row(first).status == "OK"


def test_while_the_first_synchronization_writes_the_second_one_waits(world, linked):
    before = world.ours()
    second = world.link(smtpAddress=ALIAS)
    with lease(world.installation.engine, Mailbox.of(world.row(linked))):
        report = world.run(second)
    assert report.outcome == "RETRYING"
    assert f"Synchronization {linked} leads to this mailbox too" in report.detail
    assert world.ours() == before
    assert world.row(linked).status == "OK"
    assert world.run(second).outcome == "OK"
    assert marks(world) == {second: len(before)}


@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("done", [True, False])
def test_a_worker_that_dies_while_taking_over_loses_and_doubles_nothing(world, linked, place, done):
    before = world.ours().keys()
    second = world.link(smtpAddress=ALIAS)
    world.store.faults.append(Fault("push", KeyboardInterrupt(), place=place, done=done))
    with pytest.raises(KeyboardInterrupt):
        world.run(second)
    assert world.row(linked).status == "DISABLED"
    report = world.run(second)
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert world.ours().keys() == before
    assert marks(world) == {second: len(before)}


def test_a_worker_that_dies_before_taking_over_has_changed_nothing(world, linked):
    second = world.link(smtpAddress=ALIAS)
    world.store.faults.append(Fault("find", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        world.run(second)
    assert world.row(linked).status == "OK"
    assert world.run(second).outcome == "OK"
    assert marks(world) == {second: len(world.wished())}


@pytest.mark.usefixtures("linked")
def test_a_taking_over_that_is_stopped_by_the_server_goes_on_at_a_later_look(world):
    second = world.link(smtpAddress=ALIAS)
    world.store.faults.append(Fault("push", Unavailable("not now"), place=30))
    assert world.run(second).outcome == "RETRYING"
    world.set(second, last_sync=world.now, resync_asked_at=world.now)
    assert world.run(second).outcome == "OK"
    assert each_once(world)
    assert marks(world) == {second: len(world.wished())}


def test_what_the_first_synchronization_wrote_at_the_last_moment_is_not_doubled(world, linked, monkeypatch):
    find = Calendar.find

    def run_meanwhile(*arguments):
        monkeypatch.setattr(Calendar, "find", find)
        listed = find(*arguments)
        world.institution.add(world.people[0], "Something new", world.now + timedelta(days=2))
        assert world.run(linked).created == 1
        return listed

    monkeypatch.setattr(Calendar, "find", run_meanwhile)
    second = world.link(smtpAddress=ALIAS)
    assert world.run(second).created == 0
    assert each_once(world)
    assert marks(world) == {second: len(world.wished())}


def test_a_first_synchronization_that_moves_away_at_the_last_moment_is_left_alone(world, linked, monkeypatch):
    find, calls = Calendar.find, []

    def move_meanwhile(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            world.move(linked, "memory", smtpAddress="elsewhere")
        return find(*arguments)

    monkeypatch.setattr(Calendar, "find", move_meanwhile)
    second = world.link(smtpAddress=ALIAS)
    assert world.run(second).outcome == "LOST"
    assert world.row(linked).enabled
    assert marks(world) == {linked: len(world.wished())}


def test_whoever_is_resumed_after_the_other_took_everything_away_begins_anew(world, linked):
    second = world.link(smtpAddress=ALIAS)
    world.run(second)
    world.carry_out(world.unlink(second, UnlinkMode.DELETE_ALL_EVENTS))
    world.set(linked, enabled=True)
    assert world.run(linked).created == len(world.wished())


def test_whoever_is_resumed_takes_the_mailbox_back(world, linked):
    second = world.link(smtpAddress=ALIAS)
    world.run(second)
    world.set(linked, enabled=True)
    report = world.run(linked)
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert marks(world) == {linked: len(world.wished())}
    assert world.row(second).status == "DISABLED"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Unavailable("not now")])
@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("done", [True, False])
def test_whoever_is_resumed_in_the_middle_of_a_taking_over_takes_everything_back(world, linked, error, place, done):
    before = world.ours().keys()
    second = world.link(smtpAddress=ALIAS)
    world.store.faults.append(Fault("push", error, place=place, done=done))
    with suppress(KeyboardInterrupt):
        world.run(second)
    world.set(linked, enabled=True)
    assert world.run(linked).outcome == "OK"
    assert world.ours().keys() == before
    assert marks(world) == {linked: len(before)}
    assert world.row(second).status == "DISABLED"


def test_taking_over_and_a_call_about_all_of_a_persons_synchronizations_do_not_wait_for_each_other(world, linked):
    second = world.link(smtpAddress=ALIAS)
    engine = world.installation.engine
    with ThreadPoolExecutor(1) as pool:
        # As PUT and DELETE lock them: by id.
        with transaction(engine) as calling:
            calling.execute(LOCK, {"id": linked})
            run = pool.submit(world.run, second)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
                while not run.done() and not watch.execute(WAITING).all():
                    pass
            calling.execute(LOCK, {"id": second})
        assert run.result(timeout=60).outcome == "OK"
    assert world.row(linked).status == "DISABLED"


def test_an_address_that_became_a_second_one_later_is_noticed_at_a_resync(world, linked):
    second = world.link(smtpAddress="second mailbox")
    world.run(second)
    world.store.mailboxes["second mailbox"] = world.store.mailboxes[world.people[0]]
    world.set(second, resync_asked_at=world.now)
    assert world.run(second).outcome == "OK"
    assert world.row(linked).status == "DISABLED"
    assert each_once(world)


def test_what_an_unlink_left_under_an_earlier_address_is_adopted(world, linked):
    before = world.ours().keys()
    world.unlink(linked, UnlinkMode.UNLINK_ONLY)
    second = world.link(smtpAddress=ALIAS)
    report = world.run(second)
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert world.ours().keys() == before
    assert marks(world) == {second: len(before)}


def test_nobody_takes_over_what_is_another_persons(world, linked):
    other = world.link(world.people[1], smtpAddress=ALIAS)
    world.run(other)
    assert world.row(linked).status == "OK"
    assert marks(world) == {linked: len(world.wished()), other: len(world.wished(world.people[1]))}


@pytest.mark.usefixtures("linked")
def test_what_a_person_changed_survives_a_taking_over(world):
    [(name, stored), (gone, thrown)] = coming(world, 2)
    dragged = replace(stored.event, start=stored.event.start + timedelta(minutes=30))
    world.store.put(ALIAS, name, Stored(dragged, stored.mark, 0, reminder=5))
    world.store.put(ALIAS, gone, replace(thrown, deleted=True))
    report = world.run(world.link(smtpAddress=ALIAS))
    assert (report.created, report.deleted) == (1, 0)
    assert world.ours()[name].reminder == 5
    assert each_once(world)
