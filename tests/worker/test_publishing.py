"""What a calendar schedule of the effect `publish` does: its periods stand in the calendars of those it concerns."""

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from providers.memory import Stored
from schedules.periods import Period
from schedules.recurrence import Frequency, Recurrence
from schedules.term_ics import Term
from worker import calendars
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarSchedule, Effect, Group, Membership
from worker.calendars import Parent
from worker.database import transaction
from worker.ledger import Event, UnlinkMode
from worker.trial import explain, trial

ZONE = ZoneInfo("Europe/Amsterdam")
BREAK = Period("Autumn break", date(2026, 10, 19), date(2026, 10, 23))
FAIR = Period("Careers fair", date(2026, 11, 4), date(2026, 11, 4), time(10), time(16))


class Publishing:
    """A person with a filled calendar, and schedules beside it."""

    def __init__(self, world):
        self.world, self.engine = world, world.installation.engine
        self.tenant = next(iter(world.installation.tenants))
        self.ident = world.link()
        world.run(self.ident)
        self.before = world.ours()
        self.user = world.row(self.ident).user_id

    def group(self):
        with transaction(self.engine) as session:
            group = Group(tenant_id=self.tenant, name="Group")
            session.add(group)
            session.flush()
            session.add(Membership(group_id=group.id, user_id=self.user, source="api"))
            return group.id

    def publish(self, *periods, group=None, user=None, effect=Effect.PUBLISH):
        with transaction(self.engine) as session:
            parent = Parent(self.tenant, group, user)
            term = Term(periods)
            calendars.create(session, parent, "Year", term, zone=ZONE, now=self.world.now, effect=effect)

    def change(self, change):
        self.world.now += timedelta(minutes=15)
        with transaction(self.engine) as session:
            change(session, session.scalars(select(CalendarSchedule)).one())

    def write(self, *periods, **others):
        self.change(
            lambda session, row: calendars.write(session, row, periods, zone=ZONE, now=self.world.now, **others)
        )

    def run(self):
        self.world.store.calls.clear()
        report = self.world.run(self.ident)
        assert report.outcome == "OK", report
        return report.created, report.updated, report.deleted

    def beside(self):
        """Title, start and end of what stands beside the timetable's events, which stand as they stood."""
        standing = self.world.ours()
        assert self.before.items() <= standing.items()
        new = [each.event for name, each in standing.items() if name not in self.before]
        return sorted((each.title, each.start.astimezone(ZONE).date(), each.all_day) for each in new)


@pytest.fixture
def publishing(world):
    return Publishing(world)


@pytest.mark.parametrize("level", ["tenant", "group", "user"])
def test_the_periods_of_each_level_come_though_the_timetable_is_unchanged(publishing, level):
    parents = {"group": {"group": publishing.group()}, "user": {"user": publishing.user}}
    publishing.publish(BREAK, FAIR, **parents.get(level, {}))
    assert publishing.run() == (2, 0, 0)
    assert publishing.beside() == [
        ("Autumn break", BREAK.start_day, True),
        ("Careers fair", FAIR.start_day, False),
    ]


def test_a_run_without_a_change_still_asks_the_provider_for_nothing(publishing):
    publishing.publish(BREAK)
    publishing.run()
    assert publishing.run() == (0, 0, 0)
    assert publishing.world.store.calls == []


def test_who_is_not_concerned_gets_nothing(world, publishing):
    other = world.link(world.people[1])
    publishing.publish(BREAK, group=publishing.group())
    world.run(other)
    assert world.standing(world.people[1]) == world.wished(world.people[1])


@pytest.mark.parametrize("effect", [Effect.NONE, Effect.HOLD])
def test_schedules_of_other_effects_put_nothing_into_calendars(publishing, effect):
    publishing.publish(FAIR, effect=effect)
    assert publishing.run() == (0, 0, 0)


def test_a_changed_period_is_one_update_and_the_others_are_left_alone(publishing):
    publishing.publish(BREAK, FAIR)
    publishing.run()
    publishing.write(BREAK, replace(FAIR, start_day=date(2026, 11, 5), stop_day=date(2026, 11, 5)))
    assert publishing.run() == (0, 1, 0)
    assert ("Careers fair", date(2026, 11, 5), False) in publishing.beside()


def test_a_renamed_schedule_changes_no_event(publishing):
    publishing.publish(BREAK, FAIR)
    publishing.run()
    publishing.change(lambda session, row: calendars.rename(session, row, "Another", publishing.world.now))
    assert publishing.run() == (0, 0, 0)
    assert publishing.world.store.calls == []


def remove(publishing):
    with transaction(publishing.engine) as session:
        calendars.remove(session, Parent(publishing.tenant, *parent_of(session)), ["Year"])


def parent_of(session):
    row = session.scalars(select(CalendarSchedule)).one()
    return row.group_id, row.user_id


def leave(publishing):
    with transaction(publishing.engine) as session:
        session.delete(session.scalars(select(Membership)).one())


def close(publishing):
    with transaction(publishing.engine) as session:
        session.delete(session.scalars(select(Group)).one())


def quieten(publishing):
    publishing.change(
        lambda session, row: calendars.write(
            session, row, periods_of(session, row.id), zone=ZONE, now=publishing.world.now, effect=Effect.NONE
        )
    )


@pytest.mark.parametrize("end", [remove, leave, close, quieten])
def test_they_go_with_the_schedule_the_membership_the_group_and_the_effect(publishing, end):
    publishing.publish(BREAK, FAIR, group=publishing.group())
    publishing.run()
    end(publishing)
    assert publishing.run() == (0, 0, 2)
    assert publishing.beside() == []


def test_they_go_with_the_synchronization(world, publishing):
    publishing.publish(BREAK, FAIR)
    publishing.run()
    assert world.carry_out(world.unlink(publishing.ident, UnlinkMode.DELETE_ALL_EVENTS)).state == "DONE"
    assert not world.ours()


def test_a_new_day_brings_what_enters_the_window(world, publishing):
    last = (world.now + timedelta(days=120)).astimezone(ZONE).date()
    daily = Period("Open", last, last, time(9), time(10), Recurrence(Frequency.DAILY))
    publishing.publish(daily)
    assert publishing.run() == (1, 0, 0)
    world.now += timedelta(days=1)
    publishing.run()
    assert [day for title, day, _ in publishing.beside() if title == "Open"] == [last, last + timedelta(days=1)]


def test_what_a_person_deletes_of_it_comes_back_at_a_resync(world, publishing):
    publishing.publish(BREAK)
    publishing.run()
    [name] = world.ours().keys() - publishing.before.keys()
    stored = world.ours()[name]
    assert isinstance(stored, Stored)
    world.store.put(world.people[0], name, replace(stored, deleted=True))
    world.set(publishing.ident, resync_asked_at=world.now)
    assert publishing.run() == (1, 0, 0)
    assert publishing.beside() == [("Autumn break", BREAK.start_day, True)]


def test_many_published_events_do_not_make_an_empty_timetable_pass_the_guard(world, publishing):
    days = Period("Open", date(2026, 10, 15), date(2026, 10, 15), time(9), time(10), Recurrence(Frequency.DAILY))
    publishing.publish(days)
    publishing.run()
    wishes = world.institution.wishes(world.people[0])
    coming = sorted(
        (each for each in world.institution.timetable(world.people[0], world.now, world.now + timedelta(days=125))),
        key=lambda each: each.start,
    )
    assert coming
    # A person of few events: fewer than the guard's floor, and far less than its share of all that stands.
    with transaction(publishing.engine) as session:
        rows = session.query(Event).filter_by(synchronization_id=publishing.ident).count()
    assert rows > len(publishing.before)
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled=False)
    assert world.run(publishing.ident).outcome == "HELD"
    row = world.row(publishing.ident)
    assert row.held_going == row.held_of < rows - 100


def test_a_trial_and_an_explanation_know_of_them(world, publishing):
    publishing.publish(BREAK, FAIR)
    made = trial(world.installation, publishing.ident, world.now)
    assert [wish.event.title for wish in made.plan.creates] == ["Autumn break", "Careers fair"]
    assert (made.plan.deletes, made.until) == ((), None)
    publishing.run()
    told = explain(world.installation, publishing.ident, world.now)
    found = [each for each in told if each.reason.event.title == "Autumn break"]
    assert [(each.reason.why, each.known.state) for each in found] == [("wanted, from a calendar schedule", "written")]
    assert [each.reason.event.start for each in told] == sorted(each.reason.event.start for each in told)


def test_a_trial_tells_until_when_a_schedule_holds(world, publishing):
    today = Period("Quiet", date(2026, 10, 14), date(2026, 10, 14))
    publishing.publish(today, effect=Effect.HOLD)
    made = trial(world.installation, publishing.ident, world.now)
    assert made.until.end.astimezone(ZONE).date() == date(2026, 10, 15)
