"""The four modes, by the marks that stand at the server; and what happens when an unlink is interrupted."""

from datetime import timedelta

import pytest

from providers.base import CalendarGone, Event, MailboxGone, Mark, Rejected, Throttled, Unavailable
from providers.memory import Fault, Stored
from worker.leases import Mailbox, lease
from worker.ledger import UnlinkMode
from worker.unlinks import PATIENCE, REFUSALS, preview

OWN = "a person's own"


@pytest.fixture
def linked(world):
    """A synchronization that has run, beside a person's own event and an orphan that the ledger never knew."""
    ident = world.link()
    world.run(ident)
    start = world.now + timedelta(days=3)
    event = Event("Dentist", start, start + timedelta(hours=1), "Europe/Amsterdam")
    world.store.put(world.people[0], OWN, Stored(event, None, 0))
    world.store.put(world.people[0], "foreign instance", Stored(event, Mark("carillon-other", str(ident), "k"), 0))
    world.store.put(world.people[0], "orphan", Stored(event, Mark("carillon-test", "987654", "k"), 0))
    return ident


def left(world):
    return set(world.store.live(world.people[0]))


def ours(world, ident):
    live = world.store.live(world.people[0])
    return {
        name
        for name, each in live.items()
        if each.mark and each.mark == Mark("carillon-test", str(ident), each.mark.key)
    }


def test_unlink_only_removes_nothing_and_is_done_at_once(world, linked):
    before = left(world)
    unlink = world.unlink_row(world.unlink(linked, UnlinkMode.UNLINK_ONLY))
    assert (unlink.state, unlink.found, unlink.removed) == ("DONE", 0, 0)
    assert world.carry_out(unlink.id).state == "DONE"
    assert left(world) == before


def test_delete_all_events_removes_those_of_this_synchronization_only(world, linked):
    mine = ours(world, linked)
    report = world.carry_out(world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS))
    assert (report.state, report.found, report.removed, report.remaining) == ("DONE", len(mine), len(mine), 0)
    assert left(world) == {OWN, "foreign instance", "orphan"}


def test_cleanup_removes_what_any_synchronization_of_this_instance_left(world, linked):
    world.carry_out(world.unlink(linked, UnlinkMode.CLEANUP))
    assert left(world) == {OWN, "foreign instance"}


def test_delete_future_events_goes_by_the_moment_of_the_call(world, linked):
    live = world.store.live(world.people[0])
    running = next(name for name in ours(world, linked) if live[name].event.start > world.now)
    stored = live[running]
    begun = Event("Running", world.now - timedelta(minutes=30), world.now + timedelta(minutes=30), "Europe/Amsterdam")
    at_once = Event("At once", world.now, world.now + timedelta(minutes=30), "Europe/Amsterdam")
    world.store.put(world.people[0], running, Stored(begun, stored.mark, 0))
    world.store.put(world.people[0], "at once", Stored(at_once, Mark("carillon-test", str(linked), "k2"), 0))
    past = {name for name in ours(world, linked) if world.store.live(world.people[0])[name].event.start <= world.now}
    unlink = world.unlink(linked, UnlinkMode.DELETE_FUTURE_EVENTS)
    world.now += timedelta(days=60)
    world.carry_out(unlink)
    assert left(world) == past | {OWN, "foreign instance", "orphan"}
    assert {running, "at once"} <= past


def test_an_interrupted_unlink_goes_on_where_it_was(world, linked):
    total = len(ours(world, linked))
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.store.faults.append(Fault("push", Unavailable("gone for a while"), place=30))
    report = world.carry_out(unlink)
    assert report.state == "RETRYING"
    row = world.unlink_row(unlink)
    assert row.error
    assert row.due_at > world.now
    assert world.carry_out(unlink).state == "DONE"
    row = world.unlink_row(unlink)
    assert row.removed == row.found
    assert row.remaining == 0
    assert row.found <= total
    assert left(world) == {OWN, "foreign instance", "orphan"}


@pytest.mark.case("peers", 16)
def test_a_worker_that_dies_in_an_unlink_loses_nothing(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.store.faults.append(Fault("push", KeyboardInterrupt(), place=10))
    with pytest.raises(KeyboardInterrupt):
        world.carry_out(unlink)
    assert world.carry_out(unlink).state == "DONE"
    assert left(world) == {OWN, "foreign instance", "orphan"}


def test_an_unlink_that_is_done_does_nothing_when_it_is_delivered_again(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.carry_out(unlink)
    world.store.calls.clear()
    assert world.carry_out(unlink).state == "DONE"
    assert world.store.calls == []


def test_one_event_that_cannot_be_removed_yet_is_tried_again(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.store.faults.append(Fault("push", Rejected("not now"), raised=False))
    report = world.carry_out(unlink)
    assert (report.state, report.remaining) == ("RETRYING", 1)
    assert world.carry_out(unlink).state == "DONE"


def test_a_throttled_unlink_waits_as_long_as_it_is_asked_to(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.store.faults.append(Fault("push", Throttled("slow down", timedelta(minutes=20)), raised=False))
    assert world.carry_out(unlink).state == "RETRYING"
    assert world.unlink_row(unlink).due_at >= world.now + timedelta(minutes=20)


def test_a_calendar_that_is_gone_has_nothing_left_to_remove(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    world.store.faults.append(Fault("find", CalendarGone("no calendar")))
    assert world.carry_out(unlink).state == "DONE"


@pytest.mark.case("peers", 16)
def test_an_unlink_waits_for_the_run_that_writes_to_the_mailbox(world, linked):
    row = world.row(linked)
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    with lease(world.installation.engine, Mailbox(row.tenant_id, row.type, row.mailbox)):
        assert world.carry_out(unlink).state == "BUSY"
    assert world.carry_out(unlink).state == "DONE"


def test_a_run_in_progress_stops_when_its_synchronization_is_unlinked(world, monkeypatch):
    ident = world.link()
    put = world.store.put
    taken = []

    def unlink_meanwhile(*arguments):
        if not taken:
            taken.append(world.unlink(ident, UnlinkMode.DELETE_ALL_EVENTS))
        return put(*arguments)

    monkeypatch.setattr(world.store, "put", unlink_meanwhile)
    assert world.run(ident).outcome == "LOST"
    assert world.store.calls == ["push"]
    assert world.carry_out(taken[0]).removed == 50
    assert left(world) == set()


def test_a_new_synchronization_waits_until_the_unlink_of_its_mailbox_is_done(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    again = world.link()
    assert again != linked
    assert world.run(again).outcome == "WAITING"
    assert world.row(again).status == "PENDING"
    world.carry_out(unlink)
    assert world.run(again).outcome == "OK"
    assert len(ours(world, again)) == len(world.wished())


def test_linking_again_adopts_what_unlink_only_left_and_doubles_nothing(world, linked):
    before = ours(world, linked)
    world.unlink(linked, UnlinkMode.UNLINK_ONLY)
    again = world.link()
    report = world.run(again)
    assert (report.created, report.deleted) == (0, 0)
    assert ours(world, again) == before


def test_after_a_cleanup_another_synchronization_of_the_mailbox_writes_its_events_again(world, linked):
    other = world.link(world.people[1], smtpAddress=world.people[0])
    world.run(other)
    world.carry_out(world.unlink(linked, UnlinkMode.CLEANUP))
    assert world.run(other).outcome == "OK"
    assert len(ours(world, other)) == len(world.wished(world.people[1]))


@pytest.mark.parametrize("mode", list(UnlinkMode))
def test_the_preview_lists_exactly_what_goes(world, linked, mode):
    before = left(world)
    foretold = {each.ref.id for each in preview(world.installation, world.row(linked), mode, world.now)}
    assert left(world) == before
    world.carry_out(world.unlink(linked, mode))
    assert before - left(world) == foretold


def test_what_one_person_left_in_a_mailbox_is_not_another_persons_to_take(world, linked):
    other = world.link(world.people[1], smtpAddress=world.people[0])
    world.run(other)
    before = left(world)
    world.unlink(linked, UnlinkMode.UNLINK_ONLY)
    world.set(other, resync_asked_at=world.now)
    assert world.run(other).deleted == 0
    assert left(world) == before


def test_after_a_cleanup_a_neighbour_whose_tenant_respects_deletions_is_written_again(world, linked):
    [tenant] = world.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", "respect")
    other = world.link(world.people[1], smtpAddress=world.people[0])
    world.run(other)
    world.carry_out(world.unlink(linked, UnlinkMode.CLEANUP))
    world.run(other)
    assert len(ours(world, other)) == len(world.wished(world.people[1]))


def test_an_unlink_of_a_mailbox_that_stays_away_is_given_up_with_a_note(world, linked):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    for _ in range(PATIENCE):
        world.store.faults.append(Fault("find", MailboxGone("there is no such account")))
        assert world.carry_out(unlink).state == "RETRYING"
    world.store.faults.append(Fault("find", MailboxGone("there is no such account")))
    assert world.carry_out(unlink).state == "DONE"
    assert "there is no such account" in world.unlink_row(unlink).error


def test_an_event_that_its_server_will_not_let_go_stays_and_is_told(world, linked):
    unlink = world.unlink(linked, UnlinkMode.CLEANUP)
    refused = Rejected("It has guests.")
    for attempt in range(REFUSALS + 1):
        world.store.faults.append(Fault("push", refused, raised=False))
        report = world.carry_out(unlink)
        assert report.state == ("RETRYING" if attempt < REFUSALS else "DONE")
    assert report.remaining == 1
    assert len(left(world)) == len({OWN, "foreign instance"}) + 1
    assert "1 event(s) were left standing: It has guests." in world.unlink_row(unlink).error


def test_an_unlink_that_lost_its_lease_does_not_reopen_what_its_successor_finished(world, linked, monkeypatch):
    unlink = world.unlink(linked, UnlinkMode.DELETE_ALL_EVENTS)
    put = world.store.put

    def taken_over(*_arguments):
        monkeypatch.setattr(world.store, "put", put)
        with world.installation.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE leases SET expires_at = '-infinity'")
        assert world.carry_out(unlink).state == "DONE"
        raise Unavailable("the answer came too late")

    monkeypatch.setattr(world.store, "put", taken_over)
    assert world.carry_out(unlink).state == "LOST"
    row = world.unlink_row(unlink)
    assert (row.state, row.error) == ("DONE", "")
    assert left(world) == {OWN, "foreign instance", "orphan"}
