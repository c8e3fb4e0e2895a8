"""Whether the parts answer."""

from dataclasses import replace

import pytest
import redis

from providers.base import Unavailable
from provisioning.app import application
from worker import breaker, database
from worker.dispatch import dispatch


@pytest.fixture
def alive(api):
    """The API of an installation whose beat has just ticked."""
    api.installation.redis.set("carillon:beat", f"{api.clock.now.timestamp() - 12:.0f}")
    return api


def test_health_needs_no_token(alive):
    alive.headers.clear()
    answer = alive.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["beat"] == {"ok": True, "ageSeconds": 12.0}
    assert answer.json()["database"]["ok"]
    assert answer.json()["redis"]["milliseconds"] >= 0


def test_a_watchman_need_not_read_it(alive):
    answer = alive.call("HEAD", "/health")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("seen", "age"), [("1788249540", 60.0), ("1788240000", 9600.0), ("nonsense", None), (None, None)]
)
def test_without_a_recent_beat_it_is_degraded(api, seen, age):
    if seen:
        api.installation.redis.set("carillon:beat", seen)
    answer = api.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["beat"] == {"ok": False, "ageSeconds": age}


def test_a_beat_from_the_future_is_as_good_as_one_from_now(api):
    api.installation.redis.set("carillon:beat", f"{api.clock.now.timestamp() + 5:.0f}")
    assert api.get("/health").json()["beat"] == {"ok": True, "ageSeconds": 0.0}


def test_dispatch_leaves_the_sign_of_life_that_is_looked_for(api):
    assert api.get("/health").json()["beat"]["ageSeconds"] is None
    dispatch(api.installation)
    assert api.get("/health").json()["beat"]["ageSeconds"] is not None


def test_without_redis_it_is_degraded(alive, listening):
    with redis.Redis(port=1) as nobody:
        installation = replace(alive.installation, redis=nobody)
        with listening(application(installation, alive.clock)) as url:
            answer = replace(alive, url=url).get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["redis"] == {"ok": False, "milliseconds": None}


def test_without_the_database_it_is_down(alive, listening):
    nowhere = database.engine("postgresql://nobody@127.0.0.1:1/nothing")
    installation = replace(alive.installation, engine=nowhere)
    with listening(application(installation, alive.clock)) as url:
        answer = replace(alive, url=url).get("/health")
    nowhere.dispose()
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.json()["database"] == {"ok": False, "milliseconds": None}


def test_a_server_that_answers_no_mailbox_is_named_by_its_type_and_all_else_is_well(alive):
    (example, *_) = alive.installation.tenants
    for ident in range(breaker.FAILURES):
        assert alive.get("/health").json()["away"] == []
        breaker.note(alive.installation.redis, (example, "caldav"), ident, Unavailable("nobody there", everybody=True))
    answer = alive.get("/health").json()
    assert (answer["status"], answer["away"]) == ("ok", ["caldav"])
