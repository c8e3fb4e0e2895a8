"""Limits that all workers share: no minute sees more than the server takes, and who must wait has not failed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
import redis

from providers import memory
from providers._limits import Limited
from providers.base import Throttled, Unavailable
from providers.memory import Fault
from worker import limits
from worker.dispatch import dispatch
from worker.ending import GOES_ON, WAITS
from worker.ledger import UnlinkMode
from worker.limits import AWAY, LONGEST_LINE, PATIENCE, Allowance, NotNowError, buckets
from worker.queue import connection

PLACE = (1, "googlecalendar", "googlecalendar", "alice@example.org")
FREE = timedelta()


class Clock:
    """Redis' clock, as far as limits go: what they remember can be made older."""

    def __init__(self, client):
        self.redis = client
        client.flushall()

    def remember(self):
        """Let Redis have been there for long."""
        self.redis.set("carillon:limits:since", "0")

    def pass_time(self, seconds):
        for key in self.redis.keys("carillon:limits:*"):
            if not key.endswith(b":pause"):
                self.redis.set(key, f"{float(self.redis.get(key)) - seconds:.6f}", keepttl=True)


@pytest.fixture
def clock(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield Clock(client)


@pytest.fixture
def slept():
    return []


@pytest.fixture
def allow(clock, slept):
    """An allowance of a mailbox; `application` and `mailbox` are requests in a minute."""

    def make(application=0, mailbox=0, *, place=PLACE):
        settings = Limited(requests_per_minute=application, requests_per_minute_per_mailbox=mailbox)
        return Allowance(clock.redis, place, settings, slept.append)

    return make


@pytest.mark.parametrize("figures", [{"application": 600}, {"mailbox": 600}, {"application": 900, "mailbox": 600}])
@pytest.mark.parametrize("cost", [1, 7, 50])
def test_no_minute_sees_more_than_the_server_takes(clock, allow, figures, cost):
    clock.remember()
    one, granted = allow(**figures), []
    for second in range(150):
        clock.pass_time(1)
        while not one.ask(cost):
            granted.append((second, cost))
    most = max(sum(size for at, size in granted if start <= at < start + 60) for start in range(90))
    # What is granted ahead of its time was asked for by somebody who then slept.
    assert most <= 600 + PATIENCE * 10 + cost
    assert sum(size for _, size in granted) > 600


def test_after_a_flush_a_bucket_is_nearly_empty_and_fills_at_its_rate(clock, allow):
    clock.remember()
    assert allow(mailbox=600).ask(300) == FREE
    clock.redis.flushall()
    anew = allow(mailbox=600)
    assert anew.ask(60) == FREE
    assert timedelta(seconds=9) < anew.ask(50) < timedelta(seconds=11)
    clock.pass_time(30)
    assert anew.ask(150) == FREE
    assert anew.ask(50)


def test_after_a_flush_an_application_has_nothing_in_store(allow, slept):
    one = allow(application=600)
    assert one.ask(60) > timedelta(seconds=6)
    assert one.ask(1) == FREE
    assert slept == [pytest.approx(1 / 9, abs=0.1)]


def test_a_mailbox_that_redis_would_remember_begins_with_a_full_store(clock, allow):
    clock.remember()
    assert allow(mailbox=600).ask(300) == FREE
    other = (*PLACE[:3], "bob@example.org")
    assert allow(mailbox=600, place=other).ask(300) == FREE


def test_a_batch_that_is_larger_than_a_store_passes_when_that_is_full_and_is_paid_for_afterwards(clock, allow):
    clock.remember()
    one = allow(mailbox=20)
    assert one.ask(50) == FREE
    assert one.ask(1) > timedelta(minutes=4)


def test_workers_that_ask_at_once_share_one_store(clock, redis_url):
    clock.remember()
    settings = Limited(requests_per_minute=6_000)

    def ask(_):
        with redis.Redis.from_url(redis_url) as client:
            one = Allowance(client, PLACE, settings, lambda _: None)
            return sum(not one.ask(10) for _ in range(40))

    with ThreadPoolExecutor(4) as pool:
        granted = 10 * sum(pool.map(ask, range(4)))
    # In store, what may be slept for, and what came in while they asked.
    assert 600 <= granted <= 600 + PATIENCE * 90 + 200


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ((2, "googlecalendar", "googlecalendar", "alice@example.org"), set()),
        ((1, "googlecalendar", "googlecalendar", "bob@example.org"), {"application"}),
        ((1, "caldav", "googlecalendar", "alice@example.org"), {"mailbox"}),
        (PLACE, {"application", "mailbox"}),
    ],
)
def test_an_application_shares_a_bucket_and_a_mailbox_does_whichever_way_leads_to_it(clock, allow, other, shared):
    clock.remember()
    for figure, burst in (("application", 60), ("mailbox", 300)):
        while not allow(**{figure: 600}).ask(burst):
            pass
        assert bool(allow(**{figure: 600}, place=other).ask(burst)) == (figure in shared)


def test_a_short_wait_is_slept_and_a_long_one_is_told(clock, allow, slept):
    clock.remember()
    one = allow(mailbox=600)
    one.ask(300)
    assert one.ask(5) == FREE
    assert slept == [pytest.approx(1, abs=0.1)]
    # Those tokens are spoken for.
    assert one.ask(5) == FREE
    assert slept[1] == pytest.approx(2, abs=0.1)
    assert one.ask(5) > timedelta(seconds=2)
    with pytest.raises(NotNowError) as told:
        one.take(5)
    assert told.value.wait > timedelta(seconds=2)
    assert len(slept) == 2


def test_those_with_much_to_send_are_given_turns_one_after_the_other(clock, allow):
    clock.remember()
    one = allow(application=600)
    while not one.ask(50, 50):
        pass
    turns = [one.ask(50, 300).total_seconds() for _ in range(5)]
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert gaps == [pytest.approx(300 / 9, abs=0.5)] * 4
    for _ in range(200):
        last = one.ask(50, 300)
    assert last <= timedelta(seconds=LONGEST_LINE + 40)
    # One batch is soon sent: it need not stand in line.
    assert one.ask(10, 10) < timedelta(seconds=10)


def test_who_is_allowed_everything_asks_nobody(slept):
    with connection("redis://127.0.0.1:1") as nobody:
        one = Allowance(nobody, PLACE, None, slept.append)
        assert [one.ask(10_000) for _ in range(10)] == [FREE] * 10
    assert slept == []


def test_without_redis_nothing_is_granted(slept):
    with connection("redis://127.0.0.1:1") as nobody:
        one = Allowance(nobody, PLACE, Limited(), slept.append)
        assert one.ask(1) == AWAY
        one.heed(Throttled("all of you", timedelta(minutes=5), everybody=True))
    assert not one.used


def test_a_server_that_speaks_to_the_whole_application_is_heeded_by_every_mailbox(allow):
    bob = allow(place=(*PLACE[:3], "bob@example.org"))
    allow().heed(Throttled("you", timedelta(minutes=5)))
    allow().heed(Unavailable("nobody there", everybody=True))
    assert bob.ask(1) == FREE
    allow().heed(Throttled("all of you", timedelta(minutes=5), everybody=True))
    allow().heed(Throttled("all of you", timedelta(minutes=1), everybody=True))
    assert timedelta(minutes=4.9) < bob.ask(1) <= timedelta(minutes=5)
    assert allow(place=(2, *PLACE[1:])).ask(1) == FREE


def test_a_whole_application_that_is_told_no_time_pauses_for_a_minute(allow):
    allow().heed(Throttled("all of you", everybody=True))
    assert timedelta(seconds=59) < allow().ask(1) <= limits.PAUSE


def test_an_address_does_not_stand_in_redis(clock, allow):
    allow(mailbox=600).ask(1)
    assert not any(b"alice" in key for key in clock.redis.keys("*"))


def test_what_is_remembered_is_forgotten_when_it_says_nothing_any_more(clock, allow):
    clock.remember()
    allow(application=600, mailbox=600).ask(10)
    kept = [key for key in clock.redis.keys("*") if key != b"carillon:limits:since"]
    assert len(kept) == 2
    assert all(0 < clock.redis.ttl(key) <= 62 for key in kept)


@pytest.mark.parametrize("per_minute", [1, 20, 600, 10_000])
def test_store_and_flow_make_up_a_minute(per_minute):
    for bucket in buckets(Limited(requests_per_minute=per_minute, requests_per_minute_per_mailbox=per_minute)):
        rate, burst, start = bucket.figures()
        assert burst + 60 * rate == pytest.approx(per_minute)
        assert start <= burst


class TestARun:
    @pytest.fixture(autouse=True)
    def _limited(self, world, clock, monkeypatch):
        # Nobody sleeps in these.
        monkeypatch.setattr(limits, "PATIENCE", 0)
        clock.remember()
        self.world = world
        self.limit(mailbox=120)

    def limit(self, application=0, mailbox=0):
        (tenant,) = self.world.installation.tenants.values()
        figures = {"requests_per_minute": application, "requests_per_minute_per_mailbox": mailbox}
        tenant.providers["memory"] = memory.Settings(store=self.world.store, **figures)

    def wait_of(self, ident, table="synchronizations"):
        with self.world.installation.engine.connect() as connection:
            asked = f"SELECT due_at - clock_timestamp() FROM {table} WHERE id = {ident}"
            return connection.exec_driver_sql(asked).scalar_one()

    def test_stops_between_two_batches_and_goes_on_when_there_are_tokens(self, clock):
        world, ident = self.world, self.world.link()
        assert len(world.wished()) > 100
        report = world.run(ident)
        assert (report.outcome, report.created, report.detail) == ("PENDING", 50, GOES_ON)
        assert timedelta(seconds=30) < self.wait_of(ident) < timedelta(seconds=50)
        # Nothing is in doubt: the next one need not look.
        for _ in range(10):
            clock.pass_time(60)
            if world.run(ident).outcome == "OK":
                break
        assert world.standing() == world.wished()
        assert set(world.store.calls) == {"push"}

    def exhausted(self, **values):
        """A synchronization with something to do, whose mailbox may be asked nothing."""
        ident = self.world.link()
        for _ in range(3):
            self.world.run(ident)
        self.world.set(ident, **values)
        self.world.store.calls.clear()
        return ident

    @pytest.mark.parametrize("status", ["RETRYING", "UNAUTHORIZED", "FAILED"])
    def test_that_could_do_nothing_neither_raises_nor_resets_the_back_off(self, status):
        ident = self.exhausted(failures=4, status=status, status_detail="It was refused.")
        runs = len(self.world.runs(ident))
        assert self.world.run(ident).outcome == status
        row = self.world.row(ident)
        assert (row.failures, row.status, row.status_detail) == (4, status, "It was refused.")
        assert timedelta() < self.wait_of(ident) < timedelta(minutes=1)
        assert self.world.store.calls == []
        assert len(self.world.runs(ident)) == runs

    def test_that_failed_nowhere_says_that_it_waits(self):
        ident = self.exhausted(status_detail="")
        self.world.run(ident)
        row = self.world.row(ident)
        assert (row.status, row.status_detail, row.failures) == ("PENDING", WAITS, 0)

    def test_asks_before_it_reads_a_calendar_back_and_remembers_that_it_should(self, clock):
        ident = self.exhausted(resync_asked_at=self.world.now, held_since=self.world.now, held_reading="a")
        clock.pass_time(-30)
        self.world.run(ident)
        assert self.world.store.calls == []
        row = self.world.row(ident)
        assert (row.resync_asked_at, row.held_reading) == (self.world.now, "a")
        clock.pass_time(600)
        self.world.run(ident)
        assert self.world.store.calls[0] == "find"

    def test_that_has_nothing_to_ask_is_not_kept_waiting(self, clock):
        ident = self.world.link()
        while self.world.run(ident).outcome != "OK":
            clock.pass_time(60)
        self.limit(mailbox=1)
        assert self.world.run(ident).outcome == "OK"

    def test_with_other_limits_reads_no_calendar_anew(self, clock):
        ident = self.world.link()
        while self.world.run(ident).outcome != "OK":
            clock.pass_time(60)
        self.world.store.calls.clear()
        self.limit(application=5_000, mailbox=5_000)
        assert self.world.run(ident).outcome == "OK"
        assert self.world.store.calls == []

    def test_without_redis_ends_cleanly_and_is_due_again_in_seconds(self, monkeypatch):
        world, ident = self.world, self.world.link()
        with connection("redis://127.0.0.1:1") as nobody:
            monkeypatch.setattr("worker.limits.Script", lambda _client, text: nobody.register_script(text))
            assert world.run(ident).outcome == "PENDING"
        assert world.store.calls == []
        assert world.row(ident).failures == 0
        assert self.wait_of(ident) < timedelta(seconds=12)
        monkeypatch.undo()
        assert world.run(ident).created > 0

    def test_that_meets_a_server_speaking_to_all_stops_the_others_of_its_type(self):
        world = self.world
        one, other = world.link(world.people[0]), world.link(world.people[1])
        world.store.faults.append(Fault("push", Throttled("all of you", timedelta(minutes=7), everybody=True)))
        assert world.run(one).outcome == "RETRYING"
        world.store.calls.clear()
        assert world.run(other).outcome == "PENDING"
        assert world.store.calls == []
        assert timedelta(minutes=6.9) < self.wait_of(other) < timedelta(minutes=8)

    def test_an_unlink_waits_too_and_that_is_no_failure(self, clock):
        world, ident = self.world, self.world.link()
        while world.run(ident).outcome != "OK":
            clock.pass_time(60)
        unlink = world.unlink(ident, UnlinkMode.DELETE_ALL_EVENTS)
        world.store.calls.clear()
        reports = [world.carry_out(unlink)]
        row = world.unlink_row(unlink)
        assert (reports[0].state, row.failures, row.error) == ("WAITING", 0, "")
        assert timedelta() < self.wait_of(unlink, "unlinks") < timedelta(minutes=1)
        while reports[-1].state != "DONE":
            assert len(reports) < 20
            clock.pass_time(30)
            reports.append(world.carry_out(unlink))
        assert world.ours() == {}
        assert world.unlink_row(unlink).failures == 0
        assert world.store.calls.count("push") == -(-world.unlink_row(unlink).found // 50)

    def test_while_one_mailbox_waits_the_others_are_served(self):
        world = self.world
        waiting = self.exhausted()
        others = [world.link(username) for username in world.people[1:4]]
        world.installation.redis.delete("routine")
        assert dispatch(world.installation)["sent"] == 3
        assert world.run(waiting).created == 0
        assert [world.run(ident).created for ident in others] == [50, 50, 50]
