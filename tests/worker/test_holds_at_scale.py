"""Who holds now, where there are many: 60,000 people in 1,000 groups, each with a schedule of 50 recurring periods."""

import re
import statistics
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import event, func, insert, select, text

from providers.base import Window
from schedules.period_fields import shown
from schedules.periods import Period, spans
from schedules.recurrence import Frequency, Recurrence
from worker import deferring, holds
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarPeriod, CalendarSchedule, CalendarSpan
from worker.database import engine, transaction
from worker.effects import _CONCERNING, effects
from worker.ledger import Tenant, User

GROUPS, PERIODS, PEOPLE = 1_000, 50, 60_000
MOST_SECONDS = 0.05
TIMES = 9
ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
RULES = (
    Recurrence(Frequency.DAILY),
    Recurrence(Frequency.WEEKLY, weekdays=(0, 2, 4)),
    Recurrence(Frequency.WEEKLY, 2, weekdays=(1,), until=date(2030, 1, 1)),
    Recurrence(Frequency.DAILY, 3, count=999),
    Recurrence(Frequency.MONTHLY, weekdays=(0,), week=-1),
)
FILL = (
    "INSERT INTO users (tenant_id, username) SELECT :tenant, 'user ' || n FROM generate_series(1, :people) n",
    "INSERT INTO groups (tenant_id, name) SELECT :tenant, 'group ' || n FROM generate_series(1, :groups) n",
    "INSERT INTO memberships SELECT g.id, u.id, 'rule' FROM users u JOIN groups g ON g.id % :groups = u.id % :groups",
    """INSERT INTO calendar_schedules (tenant_id, group_id, name, effect)
        SELECT tenant_id, id, 'Quiet', 'hold' FROM groups""",
)
COPY = (
    """INSERT INTO calendar_periods SELECT s.id, p.name, p.place, p.words
        FROM calendar_schedules s, calendar_periods p WHERE s.id <> :one AND p.schedule_id = :one""",
    """INSERT INTO calendar_spans SELECT s.id, p.starts_at, p.ends_at
        FROM calendar_schedules s, calendar_spans p WHERE s.id <> :one AND p.schedule_id = :one""",
)


def periods():
    """Every hour of the day begins two of them, ten minutes each, by all kinds of rules."""
    for number in range(PERIODS):
        begin = time(number % 24, number // 24 * 20)
        first = date(2024, 1, 1) + timedelta(days=number)
        yield Period(
            f"Period {number}", first, first, begin, begin.replace(minute=begin.minute + 10), RULES[number % 5]
        )


@pytest.fixture(scope="module")
def university(postgres, migrated):
    """Its ledger. One schedule is worked out, and as all are alike, its spans are those of the others too."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "at_scale" TEMPLATE {migrated}')
    of = engine(postgres.replace("/postgres?", "/at_scale?"))
    with transaction(of) as session:
        tenant = session.scalar(insert(Tenant).values(key="uni").returning(Tenant.id))
        for statement in FILL:
            session.execute(text(statement), {"tenant": tenant, "groups": GROUPS, "people": PEOPLE})
        one = session.scalar(text("SELECT min(id) FROM calendar_schedules"))
        rows = [{"schedule_id": one, "name": each.name, "place": 0, "words": shown(each)} for each in periods()]
        session.execute(insert(CalendarPeriod), rows)
        schedule = session.get_one(CalendarSchedule, one)
        holds.work_out(session, schedule, periods_of(session, one), ZONE, NOW)
        for statement in COPY:
            session.execute(text(statement), {"one": one})
    with of.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    yield of
    of.dispose()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute('DROP DATABASE "at_scale" WITH (FORCE)')


def measured(of, ask):
    """The median of the seconds that `ask` takes, what it found, and how many queries that took."""
    asked, seconds = [], []
    event.listen(of, "before_cursor_execute", lambda *told: asked.append(told[2]))
    for _ in range(TIMES):
        with transaction(of) as session:
            begun = perf_counter()
            found = ask(session)
            seconds.append(perf_counter() - begun)
    return statistics.median(seconds), found, len(asked) / TIMES


def test_which_groups_hold_now_is_one_query_of_less_than_50_milliseconds(university):
    with transaction(university) as session:
        counted = [session.scalar(select(func.count()).select_from(each)) for each in (CalendarPeriod, CalendarSpan)]
    assert counted == [GROUPS * PERIODS, GROUPS * len(spans(list(periods()), ZONE, Window(NOW, NOW + holds.HORIZON)))]
    seconds, found, queries = measured(university, lambda session: holds.scopes(session, NOW))
    assert {each.until for each in found} == {datetime(2026, 11, 23, 9, 10, tzinfo=UTC)}
    assert len({each.group_id for each in found}) == GROUPS
    assert queries == 1
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize("number", [1, 500])
def test_who_of_some_people_is_held_is_one_query_of_less_than_50_milliseconds(university, number):
    with transaction(university) as session:
        some = session.scalars(select(User.id).order_by(func.md5(User.username)).limit(number)).all()
    seconds, found, queries = measured(university, lambda session: holds.people(session, some, NOW))
    assert found == dict.fromkeys(some, datetime(2026, 11, 23, 9, 10, tzinfo=UTC))
    assert queries == 1
    assert seconds < MOST_SECONDS


@pytest.fixture
def on_leave(university):
    """Its people, each of whom has a schedule of their own; one of them."""
    own = """INSERT INTO calendar_schedules (tenant_id, user_id, name, effect)
        SELECT tenant_id, id, 'Leave', 'hold' FROM users"""
    with transaction(university) as session:
        session.execute(text(own))
        session.execute(text("ANALYZE calendar_schedules"))
        one = session.scalar(select(func.max(User.id)))
    yield one
    with university.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("DELETE FROM calendar_schedules WHERE user_id IS NOT NULL"))
        alone.execute(text("VACUUM ANALYZE calendar_schedules"))


def test_what_a_run_asks_of_one_person_s_schedules_does_not_grow_with_those_of_others(university, on_leave):
    with transaction(university) as session:
        tenant = session.scalar(select(Tenant.id))
    _, found, queries = measured(university, lambda session: effects(session, tenant, on_leave, NOW))
    assert (found.until.end, queries) == (datetime(2026, 11, 23, 9, 10, tzinfo=UTC), 1)
    given = {"tenant": tenant, "person": on_leave, "now": NOW}
    with transaction(university) as session:
        told = "\n".join(session.scalars(text(f"EXPLAIN ANALYZE {_CONCERNING}").bindparams(**given)))
    # It was sixty thousand, and nine milliseconds of each run.
    assert sum(map(int, re.findall(r"Rows Removed by \w+: (\d+)", told))) < 10, told


@pytest.fixture
def linked(university):
    """Its tenant, every person of which has a calendar that is not due today."""
    row = text("""INSERT INTO synchronizations (tenant_id, user_id, type, mailbox, fields, due_at)
        SELECT tenant_id, id, 'memory', username, '{}', now() + interval '1 day' FROM users""")
    with transaction(university) as session:
        session.execute(row)
        session.execute(text("ANALYZE synchronizations"))
        tenant = session.scalar(select(Tenant.id))
    yield tenant
    with transaction(university) as session:
        session.execute(text("DELETE FROM synchronizations"))


def test_a_sweep_that_finds_nobody_due_among_all_the_held_costs_two_queries_of_less_than_50_milliseconds(
    university, linked
):
    seconds, deferred, queries = measured(university, lambda session: deferring.defer(session, {linked: ZONE}, NOW))
    assert (deferred, queries) == (0, 2)
    assert seconds < MOST_SECONDS


def test_who_of_all_the_held_is_due_is_deferred_and_nobody_else(university, linked):
    with transaction(university) as session:
        due = session.execute(text("UPDATE synchronizations SET due_at = now() WHERE user_id % 10 = 0")).rowcount
        assert deferring.defer(session, {linked: ZONE}, NOW) == due == PEOPLE // 10
        counted = "SELECT count(*) FROM synchronizations WHERE status = 'HELD' AND user_id % 10 = 0"
        assert session.scalar(text(counted)) == due
        assert deferring.defer(session, {linked: ZONE}, NOW) == 0


def test_a_change_for_all_of_them_makes_them_due_in_less_than_two_seconds_and_twice_changes_nothing(university, linked):
    due = text("SELECT max(due_at) - now() FROM synchronizations")
    begun = perf_counter()
    with transaction(university) as session:
        deferring.wake(session, linked, None, None)
        seconds = perf_counter() - begun
        assert session.scalar(due) == timedelta(seconds=(PEOPLE - 1) / deferring.PACE)
    assert seconds < 2
    before = _due(university)
    with transaction(university) as session:
        deferring.wake(session, linked, None, None)
    assert _due(university) == before


def _due(of):
    with transaction(of) as session:
        return session.execute(
            text("SELECT min(due_at), max(due_at), sum(hashtext(due_at::text)) FROM synchronizations")
        ).one()
