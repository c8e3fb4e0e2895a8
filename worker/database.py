"""One edge for transactions: an engine for the process, a session for a block, the schema brought to what the code
expects.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 7_201_611  # the advisory lock that keeps two starting processes from migrating at once


class DatabaseUnreachableError(Exception):
    """The message says where the database was looked for and what to do."""


def engine(url: str, *, pool: int = 5) -> Engine:
    """A pool of at most `pool` + 10 connections; a connection that the server dropped is replaced without an error."""
    return create_engine(
        _with_driver(url),
        pool_size=pool,
        max_overflow=10,
        pool_timeout=30,
        pool_pre_ping=True,
        # What a statement was given are names and addresses of people: they have no place in an error or a log.
        hide_parameters=True,
        connect_args={"connect_timeout": 5},
    )


@contextmanager
def transaction(of: Engine) -> Iterator[Session]:
    """A session whose work is committed when the block ends, and undone when it raises."""
    with Session(of, expire_on_commit=False) as session, session.begin():
        yield session


def migrate(of: Engine) -> None:
    """Bring the schema to the newest revision. Safe to call from several processes at once.

    Raises: DatabaseUnreachableError.
    """
    try:
        with of.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATING})
            try:
                connection.commit()
                command.upgrade(_alembic(connection), "head")
                connection.commit()
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATING})
                connection.commit()
    except OperationalError as error:
        place = of.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnreachableError(
            f"PostgreSQL does not answer at {place}: {reason}. Start it, or correct CARILLON_DATABASE_URL."
        ) from error


def _alembic(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url
