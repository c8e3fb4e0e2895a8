"""What is due is claimed once and sent; what is lost on the way is due again."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from worker import dispatch as dispatching
from worker.database import transaction
from worker.dispatch import BEAT_KEY, KEPT_DAYS, dispatch, prune
from worker.ledger import Run, UnlinkMode
from worker.queue import CLAIM, NOW, ROUTINE


@pytest.fixture(autouse=True)
def _empty_queue(world):
    world.installation.redis.flushall()


def sent(world, queue=ROUTINE):
    """The messages in a queue, newest first: task, arguments, what Flower shows of them."""
    messages = [json.loads(raw) for raw in world.installation.redis.lrange(queue, 0, -1)]
    return [(each["headers"]["task"], each["headers"]["argsrepr"]) for each in messages]


def due_in(world, ident):
    with world.installation.engine.connect() as connection:
        seconds = connection.execute(
            text("SELECT extract(epoch FROM due_at - clock_timestamp()) FROM synchronizations WHERE id = :id"),
            {"id": ident},
        ).scalar_one()
    return float(seconds)


def test_what_is_due_is_sent_with_a_name_that_reads_well_in_flower(world):
    ident = world.link()
    assert dispatch(world.installation) == {"synchronizations": 1, "unlinks": 0, "sent": 1}
    assert sent(world) == [("synchronize", f"({ident}: {world.people[0]} → memory)")]


def test_claiming_pushes_the_next_time_into_the_future(world):
    ident = world.link()
    dispatch(world.installation)
    assert due_in(world, ident) == pytest.approx(CLAIM, abs=5)
    assert dispatch(world.installation)["synchronizations"] == 0


@pytest.mark.case("faults", 10)
def test_two_beats_claim_each_synchronization_once(world):
    idents = [world.link(username) for username in world.people[:20]]
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda _: dispatch(world.installation)["synchronizations"], range(4)))
    assert sum(claimed) == len(idents)
    assert len(sent(world)) == len(idents)


def test_disabled_ones_and_those_whose_mailbox_is_being_unlinked_wait(world):
    disabled, leaving = world.link(world.people[0]), world.link(world.people[1])
    world.set(disabled, enabled=False)
    world.unlink(leaving, UnlinkMode.DELETE_ALL_EVENTS)
    world.link(world.people[1])
    assert dispatch(world.installation) == {"synchronizations": 0, "unlinks": 1, "sent": 1}
    [(task, shown)] = sent(world, NOW)
    assert task == "unlink"
    assert shown.endswith(f"{world.people[1]} → memory DELETE_ALL_EVENTS)")


@pytest.mark.case("faults", 8)
def test_a_flushed_redis_costs_one_period(world):
    ident = world.link()
    dispatch(world.installation)
    world.installation.redis.flushall()
    world.set(ident, due_at=datetime.now(UTC) - timedelta(seconds=1))
    assert dispatch(world.installation)["sent"] == 1


@pytest.mark.case("peers", 21)
def test_a_full_queue_is_not_filled_further(world, monkeypatch):
    monkeypatch.setattr(dispatching, "BACKLOG", 3)
    for username in world.people[:5]:
        world.link(username)
    assert dispatch(world.installation)["sent"] == 3
    assert dispatch(world.installation)["sent"] == 0


def test_a_beat_leaves_a_sign_of_life(world):
    dispatch(world.installation)
    assert float(world.installation.redis.get(BEAT_KEY)) == pytest.approx(datetime.now(UTC).timestamp(), abs=5)


def test_old_runs_are_forgotten_but_for_the_newest_of_each_synchronization(world):
    ident = world.link()
    old = datetime.now(UTC) - timedelta(days=KEPT_DAYS + 1)
    with transaction(world.installation.engine) as session:
        for days in range(3):
            at = old - timedelta(days=days)
            counts = dict.fromkeys(("created", "updated", "deleted", "kept", "failed"), 0)
            session.add(
                Run(
                    synchronization_id=ident,
                    started_at=at,
                    finished_at=at,
                    status="OK",
                    resync=False,
                    detail="",
                    **counts,
                )
            )
    with transaction(world.installation.engine) as session:
        assert prune(session) == 2
    assert len(world.runs(ident)) == 1


def test_a_full_queue_of_routine_runs_does_not_hold_up_an_unlink(world, monkeypatch):
    leaving = world.link(world.people[3])
    for username in world.people[:3]:
        world.link(username)
    monkeypatch.setattr(dispatching, "BACKLOG", 3)
    world.set(leaving, enabled=False)
    assert dispatch(world.installation)["synchronizations"] == 3
    world.unlink(leaving, UnlinkMode.DELETE_ALL_EVENTS)
    world.link(world.people[4])
    assert dispatch(world.installation) == {"synchronizations": 0, "unlinks": 1, "sent": 1}
