"""The whole way over HTTP: the API, a browser, both identity providers, and calendars that are then written to."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests
from sqlalchemy import select, text

from mailboxes import servers
from provisioning import tokens
from provisioning.app import application
from sandbox.app import application as university
from sandbox.certificates import Authority
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve
from worker import database as databases
from worker.installation import Installation, install
from worker.ledger import Base, Synchronization, User
from worker.link_tables import LinkedAccount, LinkRequest
from worker.links import tidy
from worker.secret_keys import VARIABLE, new_key
from worker.settings import load
from worker.synchronize import synchronize

NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)
KINDS = ("googlecalendar", "o365")
PORTAL = "https://portal.example.org/calendar?tab=links"
SCOPES = {
    "googlecalendar": ["https://www.googleapis.com/auth/calendar.events"],
    "o365": ["https://graph.microsoft.com/Calendars.ReadWrite"],
}

SETTINGS = """
[api]
public_url = "{api}"

[tenants.uni]
name = "University"
time_zone = "Europe/Amsterdam"
instance = "carillon-test"
window = {{ past = "14d", future = "30d" }}
link_return_urls = ["{portal}"]

[tenants.uni.timetable]
source = "mytimetable"
urls = ["{university}/api/v0/"]
token = "sandbox-elevated"

[tenants.uni.providers.memory]

[tenants.uni.providers.googlecalendar]
access = "delegated"
client_id = "{google_id}"
client_secret = "{google_secret}"
sign_in_url = "{google}/"
token_url = "{google}/"
root_url = "{google}/"
timeout = 5
requests_per_minute = 0
requests_per_minute_per_mailbox = 0

[tenants.uni.providers.o365]
access = "delegated"
directory = "{directory}"
client_id = "{microsoft_id}"
client_secret = "{microsoft_secret}"
root_url = "{microsoft}/"
authority = "{microsoft}/"
ca_file = "{ca_file}"
timeout = 5
requests_per_minute_per_mailbox = 0
"""


class Browser:
    """A person's, with its cookies. It goes nowhere by itself."""

    def __init__(self, ca_file: str) -> None:
        self.session = requests.Session()
        # Said with each request, for REQUESTS_CA_BUNDLE would win over what a session says.
        self.given = {"verify": ca_file, "allow_redirects": False, "timeout": 20}

    def get(self, url: str) -> requests.Response:
        return self.session.get(url, **self.given)

    def post(self, url: str, form: dict[str, Any]) -> requests.Response:
        return self.session.post(url, data=form, **self.given)


@dataclass
class Way:
    """One kind of account of one person, and what a test does on the way to consent. `now` is the API's clock."""

    kind: str
    house: Any
    account: str
    ident: int
    browser: Browser
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, ident: int | None = None, **given: Any) -> requests.Response:
        url = f"{self.house.api}/api/v0/synchronizations/{ident or self.ident}/link"
        return requests.post(url, headers=self.headers, timeout=20, **given)

    def address(self, **given: Any) -> str:
        answer = self.ask(**given)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["link"]["url"])

    def open(self, address: str | None = None, **given: Any) -> str:
        """Where the identity provider asks the person."""
        answer = self.browser.get(address or self.address(**given))
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def say(self, question: str, answer: str = "accept", account: str | None = None, scopes: Any = None) -> str:
        """Where the identity provider sends the browser back to."""
        said = {
            "account": account or self.account,
            "answer": answer,
            "scope": SCOPES[self.kind] if scopes is None else scopes,
        }
        sent = self.browser.post(question, said)
        assert sent.status_code == 302, sent.text
        return str(sent.headers["location"])

    def link(self, **given: Any) -> requests.Response:
        """All of it; what the browser is answered at the end."""
        return self.browser.get(self.say(self.open(**given)))

    def run(self) -> Any:
        return synchronize(self.house.installation, self.ident, lambda: NOW, by_hand=True)

    def resync(self) -> Any:
        """A run that has to ask the calendar's server something."""
        with databases.transaction(self.house.installation.engine) as session:
            session.get_one(Synchronization, self.ident).resync_asked_at = datetime.now(UTC)
        return self.run()

    def row(self) -> Synchronization:
        return self.house.one(Synchronization, Synchronization.id == self.ident)

    def linked(self) -> LinkedAccount | None:
        return self.house.one(LinkedAccount, LinkedAccount.type == self.kind, LinkedAccount.account == self.account)

    def refresh_token(self) -> str:
        row = self.linked()
        assert row is not None
        return str(self.house.installation.keys.open(row.refresh_token))

    def events(self) -> int:
        """How many stand in the person's calendar."""
        if self.kind == "googlecalendar":
            return len(self.house.google.google.mailbox(self.account))
        return len(self.house.graph.exchange.own(self.account).items())

    @property
    def tokens(self) -> Any:
        return self.house.google.google.tokens if self.kind == "googlecalendar" else self.house.graph.graph.tokens

    @property
    def consents(self) -> Any:
        return self.tokens.consents

    @property
    def wire(self) -> Any:
        return (self.house.google if self.kind == "googlecalendar" else self.house.graph).wire

    def withdraw(self) -> None:
        """The person takes their consent back, at the identity provider."""
        (self.consents if self.kind == "googlecalendar" else self.tokens).withdraw(self.account)

    def forget_access_tokens(self) -> None:
        self.house.purse._coins.clear()


@pytest.fixture(scope="session")
def far_side(tmp_path_factory):
    """Both identity providers with their calendars, and a university, for all tests of this folder."""
    with ExitStack() as stack:
        authority = Authority(tmp_path_factory.mktemp("authority"))
        institution, faults = Institution(now=NOW), Faults()
        yield SimpleNamespace(
            google=stack.enter_context(servers.google(servers.service_key(), servers.service_key())),
            graph=stack.enter_context(servers.graph(authority)),
            university=stack.enter_context(serve(university(institution, faults))),
            people=[
                each.username for each in institution.people if "ROLE_STUDENT" in each.roles and "@" in each.username
            ],
            ca_file=str(authority.ca_file),
        )


@pytest.fixture(scope="session")
def key():
    """Of the environment, and so of every installation that is opened here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, new_key())
        yield os.environ[VARIABLE]


@pytest.fixture(scope="session")
def ledger(postgres, migrated):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "linking" TEMPLATE {migrated}')
    return postgres.replace("/postgres?", "/linking?")


@pytest.fixture(scope="session")
def settled(far_side, key, ledger, redis_url, tmp_path_factory):
    """An installation of whose API a browser knows the address, for all tests of this folder."""
    config = tmp_path_factory.mktemp("settings") / "carillon.toml"
    clock = SimpleNamespace()

    async def answering(scope, receive, send):
        await clock.application(scope, receive, send)

    # The settings name the address, and only then is there something to answer at it.
    with serve(answering) as place:
        config.write_text(SETTINGS.format(**_words(far_side, place)))
        installation = install(load(config), ledger, redis_url)
        clock.application = application(installation, lambda: clock.now)
        yield House(place, config, ledger, redis_url, installation, far_side, clock, key)
        installation.close()


def _words(far_side, place):
    google, microsoft = far_side.google.google.tokens, far_side.graph.graph.tokens
    google.consents.redirect_uris = {f"{place}/link/googlecalendar/callback"}
    microsoft.consents.redirect_uris = {f"{place}/link/o365/callback"}
    return {
        "api": place,
        "portal": PORTAL,
        "university": far_side.university,
        "google": far_side.google.wire.url,
        "google_id": google.client_id,
        "google_secret": google.client_secret,
        "directory": microsoft.directory,
        "microsoft": far_side.graph.wire.url,
        "microsoft_id": microsoft.client_id,
        "microsoft_secret": microsoft.client_secret,
        "ca_file": far_side.ca_file,
    }


@pytest.fixture
def house(settled):
    """The same with nobody in it."""
    for each in (settled.google.wire, settled.graph.wire):
        each.faults.clear()
        each.faults.forget()
    settled.installation.redis.flushall()
    settled.purse._coins.clear()
    tables = ", ".join(name for name in Base.metadata.tables if name != "tenants")
    with databases.transaction(settled.installation.engine) as session:
        session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    settled.clock.now = datetime.now(UTC)
    return settled


@dataclass
class House:
    api: str
    config: Any
    database: str
    redis_url: str
    installation: Installation
    far_side: Any
    clock: Any
    key: str

    @property
    def google(self) -> Any:
        return self.far_side.google

    @property
    def graph(self) -> Any:
        return self.far_side.graph

    @property
    def purse(self) -> Any:
        return self.installation.tenants[1].grants.__self__.purse

    def one(self, table: Any, *which: Any) -> Any:
        with databases.transaction(self.installation.engine) as session:
            return session.scalar(select(table).where(*which))

    def requests(self) -> list[LinkRequest]:
        with databases.transaction(self.installation.engine) as session:
            return list(session.scalars(select(LinkRequest).order_by(LinkRequest.id)))

    def tidy(self, now: datetime | None = None) -> dict[str, int]:
        return tidy(self.installation, now or datetime.now(UTC))

    def provision(self, kind: str, account: str, **fields: str) -> int:
        with databases.transaction(self.installation.engine) as session:
            user = session.query(User).filter_by(username=account).one_or_none() or User(tenant_id=1, username=account)
            session.add(user)
            session.flush()
            calendar = fields.get("calendarId")
            mailbox = f"{account} {calendar}" if calendar else account
            row = Synchronization(tenant_id=1, user_id=user.id, type=kind, mailbox=mailbox, fields=fields)
            session.add(row)
            session.flush()
            return row.id

    def browser(self) -> Browser:
        return Browser(self.far_side.ca_file)

    def token(self) -> str:
        with databases.transaction(self.installation.engine) as session:
            return tokens.create(session, 1, "portal", tokens.ROLES)


@pytest.fixture
def way_of(house):
    """The way of one person to consent for one kind of calendar, who was provisioned before."""
    numbers = iter(house.far_side.people)

    def make(kind: str) -> Way:
        account = next(numbers)
        if kind == "googlecalendar":
            house.google.google.remove_account(account)
            house.google.google.add_account(account)
        else:
            house.graph.exchange.remove_mailbox(account)
            house.graph.exchange.add_mailbox(account)
        return Way(kind, house, account, house.provision(kind, account), house.browser(), {"apiToken": house.token()})

    return make


@pytest.fixture(params=KINDS)
def way(request: pytest.FixtureRequest, way_of) -> Iterator[Way]:
    """Of each kind in turn."""
    return way_of(request.param)


def parts(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture(name="parts", scope="session")
def _parts():
    return parts
