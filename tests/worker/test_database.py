from concurrent.futures import ThreadPoolExecutor
from traceback import format_exception

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from worker import calendar_tables, notification_tables  # noqa: F401 - their tables belong to the same schema
from worker.database import DatabaseUnreachableError, engine, migrate
from worker.ledger import Base


def test_the_migrations_lead_to_what_the_code_expects(empty_database):
    of = engine(empty_database)
    migrate(of)
    with of.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    of.dispose()


def test_an_error_names_the_constraint_and_nobody(empty_database):
    of = engine(empty_database)
    with of.begin() as connection:
        connection.execute(text("CREATE TABLE people (name text UNIQUE, age int NOT NULL)"))
        connection.execute(text("INSERT INTO people VALUES ('alice@example.org', 1)"))
    for name, age in (("alice@example.org", 2), ("bob@example.org", None)):
        with pytest.raises(IntegrityError) as caught, of.begin() as connection:
            connection.execute(text("INSERT INTO people VALUES (:name, :age)"), {"name": name, "age": age})
        told = "".join(format_exception(caught.value))
        assert "example.org" not in told
        assert "constraint" in told
    of.dispose()


def test_processes_that_start_at_once_migrate_once(empty_database):
    engines = [engine(empty_database) for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(migrate, engines))
    for of in engines:
        of.dispose()


def test_an_unreachable_database_is_named_with_what_to_do():
    of = engine("postgresql://nobody:secret@127.0.0.1:9/none")
    with pytest.raises(DatabaseUnreachableError, match=r"127\.0\.0\.1:9.*CARILLON_DATABASE_URL") as caught:
        migrate(of)
    assert "secret" not in str(caught.value)
