"""Schemas of the ledger, one after the other: what stood in each, and what a worker of it needs of the next one."""

from itertools import pairwise
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, DateTime, MetaData, Text, UniqueConstraint, cast, delete, select, update
from sqlalchemy import text as sql

from worker import database as databases

LEDGERS = Path(__file__).parents[1] / "worker" / "ledgers"
NEVER_DELETED = {"tenants"}
CASCADES = {"CASCADE", "SET NULL", "SET DEFAULT"}


def versions():
    """Every schema there was, oldest first."""
    script = ScriptDirectory(str(databases.MIGRATIONS))
    return [each.revision for each in reversed(list(script.walk_revisions()))]


def migrations():
    """Each migration as the pair of versions that it leads from and to."""
    return list(pairwise(versions()))


def bring(of, version):
    """The schema of the database, to this version."""
    with of.connect() as connection:
        command.upgrade(databases._alembic(connection), version)
        connection.commit()


def rows_of(version):
    """The statements that fill a ledger of this version. Raises: FileNotFoundError."""
    lines = (LEDGERS / f"{version}.sql").read_text().splitlines()
    parts = [rows_of(line[4:].removesuffix(".sql")) if line.startswith("\\ir ") else line for line in lines]
    return "\n".join(parts)


def fill(of, version):
    with of.begin() as connection:
        connection.exec_driver_sql(rows_of(version))


def tables(of):
    """What a process that started on this schema knows of it."""
    known = MetaData()
    known.reflect(of)
    known.remove(known.tables["alembic_version"])
    return known


def contents(of, known):
    """Every row by table, of the columns that are known."""
    with of.connect() as connection:
        return {
            table.name: [
                row._asdict()
                for row in connection.execute(select(*map(_read, table.columns)).order_by(*table.primary_key))
            ]
            for table in known.sorted_tables
        }


def _read(column):
    """A free lease ended at minus infinity, for which Python has no moment."""
    return cast(column, Text).label(column.name) if isinstance(column.type, DateTime) else column


def write_all(of, known, filled):
    """What a process may do that knows only `known`: take every row away, write them anew, and change each."""
    with of.begin() as connection:
        for table in reversed(known.sorted_tables):
            connection.execute(delete(table))
        for table in known.sorted_tables:
            connection.execute(table.insert(), filled[table.name])
            for row in filled[table.name]:
                here = [_read(column) == row[column.name] for column in table.primary_key]
                assert connection.execute(update(table).where(*here).values(row)).rowcount == 1


def copy(source, target, known):
    """The rows of one ledger into another one, as far as that one has columns for them."""
    filled = contents(source, known)
    with target.begin() as connection:
        connection.execute(sql(f"TRUNCATE {', '.join(table.name for table in known.sorted_tables)} CASCADE"))
        for table in known.sorted_tables:
            if filled[table.name]:
                connection.execute(table.insert(), filled[table.name])


def hindrances(of, known):
    """What of the present schema stops a process that knows `known`."""
    found = []
    now = tables(of)
    for name, table in known.tables.items():
        if name not in now.tables:
            found.append(f"{name}: is gone")
            continue
        found += _columns(name, table, now.tables[name])
        found += [f"{name}: {said}" for said in _rules(table, now.tables[name])]
    for name in now.tables.keys() - known.tables.keys():
        found += _hold(name, now.tables[name], known)
    return found


def _columns(name, old, new):
    for column in old.columns:
        there = new.columns.get(column.name)
        if there is None:
            yield f"{name}.{column.name}: is gone"
        elif (str(there.type), bool(there.server_default or there.identity)) != (
            str(column.type),
            bool(column.server_default or column.identity),
        ):
            yield f"{name}.{column.name}: is of another type, or has a default no more"
        elif column.nullable and not there.nullable:
            yield f"{name}.{column.name}: may be empty no more"
        elif there.nullable and not column.nullable:
            yield f"{name}.{column.name}: may be empty now"
    for column in new.columns:
        if column.name not in old.columns and not (column.nullable or column.server_default or column.identity):
            yield f"{name}.{column.name}: is new, and must be given"


def _rules(old, new):
    if list(old.primary_key.columns.keys()) != list(new.primary_key.columns.keys()):
        yield "has another primary key"
    if _unique(old) != _unique(new):
        yield "has other unique columns"
    if {_reference(each) for each in new.foreign_keys} - {_reference(each) for each in old.foreign_keys}:
        yield "leads to another table"
    if _checks(new) - _checks(old):
        yield "checks its rows in another way"


def _unique(table):
    constraints = {frozenset(each.columns.keys()) for each in table.constraints if isinstance(each, UniqueConstraint)}
    return constraints | {frozenset(each.columns.keys()) for each in table.indexes if each.unique}


def _checks(table):
    return {str(each.sqltext) for each in table.constraints if isinstance(each, CheckConstraint)}


def _reference(key):
    return key.parent.name, key.target_fullname, key.ondelete


def _hold(name, table, known):
    for key in table.foreign_keys:
        deleted = key.column.table.name in {*known.tables} - NEVER_DELETED
        if deleted and key.ondelete not in CASCADES:
            yield f"{name}: holds rows of {key.column.table.name} that may be deleted"
