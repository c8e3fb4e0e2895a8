"""A ledger that was lost: what stands in the calendars is met again, and nothing is made or deleted for it."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from providers.base import Event, Mark
from providers.memory import Fault, Stored
from worker.database import transaction
from worker.ledger import UnlinkMode
from worker.rebuilding import Survey, ask, survey
from worker.releasing import release


@pytest.fixture
def ledger(world):
    return Ledger(world)


class Ledger:
    """What becomes of the tables, and what the calendars of three people say about it."""

    def __init__(self, world):
        self.world = world
        self.people = world.people[:3]

    def link(self, people=None):
        return [self.world.link(username) for username in people or self.people]

    def run(self, idents):
        return [self.world.run(ident) for ident in idents]

    def sql(self, statement):
        with transaction(self.world.installation.engine) as session:
            session.execute(text(statement))

    def lose_events(self):
        self.sql("DELETE FROM events")

    def lose_everything(self):
        """But for the tenants, whose rows a start makes."""
        self.sql("TRUNCATE users, synchronizations, events, runs, unlinks, leases RESTART IDENTITY CASCADE")

    def ask(self, idents):
        with transaction(self.world.installation.engine) as session:
            ask(session, idents, self.world.now)

    def places(self):
        return {username: self.world.ours(username).keys() for username in self.people}

    def right(self, username=None):
        """Every calendar, or that of one person, equals its timetable, and each event stands once."""
        return all(
            self.world.standing(each) == self.world.wished(each)
            and max(Counter(stored.mark.key for stored in self.world.ours(each).values()).values()) == 1
            for each in ([username] if username else self.people)
        )

    def marks(self, mailbox):
        return Counter(stored.mark.synchronization for stored in self.world.ours(mailbox).values())


def done(reports):
    return [(each.outcome, each.created, each.deleted) for each in reports]


WELL = ("OK", 0, 0)


def test_dropped_events_are_adopted_without_one_being_made_or_deleted(world, ledger):
    idents = ledger.link()
    ledger.run(idents)
    before = ledger.places()
    ledger.lose_events()
    ledger.ask(idents)
    assert done(ledger.run(idents)) == [WELL] * 3
    assert ledger.places() == before
    assert ledger.right()
    assert world.row(idents[0]).rebuild_asked_at is None
    world.store.calls.clear()
    assert done(ledger.run(idents)) == [WELL] * 3
    assert world.store.calls == []


def test_people_provisioned_anew_in_another_order_keep_every_event(ledger):
    ledger.run(ledger.link())
    before = ledger.places()
    ledger.lose_everything()
    again = ledger.link(ledger.people[::-1])
    ledger.ask(again)
    assert done(ledger.run(again)) == [WELL] * 3
    assert ledger.places() == before
    assert ledger.right()
    for username, ident in zip(ledger.people[::-1], again, strict=True):
        assert set(ledger.marks(username)) == {str(ident)}


def test_a_rebuild_after_an_ordinary_run_takes_away_what_that_wrote_twice(ledger):
    ledger.run(ledger.link())
    ledger.lose_everything()
    again = ledger.link(ledger.people[::-1])
    ledger.run(again)
    assert not ledger.right(ledger.people[0])
    ledger.ask(again)
    reports = ledger.run(again)
    assert [(each.outcome, each.created) for each in reports] == [("OK", 0)] * 3
    assert ledger.right()


def test_what_changed_since_is_written_and_nothing_else(world, ledger):
    ledger.run(ledger.link())
    ledger.lose_everything()
    world.institution.add(ledger.people[0], "Something new", world.now + timedelta(days=2))
    again = ledger.link(ledger.people[::-1])
    ledger.ask(again)
    assert sum(each.created for each in ledger.run(again)) == 1
    assert ledger.right()


def test_a_rebuild_is_guarded_too(world, ledger):
    [ident] = ledger.link(ledger.people[:1])
    ledger.run([ident])
    before = ledger.places()
    ledger.lose_everything()
    wishes = world.institution.wishes(ledger.people[0])
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled=False)
    [again] = ledger.link(ledger.people[:1])
    ledger.ask([again])
    assert world.run(again).outcome == "HELD"
    assert ledger.places() == before
    assert world.row(again).rebuild_asked_at


@pytest.mark.parametrize("place", [0, 20, -1])
@pytest.mark.parametrize("done", [True, False])
def test_a_worker_that_dies_in_a_rebuild_loses_and_doubles_nothing(world, ledger, place, done):
    people = ledger.people[:2]
    ledger.run(ledger.link(people))
    before = ledger.places()
    ledger.lose_everything()
    again = ledger.link(people[::-1])
    ledger.ask(again)
    world.store.faults.append(Fault("push", KeyboardInterrupt(), place=place, done=done))
    with pytest.raises(KeyboardInterrupt):
        world.run(again[0])
    assert [(each.outcome, each.created, each.deleted) for each in ledger.run(again)] == [WELL] * 2
    assert ledger.places() == before
    assert all(map(ledger.right, people))


def test_what_a_person_made_or_another_instance_left_stays(world, ledger):
    username = ledger.people[0]
    ledger.run(ledger.link([username]))
    hour = Event("Dentist", world.now, world.now + timedelta(hours=1), "Europe/Amsterdam")
    world.store.put(username, "own", Stored(hour, None, 0))
    world.store.put(username, "theirs", Stored(hour, Mark("another-instance", "1", "key"), 0))
    foreign = {name: world.store.live(username)[name] for name in ("own", "theirs")}
    ledger.lose_everything()
    again = ledger.link([username])
    ledger.ask(again)
    ledger.run(again)
    assert foreign.items() <= world.store.live(username).items()


def test_what_is_another_persons_in_the_same_mailbox_is_left_alone(world, ledger):
    first, second = (world.link(username, smtpAddress="shared") for username in ledger.people[:2])
    ledger.run([first, second])
    third = world.link(ledger.people[2], smtpAddress="shared")
    ledger.run([third])
    world.unlink(third, UnlinkMode.UNLINK_ONLY)
    before = {name: each.mark for name, each in world.ours("shared").items()}
    ledger.lose_events()
    ledger.ask([first, second])
    assert done(ledger.run([first, second])) == [WELL] * 2
    assert {name: each.mark for name, each in world.ours("shared").items()} == before


def test_two_mailboxes_of_one_person_whose_numbers_were_exchanged_stay_two(world, ledger):
    username = ledger.people[0]
    ledger.run([world.link(username), world.link(username, smtpAddress="second")])
    before = world.ours().keys(), world.ours("second").keys()
    ledger.lose_everything()
    second, first = world.link(username, smtpAddress="second"), world.link(username)
    ledger.ask([second, first])
    assert done(ledger.run([second, first])) == [WELL] * 2
    assert (world.ours().keys(), world.ours("second").keys()) == before
    assert (set(ledger.marks(username)), set(ledger.marks("second"))) == ({str(first)}, {str(second)})
    assert world.row(first).enabled
    assert world.row(second).enabled


def test_an_old_back_up_that_says_too_much_makes_nobody_dismiss_an_event(world, ledger):
    [tenant] = world.installation.tenants.values()
    object.__setattr__(tenant.settings, "policy", "respect")
    [ident] = ledger.link(ledger.people[:1])
    ledger.run([ident])
    name, stored = next((n, e) for n, e in world.ours().items() if e.event.start > world.now)
    world.store.put(ledger.people[0], name, replace(stored, deleted=True))
    ledger.ask([ident])
    assert world.run(ident).created == 1
    assert ledger.right(ledger.people[0])


def test_a_rebuild_asked_for_during_a_run_is_not_forgotten(world, ledger, monkeypatch):
    [ident] = ledger.link(ledger.people[:1])
    ledger.ask([ident])
    put = world.store.put

    def ask_meanwhile(*arguments):
        monkeypatch.setattr(world.store, "put", put)
        world.now += timedelta(minutes=1)
        ledger.ask([ident])
        return put(*arguments)

    monkeypatch.setattr(world.store, "put", ask_meanwhile)
    world.run(ident)
    assert world.row(ident).rebuild_asked_at == world.now


def test_one_that_is_paused_is_rebuilt_when_it_goes_on(world, ledger):
    [ident] = ledger.link(ledger.people[:1])
    ledger.run([ident])
    before = ledger.places()
    ledger.lose_events()
    world.set(ident, enabled=False)
    ledger.ask([ident])
    assert world.run(ident).outcome == "GONE"
    world.set(ident, enabled=True)
    assert done(ledger.run([ident])) == [WELL]
    assert ledger.places() == before
    assert world.row(ident).rebuild_asked_at is None


def test_any_number_can_be_rebuilt_and_released_at_once(world, ledger):
    [ident] = ledger.link(ledger.people[:1])
    world.set(ident, held_since=world.now, held_reading="a reading")
    everybody = [ident, *range(1_000_000, 1_070_000)]
    ledger.ask(everybody)
    with transaction(world.installation.engine) as session:
        release(session, everybody)
    assert world.row(ident).rebuild_asked_at == world.now
    assert world.row(ident).released_reading == "a reading"


def test_a_survey_tells_what_a_rebuild_would_meet_and_changes_nothing(world, ledger):
    ledger.run(ledger.link())
    number = len(world.ours(ledger.people[0]))
    ledger.lose_everything()
    again = ledger.link(ledger.people[::-1])
    before = ledger.places()
    assert survey(world.installation, world.row(again[2])) == Survey(known=0, found=number, renumbered=number)
    assert ledger.places() == before
    ledger.ask(again)
    ledger.run(again)
    assert survey(world.installation, world.row(again[2])) == Survey(known=number, found=number, renumbered=0)
