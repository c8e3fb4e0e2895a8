"""Who waits for the end of a schedule's hold, and what becomes of them when the schedules or their groups change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers.base import Unavailable
from schedules.recurrence import Frequency, Recurrence
from worker import breaker, calendars, deferring, groups
from worker.calendar_tables import Effect, Membership
from worker.database import transaction
from worker.releasing import release

ZONE = ZoneInfo("Europe/Amsterdam")
FAR = timedelta(hours=5)


def free(holding):
    with transaction(holding.engine) as session:
        return deferring.free(session, holding.world.now)


def end_membership(holding, group, ident):
    with transaction(holding.engine) as session:
        session.delete(session.get_one(Membership, (group, holding.world.row(ident).user_id, "api")))


def test_a_release_given_while_a_schedule_holds_is_kept_and_carried_out_after_it(world, holding):
    ident = world.link()
    world.run(ident)
    wishes = world.institution.wishes(world.people[0])
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled=False)
    assert world.run(ident).outcome == "HELD"
    reading, standing = world.row(ident).held_reading, world.standing()
    end = holding.hold(days=1)
    with transaction(holding.engine) as session:
        release(session, [ident])
    world.store.calls.clear()
    assert world.run(ident).detail.startswith("Held by a calendar schedule")
    with transaction(holding.engine) as session:
        release(session, [ident])
    assert holding.sweep() == 0
    row = world.row(ident)
    assert (row.released_reading, row.held_reading, row.due_at) == (reading, reading, end)
    assert (world.store.calls, world.standing()) == ([], standing)
    world.now = end
    assert world.run(ident).outcome == "OK"
    assert world.standing() == []
    assert world.row(ident).released_reading is None


def test_who_is_still_held_but_not_for_so_long_waits_for_the_end_that_there_is(world, holding):
    """The longer of two holds went with a membership; the shorter one goes on."""
    ident = world.link()
    group = holding.group(ident)
    holding.hold(days=9, group=group, name="Long")
    soon = holding.hold(days=2, name="Short")
    assert holding.sweep() == 0
    end_membership(holding, group, ident)
    assert free(holding) == 1
    assert holding.sweep() == 0
    assert world.row(ident).due_at == soon
    assert "the institution until" in world.row(ident).status_detail
    assert free(holding) == 0


def test_who_learnt_of_a_hold_from_a_run_is_not_freed_from_it(world, holding):
    ident = world.link()
    holding.hold(days=2)
    assert world.run(ident).outcome == "HELD"
    assert free(holding) == 0


def test_who_waits_for_a_hold_is_not_known_by_what_people_read_about_it(world, holding):
    waits, reads_alike = world.link(world.people[0]), world.link(world.people[1])
    group = holding.group(waits)
    holding.hold(days=9, group=group)
    assert holding.sweep() == 1
    assert world.run(reads_alike).outcome == "OK"
    sentence = world.row(waits).status_detail
    world.set(waits, status_detail="In other words")
    world.set(reads_alike, status_detail=sentence, due_at=datetime.now(UTC) + FAR)
    end_membership(holding, group, waits)
    assert free(holding) == 1
    assert world.row(waits).due_at < datetime.now(UTC) < world.row(reads_alike).due_at


def test_who_ran_after_a_hold_waits_for_it_no_more(world, holding):
    ident = world.link()
    end = holding.hold(days=1)
    assert world.run(ident).outcome == "HELD"
    world.now = end
    assert world.run(ident).outcome == "OK"
    assert world.row(ident).deferred_until is None


@pytest.mark.parametrize("status", ["UNAUTHORIZED", "MAILBOX_NOT_FOUND", "FAILED"])
def test_what_a_person_has_to_mend_is_told_during_a_hold_too(world, holding, status):
    swept, run = world.link(world.people[0]), world.link(world.people[1])
    for ident in (swept, run):
        world.set(ident, status=status, failures=3)
    end = holding.hold(days=9)
    assert world.run(run).outcome == "HELD"
    holding.due_now(swept)
    assert holding.sweep() == 0
    assert [world.row(ident).status for ident in (swept, run)] == [status] * 2
    assert all(world.row(ident).status_detail.startswith("Held by a calendar schedule") for ident in (swept, run))
    assert world.row(swept).due_at == end
    holding.change(lambda session, parent: calendars.remove(session, parent, ["Quiet"]))
    assert free(holding) == 2


def test_a_server_that_only_the_held_could_try_is_tried_by_others(world, holding):
    """Five mailboxes met nobody, and then their group was held: who is not held does not wait for them."""
    held = [world.link(username) for username in world.people[:5]]
    other = world.link(world.people[5])
    kind = (world.row(other).tenant_id, "memory")
    client = world.installation.redis
    away = Unavailable("Nobody answers.", everybody=True)
    assert [breaker.note(client, kind, ident, away) for ident in held] == [False] * 4 + [True]
    holding.hold(days=9, group=holding.group(*held))
    holding.due_now(other)
    for _ in range(5):
        client.delete(f"carillon:away:{kind[0]}:{kind[1]}:tried")
        [probe] = breaker.probes(client, breaker.away(client, [kind])) or [None]
        if probe is None:
            break
        assert world.run(probe).outcome == "HELD"
    assert holding.sweep() == 1
    assert world.run(other).outcome == "OK"


def test_a_hold_is_told_with_its_true_end_however_many_periods_make_it(world, holding):
    ident = world.link()
    first = holding.hold(days=1, recurrence=Recurrence(Frequency.DAILY, count=100))
    holding.sweep()
    end = datetime.combine(first.astimezone(ZONE).date() + timedelta(days=99), time(), ZONE)
    assert world.row(ident).due_at == end


def test_a_hold_for_ever_is_told_with_an_end_about_a_year_ahead(world, holding):
    ident = world.link()
    holding.hold(days=1, recurrence=Recurrence(Frequency.DAILY))
    holding.sweep()
    assert timedelta(days=364) < world.row(ident).due_at - world.now < timedelta(days=368)


@pytest.mark.parametrize(("effect", "woken"), [(Effect.PUBLISH, True), (Effect.HOLD, True), (Effect.NONE, False)])
def test_who_joins_or_leaves_a_group_with_an_effect_is_due_at_once(world, holding, effect, woken):
    ident, other = world.link(world.people[0]), world.link(world.people[1])
    later = datetime.now(UTC) + FAR
    group = holding.group(other)
    holding.hold(days=1, group=group, effect=effect)
    user = world.row(ident).user_id
    for change in (groups.join, groups.leave):
        world.set(ident, due_at=later)
        world.set(other, due_at=later)
        with transaction(holding.engine) as session:
            assert change(session, group, user)
        assert (world.row(ident).due_at < later) is woken
        assert world.row(other).due_at == later
        with transaction(holding.engine) as session:
            assert not change(session, group, user)
