"""The loop over one ledger and one queue for a test."""

import os

import psycopg
import pytest
import redis
from hypothesis import settings

from loop.boxes import opener
from loop.campus import Campus
from loop.histories import machine
from worker import modules

# How many sequences of the state machine are tried for each policy. CARILLON_LAWS names another profile than the one
# for this machine, CHAOS_SEED other sequences.
settings.register_profile("laws", max_examples=40)
settings.register_profile("laws-ci", max_examples=480)
settings.register_profile("laws-chaos", max_examples=1_500)
USUAL = "laws-ci" if os.environ.get("CI") == "true" else "laws"


@pytest.fixture(scope="session")
def sequences():
    return settings.get_profile(os.environ.get("CARILLON_LAWS", USUAL)).max_examples


@pytest.fixture(scope="session")
def first_seed():
    return int(os.environ.get("CHAOS_SEED", "1"))


@pytest.fixture
def ledgers(postgres, migrated):
    """URLs of as many ledgers as there are policies."""
    names = [f"laws_{nth}" for nth in range(3)]
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {migrated}')
    yield [postgres.replace("/postgres?", f"/{name}?") for name in names]
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def open_machine(database, redis_url, monkeypatch):
    """A state machine over calendars of a kind."""
    opened = []

    def open_one(kind, provider_settings, policy, server=None, faults=None):
        campus = Campus(database, redis.Redis.from_url(redis_url), kind, provider_settings)
        module = modules.provider(kind)
        monkeypatch.setattr(module, "connect", campus.line.connect(module.connect))
        opened.append(campus)
        return machine(campus, opener(kind, server or provider_settings), policy, faults)

    yield open_one
    for each in opened:
        each.redis.close()
        each.close()
