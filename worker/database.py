"""One edge for transactions: an engine for the process, a session for a block, the schema brought to what the code
expects.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 7_201_611  # the advisory lock that keeps two starting processes from migrating at once


class DatabaseUnreachableError(Exception):
    """The message says where the database was looked for and what to do."""


def engine(url: str, *, pool: int = 5) -> Engine:
    """A pool of at most `pool` + 10 connections; a connection that the server dropped is replaced without an error.

    Raises: DatabaseUnreachableError, for an address that is none.
    """
    try:
        return _engine(_with_driver(url), pool)
    except (ArgumentError, ImportError, ValueError) as error:
        raise DatabaseUnreachableError(
            "CARILLON_DATABASE_URL is no address of a PostgreSQL; expected postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from error


def _engine(url: str, pool: int) -> Engine:
    if not url.startswith("postgresql"):
        raise ValueError("another kind of database")
    made = create_engine(
        url,
        pool_size=pool,
        max_overflow=10,
        pool_timeout=30,
        pool_pre_ping=True,
        # What a statement was given are names and addresses of people: they have no place in an error or a log.
        hide_parameters=True,
        connect_args={"connect_timeout": 5},
    )
    event.listen(made, "handle_error", _without_detail)
    return made


def _without_detail(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL repeats what stands in a row: nor has that a place there."""
    error = context.original_exception
    if isinstance(error, psycopg.Error) and error.diag.message_detail:
        error.args = (error.diag.message_primary,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = error.args


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
        _upgrade(of)
    except OperationalError as error:
        # The query may hold one too.
        place = of.url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
        raise DatabaseUnreachableError(
            f"PostgreSQL does not answer at {place}: {_reason(error)}. Start it, or correct CARILLON_DATABASE_URL."
        ) from error
    except ProgrammingError as error:
        raise DatabaseUnreachableError(
            f"PostgreSQL refused to change the schema: {_reason(error)}. Make the role the owner of the database."
        ) from error
    except CommandError as error:
        raise DatabaseUnreachableError(
            "The database's schema is newer than this Carillon: start the newer version, or restore a back-up."
        ) from error


def _upgrade(of: Engine) -> None:
    lock = {"lock": _MIGRATING}
    with of.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), lock)
        connection.commit()
        try:
            command.upgrade(_alembic(connection), "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)
            connection.commit()


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _alembic(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _with_driver(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url
