"""Each migration, met by a ledger of the version before it with rows in it, and by a worker of that version."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy import text

import upgrades
from schedules.plan import State
from schedules.retry import Status
from worker import database
from worker.installation import install
from worker.ledger import UnlinkMode

MIGRATIONS = [pytest.param(*each, id=" to ".join(each)) for each in upgrades.migrations()]
BEFORE = [before for before, _ in upgrades.migrations()]
STATES = {
    ("events", "state"): set(get_args(State)),
    ("synchronizations", "status"): set(get_args(Status)) - {"UNLINKING"},  # is shown, and never kept
    ("unlinks", "mode"): set(UnlinkMode),
    ("unlinks", "state"): {"PENDING", "RUNNING", "RETRYING", "DONE"},
}


@pytest.fixture
def engine(empty_database):
    made = database.engine(empty_database)
    yield made
    made.dispose()


@pytest.fixture
def at(engine):
    """A ledger of a version, with its rows; and what a worker of that version knows of it."""

    def bring(version):
        upgrades.bring(engine, version)
        upgrades.fill(engine, version)
        return upgrades.tables(engine)

    return bring


@pytest.mark.parametrize("before", BEFORE)
def test_the_ledger_before_a_migration_holds_something_of_everything(engine, at, before):
    """Whoever adds a migration writes down a ledger of the version before it, in tests/worker/ledgers."""
    known = at(before)
    filled = upgrades.contents(engine, known)
    for name, table in known.tables.items():
        for column in table.columns:
            values = [row[column.name] for row in filled[name]]
            assert any(value is not None for value in values), f"{name}.{column.name} is always empty"
            assert not column.nullable or None in values, f"{name}.{column.name} is never empty"


def test_the_newest_of_these_ledgers_knows_every_state(engine, at):
    """They are texts: while two versions are at work, the older one meets those that only the newer one writes."""
    before, _ = upgrades.migrations()[-1]
    filled = upgrades.contents(engine, at(before))
    for (table, column), states in STATES.items():
        assert {row[column] for row in filled[table]} == states


@pytest.mark.parametrize(("before", "after"), MIGRATIONS)
def test_a_migration_leaves_every_row_as_it_was(engine, at, before, after):
    known = at(before)
    filled = upgrades.contents(engine, known)
    upgrades.bring(engine, after)
    assert upgrades.contents(engine, known) == filled
    database.migrate(engine)
    assert upgrades.contents(engine, known) == filled


@pytest.mark.parametrize(("before", "after"), MIGRATIONS)
def test_a_worker_of_the_version_before_can_go_on(engine, at, before, after):
    known = at(before)
    filled = upgrades.contents(engine, known)
    upgrades.bring(engine, after)
    assert upgrades.hindrances(engine, known) == []
    upgrades.write_all(engine, known, filled)
    assert upgrades.contents(engine, known) == filled


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE synchronizations DROP COLUMN validator", "synchronizations.validator: is gone"),
        ("ALTER TABLE events RENAME COLUMN merge TO merged", "events.merge: is gone"),
        ("ALTER TABLE leases RENAME TO locks", "leases: is gone"),
        ("ALTER TABLE events ADD COLUMN colour text NOT NULL", "events.colour: is new, and must be given"),
        ("ALTER TABLE events ALTER COLUMN version SET NOT NULL", "events.version: may be empty no more"),
        ("ALTER TABLE events ALTER COLUMN fingerprint DROP NOT NULL", "events.fingerprint: may be empty now"),
        ("ALTER TABLE events ALTER COLUMN generation TYPE text", "events.generation: is of another type"),
        ("ALTER TABLE synchronizations ALTER COLUMN status DROP DEFAULT", "synchronizations.status: is of another"),
        ("CREATE UNIQUE INDEX ON synchronizations (mailbox)", "synchronizations: has other unique columns"),
        ("ALTER TABLE users DROP CONSTRAINT users_tenant_id_username_key", "users: has other unique columns"),
        ("ALTER TABLE leases DROP CONSTRAINT leases_pkey", "leases: has another primary key"),
        ("ALTER TABLE unlinks ADD FOREIGN KEY (synchronization_id) REFERENCES users", "unlinks: leads to another"),
        ("ALTER TABLE runs ADD CHECK (kept >= 0)", "runs: checks its rows"),
        (
            "CREATE TABLE notes (id int PRIMARY KEY, user_id bigint REFERENCES users)",
            "notes: holds rows of users that may be deleted",
        ),
    ],
)
def test_what_would_stop_a_worker_of_the_version_before_is_found(engine, change, found):
    database.migrate(engine)
    known = upgrades.tables(engine)
    assert upgrades.hindrances(engine, known) == []
    with engine.begin() as connection:
        connection.execute(text(change))
    [said, *_] = upgrades.hindrances(engine, known)
    assert said.startswith(found)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE events ADD COLUMN colour text",
        "ALTER TABLE events ADD COLUMN colour text NOT NULL DEFAULT 'red'",
        "CREATE TABLE notes (id int PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE)",
        "CREATE INDEX ON events (starts_at)",
    ],
)
def test_what_would_not_is_let_pass(engine, change):
    database.migrate(engine)
    known = upgrades.tables(engine)
    with engine.begin() as connection:
        connection.execute(text(change))
    assert upgrades.hindrances(engine, known) == []


@pytest.fixture
def upgraded(world, engine, empty_database, redis_url):
    """The world, whose ledger is written down in an older version and brought to the newest one."""
    opened = []

    def upgrade(before):
        upgrades.bring(engine, before)
        upgrades.copy(world.installation.engine, engine, upgrades.tables(engine))
        opened.append(install(world.installation.settings, empty_database, redis_url))
        world.store.calls.clear()
        return replace(world, installation=opened[-1])

    yield upgrade
    for each in opened:
        each.close()


@pytest.mark.parametrize("before", BEFORE)
def test_the_ledger_means_the_same_in_a_newer_version(world, upgraded, before):
    idents = [world.link(username) for username in world.people[:4]]
    assert [world.run(ident).outcome for ident in idents] == ["OK"] * 4
    held, paused, *others = idents
    _empty(world, world.people[0])
    assert world.run(held).outcome == "HELD"
    since = world.row(held).held_since
    world.set(paused, enabled=False, status="DISABLED")
    calendars = {username: world.ours(username) for username in world.people[:4]}

    world = upgraded(before)
    reports = [world.run(ident) for ident in others]
    assert [(each.outcome, each.created, each.updated, each.deleted) for each in reports] == [("OK", 0, 0, 0)] * 2
    assert [each.kept for each in reports] == [len(world.ours(username)) for username in world.people[2:4]]
    assert world.run(paused).outcome == "GONE"
    assert world.run(held).outcome == "HELD"
    assert world.row(held).held_since == since
    assert world.store.calls == []
    assert {username: world.ours(username) for username in world.people[:4]} == calendars


def _empty(world, username):
    wishes = world.institution.wishes(username)
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled=False)
    world.now += timedelta(minutes=15)
