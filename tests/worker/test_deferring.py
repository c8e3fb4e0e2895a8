"""What a calendar schedule of the effect `hold` does: nobody it concerns is written to until it ends."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from schedules.periods import Period
from schedules.term_ics import Term
from worker import calendars, deferring
from worker.calendar_tables import CalendarSchedule, Membership
from worker.database import transaction
from worker.judging import tenant_held
from worker.ledger import UnlinkMode
from worker.queue import ROUTINE
from worker.rebuilding import ask

ZONE = ZoneInfo("Europe/Amsterdam")
PAST = timedelta(minutes=1)


def user_of(world, ident):
    return world.row(ident).user_id


@pytest.mark.parametrize(
    ("level", "whose"), [("tenant", "the institution"), ("group", "a group of this person"), ("user", "this person")]
)
def test_who_is_held_is_not_sent_and_says_until_when(world, holding, level, whose):
    held, other = world.link(world.people[0]), world.link(world.people[1])
    parents = {
        "tenant": {},
        "group": {"group": holding.group(held)} if level == "group" else {},
        "user": {"user": user_of(world, held)},
    }
    end = holding.hold(days=3, **parents[level])
    assert holding.sweep() == (0 if level == "tenant" else 1)
    row = world.row(held)
    shown = f"{end.astimezone(ZONE):%Y-%m-%d} 00:00 (Europe/Amsterdam)"
    assert (row.status, row.due_at, row.held_since) == ("HELD", end, None)
    assert row.status_detail == (
        f"Held by a calendar schedule of {whose} until {shown}; what changes until then is written after it."
    )
    assert (world.row(other).status == "HELD") == (level == "tenant")


def test_a_whole_tenant_is_deferred_by_as_many_queries_as_one_person(world, holding):
    idents = [world.link(username) for username in world.people[:12]]
    holding.hold()
    holding.due_now(*idents)
    asked = []
    event.listen(world.installation.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    assert holding.sweep() == 0
    assert len(asked) == 5, asked
    assert {world.row(ident).status for ident in idents} == {"HELD"}


def test_the_longest_of_several_holds_counts(world, holding):
    ident = world.link()
    holding.hold(days=2)
    end = holding.hold(days=5, user=user_of(world, ident))
    holding.sweep()
    assert world.row(ident).due_at == end
    assert "of this person until" in world.row(ident).status_detail


def test_a_message_sent_before_a_hold_began_writes_nothing(world, holding):
    ident = world.link()
    assert holding.sweep() == 1
    end = holding.hold(days=2)
    world.store.calls.clear()
    assert world.run(ident).outcome == "HELD"
    assert world.store.calls == []
    row = world.row(ident)
    assert (row.status, row.last_sync, row.held_since) == ("HELD", None, None)
    assert row.due_at.timestamp() == pytest.approx(end.timestamp(), abs=5)


def test_after_its_end_everything_is_caught_up_with(world, holding):
    ident = world.link()
    end = holding.hold(days=1)
    holding.sweep()
    world.now = end
    report = world.run(ident)
    assert (report.outcome, report.created) == ("OK", len(world.wished()))
    assert world.standing() == world.wished()
    assert world.row(ident).status_detail == ""


def test_what_is_due_at_the_end_of_a_hold_is_sent_by_the_next_beat(world, holding):
    world.link()
    today = world.now.astimezone(ZONE).date()
    holding.hold()
    holding.sweep()
    with transaction(holding.engine) as session:
        [row] = session.scalars(select(CalendarSchedule))
        yesterday = Period("Quiet", today - timedelta(days=1), today - timedelta(days=1))
        calendars.write(session, row, [yesterday], zone=ZONE, now=world.now)
    assert holding.sweep() == 1


@pytest.mark.parametrize("wish", ["sync", "resync", "rebuild"])
def test_what_an_operator_asks_for_passes(world, holding, wish):
    ident = world.link()
    holding.hold()
    if wish == "resync":
        world.set(ident, resync_asked_at=world.now)
    elif wish == "rebuild":
        with transaction(holding.engine) as session:
            ask(session, [ident], world.now)
    if wish != "sync":
        assert holding.sweep() == 1
    report = world.run(ident, by_hand=wish == "sync")
    assert (report.outcome, world.standing()) == ("OK", world.wished())


def test_an_unlink_passes(world, holding):
    ident = world.link()
    world.run(ident)
    holding.hold()
    assert world.ours()
    assert world.carry_out(world.unlink(ident, UnlinkMode.DELETE_ALL_EVENTS)).state == "DONE"
    assert not world.ours()


def test_a_schedules_hold_is_not_one_of_the_guard(world, holding):
    idents = [world.link(username) for username in world.people[:8]]
    holding.hold()
    holding.sweep()
    tenant_id, tenant = next(iter(world.installation.tenants.items()))
    with transaction(holding.engine) as session:
        assert not tenant_held(session, tenant_id, tenant.settings.guard.limits())
    assert all(world.row(ident).held_reading is None for ident in idents)


def test_a_plan_that_the_guard_holds_stays_held_for_it(world, holding):
    ident = world.link()
    before = world.now - timedelta(hours=3)
    world.set(ident, held_since=before, held_reading="reading", held_going=20, held_of=30, status="HELD")
    holding.hold()
    holding.sweep()
    row = world.row(ident)
    assert row.status_detail.startswith("Held by a calendar schedule")
    assert (row.held_since, row.held_reading, row.held_going) == (before, "reading", 20)


def test_a_hold_that_is_deleted_lets_its_people_go_at_once(world, holding):
    world.link()
    holding.hold(days=9)
    assert holding.sweep() == 0
    holding.change(lambda session, parent: calendars.remove(session, parent, ["Quiet"]))
    assert holding.sweep() == 1


def test_who_is_no_longer_held_is_freed_and_nobody_else(world, holding):
    left, stays = world.link(world.people[0]), world.link(world.people[1])
    group = holding.group(left, stays)
    end = holding.hold(days=9, group=group)
    assert holding.sweep() == 0
    with transaction(holding.engine) as session:
        session.delete(session.get_one(Membership, (group, user_of(world, left), "api")))
    with transaction(holding.engine) as session:
        assert deferring.free(session, world.now) == 1
    assert holding.sweep() == 1
    assert world.row(stays).due_at == end


def test_a_change_wakes_its_people_one_after_another_but_nobody_whose_runs_fail(world, holding):
    idents = [world.link(username) for username in world.people[:6]]
    later = datetime.now(UTC) + timedelta(hours=5)
    for ident in idents:
        world.set(ident, due_at=later)
    world.set(idents[0], failures=3)
    holding.hold(group=holding.group(*idents[:5]))
    due = [world.row(ident).due_at for ident in idents]
    assert (due[0], due[5]) == (later, later)
    gaps = [(after - before).total_seconds() for before, after in pairwise(due[1:5])]
    assert gaps == pytest.approx([1 / deferring.PACE] * 3, abs=0.02)


def test_a_schedule_without_an_effect_wakes_nobody(world, holding):
    ident = world.link()
    later = datetime.now(UTC) + timedelta(hours=5)
    world.set(ident, due_at=later)
    term = Term((Period("Break", world.now.date(), world.now.date()),))
    holding.change(lambda session, parent: calendars.create(session, parent, "Year", term, zone=ZONE, now=world.now))
    holding.change(lambda session, parent: calendars.remove(session, parent, ["Year"]))
    assert world.row(ident).due_at == later


def test_a_held_person_leaves_no_message(world, holding):
    world.link()
    holding.hold()
    holding.sweep()
    assert world.installation.redis.llen(ROUTINE) == 0
