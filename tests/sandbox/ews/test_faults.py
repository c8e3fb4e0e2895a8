"""The sandbox's EWS: what can go wrong, and how Exchange says it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ews_soap import ALICE, BOB, Client, appointment, set_subject, version
from starlette.routing import Router

from sandbox.ews import ENDPOINT, ITEMS, OPERATIONS, routes
from sandbox.ews_access import Accounts
from sandbox.exchange import Exchange
from sandbox.faults import Fault, Faults, FaultyWire
from sandbox.serve import serve

BACK_OFF = "//t:Value[@Name='BackOffMilliseconds']"


def subjects(exchange):
    return [each.subject for each in exchange.calendar(ALICE).items()]


@pytest.mark.parametrize(("seconds", "wait"), [(1.5, ["1500"]), (0, [])])
def test_a_busy_server_faults_and_may_name_a_wait(client, exchange, faults, seconds, wait):
    faults.add(Fault(OPERATIONS + ALICE, "busy", seconds, times=1))
    refused = client.create(appointment())
    assert (refused.status, refused.fault, refused.all(BACK_OFF)) == (500, "ErrorServerBusy", wait)
    assert refused.one("//faultcode") == "a:ErrorServerBusy"
    assert subjects(exchange) == []
    assert client.create(appointment()).codes == ["NoError"]


@pytest.mark.parametrize(
    ("kind", "code", "done"),
    [
        ("rate_limited", "ErrorExceededConnectionCount", []),
        ("error", "ErrorInternalServerError", []),
        ("truncated", "ErrorInternalServerError", []),
        ("full", "ErrorQuotaExceeded", []),
        ("unavailable_after", "ErrorTimeoutExpired", ["A"]),
    ],
)
def test_an_operation_fails_in_exchanges_words(client, exchange, faults, *, kind, code, done):
    faults.add(Fault(OPERATIONS + "*", kind, method="CreateItem"))
    assert client.create(appointment()).fault == code
    assert subjects(exchange) == done
    assert client.find().codes == ["NoError"]


@pytest.mark.parametrize(("kind", "status"), [("throttled", 429), ("unavailable", 503), ("html", 200), ("empty", 200)])
def test_an_operation_fails_as_the_wire_does(client, faults, kind, status):
    faults.add(Fault(OPERATIONS + "*", kind))
    refused = client.find()
    assert (refused.status, refused.root) == (status, None)


@pytest.mark.parametrize(("kind", "done"), [("lost", ["A"]), ("cut_off", [])])
def test_the_answer_to_an_operation_can_be_lost(client, exchange, faults, kind, done):
    faults.add(Fault(OPERATIONS + "*", kind, times=1))
    with pytest.raises(requests.ConnectionError):
        client.create(appointment())
    assert subjects(exchange) == done
    assert [each.status for each in faults.seen(OPERATIONS + "*", parts=True)] == [0]


@pytest.mark.parametrize(
    ("kind", "code", "inner", "done"),
    [
        ("busy", "ErrorServerBusy", [], ["A", "C"]),
        ("throttled", "ErrorInternalServerError", ["ErrorServerBusy"], ["A", "C"]),
        ("error", "ErrorInternalServerError", [], ["A", "C"]),
        ("full", "ErrorQuotaExceeded", [], ["A", "C"]),
        ("unavailable_after", "ErrorTimeoutExpired", [], ["A", "B", "C"]),
    ],
)
def test_one_item_of_several_can_fail(client, exchange, faults, kind, *, code, inner, done):
    faults.add(Fault(ITEMS + ALICE, "slow", 0, times=1))
    faults.add(Fault(ITEMS + ALICE, kind, 2, times=1))
    answer = client.create(*map(appointment, "ABC"))
    assert answer.status == 200
    assert answer.codes == ["NoError", code, "NoError"]
    assert answer.all("//t:Value[@Name='InnerErrorResponseCode']") == inner
    assert answer.all(BACK_OFF) == (["2000"] if kind in {"busy", "throttled"} else [])
    assert subjects(exchange) == done
    seen = faults.seen(ITEMS + ALICE, parts=True)
    assert [(each.method, each.status) for each in seen] == [("CreateItem", status) for status in (200, 500, 200)]


@pytest.mark.parametrize(("kind", "done"), [("lost", ["A", "B"]), ("cut_off", ["B"])])
def test_an_item_can_be_missing_in_the_answer(client, exchange, faults, kind, done):
    faults.add(Fault(ITEMS + ALICE, kind, times=1))
    assert client.create(appointment("A"), appointment("B")).codes == ["NoError"]
    assert subjects(exchange) == done


def test_an_answer_with_nothing_left_in_it_never_comes(client, exchange, faults):
    faults.add(Fault(ITEMS + ALICE, "lost"))
    with pytest.raises(requests.ConnectionError):
        client.create(appointment())
    assert subjects(exchange) == ["A"]


def test_a_fault_hits_one_operation_and_one_mailbox_only(client, faults):
    (made,) = client.make(appointment())
    faults.add(Fault(ITEMS + ALICE, "busy", 0, method="UpdateItem"))
    faults.add(Fault(ITEMS + BOB, "busy", 0))
    assert client.update((version(made), set_subject("B"))).codes == ["ErrorServerBusy"]
    assert client.delete(version(made)).codes == ["NoError"]


class Crowd:
    """ASGI middleware that knows how many requests there have been at once."""

    def __init__(self, app):
        self.app, self.now, self.most = app, 0, 0
        self.all_here = threading.Event()

    async def __call__(self, scope, receive, send):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.app(scope, receive, send)
        finally:
            self.now -= 1


def test_a_slow_operation_holds_up_no_other():
    addresses = [f"person{number}@example.org" for number in range(32)]
    exchange, faults, accounts = Exchange(addresses), Faults(), Accounts()
    accounts.add("service", "secret", impersonates=True)
    faults.add(Fault(OPERATIONS + "*", "slow", 0.5))
    crowd = Crowd(FaultyWire(Router(routes(exchange, faults, accounts)), faults))

    def look(address):
        client = Client(url + ENDPOINT)
        client.impersonated = address
        codes = client.find().codes
        client.session.close()
        return codes

    with serve(crowd) as url, ThreadPoolExecutor(32) as threads:
        assert list(threads.map(look, addresses)) == [["NoError"]] * 32
    assert crowd.most >= 16
