"""One sick mailbox, server or institution slows no other; and nobody is run twice for one message."""

import json
import logging
import os
import signal
import time
import warnings
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from celery.contrib.testing.worker import start_worker
from celery.exceptions import SecurityWarning
from celery.signals import task_success
from sqlalchemy import text

from carillon import embedded
from providers import memory
from providers.base import MailboxGone, Throttled, Unauthorized, Unavailable
from providers.memory import Fault
from worker import breaker, synchronize, work
from worker import dispatch as dispatching
from worker.breaker import FAILURES, SENTENCE
from worker.dispatch import dispatch
from worker.leases import Mailbox, lease
from worker.ledger import UnlinkMode
from worker.queue import CLAIM, CLAIMED, LONGEST_TASK, ROUTINE, connection
from worker.slots import Slots
from worker.tasks import register

NOBODY_THERE = Unavailable("The server cannot be reached.", everybody=True)


@pytest.fixture
def world(two_ways):
    """With calendars of two types, `memory` and `mirror`, of which each counts as a server of its own."""
    two_ways.installation.redis.flushall()
    return two_ways


def group(world, kind="memory"):
    return next(iter(world.installation.tenants)), kind


def messages(world):
    """What waits, first to be taken first: id and the generation that it was sent at."""
    waiting = [json.loads(raw) for raw in world.installation.redis.lrange(ROUTINE, 0, -1)][::-1]
    return [
        (int(each["headers"]["argsrepr"].strip("(").partition(":")[0]), each["headers"][CLAIMED]) for each in waiting
    ]


def wait_of(world, ident, table="synchronizations"):
    with world.installation.engine.connect() as connection_:
        asked = f"SELECT due_at - clock_timestamp() FROM {table} WHERE id = {ident}"
        return connection_.exec_driver_sql(asked).scalar_one()


def pass_time(world, seconds):
    """For PostgreSQL."""
    with world.installation.engine.begin() as connection_:
        for table in ("synchronizations", "unlinks"):
            span = {"seconds": seconds}
            connection_.execute(text(f"UPDATE {table} SET due_at = due_at - make_interval(secs => :seconds)"), span)


def deliver(world, message):
    ident, claimed = message
    return synchronize.synchronize(world.installation, ident, world.clock, claimed)


class TestTheQueue:
    def test_a_backlog_of_one_group_stands_before_nobody(self, world):
        many = [world.link(username) for username in world.people[:9]]
        few = [world.link(username, "mirror") for username in world.people[20:23]]
        pass_time(world, 60)
        # Those of the long backlog have waited for longest.
        for ident in few:
            world.set(ident, due_at=world.row(many[-1]).due_at + timedelta(seconds=30))
        dispatch(world.installation)
        sent = [ident for ident, _ in messages(world)]
        assert sorted(sent) == sorted(many + few)
        assert {sent.index(ident) for ident in few} == {1, 3, 5}

    def test_what_is_left_out_is_left_to_the_next_sweep(self, world, monkeypatch):
        for username in world.people[:5]:
            world.link(username)
        rare = world.link(world.people[20], "mirror")
        monkeypatch.setattr(dispatching, "BACKLOG", 2)
        dispatch(world.installation)
        assert rare in {ident for ident, _ in messages(world)}

    def test_a_lost_queue_costs_little_more_than_a_lease(self, world):
        ident = world.link()
        dispatch(world.installation)
        world.installation.redis.flushall()
        assert wait_of(world, ident) < timedelta(seconds=CLAIM) < timedelta(seconds=LONGEST_TASK / 3)
        pass_time(world, CLAIM)
        assert dispatch(world.installation)["sent"] == 1
        assert deliver(world, messages(world)[0]).outcome == "OK"

    def test_of_two_messages_that_waited_too_long_the_second_ends_without_a_request(self, world):
        ident = world.link()
        dispatch(world.installation)
        pass_time(world, CLAIM)
        dispatch(world.installation)
        first, second = messages(world)
        assert first[0] == second[0] == ident
        assert deliver(world, first).outcome == "OK"
        due = world.row(ident).due_at
        world.faults.forget()
        world.store.calls.clear()
        assert deliver(world, second).outcome == "NOT DUE"
        assert (world.faults.seen(), world.store.calls) == ([], [])
        assert world.row(ident).due_at == due

    def test_a_message_that_comes_twice_runs_once(self, world):
        world.link()
        dispatch(world.installation)
        (message,) = messages(world)
        assert [deliver(world, message).outcome for _ in range(3)] == ["OK", "NOT DUE", "NOT DUE"]

    def test_what_was_claimed_again_after_a_run_is_run_again(self, world):
        ident = world.link()
        for _ in range(3):
            world.set(ident, due_at=world.row(ident).created_at)
            dispatch(world.installation)
            assert deliver(world, messages(world)[-1]).outcome == "OK"

    def test_of_two_who_share_a_mailbox_both_are_run(self, world):
        one, other = world.link(world.people[0]), world.link(world.people[1], smtpAddress=world.people[0])
        dispatch(world.installation)
        assert {deliver(world, each).outcome for each in messages(world)} == {"OK"}
        assert world.row(one).last_sync
        assert world.row(other).last_sync

    def test_what_is_being_run_is_not_claimed(self, world):
        ident = world.link()
        with lease(world.installation.engine, Mailbox(*group(world)[:1], "shared", world.people[0])):
            assert dispatch(world.installation)["synchronizations"] == 0
        assert dispatch(world.installation)["synchronizations"] == 1
        assert messages(world) == [(ident, 1)]

    def test_a_message_that_meets_its_own_run_leaves_its_time_alone(self, world):
        ident = world.link()
        dispatch(world.installation)
        claimed = world.row(ident).due_at
        with lease(world.installation.engine, Mailbox(*group(world)[:1], "shared", world.people[0])):
            assert synchronize.synchronize(world.installation, ident, world.clock).outcome == "BUSY"
        assert world.row(ident).due_at == claimed

    def test_one_that_meets_somebody_elses_run_comes_again_in_seconds(self, world):
        world.link(world.people[0])
        other = world.link(world.people[1], smtpAddress=world.people[0])
        dispatch(world.installation)
        with lease(world.installation.engine, Mailbox(*group(world)[:1], "shared", world.people[0])):
            assert world.run(other).outcome == "BUSY"
        assert wait_of(world, other) < timedelta(seconds=6)

    def test_a_run_that_calls_its_server_is_not_begun_anew_while_one_call_may_last(self, world, monkeypatch):
        ident = world.link()
        dispatch(world.installation)
        waits = []
        put = world.store.put
        monkeypatch.setattr(world.store, "put", lambda *given: (waits.append(wait_of(world, ident)), put(*given))[1])
        assert world.run(ident).outcome == "OK"
        assert min(waits) > timedelta(seconds=LONGEST_TASK - 60)
        assert timedelta(minutes=13) < wait_of(world, ident) < timedelta(minutes=17)


class TestSlots:
    @pytest.mark.parametrize(
        ("threads", "groups", "most"), [(16, 2, 12), (4, 3, 3), (2, 2, 1), (1, 2, 20), (16, 1, 20)]
    )
    def test_a_group_holds_three_quarters_at_most(self, threads, groups, most):
        slots = Slots()
        slots.share(threads, groups)
        with ExitStack() as stack:
            seated = [stack.enter_context(slots.seat((1, "memory"))) for _ in range(20)]
            assert seated.count(True) == most
            # In one process that serves several, a slot stays for the others.
            assert stack.enter_context(slots.seat((1, "mirror")))
        with slots.seat((1, "memory")) as again:
            assert again

    def test_a_slot_is_given_back_by_a_run_that_fails(self):
        slots = Slots()
        slots.share(2, 2)
        with pytest.raises(KeyboardInterrupt), slots.seat((1, "memory")):
            raise KeyboardInterrupt
        with slots.seat((1, "memory")) as again:
            assert again

    def test_a_run_without_a_slot_comes_again_within_a_minute_and_has_not_failed(self, world):
        world.installation.slots.share(2, 2)
        idents = [world.link(username) for username in world.people[:12]]
        dispatch(world.installation)
        with world.installation.slots.seat(group(world)):
            reports = [world.run(ident).outcome for ident in idents]
            assert world.run(world.link(world.people[0], "mirror")).outcome == "OK"
        assert set(reports) == {"FULL"}
        assert all(world.row(ident).failures == 0 for ident in idents)
        assert all(world.row(ident).status == "PENDING" for ident in idents)
        waits = [wait_of(world, ident).total_seconds() for ident in idents]
        assert 28 < min(waits) < max(waits) <= 60
        assert max(waits) - min(waits) > 10

    def test_an_unlink_without_a_slot_comes_again_too(self, world):
        world.installation.slots.share(2, 2)
        unlink = world.unlink(world.link(), UnlinkMode.DELETE_ALL_EVENTS)
        with world.installation.slots.seat(group(world)):
            assert world.carry_out(unlink).state == "FULL"
        assert timedelta(seconds=28) < wait_of(world, unlink, "unlinks") <= timedelta(minutes=1)
        assert world.carry_out(unlink).state == "DONE"

    def test_a_worker_shares_its_threads_among_the_types_that_are_configured(self, world):
        with warnings.catch_warnings():
            # Whoever runs the tests as root is told that this is no good idea.
            warnings.simplefilter("ignore", SecurityWarning)
            work.worker_of(world.installation, threads=4)
        with ExitStack() as stack:
            seats = [stack.enter_context(world.installation.slots.seat(group(world))) for _ in range(5)]
        assert seats.count(True) == 3


class TestAServerThatIsAway:
    @pytest.fixture
    def idents(self, world):
        return [world.link(username) for username in world.people[: FAILURES + 3]]

    def fail(self, world, idents, error=NOBODY_THERE):
        reports = []
        for ident in idents:
            world.store.faults.append(Fault("push", error))
            reports.append(world.run(ident))
        return reports

    def due(self, world):
        pass_time(world, 7_200)
        world.installation.redis.delete(ROUTINE)
        dispatch(world.installation)
        return [ident for ident, _ in messages(world)]

    def test_is_tried_by_one_mailbox_at_a_time_until_it_answers(self, world, idents):
        other = world.link(world.people[20], "mirror")
        details = [report.detail for report in self.fail(world, idents[:FAILURES])]
        assert [SENTENCE in each for each in details] == [False] * (FAILURES - 1) + [True]
        assert SENTENCE in world.row(idents[FAILURES - 1]).status_detail
        first = self.due(world)
        assert set(first) - {other} <= set(idents[:FAILURES])
        assert len(first) == 2
        # No second probe before its time.
        assert self.due(world) == [other]
        world.installation.redis.delete(*world.installation.redis.keys("carillon:away:*:tried"))
        (probe,) = set(self.due(world)) - {other}
        assert world.run(probe).outcome == "OK"
        assert set(self.due(world)) == {*idents, other}

    def test_a_probe_that_meets_nobody_lets_the_others_wait(self, world, idents):
        self.fail(world, idents[:FAILURES])
        (probe,) = self.due(world)
        self.fail(world, [probe])
        assert self.due(world) == []

    def test_one_mailbox_that_meets_nobody_again_and_again_is_only_itself_away(self, world, idents):
        self.fail(world, idents[:1] * (FAILURES + 2))
        assert set(self.due(world)) == set(idents)

    @pytest.mark.parametrize(
        "answer", [None, Unauthorized("no"), MailboxGone("no"), Throttled("no"), Unavailable("full")]
    )
    def test_any_answer_in_between_shows_that_it_is_there(self, world, idents, answer):
        self.fail(world, idents[: FAILURES - 1])
        if answer:
            self.fail(world, idents[FAILURES - 1 : FAILURES], answer)
        else:
            world.run(idents[FAILURES - 1])
        self.fail(world, idents[FAILURES : FAILURES + 1])
        assert len(self.due(world)) > 1

    def test_mailboxes_that_fail_each_for_itself_do_not_count(self, world, idents):
        self.fail(world, idents, Unavailable("The mailbox is full."))
        assert set(self.due(world)) == set(idents)

    def test_a_run_that_asks_it_nothing_says_nothing_about_it(self, world, idents):
        world.run(idents[-1])
        self.fail(world, idents[:FAILURES])
        assert world.run(idents[-1]).outcome == "OK"
        assert breaker.away(world.installation.redis, world.installation.groups()) == [group(world)]

    def test_a_database_that_fails_is_no_word_on_it(self, world, idents):
        self.fail(world, idents, ZeroDivisionError("a defect"))
        assert breaker.away(world.installation.redis, world.installation.groups()) == []

    def test_a_flushed_redis_only_forgets_it(self, world, idents):
        self.fail(world, idents[:FAILURES])
        world.installation.redis.flushall()
        assert set(self.due(world)) == set(idents)

    def test_without_redis_nothing_is_away_and_nothing_fails(self, world):
        with connection("redis://127.0.0.1:1") as nobody:
            assert not breaker.note(nobody, group(world), 1, NOBODY_THERE)
            assert dispatch(replace(world.installation, redis=nobody))["synchronizations"] == 0


@pytest.mark.case("faults", 10)
def test_two_beats_and_one_that_was_away_for_an_hour_send_each_once_and_no_herd_follows(world):
    idents = [world.link(username) for username in world.people[:40]]
    pass_time(world, 3_600)
    claimed = [dispatch(world.installation)["synchronizations"] for _ in range(2)]
    assert claimed == [len(idents), 0]
    for message in messages(world):
        assert deliver(world, message).outcome == "OK"
    # All were late together, and are due again over a fifth of the interval.
    waits = sorted(wait_of(world, ident).total_seconds() for ident in idents)
    assert waits[0] > 0.88 * 900
    assert waits[-1] < 1.12 * 900
    assert waits[-1] - waits[0] > 0.12 * 900
    densest = max(sum(start <= each < start + 10 for each in waits) for start in waits)
    assert densest <= 8


@pytest.mark.case("faults", 8)
def test_a_frozen_broker_holds_up_a_run_for_seconds_and_then_all_goes_on(world, scratch):
    url = embedded.start_redis(scratch / "frozen")
    with connection(url) as client:
        pid = client.info("server")["process_id"]
        installation = replace(world.installation, redis=client)
        ident = world.link()
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert synchronize.synchronize(installation, ident, world.clock).outcome == "PENDING"
            assert dispatch(installation)["synchronizations"] == 0
            assert time.monotonic() - began < 30
        finally:
            os.kill(pid, signal.SIGCONT)
        assert world.store.calls == []
        assert world.row(ident).failures == 0
        assert wait_of(world, ident) < timedelta(seconds=12)
        assert synchronize.synchronize(installation, ident, world.clock).created > 0
    embedded.end_redis(url)


def test_the_memory_of_a_test_may_have_limits_as_any_server():
    assert memory.Settings(requests_per_minute=5).requests_per_minute == 5


@pytest.fixture
def usual_log():
    """As it was, after a worker in this process arranged its own."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.usefixtures("usual_log")
def test_a_message_is_read_by_a_worker_with_what_it_was_sent_at(world):
    ident = world.link()
    register(world.installation)
    dispatch(world.installation)
    pass_time(world, CLAIM)
    dispatch(world.installation)
    assert len(messages(world)) == 2
    ends = []

    def end(result, **_):
        ends.append(result["outcome"])

    task_success.connect(end)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        with start_worker(world.installation.queue.app, pool="solo", perform_ping_check=False, queues=[ROUTINE]):
            deadline = time.monotonic() + 30
            while len(ends) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
    task_success.disconnect(end)
    assert ends == ["OK", "NOT DUE"]
    assert world.row(ident).status == "OK"
