"""Exchange: requests, and how many are under way at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers import ews
from providers.base import Done, Marks, Ref
from sandbox.ews import ENDPOINT

OURS = Marks("carillon-test")


def test_a_first_push_of_300_is_three_requests(provider, office, term):
    outcomes = provider.push(term.creates(300))
    assert all(isinstance(each, Done) for each in outcomes)
    assert office.asked() == ["FindItem", "CreateItem", "CreateItem"]
    assert len(office.faults.seen(ENDPOINT)) == 3
    assert len(office.there()) == 300


def test_five_changes_and_three_removals_are_two_requests(provider, office, term):
    refs = [each.ref for each in provider.push(term.creates(8))]
    office.faults.forget()
    updates = [term.update(refs[number], number, location="Room 2") for number in range(5)]
    outcomes = provider.push([*updates, *(term.delete(refs[number], number) for number in range(5, 8))])
    assert all(isinstance(each, Done) for each in outcomes)
    assert office.asked() == ["UpdateItem", "DeleteItem"]
    assert len(office.faults.seen(ENDPOINT)) == 2
    assert [each.location for each in office.there()] == ["Room 2"] * 5


def test_cleaning_up_300_events_that_nobody_knew_of_is_at_most_four_requests(provider, connected, office, term):
    provider.push(term.creates(300))
    office.faults.forget()
    cleaner = connected()
    outcomes = cleaner.push([term.delete(each.ref, each.mark.key) for each in cleaner.find(OURS)])
    assert outcomes == [Done()] * 300
    assert office.asked() == ["FindItem", "UpdateItem", "UpdateItem", "DeleteItem"]
    assert len(office.faults.seen(ENDPOINT)) == 4
    assert office.there() == []


def test_no_changes_are_no_request(provider, office):
    assert provider.push([]) == []
    assert office.faults.seen() == []


def test_what_has_no_version_is_looked_at_in_one_request_more(provider, office, term):
    refs = [Ref(each.ref.id) for each in provider.push(term.creates(8))]
    office.faults.forget()
    updates = [term.update(refs[number], number, title="New") for number in range(5)]
    outcomes = provider.push([*updates, *(term.delete(refs[number], number) for number in range(5, 8))])
    assert all(isinstance(each, Done) for each in outcomes)
    assert office.asked() == ["GetItem", "UpdateItem", "DeleteItem"]


@pytest.mark.parametrize("count", [2, 25])
def test_events_that_are_there_already_are_found_and_changed(provider, office, term, count):
    provider.push(term.creates(count))
    office.faults.forget()
    outcomes = provider.push(term.creates(count, title="Again"))
    assert all(isinstance(each, Done) for each in outcomes)
    assert office.asked() == ["FindItem", "UpdateItem"]
    assert [each.subject for each in office.there()] == ["Again"] * count


def test_a_listing_has_a_request_for_each_thousand(provider, office, term):
    provider.push(term.creates(1001))
    office.faults.forget()
    assert len({each.ref.id for each in provider.find(OURS)}) == 1001
    assert office.asked() == ["FindItem", "FindItem"]


@pytest.fixture
def most_at_once(far_side, office):  # noqa: ARG001  # its application is the one that is watched
    """How many requests the server had in its hands at a time."""
    whole, lock, counts = far_side.application, threading.Lock(), {"now": 0, "most": 0}

    async def application(scope, receive, send):
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts.values())
        await whole(scope, receive, send)
        with lock:
            counts["now"] -= 1

    far_side.application = application
    return lambda: counts["most"]


@pytest.mark.parametrize("connections", [8, 32])
def test_32_mailboxes_are_served_at_once_up_to_the_connections(known, office, most_at_once, connections):
    names = [f"person{number}@example.org" for number in range(32)]
    for name in names:
        office.exchange.add_mailbox(name)
    office.spoil("slow", seconds=0.2)
    settings = known(connections=connections)
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda name: ews.connect(settings, ews.Target(username=name)).find(OURS), names))
    assert found == [[]] * 32
    assert most_at_once() == connections
