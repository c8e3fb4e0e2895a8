"""Unlinks at real servers: they stop and go on, and take no more than they said."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import Event
from term import INSTANCES, lecture
from worker.ledger import UnlinkMode
from worker.push import batches

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HALF = HOUR / 2


def lectures(term, number):
    return [lecture(term.now + DAY * nth / 2, f"id-{nth}") for nth in range(1, number + 1)]


def marked(box):
    """How many events stand with which mark."""
    told = [each.mark and (each.mark.instance, each.mark.synchronization) for each in box.standing().values()]
    return {mark: told.count(mark) for mark in told}


@pytest.mark.case("peers", 16)
@pytest.mark.parametrize("fault", ["unavailable", "lost"])
def test_an_unlink_that_was_interrupted_goes_on_and_who_is_linked_meanwhile_waits_for_it(term, monkeypatch, fault):
    # Servers take whole calendars at once; small batches make an interruption fall in the middle.
    monkeypatch.setattr("worker.unlinks.batches", lambda found, _size: batches(found, 4))
    someone = term.person(*lectures(term, 12))
    someone.run()
    unlink = term.unlink(someone.ident, UnlinkMode.DELETE_ALL_EVENTS)
    with term.spoiling(fault, *range(5, 100)):
        assert term.carry_out(unlink).state == "RETRYING"
    left = len(someone.starts())
    assert 0 < left < 12
    row = term.unlink_row(unlink)
    assert row.error
    assert row.removed + row.remaining == row.found == 12
    again = term.person(box=someone.box)
    term.wire.forget()
    assert again.run().outcome == "WAITING"
    assert term.requests() == 0
    assert term.carry_out(unlink).state == "DONE"
    assert someone.box.standing() == {}
    assert term.due_in(again.ident) <= timedelta()
    report = again.run()
    assert (report.outcome, report.created) == ("OK", 12)
    assert marked(again.box) == {(INSTANCES[0], str(again.ident)): 12}
    assert again.at_rest()


@pytest.mark.case("peers", 17)
def test_a_cleanup_finds_what_the_ledger_lost_and_leaves_another_instances_events(term):
    someone = term.person(*lectures(term, 6))
    other = term.person(box=someone.box, instance=INSTANCES[1])
    someone.run()
    other.run()
    start = term.now + DAY
    own = someone.box.add(Event("Dentist", start, start + HOUR, "Europe/Amsterdam"))
    before = {
        name: each for name, each in someone.box.standing().items() if name == own or each.mark.instance != "here"
    }
    assert len(before) == 7
    lost = someone.ident
    term.drop(lost)
    again = term.person(box=someone.box)
    assert again.ident != lost
    report = term.carry_out(term.unlink(again.ident, UnlinkMode.CLEANUP))
    assert (report.state, report.removed) == ("DONE", 6)
    assert someone.box.standing() == before
    assert other.resync().outcome == "OK"
    assert someone.box.standing() == before


@pytest.mark.case("peers", 18)
@pytest.mark.parametrize(
    "change", [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)], ids=["winter", "summer"]
)
@pytest.mark.parametrize("late", [timedelta(), HALF], ids=["at", "after"])
def test_delete_future_events_goes_by_the_instant_on_days_when_clocks_change(term, change, late):
    term.now = change + late
    starts = [term.now + HALF * nth for nth in range(-4, 5)]
    someone = term.person(*(lecture(start, f"id-{nth}") for nth, start in enumerate(starts)))
    assert someone.run().created == 9
    unlink = term.unlink(someone.ident, UnlinkMode.DELETE_FUTURE_EVENTS)
    term.now += 2 * HOUR
    assert term.carry_out(unlink).removed == 4
    # The one that begins at that moment has begun, and those before it are running or over.
    assert [start for start, _ in someone.starts()] == starts[:5]
