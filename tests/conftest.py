"""Real servers for every test: PostgreSQL and Redis out of pip packages, started once."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from carillon import embedded
from worker import database as databases

# A busy machine is slow for a moment, and that is no finding. With CI=true Hypothesis has a profile of its own.
settings.register_profile("unhurried", deadline=None)
if "CI" not in os.environ:
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder of its own: as root, PostgreSQL opens every parent of its data for reading."""
    with tempfile.TemporaryDirectory(prefix="carillon-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[str]:
    with embedded.postgres(scratch / "postgres") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            # The tests kill processes, not the machine.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def redis_url(scratch: Path) -> Iterator[str]:
    url = embedded.start_redis(scratch / "redis")
    yield url
    embedded.end_redis(url)


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def migrated(postgres: str) -> str:
    """The name of a database with the whole schema and no rows, to be copied."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    engine = databases.engine(_named(postgres, "migrated"))
    databases.migrate(engine)
    engine.dispose()
    return "migrated"


@pytest.fixture
def database(postgres: str, migrated: str) -> Iterator[str]:
    """The URL of a database of this test's own, with the whole schema and no rows."""
    with _made(postgres, f"TEMPLATE {migrated}") as url:
        yield url


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """The URL of a database of this test's own, without a schema."""
    with _made(postgres, "") as url:
        yield url


@contextmanager
def _made(postgres: str, how: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {how}')
    yield _named(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _named(postgres: str, name: str) -> str:
    return postgres.replace("/postgres?", f"/{name}?")
