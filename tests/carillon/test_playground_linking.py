"""`carillon up --sandbox --linking`: a person consents at the sandbox's Google, and is then written to."""

from datetime import UTC, datetime

import pytest
import requests

from carillon.embedded import free_port
from carillon.playground import playground
from provisioning import tokens
from provisioning.app import application
from sandbox.serve import serve
from worker.database import transaction
from worker.installation import install
from worker.secret_keys import VARIABLE, new_key
from worker.settings import load
from worker.synchronize import synchronize

ANNA = "anna.visser@example.edu"
SCOPE = "https://www.googleapis.com/auth/calendar.events"


@pytest.fixture
def installation(tmp_path, monkeypatch, database, redis_url):
    monkeypatch.setenv(VARIABLE, new_key())
    port = free_port()
    with playground(tmp_path, future="30d", public_url=f"http://127.0.0.1:{port}") as grounds:
        installed = install(load(grounds.config), database, redis_url)
        with serve(application(installed), port):
            yield installed
        installed.close()


def now():
    return datetime.now(UTC)


def test_a_person_links_their_calendar(installation):
    with transaction(installation.engine) as session:
        token = tokens.create(session, next(iter(installation.tenants)), "scripts")
    with requests.Session() as browser:
        calls = {"headers": {"apiToken": token}, "timeout": 20}
        api = f"{installation.settings.api.public_url}/api/v0"
        browser.put(f"{api}/users/{ANNA}", **calls)
        provisioned = browser.put(f"{api}/synchronizations", data={"username": ANNA, "type": "googlecalendar"}, **calls)
        ident = provisioned.json()["synchronization"]["id"]
        assert synchronize(installation, ident, now, by_hand=True).outcome == "NOT_LINKED"
        address = browser.post(f"{api}/synchronizations/{ident}/link", **calls).json()["link"]["url"]
        question = browser.get(address, timeout=20)
        assert "Sign in to Google" in question.text
        end = browser.post(question.url, {"account": ANNA, "answer": "accept", "scope": SCOPE}, timeout=20)
        assert "Your calendar is linked" in end.text
    assert synchronize(installation, ident, now, by_hand=True).created > 0
