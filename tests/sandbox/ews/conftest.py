"""The sandbox's Exchange Web Services over HTTP: what Microsoft says of the real ones, one test for each sentence."""

import os
from pathlib import Path

import pytest
from ews_soap import ALICE, BOB, Client
from starlette.routing import Router

from sandbox.ews import ENDPOINT, routes
from sandbox.ews_access import Accounts
from sandbox.ews_contract import contract
from sandbox.exchange import Exchange
from sandbox.faults import Faults, FaultyWire
from sandbox.serve import serve

CONTRACTS = Path(__file__).parents[4] / "shared" / "contracts" / "ews"


@pytest.fixture(scope="session")
def ews_contract():
    """Exchange's schemas, None where they are absent."""
    if CONTRACTS.exists():
        return contract(CONTRACTS)
    assert os.environ.get("CI") != "true", f"{CONTRACTS} is needed when CI=true"
    return None


@pytest.fixture(scope="module")
def served(ews_contract):
    exchange, faults, accounts = Exchange(), Faults(), Accounts(lambda token: token == "good")
    accounts.add("service", "secret", impersonates=True)
    accounts.add("helper", "secret", delegate=True)
    accounts.add(BOB, "secret")
    with serve(FaultyWire(Router(routes(exchange, faults, accounts, ews_contract)), faults)) as url:
        yield exchange, faults, url + ENDPOINT


@pytest.fixture
def exchange(served):
    exchange, faults, _ = served
    for address in (ALICE, BOB):
        exchange.remove_mailbox(address)
        exchange.add_mailbox(address)
    faults.clear()
    faults.forget()
    exchange.notifications = 0
    exchange.violations.clear()
    yield exchange
    assert exchange.violations == []


@pytest.fixture
def violations(exchange):
    """Those so far; whoever asks for them has looked at them."""

    def taken():
        known = list(exchange.violations)
        exchange.violations.clear()
        return known

    return taken


@pytest.fixture
def faults(served):
    return served[1]


@pytest.fixture
def client(exchange, served):
    """It impersonates Alice."""
    opened = Client(served[2])
    assert exchange.calendar(ALICE).items() == []
    yield opened
    opened.session.close()
