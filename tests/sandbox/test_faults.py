import asyncio
import gc
import socket
import ssl
import threading
import time
import warnings

import pytest
import requests
import uvicorn
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from sandbox.certificates import Authority
from sandbox.faults import CutOffError, Fault, Faults, FaultyWire
from sandbox.serve import serve


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def done():
    """One entry for each time the work behind the wire was done."""
    return []


@pytest.fixture
def base(faults, done):
    async def work(request):
        done.append(request.url.path)
        return JSONResponse({"numbers": list(range(100))})

    async def hang_up(_request):
        raise CutOffError

    routes = [Route("/work", work, methods=["GET", "POST"]), Route("/sandbox/work", work), Route("/hang-up", hang_up)]
    with serve(FaultyWire(Router(routes), faults)) as url:
        yield url


def test_without_a_fault_the_answer_comes_through(base, faults):
    assert requests.get(f"{base}/work", timeout=5).json()["numbers"][99] == 99
    assert [(each.method, each.path, each.status) for each in faults.seen()] == [("GET", "/work", 200)]


STATUSES = {"throttled": 429, "rate_limited": 403, "error": 500, "unavailable": 503, "unavailable_after": 503}


@pytest.mark.parametrize("kind", STATUSES)
def test_a_refusal_has_its_status_and_does_the_work_only_if_it_says_so(base, faults, done, kind):
    faults.add(Fault("/work", kind, seconds=7))
    answer = requests.post(f"{base}/work", timeout=5)
    assert answer.status_code == STATUSES[kind]
    assert answer.headers.get("Retry-After") == ("7" if kind == "throttled" else None)
    assert answer.json()["error"]["code"] == STATUSES[kind]
    assert answer.json()["status"] == "error"
    assert bool(done) is (kind == "unavailable_after")


@pytest.mark.parametrize(("kind", "worked"), [("cut_off", False), ("lost", True)])
def test_a_cut_off_connection_gives_no_answer_at_all(base, faults, done, kind, worked):
    faults.add(Fault("/work", kind))
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{base}/work", timeout=5)
    assert bool(done) is worked
    assert [each.status for each in faults.seen("/work")] == [0]


def test_an_endpoint_may_hang_up_itself(base):
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{base}/hang-up", timeout=5)


def test_a_page_half_an_answer_and_nothing_come_with_200(base, faults):
    for kind in ("html", "truncated", "empty"):
        faults.add(Fault("/work", kind, times=1))
    page, half, nothing, whole = (requests.get(f"{base}/work", timeout=5) for _ in range(4))
    assert [each.status_code for each in (page, half, nothing, whole)] == [200] * 4
    assert page.headers["Content-Type"] == "text/html"
    assert half.content == whole.content[: len(whole.content) // 2]
    assert nothing.content == b""


def test_slow_means_later_and_not_at_all_for_the_impatient(base, faults, done):
    faults.add(Fault("/work", "slow", seconds=0.3, times=1))
    assert requests.get(f"{base}/work", timeout=5).elapsed.total_seconds() >= 0.3
    faults.add(Fault("/work", "slow", seconds=30, times=1))
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{base}/work", timeout=0.1)
    assert done == ["/work"]


def test_a_fault_lasts_for_its_times_and_one_without_until_it_is_taken_away(base, faults):
    faults.add(Fault("/work", "error", times=2))
    faults.add(Fault("/w*", "unavailable", method="GET"))
    codes = [requests.get(f"{base}/work", timeout=5).status_code for _ in range(4)]
    assert codes == [500, 500, 503, 503]
    assert requests.post(f"{base}/work", timeout=5).status_code == 200
    assert [each.kind for each in faults.rules()] == ["unavailable"]
    faults.clear()
    assert requests.get(f"{base}/work", timeout=5).status_code == 200


def test_the_switch_itself_stays_whole_and_is_not_recorded(base, faults):
    faults.add(Fault("*", "error"))
    assert requests.get(f"{base}/sandbox/work", timeout=5).status_code == 200
    assert faults.seen() == []


def test_requests_are_found_by_path_and_method_until_forgotten(base, faults):
    requests.get(f"{base}/work", timeout=5)
    requests.post(f"{base}/work", timeout=5)
    assert len(faults.seen("/w*", "POST")) == 1
    assert faults.seen("/other") == faults.seen(parts=True) == []
    faults.forget()
    assert faults.seen() == []


def test_a_client_that_comes_at_once_is_not_refused_and_the_port_is_free_afterwards():
    for _ in range(5):
        with serve(Router([])) as url:
            port = int(url.rsplit(":", 1)[1])
            assert requests.get(url, timeout=5).status_code == 404
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("waits", [True, False])
def test_a_request_over_tls_that_hangs_when_the_server_ends_leaves_nothing_open(tmp_path, waits):
    authority, arrived = Authority(tmp_path), threading.Event()

    async def hang(_scope, _receive, _send):
        arrived.set()
        await asyncio.sleep(30)

    trusting = ssl.create_default_context(cafile=authority.ca_file)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with serve(hang, 0, authority.server()) as url:
            wire = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
            hanging = trusting.wrap_socket(wire, server_hostname="localhost")
            hanging.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert arrived.wait(5)
            if not waits:
                hanging.close()
        gc.collect()
        hanging.close()
    assert [str(each.message) for each in told] == []


def test_a_connection_over_tls_that_idled_past_its_keep_alive_leaves_nothing_open(tmp_path):
    authority = Authority(tmp_path)
    with warnings.catch_warnings(record=True) as told, requests.Session() as session:
        warnings.simplefilter("always")
        with serve(Router([]), 0, authority.server()) as url:
            assert session.get(url, timeout=5, verify=authority.ca_file).status_code == 404
            time.sleep(uvicorn.Config(None, log_config=None).timeout_keep_alive + 0.5)
        gc.collect()
    assert [str(each.message) for each in told] == []


def test_answers_do_not_wait_for_acknowledgements(base):
    # Timed with the body: a delayed acknowledgement comes between it and the headers.
    def seconds():
        before = time.perf_counter()
        session.get(f"{base}/work", timeout=5)
        return time.perf_counter() - before

    with requests.Session() as session:
        times = sorted(seconds() for _ in range(9))
    assert times[2] < 0.03, "TCP_NODELAY is off: each answer takes 40 ms"
