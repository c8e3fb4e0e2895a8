"""How often the API may be called, and how much may be said at once."""

import socket
import threading
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import redis
import uvicorn
from starlette.exceptions import HTTPException

from carillon import api as command
from carillon.api import LONGEST_HEAD
from provisioning.app import application
from provisioning.rates import MOST_KEPT, PAUSE, Rates, network
from worker.queue import connection
from worker.settings import ApiSettings

LIMITS = ApiSettings(calls_per_minute=10, wrong_tokens_per_minute=5)


@pytest.fixture
def opened(api, listening):
    """Another process of the API, with narrow limits; over the same Redis, or another one."""
    with ExitStack() as stack:

        def open_one(over=None):
            settings = replace(api.installation.settings, api=LIMITS)
            installation = replace(api.installation, settings=settings, redis=over or api.installation.redis)
            url = stack.enter_context(listening(application(installation, api.clock)))
            return replace(api, url=url, headers=dict(api.headers))

        yield open_one


@pytest.fixture
def nobody():
    with connection("redis://127.0.0.1:1/0") as client:
        yield client


def statuses(api, calls, **given):
    return [api.get("/users", **given).status_code for _ in range(calls)]


def wait(answer):
    return int(answer.headers["Retry-After"])


def test_a_token_that_is_used_too_often_has_to_wait(opened, refused):
    narrow = opened()
    assert statuses(narrow, 10) == [200] * 10
    answer = narrow.get("/users")
    refused(answer, 429, "10 calls a minute")
    assert 1 <= wait(answer) <= 6


def test_another_token_does_not(opened, api):
    narrow = opened()
    statuses(narrow, 10)
    assert narrow.get("/users", headers={"apiToken": api.token()}).status_code == 200


def test_processes_count_together(opened):
    first, second = opened(), opened()
    assert statuses(first, 6) + statuses(second, 6) == [200] * 10 + [429] * 2


def test_what_is_refused_does_not_count(opened, api):
    narrow = opened()
    statuses(narrow, 30)
    [key] = api.installation.redis.keys("carillon:api:calls:*")
    api.installation.redis.decrby(key, int(timedelta(seconds=12) / timedelta(microseconds=1)))
    assert statuses(narrow, 3) == [200, 200, 429]


def test_a_bucket_is_forgotten_when_it_is_full_again(opened, api):
    statuses(opened(), 1)
    [key] = api.installation.redis.keys("carillon:api:calls:*")
    assert 0 < api.installation.redis.pttl(key) <= 6_000


def test_without_redis_each_process_counts_for_itself(opened, nobody):
    first, second = opened(nobody), opened(nobody)
    assert statuses(first, 11) == [200] * 10 + [429]
    assert statuses(second, 10) == [200] * 10


def test_wrong_tokens_are_looked_up_a_few_times_a_minute_only(opened, refused):
    narrow = opened()
    assert statuses(narrow, 6, headers={"apiToken": "guess"}) == [401] * 5 + [429]
    answer = narrow.get("/users", headers={"Authorization": "Bearer another", "apiToken": None})
    refused(answer, 429, "wrong tokens", "this address")
    assert 1 <= wait(answer) <= 12


def test_a_guess_that_comes_too_early_is_not_told_whether_it_was_right(opened, api):
    narrow, chosen = opened(), api.token(token="chosen by a person")
    statuses(narrow, 6, headers={"apiToken": "guess"})
    assert narrow.get("/users", headers={"apiToken": chosen}).status_code == 429


def test_an_old_token_that_somebody_still_uses_keeps_nobody_with_a_new_one_out(opened, api):
    narrow, old = opened(), api.token()
    api.sql("UPDATE tokens SET revoked_at = now()")
    assert statuses(narrow, 7, headers={"apiToken": old}) == [401] * 5 + [429] * 2
    assert statuses(narrow, 2, headers={"apiToken": api.token()}) == [200, 200]


def test_a_token_that_was_right_lately_goes_on_whoever_guesses_beside_it(opened):
    narrow = opened()
    assert statuses(narrow, 1) == [200]
    statuses(narrow, 6, headers={"apiToken": "guess"})
    assert statuses(narrow, 3) == [200] * 3


def test_a_token_that_was_revoked_is_a_wrong_one(opened, api):
    narrow = opened()
    statuses(narrow, 1)
    api.sql("UPDATE tokens SET revoked_at = now()")
    assert statuses(narrow, 7) == [401] * 5 + [429] * 2


def test_wrong_tokens_are_counted_without_redis_too(opened, nobody):
    assert statuses(opened(nobody), 7, headers={"apiToken": "guess"}) == [401] * 5 + [429] * 2


def test_whoever_comes_without_a_token_guesses_nothing(opened):
    narrow = opened()
    narrow.headers.clear()
    assert statuses(narrow, 8) == [401] * 8


def test_neither_a_token_nor_its_hash_stands_in_redis(opened, api):
    statuses(opened(), 2)
    statuses(opened(), 2, headers={"apiToken": "guess"})
    keys = api.installation.redis.keys("*")
    assert {key.rpartition(b":")[0] for key in keys} == {b"carillon:api:calls", b"carillon:api:wrong"}
    assert {key.rpartition(b":")[2] for key in keys if b"wrong" in key} == {b"127.0.0.1"}


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def alone(nobody):
    """The limits of a process without Redis, and its clock."""
    clock = Clock()
    return Rates(nobody, LIMITS, clock), clock


def calls(rates, number, token=1):
    """How many of so many calls pass."""
    passed = 0
    for _ in range(number):
        try:
            rates.call(token, f"token {token}")
        except HTTPException:
            continue
        passed += 1
    return passed


def test_a_bucket_fills_up_evenly_and_holds_a_minute(alone):
    rates, clock = alone
    assert calls(rates, 20) == 10
    clock.now += 30
    assert calls(rates, 20) == 5
    clock.now += 600
    assert calls(rates, 20) == 10


def test_a_redis_that_failed_is_asked_again_after_a_pause(alone, redis_url, caplog):
    rates, clock = alone
    calls(rates, 3)
    assert [each.getMessage() for each in caplog.records if "counted" in each.message] == [
        "calls are counted by this process alone reason=ConnectionError"
    ]
    with redis.Redis.from_url(redis_url) as back:
        back.flushall()
        rates._script.registered_client = back
        calls(rates, 3)
        assert back.keys("*") == []
        clock.now += PAUSE
        calls(rates, 3)
        assert back.keys("*") == [b"carillon:api:calls:1"]


def test_a_redis_that_may_be_back_is_tried_by_one_call(alone):
    """The others would wait as long as that one, if it answers nothing at all."""
    rates, clock = alone
    asked = []

    def silent(**_):
        asked.append(clock())
        calls(rates, 3)
        raise redis.TimeoutError

    calls(rates, 1)
    rates._script = silent
    clock.now += PAUSE
    calls(rates, 3)
    assert len(asked) == 1


def test_what_a_process_remembers_has_an_end(alone):
    rates, clock = alone
    for number in range(MOST_KEPT):
        rates.call(number, f"token {number}")
    clock.now += 60
    rates.call(-1, "token")
    assert len(rates._full) == 1
    assert len(rates._right) == MOST_KEPT


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "elsewhere"),
        ("unix", "elsewhere"),
    ],
)
def test_an_address_stands_for_whose_it_is(address, whose):
    assert network(address) == whose


def sent(url, head):
    """The status line that answers a call with this head, however much of it was read."""
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10) as connection:
        sender = threading.Thread(target=_send, args=(connection, head))
        sender.start()
        answer = connection.recv(200)
        sender.join()
    return answer.partition(b"\r\n")[0]


def _send(connection, head):
    try:
        connection.sendall(head)
    except ConnectionError:
        return


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/v0/users?q=" + b"a" * 20 * LONGEST_HEAD,
        b"GET /api/v0/users HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20 * LONGEST_HEAD,
        b"GET /api/v0/users HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 5 * LONGEST_HEAD,
    ],
    ids=["address", "header", "headers"],
)
def test_a_head_without_end_is_not_read_to_its_end(api, head):
    assert sent(api.url, head) == b"HTTP/1.1 400 Bad Request"
    assert api.get("/users").status_code == 200


def test_the_server_is_told_how_long_a_head_may_be(carillon_api):
    assert carillon_api["http"] == "h11"
    assert carillon_api["h11_max_incomplete_event_size"] == LONGEST_HEAD


@pytest.fixture
def carillon_api(installed, monkeypatch):
    """What `carillon api` tells its server."""
    told = {}
    monkeypatch.setattr(command, "opened", lambda *_, **__: nullcontext((installed, None)))
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: told.update(options))
    command.api.callback(config=None, data=None, as_json=False, host="127.0.0.1", port=8000)
    return told
