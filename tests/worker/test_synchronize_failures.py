"""A run when something goes wrong: nothing is lost, nothing stands twice, and everything is told."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from providers.base import Ambiguous, Conflict, MailboxGone, Rejected, Throttled, Unauthorized, Unavailable
from providers.memory import Fault
from sandbox.faults import Fault as WireFault
from worker import synchronize as synchronizing
from worker.leases import Mailbox, lease


def once_each(world):
    return max(Counter(each.mark.key for each in world.ours().values()).values(), default=0) <= 1


def coming(world, number=8):
    """Events of the first person that can be changed, from tomorrow on."""
    wishes = world.institution.wishes(world.people[0])
    found = world.institution.timetable(world.people[0], world.now + timedelta(days=1), world.now + timedelta(days=60))
    plain = [e for e in found if e.course and e.rooms and not (e.all_day or e.draft or wishes.hides(e))]
    return plain[:number]


def switch_timetable(world, *, on):
    """The first person's timetable becomes empty, or whole again."""
    wishes = world.institution.wishes(world.people[0])
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled=on)


@pytest.mark.parametrize("kind", ["error", "unavailable", "throttled", "html", "truncated", "empty", "cut_off"])
def test_no_answer_but_a_timetable_deletes_anything(world, kind):
    ident = world.link()
    world.run(ident)
    before = world.standing()
    world.faults.add(WireFault("/api/v0/timetable", kind))
    report = world.run(ident)
    assert report.outcome == "RETRYING"
    assert report.detail
    assert world.standing() == before
    row = world.row(ident)
    assert row.failures == 1
    assert row.due_at > world.now
    world.faults.clear()
    assert world.run(ident).outcome == "OK"
    assert world.row(ident).failures == 0


def test_an_empty_timetable_is_held_until_a_second_reading_an_hour_later(world):
    ident = world.link()
    world.run(ident)
    before = world.standing()
    switch_timetable(world, on=False)
    assert world.run(ident).outcome == "HELD"
    assert world.standing() == before
    row = world.row(ident)
    assert row.held_since == world.now
    assert "145 of 145 events" in row.status_detail
    world.now += timedelta(minutes=30)
    assert world.run(ident).outcome == "HELD"
    world.now += timedelta(minutes=31)
    assert world.run(ident).outcome == "OK"
    assert [start for start, _ in world.standing() if start > world.now] == []
    assert world.row(ident).held_since is None


def test_a_held_plan_is_forgotten_when_the_timetable_is_whole_again(world):
    ident = world.link()
    world.run(ident)
    before = world.standing()
    switch_timetable(world, on=False)
    world.run(ident)
    switch_timetable(world, on=True)
    assert world.run(ident).outcome == "OK"
    assert world.standing() == before
    assert world.row(ident).held_since is None


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("raised", [True, False])
def test_what_may_have_been_written_is_looked_for_before_it_is_sent_again(world, done, raised):
    ident = world.link()
    world.store.faults.append(Fault("push", Ambiguous("the answer was lost"), place=7, done=done, raised=raised))
    assert world.run(ident).outcome == "RETRYING"
    world.store.calls.clear()
    assert world.run(ident).outcome == "OK"
    assert world.store.calls[0] == "find"
    assert world.standing() == world.wished()
    assert once_each(world)


@pytest.mark.case("faults", 1)
@pytest.mark.case("faults", 2)
@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("done", [True, False])
def test_a_worker_that_dies_in_a_push_leaves_nothing_lost_and_nothing_doubled(world, place, done):
    ident = world.link()
    world.store.faults.append(Fault("push", KeyboardInterrupt(), place=place, done=done))
    with pytest.raises(KeyboardInterrupt):
        world.run(ident)
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()
    assert once_each(world)


def test_a_death_between_update_and_record_is_found_out(world):
    ident = world.link()
    world.run(ident)
    event = coming(world)[0]
    world.institution.move(event.id(world.institution.zone), event.start + timedelta(days=1))
    world.store.faults.append(Fault("push", KeyboardInterrupt(), done=True))
    with pytest.raises(KeyboardInterrupt):
        world.run(ident)
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()
    assert once_each(world)


def test_one_refused_event_does_not_stop_the_others_and_is_not_sent_again(world):
    ident = world.link()
    world.store.faults.append(Fault("push", Rejected("the server takes no such event"), place=3, raised=False))
    report = world.run(ident)
    assert (report.outcome, report.failed) == ("OK", 1)
    assert "the server takes no such event" in world.row(ident).status_detail
    assert len(world.standing()) == len(world.wished()) - 1
    world.store.calls.clear()
    world.institution.add(world.people[0], "Something new", world.now + timedelta(days=2))
    assert world.run(ident).created == 1
    world.set(ident, resync_asked_at=world.now)
    world.run(ident)
    assert world.standing() == world.wished()


def test_a_calendar_that_keeps_changing_is_left_for_the_next_run(world):
    ident = world.link()
    world.run(ident)
    event = coming(world)[0]
    world.institution.change_room(event.id(world.institution.zone), world.institution.rooms[0])
    for _ in range(3):
        world.store.faults.append(Fault("push", Conflict("changed"), raised=False))
    assert world.run(ident).outcome == "RETRYING"
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthorized("no"), "UNAUTHORIZED"),
        (MailboxGone("no"), "MAILBOX_NOT_FOUND"),
        (Throttled("no", timedelta(minutes=7)), "RETRYING"),
        (Unavailable("no"), "RETRYING"),
        (ZeroDivisionError("no"), "RETRYING"),
    ],
)
def test_every_error_becomes_a_status_with_a_sentence(world, error, status):
    ident = world.link()
    world.store.faults.append(Fault("push", error))
    assert world.run(ident).outcome == status
    row = world.row(ident)
    assert row.status == status
    assert row.status_detail
    assert row.failures == 1
    if isinstance(error, Throttled):
        assert row.due_at >= world.now + error.retry_after


def test_a_mailbox_that_is_being_written_to_is_left_alone(world):
    ident = world.link()
    row = world.row(ident)
    with lease(world.installation.engine, Mailbox(row.tenant_id, "memory", row.mailbox)):
        assert world.run(ident).outcome == "BUSY"
    assert world.store.calls == []
    assert world.run(ident).outcome == "OK"


def test_a_worker_that_lost_its_lease_records_nothing_and_sends_nothing_more(world, monkeypatch):
    ident = world.link()
    row = world.row(ident)
    push = world.store.put

    def slow(*arguments):
        """While the first event is on its way, the lease runs out and somebody else takes the mailbox."""
        monkeypatch.setattr(world.store, "put", push)
        with world.installation.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE leases SET expires_at = '-infinity'")
        with lease(world.installation.engine, Mailbox(row.tenant_id, "memory", row.mailbox)):
            return push(*arguments)

    monkeypatch.setattr(world.store, "put", slow)
    assert world.run(ident).outcome == "LOST"
    assert world.store.calls == ["push"]
    assert world.row(ident).last_sync is None
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()
    assert once_each(world)


def test_pausing_during_a_run_stops_it_and_stands(world, monkeypatch):
    ident = world.link()
    put = world.store.put

    def pause(*arguments):
        world.set(ident, enabled=False, status="DISABLED")
        monkeypatch.setattr(world.store, "put", put)
        return put(*arguments)

    monkeypatch.setattr(world.store, "put", pause)
    assert world.run(ident).outcome == "LOST"
    assert world.row(ident).status == "DISABLED"
    assert world.run(ident).outcome == "GONE"
    world.set(ident, enabled=True)
    world.run(ident)
    assert world.standing() == world.wished()
    assert once_each(world)


def test_a_slow_run_whose_lease_ran_out_unnoticed_comes_to_its_end(world, monkeypatch):
    ident = world.link()
    put = world.store.put

    def slow(*arguments):
        with world.installation.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE leases SET expires_at = '-infinity'")
        return put(*arguments)

    monkeypatch.setattr(world.store, "put", slow)
    assert world.run(ident).outcome == "OK"
    assert world.standing() == world.wished()


def test_a_refused_event_is_told_of_until_it_is_taken(world):
    ident = world.link()
    world.store.faults.append(Fault("push", Rejected("no such event"), raised=False))
    world.run(ident)
    world.run(ident)
    assert world.row(ident).status_detail.startswith("1 event(s) were refused")
    world.set(ident, resync_asked_at=world.now)
    world.run(ident)
    world.run(ident)
    assert world.row(ident).status_detail == ""


@pytest.mark.case("faults", 11)
@pytest.mark.parametrize(
    "wrong", [timedelta(days=1), timedelta(hours=-1), timedelta(minutes=10), timedelta(minutes=-10)]
)
def test_a_worker_with_a_wrong_clock_does_not_move_the_next_run(world, wrong):
    ident = world.link()
    world.now += wrong
    world.run(ident)
    with world.installation.engine.connect() as connection:
        wait = connection.exec_driver_sql("SELECT due_at - clock_timestamp() FROM synchronizations").scalar_one()
    assert timedelta(minutes=13) < wait < timedelta(minutes=17)


@pytest.mark.case("peers", 21)
def test_a_push_that_takes_too_long_goes_on_in_the_next_run(world, monkeypatch):
    ident = world.link()
    monkeypatch.setattr(synchronizing, "LONGEST_TASK", 0)
    report = world.run(ident)
    assert (report.outcome, report.created) == ("PENDING", 50)
    assert world.row(ident).last_sync is None
    while world.run(ident).outcome == "PENDING":
        pass
    assert world.row(ident).status == "OK"
    assert world.standing() == world.wished()
    assert len(world.runs(ident)) == len(world.wished()) // 50 + 1


def test_a_database_that_fails_in_the_middle_is_no_defect(world):
    ident = world.link()
    world.store.faults.append(Fault("push", OperationalError("SELECT 1", {}, Exception("terminated")), done=True))
    assert world.run(ident).outcome == "RETRYING"
    assert world.row(ident).status_detail == "PostgreSQL failed in the middle of it; it is tried again."
    assert world.run(ident).outcome == "OK"
    assert once_each(world)
