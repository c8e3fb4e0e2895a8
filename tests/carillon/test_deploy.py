"""Workers as processes of their own: ended and killed at any moment, and given every message twice."""

import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from carillon.demo.api import eventually
from carillon.embedded import program
from carillon.parts import GRACE_SECONDS
from providers.base import Marks
from sandbox.faults import Fault
from worker.database import transaction
from worker.installation import install
from worker.ledger import Synchronization, Tenant, User
from worker.mailbox import calendar
from worker.settings import load
from worker.synchronize import synchronize
from worker.trial import trial

KINDS = ("caldav", "connectdaily", "googlecalendar", "ews", "o365")
ENDS = [signal.SIGTERM] * 3 + [signal.SIGKILL] * 2
SEED = 4


@pytest.fixture
def installation(grounds, database, redis_url):
    made = install(load(grounds.config), database, redis_url)
    made.redis.flushall()
    yield made
    for faults in (grounds.faults, grounds.dav_faults, grounds.exchange_faults):
        faults.clear()
    made.redis.flushall()
    made.close()


@pytest.fixture
def idents(installation, grounds, place):
    """Of a person with each kind of calendar."""
    people = [each.username for each in grounds.institution.people if "ROLE_STUDENT" in each.roles][-len(KINDS) :]
    with transaction(installation.engine) as session:
        tenant_id = session.query(Tenant).one().id
        made = []
        for nth, username in enumerate(people):
            user = User(tenant_id=tenant_id, username=username)
            session.add(user)
            session.flush()
            row = Synchronization(tenant_id=tenant_id, user_id=user.id, **place(KINDS[nth], username))
            session.add(row)
            session.flush()
            made.append(row.id)
    return made


@contextmanager
def worker(carillon, log):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    arguments = program("worker", "--threads", "4", "--name", "deployed")
    with log.open("ab") as file:
        process = subprocess.Popen(
            arguments, env=environment | carillon.environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def row(installation, ident):
    with transaction(installation.engine) as session:
        found = session.get_one(Synchronization, ident)
        return found, found.user.username


def twice_or_missing(installation, idents):
    """Whose calendar is not as it should be: by what stands in it, and by what a run would change."""
    wrong = []
    for ident in idents:
        found, username = row(installation, ident)
        tenant = next(iter(installation.tenants.values()))
        with calendar(tenant, found.type, username, found.fields) as provider:
            keys = [each.mark.key for each in provider.find(Marks(tenant.settings.instance))]
        plan = trial(installation, ident, datetime.now(UTC)).plan
        if len(keys) != len(set(keys)) or not plan.empty or plan.kept != len(keys):
            wrong.append((found.type, len(keys), len(set(keys)), plan.counts))
    return wrong


@pytest.mark.timeout(300)
@pytest.mark.case("faults", 16)
@pytest.mark.case("faults", 1)
@pytest.mark.case("faults", 7)
def test_workers_that_are_ended_at_any_moment_lose_nothing_and_double_nothing(
    carillon, installation, idents, grounds, tmp_path
):
    moments = random.Random(SEED)
    for faults in (grounds.faults, grounds.dav_faults, grounds.exchange_faults):
        # Slow servers, so that there is a middle of things.
        faults.add(Fault("*", "slow", 0.03))
    for nth, end in enumerate(ENDS):
        for ident in idents:
            username = row(installation, ident)[1]
            grounds.institution.add(username, f"Talk {nth}", datetime.now(UTC) + timedelta(days=2, hours=nth))
            for _ in range(2):
                installation.queue.synchronize(ident, username)
        grounds.faults.forget()
        with worker(carillon, tmp_path / "worker.log") as process:
            assert eventually(grounds.faults.seen, 60), (tmp_path / "worker.log").read_text()
            time.sleep(moments.uniform(0, 1))
            process.send_signal(end)
            process.wait(GRACE_SECONDS)
        with transaction(installation.engine) as session:
            # Two minutes after a worker was killed.
            held = session.execute(text("UPDATE leases SET expires_at = '-infinity' WHERE expires_at > now()")).rowcount
            doubtful = session.execute(
                text("SELECT count(*) FROM events WHERE state IN ('creating', 'updating', 'deleting')")
            ).scalar_one()
        if end == signal.SIGTERM:
            assert held == 0, "who is told to end gives back every mailbox"
            assert doubtful == 0, "and records what it did"
    for faults in (grounds.faults, grounds.dav_faults, grounds.exchange_faults):
        faults.clear()
    assert {synchronize(installation, ident, lambda: datetime.now(UTC)).outcome for ident in idents} == {"OK"}
    assert twice_or_missing(installation, idents) == []
