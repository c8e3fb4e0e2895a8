"""Calendar schedules in the ledger, whole or not at all; and whom they hold when."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from providers.base import Window
from schedules.beat import BEAT
from schedules.period_changes import Change, NameTakenError, UnknownPeriodError, added, changed
from schedules.periods import Period, PeriodProblemError
from schedules.recurrence import Frequency, Recurrence
from schedules.term_ics import Term
from worker import calendars, holds
from worker.calendar_rows import periods_of, save
from worker.calendar_tables import CalendarPeriod, CalendarSchedule, CalendarSpan, Effect, Group, Level, Membership
from worker.calendars import Parent, UnknownScheduleError
from worker.database import engine, transaction
from worker.effects import effects
from worker.ledger import Tenant, User
from worker.tasks import register

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Amsterdam")
DAY = date(2026, 11, 23)
BREAK, LUNCH = Period("Break", DAY, DAY), Period("Lunch", DAY, DAY, time(12), time(13), Recurrence(Frequency.DAILY))
HOUR = timedelta(hours=1)


class Books:
    """A tenant with two groups, one person in each, and one in both; and another tenant."""

    def __init__(self, of):
        self.engine = of
        with transaction(of) as session:
            self.tenant, self.other = self._add(session, Tenant(key="uni"), Tenant(key="other"))
            self.maths, self.law = self._add(session, *(Group(tenant_id=self.tenant, name=each) for each in ("m", "l")))
            people = [User(tenant_id=self.tenant, username=each, roles=[]) for each in ("ada", "bob", "eve")]
            self.ada, self.bob, self.eve = self._add(session, *people)
            stranger = User(tenant_id=self.other, username="ada", roles=[])
            [self.stranger] = self._add(session, stranger)
            pairs = [(self.maths, self.ada), (self.law, self.bob), (self.maths, self.eve), (self.law, self.eve)]
            session.add_all(Membership(group_id=group, user_id=user, source="api") for group, user in pairs)
            session.add(Membership(group_id=self.maths, user_id=self.ada, source="rule"))

    def _add(self, session, *rows):
        session.add_all(rows)
        session.flush()
        return [each.id for each in rows]

    def parent(self, group=None, user=None):
        return Parent(self.tenant, group, user)

    def create(self, parent, name, *periods, effect=Effect.NONE, kept=()):
        with transaction(self.engine) as session:
            return calendars.create(session, parent, name, Term(periods, kept), zone=ZONE, now=NOW, effect=effect).id

    def write(self, ident, periods, **others):
        with transaction(self.engine) as session:
            row = session.get_one(CalendarSchedule, ident)
            calendars.write(session, row, periods, zone=ZONE, now=others.pop("now", NOW), **others)

    def periods(self, ident):
        with transaction(self.engine) as session:
            return periods_of(session, ident)

    def names(self, *parents):
        with transaction(self.engine) as session:
            return calendars.listing(session, parents)

    def count(self, table):
        with transaction(self.engine) as session:
            return session.scalar(select(func.count()).select_from(table))

    def scopes(self, now=NOW):
        with transaction(self.engine) as session:
            return {(each.group_id, each.user_id): each.until for each in holds.scopes(session, now)}

    def people(self, now=NOW):
        everybody = [self.ada, self.bob, self.eve, self.stranger]
        with transaction(self.engine) as session:
            return holds.people(session, everybody, now)


@pytest.fixture
def books(database):
    of = engine(database)
    yield Books(of)
    of.dispose()


def test_a_schedule_is_kept_with_its_periods_in_their_order(books):
    kept = Period("Exams", DAY, DAY, kept=("UID:1", "SUMMARY:Exams"))
    ident = books.create(books.parent(books.maths), "The year / 2026", LUNCH, BREAK, kept, kept=("X-A:b",))
    assert books.periods(ident) == (LUNCH, BREAK, kept)
    with transaction(books.engine) as session:
        found = calendars.find(session, books.parent(books.maths), "The year / 2026")
        assert (found.id, found.kept, found.effect, found.changed_at) == (ident, ["X-A:b"], "none", NOW)


def test_a_name_is_taken_within_its_parent_only(books):
    parents = [books.parent(), books.parent(books.maths), books.parent(books.law), books.parent(user=books.ada)]
    for parent in [*parents, Parent(books.other), books.parent(user=books.bob)]:
        books.create(parent, "Year")
        with pytest.raises(NameTakenError):
            books.create(parent, "Year")
    assert books.names(*parents) == [
        *(("Year", Level.TENANT), ("Year", Level.GROUP), ("Year", Level.GROUP), ("Year", Level.USER))
    ]


def test_a_schedule_is_found_by_its_own_parent_only(books):
    books.create(books.parent(books.maths), "Year")
    with transaction(books.engine) as session:
        for parent in (books.parent(), books.parent(books.law), books.parent(user=books.ada), Parent(books.other)):
            with pytest.raises(UnknownScheduleError):
                calendars.find(session, parent, "Year")
        with pytest.raises(UnknownScheduleError):
            calendars.find(session, Parent(books.other, books.maths), "Year")


def test_a_row_cannot_have_two_parents(books):
    with pytest.raises(IntegrityError), transaction(books.engine) as session:
        session.add(CalendarSchedule(tenant_id=books.tenant, group_id=books.law, user_id=books.bob, name="Year"))


@pytest.mark.parametrize(
    "change",
    [Change("Other", delete=True), Change("Lunch", {"stopDay": "2026-01-01"}), Change("Lunch", new_name="Break")],
)
def test_a_list_with_one_bad_change_changes_nothing(books, change):
    ident = books.create(books.parent(), "Year", BREAK, LUNCH, effect=Effect.HOLD)
    spans = books.count(CalendarSpan)

    def call():
        with transaction(books.engine) as session:
            row = calendars.find(session, books.parent(), "Year", lock=True)
            more = added(periods_of(session, row.id), Period("New", DAY, DAY))
            calendars.write(session, row, more, zone=ZONE, now=NOW)
            calendars.write(session, row, changed(more, [change]), zone=ZONE, now=NOW)

    with pytest.raises((UnknownPeriodError, PeriodProblemError, NameTakenError)):
        call()
    assert books.periods(ident) == (BREAK, LUNCH)
    assert books.count(CalendarSpan) == spans


def test_a_schedule_whose_periods_are_refused_is_not_made(books):
    with pytest.raises(NameTakenError):
        books.create(books.parent(), "Year", BREAK, BREAK)
    assert books.names(books.parent()) == []


def test_periods_may_swap_their_names(books):
    ident = books.create(books.parent(), "Year", BREAK, LUNCH)
    swap = [Change("Break", new_name="Lunch"), Change("Lunch", new_name="Break")]
    books.write(ident, changed(books.periods(ident), swap))
    assert [(each.name, each.all_day) for each in books.periods(ident)] == [("Lunch", True), ("Break", False)]


def test_a_renamed_schedule_is_found_by_its_new_name(books):
    books.create(books.parent(), "Year", BREAK, kept=("VERSION:2.0", "X-WR-CALNAME:Year"))
    books.create(books.parent(), "Taken")
    with transaction(books.engine) as session:
        row = calendars.find(session, books.parent(), "Year", lock=True)
        with pytest.raises(NameTakenError):
            calendars.rename(session, row, "Taken", NOW)
        calendars.rename(session, row, "Year", NOW + HOUR)
        assert row.changed_at == NOW
        calendars.rename(session, row, "Next year", NOW + HOUR)
    with transaction(books.engine) as session:
        row = calendars.find(session, books.parent(), "Next year")
        assert (row.kept, row.changed_at) == (["VERSION:2.0", "X-WR-CALNAME:Next year"], NOW + HOUR)
        assert periods_of(session, row.id) == (BREAK,)


def test_a_list_of_schedules_is_deleted_whole_or_not_at_all(books):
    for name in ("A", "B", "C"):
        books.create(books.parent(books.maths), name, BREAK, LUNCH, effect=Effect.HOLD)
    books.create(books.parent(), "D")
    with pytest.raises(UnknownScheduleError), transaction(books.engine) as session:
        calendars.remove(session, books.parent(books.maths), ["A", "D"])
    assert len(books.names(books.parent(books.maths))) == 3
    with transaction(books.engine) as session:
        calendars.remove(session, books.parent(books.maths), ["A", "B", "A"])
    assert books.names(books.parent(books.maths), books.parent()) == [("C", Level.GROUP), ("D", Level.TENANT)]
    assert books.count(CalendarPeriod) == 2


def test_what_is_of_a_group_or_person_goes_with_them(books):
    for parent in (books.parent(books.maths), books.parent(user=books.ada)):
        books.create(parent, "Year", LUNCH, effect=Effect.HOLD)
    with transaction(books.engine) as session:
        session.delete(session.get_one(User, books.ada))
        session.delete(session.get_one(Group, books.maths))
    assert [books.count(each) for each in (CalendarSchedule, CalendarPeriod, CalendarSpan)] == [0, 0, 0]
    assert books.count(Membership) == 2


def test_public_holidays_are_added_once(books):
    ident = books.create(books.parent(), "Year", BREAK)

    def add(country, year):
        with transaction(books.engine) as session:
            row = calendars.find(session, books.parent(), "Year", lock=True)
            return calendars.add_holidays(session, row, country, year, zone=ZONE, now=NOW)

    assert [add("BE", 2019), add("BE", 2019), add("BE", 2020), add("BE", 2019)] == [12, 0, 12, 0]
    found = books.periods(ident)
    assert found[0] == BREAK
    assert len(found) == 25
    with pytest.raises(PeriodProblemError):
        add("XX", 2019)
    assert books.periods(ident) == found


def test_occurrences_of_all_periods_are_told_by_their_start(books):
    books.create(books.parent(), "Year", BREAK, LUNCH)
    window = Window(datetime(2026, 11, 22, 23, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
    with transaction(books.engine) as session:
        row = calendars.find(session, books.parent(), "Year")
        found = calendars.occurrences(session, row, ZONE, window, 10)
        assert calendars.occurrences(session, row, ZONE, window, 2) == found[:2]
    assert [(name, f"{each.start:%d %H}") for name, each in found] == [
        ("Break", "22 23"),
        ("Lunch", "23 11"),
        ("Lunch", "24 11"),
    ]


def test_a_person_has_the_schedules_of_all_levels_above(books):
    parents = [books.parent(), books.parent(books.maths), books.parent(books.law), books.parent(user=books.ada)]
    idents = [books.create(parent, "Year", BREAK, effect=Effect.PUBLISH) for parent in parents]
    books.create(books.parent(), "Not this one", BREAK, effect=Effect.HOLD)
    books.create(books.parent(), "Nor this one", BREAK)
    books.create(Parent(books.other), "Year", LUNCH, effect=Effect.PUBLISH)
    expected = {books.ada: [0, 1, 3], books.bob: [0, 2], books.eve: [0, 1, 2]}
    for person, places in expected.items():
        with transaction(books.engine) as session:
            found = effects(session, books.tenant, person, NOW)
        assert found.published == tuple((idents[place], NOW) for place in places)
        assert found.until.level is Level.TENANT


def test_a_hold_holds_from_the_start_of_its_period_to_the_end(books):
    lunch = datetime(2026, 11, 23, 11, tzinfo=UTC)
    books.create(books.parent(books.maths), "Year", LUNCH, effect=Effect.HOLD)
    second = timedelta(seconds=1)
    for moment, held in ((lunch - second, False), (lunch, True), (lunch + HOUR - second, True), (lunch + HOUR, False)):
        assert books.scopes(moment) == ({(books.maths, None): lunch + HOUR} if held else {})
    assert books.people(lunch) == dict.fromkeys([books.ada, books.eve], lunch + HOUR)


def test_only_the_effect_hold_holds_and_at_once(books):
    idents = [books.create(books.parent(), effect, BREAK, effect=effect) for effect in Effect]
    assert books.count(CalendarSpan) == 1
    assert set(books.people()) == {books.ada, books.bob, books.eve}
    for ident in idents:
        books.write(ident, books.periods(ident), effect=Effect.NONE)
    assert books.scopes() == {}
    books.write(idents[0], books.periods(idents[0]), effect=Effect.HOLD)
    assert set(books.scopes()) == {(None, None)}


def test_a_person_is_held_as_long_as_anything_of_theirs_holds(books):
    ends = {}
    for hours, parent in enumerate(
        [books.parent(books.maths), books.parent(books.law), books.parent(user=books.ada), Parent(books.other)], 14
    ):
        books.create(parent, "Year", Period("Day", DAY, DAY, time(8), time(hours)), effect=Effect.HOLD)
        ends[hours] = datetime(2026, 11, 23, hours - 1, tzinfo=UTC)
    expected = {books.ada: ends[16], books.bob: ends[15], books.eve: ends[15], books.stranger: ends[17]}
    assert books.people() == expected
    assert books.people(ends[15]) == {books.ada: ends[16], books.stranger: ends[17]}
    with transaction(books.engine) as session:
        assert holds.people(session, [books.bob], NOW) == {books.bob: ends[15]}
        assert holds.people(session, [], NOW) == {}


def test_periods_that_run_into_each_other_hold_to_the_end_of_the_last(books):
    morning = Period("Morning", DAY, DAY, time(8), time(12))
    books.create(books.parent(), "Year", LUNCH, morning, effect=Effect.HOLD)
    assert books.scopes() == {(None, None): datetime(2026, 11, 23, 12, tzinfo=UTC)}


def test_holds_go_on_beyond_the_horizon_when_they_are_refreshed(books):
    books.create(books.parent(), "Noon", LUNCH, effect=Effect.HOLD)
    books.create(books.parent(), "Other", LUNCH)
    zones = {books.tenant: ZONE}
    later = datetime(2026, 11, 23, 11, 30, tzinfo=UTC) + holds.HORIZON * 2
    assert books.scopes(later) == {}
    assert holds.refresh(books.engine, {books.other: ZONE}, later - HOUR) == 0
    assert holds.refresh(books.engine, zones, later - HOUR) == 1
    assert set(books.scopes(later)) == {(None, None)}
    assert books.count(CalendarSpan) == holds.HORIZON.days


def test_what_was_worked_out_today_is_not_worked_out_again(books):
    books.create(books.parent(), "Noon", LUNCH, effect=Effect.HOLD)
    zones, day = {books.tenant: ZONE}, timedelta(days=1)
    assert [holds.refresh(books.engine, zones, NOW + wait) for wait in (HOUR, day + HOUR, day + 2 * HOUR)] == [0, 1, 0]


def test_a_refresh_follows_a_tenants_new_time_zone(books):
    books.create(books.parent(), "Noon", LUNCH, effect=Effect.HOLD)
    zones = {books.tenant: ZoneInfo("America/New_York")}
    assert [holds.refresh(books.engine, zones, NOW) for _ in range(2)] == [1, 0]
    noon = datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert books.scopes(noon - timedelta(seconds=1)) == {}
    assert books.scopes(noon) == {(None, None): noon + HOUR}


def test_beat_has_the_holds_of_every_tenant_worked_out(world):
    app = register(world.installation)
    assert {each.task for each in BEAT} <= app.tasks.keys()
    [tenant_id] = world.installation.tenants
    with transaction(world.installation.engine) as session:
        row = CalendarSchedule(tenant_id=tenant_id, name="Noon", effect=Effect.HOLD)
        session.add(row)
        session.flush()
        save(session, row.id, [LUNCH])
    assert [app.tasks["holds"]() for _ in range(2)] == [{"schedules": n, "freed": 0} for n in (1, 0)]
    tomorrow = datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)
    noon = datetime.combine(max(tomorrow, DAY), time(12), ZONE).astimezone(UTC)
    with transaction(world.installation.engine) as session:
        assert [each.until for each in holds.scopes(session, noon)] == [noon + HOUR]
