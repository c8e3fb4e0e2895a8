from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from worker import calendar_tables, notification_tables  # noqa: F401 - their tables belong to the same schema
from worker.database import DatabaseUnreachableError, engine, migrate
from worker.ledger import Base


def test_the_migrations_lead_to_what_the_code_expects(empty_database):
    of = engine(empty_database)
    migrate(of)
    with of.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
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
