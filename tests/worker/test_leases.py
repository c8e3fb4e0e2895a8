"""One writer for a mailbox, and nothing recorded by one who was late."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from worker.database import transaction
from worker.leases import LostLeaseError, Mailbox, lease


@pytest.fixture
def mailbox(world):
    return Mailbox(next(iter(world.installation.tenants)), "memory", "alice")


def expire(world):
    with world.installation.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = '-infinity'")


def test_of_many_who_ask_at_once_one_gets_the_mailbox(world, mailbox):
    everybody_asked, got = Barrier(8), []

    def ask(_):
        with lease(world.installation.engine, mailbox) as held:
            got.append(held is not None)
            everybody_asked.wait(timeout=30)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert got.count(True) == 1


def test_a_mailbox_that_was_given_back_can_be_taken_at_once_with_a_new_generation(world, mailbox):
    with lease(world.installation.engine, mailbox) as first:
        pass
    with lease(world.installation.engine, mailbox) as second:
        assert second.generation == first.generation + 1


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_ours(world, mailbox):
    with lease(world.installation.engine, mailbox) as held:
        expire(world)
        with transaction(world.installation.engine) as session:
            held.renew(session)
        with lease(world.installation.engine, mailbox) as another:
            assert another is None


def test_a_late_worker_neither_records_nor_ends_the_lease_of_its_successor(world, mailbox):
    engine = world.installation.engine
    with lease(engine, mailbox) as late:
        expire(world)
        with lease(engine, mailbox) as successor:
            with pytest.raises(LostLeaseError), transaction(engine) as session:
                late.renew(session)
            with transaction(engine) as session:
                successor.renew(session)


def test_mailboxes_do_not_stand_in_each_others_way(world, mailbox):
    other = Mailbox(mailbox.tenant_id, "memory", "bob")
    with lease(world.installation.engine, mailbox) as one, lease(world.installation.engine, other) as two:
        assert one
        assert two
