"""The sandbox's Google over HTTP: what the documents say of the real one, one test for each sentence."""

import json
from datetime import UTC, datetime

import pytest
import requests
from google.auth import jwt
from google.auth.crypt import RSASigner
from starlette.routing import Router

from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.google_tokens import GRANT
from sandbox.serve import serve

ALICE = "alice@example.org"
SCOPE = "https://www.googleapis.com/auth/calendar.events"


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


class Client:
    """A program that speaks for Alice."""

    def __init__(self, google, url):
        self.google, self.url = google, url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.buy().json()['access_token']}"

    def buy(self, **claims):
        key = json.loads(self.google.service_account(self.url))
        now = int(self.google.tokens._now().timestamp())
        usual = {
            "iss": key["client_email"],
            "sub": ALICE,
            "scope": SCOPE,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
        }
        assertion = jwt.encode(RSASigner.from_service_account_info(key), usual | claims)
        return requests.post(key["token_uri"], {"grant_type": GRANT, "assertion": assertion}, timeout=5)

    def __call__(self, verb, path="", body=None, headers=None, calendar="primary", **params):
        url = f"{self.url}/calendar/v3/calendars/{calendar}/events{path}"
        return self.session.request(verb, url, params=params, json=body, headers=headers, timeout=5)


@pytest.fixture(scope="module")
def served():
    google, faults = GoogleCalendar([ALICE, "bob@example.org"], now=Clock()), Faults()
    with serve(FaultyWire(Router(routes=routes(google, faults)), faults)) as url:
        yield google, faults, url


@pytest.fixture
def google(served):
    google, faults, _ = served
    yield google
    for each in google.mailbox(ALICE):
        google.remove(ALICE, each["id"])
    google.violations.clear()
    google.batches.clear()
    google.notifications = 0
    faults.clear()
    faults.forget()


@pytest.fixture
def faults(served):
    return served[1]


@pytest.fixture
def client(google, served):
    opened = Client(google, served[2])
    yield opened
    opened.session.close()


@pytest.fixture
def reason():
    """The status of a refusal and Google's word for it."""

    def of(answer):
        return answer.status_code, answer.json()["error"]["errors"][0]["reason"]

    return of
