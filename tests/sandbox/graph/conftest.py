"""The sandbox's Microsoft Graph over HTTP: what Microsoft's documents say of the real one."""

from datetime import UTC, datetime

import pytest
import requests
from starlette.routing import Router

from contracts.graph import contract_if_there
from sandbox.exchange import Exchange
from sandbox.faults import Faults, FaultyWire
from sandbox.graph import routes
from sandbox.graph_service import Graph
from sandbox.microsoft_tokens import MicrosoftTokens
from sandbox.serve import serve

ALICE = "alice@example.org"
HOURS = {
    "start": {"dateTime": "2026-11-23T09:00:00", "timeZone": "W. Europe Standard Time"},
    "end": {"dateTime": "2026-11-23T10:30:00", "timeZone": "W. Europe Standard Time"},
}
QUIET = {"isReminderOn": False}


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


class Client:
    """A program with a token for everybody's mailbox."""

    def __init__(self, graph, url):
        self.graph, self.url = graph, url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.buy().json()['access_token']}"

    def buy(self, **form):
        tokens = self.graph.tokens
        usual = {
            "grant_type": "client_credentials",
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        directory = form.pop("directory", tokens.directory)
        left = {name: value for name, value in (usual | form).items() if value is not None}
        return requests.post(f"{self.url}/{directory}/oauth2/v2.0/token", left, timeout=5)

    def __call__(self, verb, path="/events", body=None, headers=None, user=ALICE, **params):
        named = {
            f"${name}" if name in {"filter", "expand", "select", "top", "orderby"} else name: value
            for name, value in params.items()
        }
        return self.session.request(
            verb, f"{self.url}/v1.0/users/{user}/calendar{path}", params=named, json=body, headers=headers, timeout=5
        )

    def make(self, subject="A", **fields):
        answer = self("POST", body={"subject": subject, **HOURS, **QUIET, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def subjects(self, path="/events", **params):
        return [each["subject"] for each in self("GET", path, **params).json()["value"]]

    def batch(self, *requests_, headers=None):
        body = {"requests": [{"id": str(number), **each} for number, each in enumerate(requests_)]}
        answer = self.session.post(f"{self.url}/v1.0/$batch", json=body, headers=headers, timeout=5)
        return {each["id"]: each for each in answer.json()["responses"]} if answer.ok else answer


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def graph(clock):
    exchange = Exchange([ALICE, "bob@example.org"])
    return Graph(exchange, MicrosoftTokens(now=clock), contract_if_there())


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture(scope="session")
def stage():
    """One server for all tests, since its start takes longer than most of them; what it serves is each test's own."""
    playing = {}

    async def app(scope, receive, send):
        await playing["app"](scope, receive, send)

    with serve(app) as url:
        yield playing, url


@pytest.fixture
def url(stage, graph, faults):
    playing, url = stage
    playing["app"] = FaultyWire(Router(routes(graph, faults)), faults)
    return url


@pytest.fixture
def client(graph, url):
    """Whose requests must all be within the contract, and so must the answers; for others there is `rude`."""
    client = Client(graph, url)
    yield client
    client.session.close()
    assert graph.exchange.violations == []


@pytest.fixture
def rude(graph, url):
    client = Client(graph, url)
    yield client
    client.session.close()


@pytest.fixture
def code():
    def read(answer):
        return answer.status_code, answer.json()["error"]["code"]

    return read
