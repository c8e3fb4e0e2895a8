"""The API over real HTTP on loopback, before real servers; two tenants, whose calendars are in memory."""

import json
import logging
import queue
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from logging.handlers import QueueHandler
from typing import Any

import psycopg
import pytest
import requests
import uvicorn
from sqlalchemy import text

from provisioning import tokens
from provisioning.app import application
from worker import ledger
from worker.database import transaction
from worker.installation import Installation, install
from worker.settings import load

SETTINGS = """
[api]
wrong_tokens_per_minute = 100000

[tenants.example]
name = "Example University"
time_zone = "Europe/Amsterdam"
instance = "example"

[tenants.example.timetable]
source = "mytimetable"
urls = ["https://timetable.example.org/api/v0/"]
token = "secret"

[tenants.example.providers.memory]

[tenants.example.providers.caldav]
url = "https://dav.example.org/{mailbox}/timetable/"
password = "secret"

[tenants.example.groups.students]
roles = ["ROLE_STUDENT"]

[tenants.example.groups."Science/Arts"]
attributes = { faculty = ["Science", "Arts"] }

[tenants.other]
name = "Other University"
time_zone = "Europe/Paris"
instance = "other"

[tenants.other.timetable]
source = "mytimetable"
urls = ["https://timetable.example.net/api/v0/"]
token = "secret"

[tenants.other.providers.memory]

[tenants.foo]
name = "The tenant of the calendar schedules API's examples"
time_zone = "Europe/Brussels"
instance = "foo"

[tenants.foo.timetable]
source = "mytimetable"
urls = ["https://timetable.example.net/api/v0/"]
token = "secret"

[tenants.foo.providers.memory]
"""
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


@dataclass
class Clock:
    """What the API takes for now."""

    now: datetime = NOW

    def __call__(self):
        return self.now


@contextmanager
def listening(app):
    """The base address of `app`, served until the block ends."""
    # asyncio sends small packets at once only where it reads that this is TCP, which create_server() does not say.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Api:
    """A caller with a token of the first tenant; `headers` go with every call."""

    url: str
    installation: Installation
    clock: Clock
    headers: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        """`path` goes onto the wire as it is."""
        base = "" if path.startswith(("/health", "/metrics", "/docs", "/openapi", "/api/v1")) else "/api/v0"
        headers = {**self.headers, **given.pop("headers", {})}
        return self.session.request(method, f"{self.url}{base}{path}", headers=headers, timeout=30, **given)

    def get(self, path, **given):
        return self.call("GET", path, **given)

    def put(self, path, **given):
        return self.call("PUT", path, **given)

    def post(self, path, **given):
        return self.call("POST", path, **given)

    def patch(self, path, **given):
        return self.call("PATCH", path, **given)

    def delete(self, path, **given):
        return self.call("DELETE", path, **given)

    def synchronize(self, username, kind="memory", **fields):
        """The item of a synchronization of `username`, who is made where needed."""
        self.put(f"/users/{username}")
        answer = self.put("/synchronizations", data={"username": username, "type": kind, **fields})
        return answer.json()["synchronization"]

    def tenant(self, key="example"):
        return next(ident for ident, tenant in self.installation.tenants.items() if tenant.key == key)

    def token(self, key="example", roles=tokens.ROLES, **given):
        with transaction(self.installation.engine) as session:
            return tokens.create(session, self.tenant(key), "a test", roles, **given)

    def acting(self, username):
        """The same API for a caller who acts for one person."""
        headers = {"apiToken": self.token(elevated=True), "requestedAuth": username}
        return Api(self.url, self.installation, self.clock, headers, self.session)

    def with_token(self, **given):
        """The same API for a caller with another token."""
        return Api(self.url, self.installation, self.clock, {"apiToken": self.token(**given)}, self.session)

    def sql(self, statement, **values):
        """The rows of a statement that has any."""
        with transaction(self.installation.engine) as session:
            found = session.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def messages(self, queue="now"):
        """What was sent to the workers, oldest first: task, its arguments, what Flower shows."""
        waiting = self.installation.redis.lrange(queue, 0, -1)
        sent = [json.loads(each)["headers"] for each in reversed(waiting)]
        return [(each["task"], each["argsrepr"]) for each in sent]

    def calendar(self):
        """The calendars of the first tenant's memory provider."""
        return self.installation.tenants[self.tenant()].providers["memory"].store

    def unlinks(self):
        return self.get("/unlinks").json()["unlinks"]


def refused(answer, status, *words):
    """Whether this is an error of ours: the shape, the type, and a sentence with these words."""
    body = answer.json()
    assert answer.status_code == status, body
    assert answer.headers["content-type"] == "application/json"
    assert body.keys() == {"errorType", "errorMessage", "status"}
    assert body["status"] == "error"
    assert body["errorType"].replace("_", "").isalpha()
    assert body["errorType"].islower()
    for word in words:
        assert word in body["errorMessage"]


@pytest.fixture(name="refused", scope="session")
def _refused():
    return refused


@pytest.fixture(scope="session")
def installed(postgres, redis_url, tmp_path_factory):
    """An installation with a database of its own, for all tests of this folder."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE provisioning")
    file = tmp_path_factory.mktemp("settings") / "carillon.toml"
    file.write_text(SETTINGS)
    installation = install(load(file), postgres.replace("/postgres?", "/provisioning?"), redis_url, pool=15)
    yield installation
    installation.close()


@pytest.fixture(scope="session")
def served(installed):
    clock = Clock()
    with listening(application(installed, clock)) as url:
        yield url, clock


@pytest.fixture
def api(served, installed):
    """The API with nobody in it."""
    url, clock = served
    clock.now = NOW
    installed.redis.flushall()
    tables = ", ".join(name for name in ledger.Base.metadata.tables if name != "tenants")
    made = Api(url, installed, clock)
    made.sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    store = made.calendar()
    store.mailboxes.clear()
    store.faults.clear()
    made.headers["apiToken"] = made.token()
    with made.session:
        yield made


@pytest.fixture(name="listening", scope="session")
def _listening():
    return listening


@pytest.fixture
def logged():
    """Waits for so many lines of the API's log, and returns the records."""
    lines = queue.SimpleQueue()
    handler = QueueHandler(lines)
    logger = logging.getLogger("carillon.api")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda number: [lines.get(timeout=10) for _ in range(number)]
    logger.removeHandler(handler)


@pytest.fixture
def soon():
    """Whether epoch milliseconds are within half a minute from now by the database's clock, as what runs at once is."""

    def within(milliseconds):
        due = datetime.fromtimestamp(milliseconds / 1000, UTC)
        return timedelta() < due - datetime.now(UTC) <= timedelta(seconds=31)

    return within
