"""`carillon schedules`, and what `carillon sync` and `explain` say of them, beside the sandbox's servers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.periods import Period
from schedules.term_ics import Term
from worker import calendars
from worker import database as databases
from worker.calendar_tables import Effect, Group
from worker.calendars import Parent
from worker.ledger import Synchronization, Tenant, User

ZONE = ZoneInfo("Europe/Amsterdam")


class Office:
    """A tenant with a person who has a calendar, a group, and schedules."""

    def __init__(self, engine, person):
        self.engine, self.person = engine, person
        self.today = datetime.now(ZONE).date()
        with databases.transaction(engine) as session:
            self.tenant = session.query(Tenant).one().id
            user = User(tenant_id=self.tenant, username=person)
            group = Group(tenant_id=self.tenant, name="First years")
            session.add_all([user, group])
            session.flush()
            self.user, self.group = user.id, group.id
            session.add(
                Synchronization(
                    tenant_id=self.tenant, user_id=user.id, type="googlecalendar", mailbox=person, fields={}
                )
            )

    def add(self, name, *periods, group=None, user=None, effect=Effect.NONE):
        with databases.transaction(self.engine) as session:
            parent, now = Parent(self.tenant, group, user), datetime.now(UTC)
            calendars.create(session, parent, name, Term(periods), zone=ZONE, now=now, effect=effect)


@pytest.fixture
def office(carillon, grounds, database):
    carillon("token", "list")
    engine = databases.engine(database)
    made = Office(engine, grounds.institution.people[5].username)
    carillon("rebuild", "--all")
    yield made
    with databases.transaction(engine) as session:
        for row in session.query(calendars.CalendarSchedule):
            session.delete(row)
    carillon("sync", made.person)
    engine.dispose()


def test_every_schedule_is_listed_with_whose_it_is_and_what_it_does(carillon, office):
    quiet = Period("Quiet", office.today, office.today)
    office.add("Year", quiet, effect=Effect.PUBLISH)
    office.add("Exams", quiet, quiet.__class__("Later", office.today, office.today), group=office.group)
    office.add("Sabbatical", user=office.user, effect=Effect.HOLD)
    assert carillon("schedules", "list", as_json=True)["calendarSchedules"] == [
        {"name": "Year", "level": "Tenant", "of": "", "effect": "publish", "periods": 1},
        {"name": "Sabbatical", "level": "User", "of": office.person, "effect": "hold", "periods": 0},
        {"name": "Exams", "level": "Group", "of": "First years", "effect": "none", "periods": 2},
    ]
    shown = carillon("schedules", "list").output
    assert all(each in shown for each in ("Year", "Sabbatical", "Exams", "First years"))


def test_a_schedule_is_shown_with_its_periods_and_when_they_come(carillon, office):
    first = office.today + timedelta(days=20)
    office.add("Exams", Period("Resits", first, first), group=office.group)
    told = carillon("schedules", "show", "Exams", "--group", "First years", as_json=True)
    assert (told["name"], told["level"], told["effect"]) == ("Exams", "Group", "none")
    assert [(each["name"], each["startDay"]) for each in told["periods"]] == [("Resits", str(first))]
    assert [each["period"] for each in told["coming"]] == ["Resits"]
    assert "Resits" in carillon("schedules", "show", "Exams", "--group", "First years").output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("show", "None"), 1, "There is no calendar schedule of this name here."),
        (("show", "None", "--group", "x"), 1, "this tenant has no group of that name"),
        (("show", "None", "--user", "x"), 1, "this tenant has no user of that name"),
        (("show", "None", "--user", "x", "--group", "x"), 2, "name a group or a user, not both"),
        (("holidays", "XX", "2026"), 1, "country: unknown"),
        (("holidays", "NL", "2026", "--add-to", "None"), 1, "There is no calendar schedule of this name here."),
        (("list", "--tenant", "x"), 1, "name one of the tenants with --tenant"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(carillon, office, arguments, status, said):
    assert office.person
    assert said in carillon("schedules", *arguments, status=status).output


def test_holidays_are_listed_and_added_once(carillon, office):
    office.add("Year")
    listed = carillon("schedules", "holidays", "nl", "2026", as_json=True)
    assert listed["added"] is None
    assert "2026-12-25" in [each["startDay"] for each in listed["holidays"]]
    added = [carillon("schedules", "holidays", "NL", "2026", "--add-to", "Year", as_json=True) for _ in range(2)]
    assert [each["added"] for each in added] == [len(listed["holidays"]), 0]
    assert "0 of them were added to Year." in carillon("schedules", "holidays", "NL", "2026", "--add-to", "Year").output
    assert len(carillon("schedules", "show", "Year", as_json=True)["periods"]) == len(listed["holidays"])


def test_a_rehearsal_and_an_explanation_know_what_schedules_do(carillon, office):
    soon = office.today + timedelta(days=7)
    assert isinstance(soon, date)
    carillon("sync", office.person)
    office.add("Holidays", Period("Founders' day", soon, soon), effect=Effect.PUBLISH)
    office.add("Quiet", Period("Quiet", office.today, soon), user=office.user, effect=Effect.HOLD)
    [plan] = carillon("sync", office.person, "--dry-run", as_json=True)["plans"]
    assert (plan["creates"], plan["held"]) == (1, False)
    assert plan["heldUntil"] is not None
    shown = carillon("sync", office.person, "--dry-run").output
    assert "Founders' day" in shown
    assert "Held by a calendar schedule of this person until" in shown
    [told] = carillon("explain", office.person, "founders", as_json=True)["events"]
    assert (told["why"], told["ledger"]) == ("wanted, from a calendar schedule", None)
    # An operator's own run waits for no schedule.
    [run] = carillon("sync", office.person, as_json=True)["runs"]
    assert (run["status"], run["created"]) == ("OK", 1)
