"""The whole of a run over HTTP: a timetable API that a test speaks for, and each kind of calendar server in turn."""

from contextlib import ExitStack
from types import SimpleNamespace

import psycopg
import pytest

from mailboxes import servers
from mailboxes.base import Wire
from providers import memory
from sandbox.faults import Faults
from term import term as opened_term
from worker.ledger import Base

KINDS = ("caldav", "connectdaily", "googlecalendar", "ews", "o365")


@pytest.fixture(scope="session")
def server_of(tmp_path_factory):
    """The server of a kind, started when it is first asked for; `memory` stands for a new one each time."""
    with ExitStack() as stack:
        running = {}

        def server(kind):
            if kind == "memory":
                return SimpleNamespace(settings=memory.Settings(), wire=Wire("", Faults()))
            if kind not in running:
                running[kind] = stack.enter_context(servers.of_kind(kind, tmp_path_factory.mktemp(kind)))
            return running[kind]

        yield server


@pytest.fixture(scope="session")
def _shared(postgres, migrated):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "wire" TEMPLATE {migrated}')
    return postgres.replace("/postgres?", "/wire?")


@pytest.fixture
def ledger(_shared):
    """The URL of a database that the tests of this folder share, with nobody in it: to empty one is quicker than to
    make one. A test that spoils it takes one of its own.
    """
    tables = ", ".join(name for name in Base.metadata.tables if name != "tenants")
    with psycopg.connect(_shared, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return _shared


@pytest.fixture
def open_term(server_of, ledger, redis_url):
    """A term at servers of a kind; its time zone, policy, the provider's settings and the stores can be others."""
    with ExitStack() as stack:

        def open_one(kind, stores=(ledger, redis_url), **other):
            return stack.enter_context(opened_term(kind, server_of(kind), stores, **other))

        yield open_one


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def term(open_term, kind):
    """Of each kind in turn."""
    return open_term(kind)
