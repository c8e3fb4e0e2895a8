"""PostgreSQL's clock in the hands of a test: it runs as ever, but from where it was set to."""

from datetime import UTC, datetime

from sqlalchemy import text

CONNECT = {"options": "-csearch_path=clock,pg_catalog,public"}
"""With these arguments a connection finds our clock before PostgreSQL's own."""
_MADE = """
    CREATE SCHEMA clock;
    CREATE TABLE clock.hands (ahead interval);
    INSERT INTO clock.hands VALUES ('0');
    CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE
        AS 'SELECT pg_catalog.now() + ahead FROM clock.hands';
    CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM clock.hands';
    ALTER TABLE synchronizations ALTER due_at SET DEFAULT clock.now();
    ALTER TABLE unlinks ALTER due_at SET DEFAULT clock.now();
"""


def make(engine):
    """Give the database a clock of its own."""
    with engine.begin() as connection:
        connection.execute(text(_MADE))


def put(engine, now):
    """Set it."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE clock.hands SET ahead = :ahead"), {"ahead": now - datetime.now(UTC)})
