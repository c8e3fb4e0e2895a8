"""Plans that are held: one calendar's, a whole tenant's, and what an operator's word does."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from providers.base import Unavailable
from providers.memory import Fault
from schedules.guard import Limits
from worker import synchronize as synchronizing
from worker.database import transaction
from worker.judging import tenant_held
from worker.ledger import UnlinkMode
from worker.releasing import NotHeldError, preview, release
from worker.trial import trial

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


class Campus:
    """Some people of the world with synchronizations that have run."""

    def __init__(self, world, number):
        self.world = world
        self.people = world.people[:number]
        self.idents = [world.link(username) for username in self.people]
        self.run()

    def switch(self, *, on, people=None):
        """Timetables become empty, or whole again."""
        for username in people or self.people:
            wishes = self.world.institution.wishes(username)
            for key in wishes.subscriptions():
                wishes.subscribe(key, enabled=on)

    def leave_one(self):
        """The first person's timetable, empty so far, has one event now."""
        username, wishes = self.people[0], self.world.institution.wishes(self.people[0])
        for key in wishes.subscriptions(["user"]):
            wishes.subscribe(key, enabled=True)
        self.world.institution.add(username, "The only lecture", self.world.now + timedelta(days=2))

    def run(self):
        return [self.world.run(ident).outcome for ident in self.idents]

    def standing(self):
        return {username: self.world.standing(username) for username in self.people}

    def to_come(self):
        """How many events stand that have not begun."""
        return sum(start > self.world.now for events in self.standing().values() for start, _ in events)

    def release(self, *idents):
        with transaction(self.world.installation.engine) as session:
            release(session, idents or self.idents)


@pytest.fixture
def campus(world):
    return lambda number: Campus(world, number)


@pytest.fixture
def queries(world):
    """What was asked of the ledger since it was emptied."""
    asked = []
    event.listen(world.installation.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    return asked


@pytest.mark.case("faults", 14)
@pytest.mark.case("peers", 4)
def test_timetables_that_are_empty_for_everybody_for_three_hours_cost_no_event(world, campus):
    everybody = campus(6)
    before = everybody.standing()
    everybody.switch(on=False)
    for _ in range(7):
        assert everybody.run() == ["HELD"] * 6
        assert everybody.standing() == before
        world.now += 2 * QUARTER
    row = world.row(everybody.idents[0])
    assert "so do many others of the institution" in row.status_detail
    assert "carillon release --all --tenant uni" in row.status_detail
    assert [run.status for run in world.runs(row.id)] == ["OK", "HELD", "HELD"]
    everybody.switch(on=True)
    assert everybody.run() == ["OK"] * 6
    assert everybody.standing() == before
    assert world.row(row.id).held_since is None


def test_a_held_tenant_is_asked_again_at_its_interval_and_not_at_once(world, campus):
    everybody = campus(5)
    everybody.switch(on=False)
    everybody.run()
    world.now += HOUR
    everybody.run()
    with world.installation.engine.connect() as connection:
        wait = connection.exec_driver_sql("SELECT min(due_at) - clock_timestamp() FROM synchronizations").scalar_one()
    assert wait > timedelta(minutes=13)


def test_fewer_than_the_floor_are_confirmed_by_a_second_reading(world, campus):
    few = campus(4)
    few.switch(on=False)
    assert few.run() == ["HELD"] * 4
    world.now += HOUR
    assert few.run() == ["OK"] * 4
    assert few.to_come() == 0


def test_a_run_that_fails_with_another_reading_ends_a_hold(world, campus):
    one = campus(1)
    one.switch(on=False)
    assert one.run() == ["HELD"]
    one.switch(on=True)
    added = world.institution.add(one.people[0], "A new lecture", world.now + timedelta(days=2))
    world.store.faults.append(Fault("push", Unavailable("away")))
    world.now += HOUR
    assert one.run() == ["RETRYING"]
    world.institution.cancel(added)
    one.switch(on=False)
    assert one.run() == ["HELD"], "what was read an hour ago is no word on this outage"


@pytest.mark.parametrize(("share", "outcome"), [(0.7, "HELD"), (0.72, "OK")])
def test_a_share_counts_the_calendars_with_events_in_them(world, campus, share, outcome):
    everybody = campus(7)
    [tenant] = world.installation.tenants.values()
    object.__setattr__(tenant.settings, "guard", tenant.settings.guard.model_copy(update={"tenant_share": share}))
    # Two that were never pushed make it fewer of all, and no fewer of those with events.
    for username in world.people[7:9]:
        world.link(username)
    everybody.switch(on=False, people=everybody.people[:5])
    assert everybody.run() == ["HELD"] * 5 + ["OK"] * 2
    world.now += HOUR
    assert everybody.run()[0] == outcome


def test_paused_synchronizations_count_for_nothing(world, campus):
    everybody = campus(5)
    everybody.switch(on=False)
    everybody.run()
    world.set(everybody.idents[0], enabled=False)
    world.now += HOUR
    assert everybody.run() == ["GONE"] + ["OK"] * 4


def test_another_tenants_holds_count_for_nothing(world, campus):
    everybody = campus(5)
    everybody.switch(on=False)
    everybody.run()
    with transaction(world.installation.engine) as session:
        [tenant_id] = world.installation.tenants
        assert tenant_held(session, tenant_id, Limits())
        assert not tenant_held(session, tenant_id + 1, Limits(tenant_floor=1, tenant_share=0))


def test_a_tenant_below_the_number_goes_on_and_each_waits_for_its_own_hour(world, campus):
    everybody = campus(6)
    first, last = everybody.people[:4], everybody.people[4:]
    everybody.switch(on=False, people=first)
    everybody.run()
    world.now += timedelta(minutes=45)
    everybody.switch(on=False, people=last)
    assert everybody.run() == ["HELD"] * 6
    world.now += timedelta(minutes=30)
    assert everybody.run() == ["HELD"] * 6
    everybody.switch(on=True, people=first[:2])
    assert [world.run(ident).outcome for ident in everybody.idents[:2]] == ["OK"] * 2
    assert [world.run(ident).outcome for ident in everybody.idents[2:]] == ["OK"] * 2 + ["HELD"] * 2
    world.now += timedelta(minutes=30)
    assert everybody.run() == ["OK"] * 6


def test_a_term_that_ends_for_everybody_is_released_by_one_word(world, campus):
    everybody = campus(6)
    everybody.switch(on=False)
    everybody.run()
    world.now += 3 * HOUR
    assert everybody.run() == ["HELD"] * 6
    everybody.release()
    assert everybody.run() == ["OK"] * 6
    assert everybody.to_come() == 0
    assert everybody.run() == ["OK"] * 6
    row = world.row(everybody.idents[0])
    assert (row.held_since, row.held_reading, row.held_going, row.held_of, row.released_reading) == (None,) * 5


def test_a_release_passes_at_once_and_is_due_now(world, campus):
    [ident] = (one := campus(1)).idents
    one.switch(on=False)
    assert one.run() == ["HELD"]
    one.release()
    with world.installation.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT due_at <= clock_timestamp() FROM synchronizations").scalar_one()
    before = len(world.ours())
    assert world.run(ident).deleted == before - len(world.ours())
    assert one.to_come() == 0


def test_another_reading_than_the_released_one_is_held_anew_and_ends_the_release(world, campus):
    [ident] = (one := campus(1)).idents
    before = one.standing()
    one.switch(on=False)
    one.run()
    one.release()
    one.leave_one()
    world.now += QUARTER
    assert one.run() == ["HELD"]
    assert one.standing() == before
    row = world.row(ident)
    assert (row.held_since, row.released_reading) == (world.now, None)


def test_a_release_is_used_up_by_a_timetable_that_is_well_again(campus):
    one = campus(1)
    one.switch(on=False)
    one.run()
    one.release()
    one.switch(on=True)
    assert one.run() == ["OK"]
    one.switch(on=False)
    assert one.run() == ["HELD"]


def test_a_release_outlives_a_run_that_fails_in_the_middle(world, campus):
    one = campus(1)
    one.switch(on=False)
    one.run()
    one.release()
    world.store.faults.append(Fault("push", KeyboardInterrupt(), place=7, done=True))
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert one.run() == ["OK"]
    assert one.to_come() == 0


def test_a_release_outlives_a_run_that_takes_too_long(campus, monkeypatch):
    one = campus(1)
    one.switch(on=False)
    one.run()
    one.release()
    monkeypatch.setattr(synchronizing, "LONGEST_TASK", 0)
    rounds = 1
    while one.to_come():
        assert one.run() == ["OK"]
        rounds += 1
    assert rounds > 2


def test_a_release_that_comes_during_a_run_is_not_forgotten(world, campus, monkeypatch):
    [ident] = (one := campus(1)).idents
    one.switch(on=False)
    one.run()
    source = type(world.installation.sources[world.row(ident).tenant_id])
    fetch = source.fetch

    def release_meanwhile(*arguments):
        monkeypatch.setattr(source, "fetch", fetch)
        one.release()
        return fetch(*arguments)

    monkeypatch.setattr(source, "fetch", release_meanwhile)
    assert one.run() == ["HELD"]
    assert one.run() == ["OK"]
    assert one.to_come() == 0


def test_who_is_not_held_cannot_be_released(world, campus):
    [ident] = (one := campus(1)).idents
    one.release()
    assert world.row(ident).released_reading is None
    one.switch(on=False)
    one.run()
    world.set(ident, enabled=False)
    one.release()
    assert world.row(ident).released_reading is None


def test_the_others_are_counted_only_when_a_hold_would_be_confirmed(world, campus, queries):
    one = campus(1)
    one.switch(on=False)
    queries.clear()
    one.run()
    assert [each for each in queries if "counted" in each] == []
    world.now += HOUR
    one.run()
    assert len([each for each in queries if "counted" in each]) == 1


def test_a_dry_run_says_that_the_tenant_is_held(world, campus):
    everybody = campus(5)
    everybody.switch(on=False)
    everybody.run()
    world.now += HOUR
    assert trial(world.installation, everybody.idents[0], world.now).hold.tenant == "uni"


def test_the_preview_lists_what_a_release_would_remove(world, campus):
    [ident] = (one := campus(1)).idents
    one.switch(on=False)
    one.run()
    before = world.ours()
    shown = preview(world.installation, world.row(ident), world.now)
    assert world.ours() == before
    one.release()
    assert one.run() == ["OK"]
    gone = before.keys() - world.ours().keys()
    assert len(gone) == world.runs(ident)[-1].deleted > 100
    assert {each.ref.id for each in shown} == gone
    assert [each.title for each in shown] == [before[each.ref.id].event.title for each in shown]


def test_a_preview_of_another_timetable_than_the_held_one_is_refused(world, campus):
    [ident] = (one := campus(1)).idents
    with pytest.raises(NotHeldError, match="not held"):
        preview(world.installation, world.row(ident), world.now)
    one.switch(on=False)
    one.run()
    one.switch(on=True)
    with pytest.raises(NotHeldError, match="judges it anew"):
        preview(world.installation, world.row(ident), world.now)


def test_an_unlink_is_not_held(world, campus):
    [ident] = (one := campus(1)).idents
    one.switch(on=False)
    one.run()
    world.carry_out(world.unlink(ident, UnlinkMode.DELETE_ALL_EVENTS))
    assert world.ours() == {}
