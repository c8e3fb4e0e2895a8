"""The machine itself: with the product broken in one place, it finds fault."""

from datetime import timedelta

import pytest

from loop import promise
from loop.year import GROUP, TENANT
from providers import base, memory
from providers.memory import Calendar
from worker import deferring, groups, judging, leases, push, situation, synchronize, unlinks
from worker.calendar_tables import Effect
from worker.effects import Effects
from worker.ledger import UnlinkMode

LOST = base.Ambiguous("no answer")


@pytest.fixture
def loop(open_machine):
    """A machine of which no rule is drawn: a test goes through one history by hand."""
    made = open_machine("memory", memory.Settings(), "restore")()
    made.begin(7, ran=True)
    yield made
    for box in made.boxes.values():
        box.close()


def faults(loop):
    """What is found at once, and when things are quiet."""
    loop.books.check()
    promise.settle(loop.campus)
    promise.judge(loop.campus, loop.books, "restore")
    return "\n".join(loop.campus.findings)


def lost_answers(loop):
    loop.a_run(0, [(5, "add"), (4, "add")], [("push", LOST, None)], resync=False, later=True)
    loop.a_run(0, (), (), resync=False, later=True)


def taken_over(loop):
    loop.a_run(0, [(5, "add")], [("meanwhile", "push", False, "taken over", 0, None)], resync=False)


def emptied(loop):
    loop.a_run(0, [(0, "shrink")], (), resync=False)


def cleaned(loop):
    ident = loop._link(1, 0, 0)
    loop.campus.run(ident)
    loop.campus.carry_out(loop._unlink(0, UnlinkMode.CLEANUP))


def left_behind(loop):
    loop.campus.carry_out(loop._unlink(0, UnlinkMode.DELETE_FUTURE_EVENTS))


def copied(loop):
    box = next(iter(loop.boxes.values()))
    loop._edit_ours(box, min(box.standing()), "copy")


def held(loop):
    loop.a_schedule_is_put(GROUP, "Year", Effect.HOLD, [("Exams", 1, None, 4)])
    loop.campus.year.join_or_leave(loop.people[0])
    loop.timetable_changes(0, [(5, "add")])
    loop.campus.run(min(loop.campus.linked()))
    loop.campus.year.remove(GROUP, "Year")


def published(loop):
    idents = loop.campus.linked()
    loop.campus.year.join_or_leave(loop.people[0])
    loop.a_schedule_is_put(GROUP, "Year", Effect.PUBLISH, [("Fair", 7, None, 1)])
    for end in (lambda: None, lambda: loop.campus.year.join_or_leave(loop.people[0])):
        end()
        for ident in idents:
            loop.campus.run(ident)


def emptied_beside_a_schedule(loop):
    [ident, _] = loop.campus.linked()
    loop.a_schedule_is_put(TENANT, "Year", Effect.PUBLISH, [("Fair", 7, None, 4), ("Exams", 8, None, 4)])
    loop.campus.run(ident)
    loop.timetable_changes(0, [(1, "shrink")])
    loop.campus.run(ident)


def in_a_term(loop):
    loop.timetable_changes(0, [(28, "add")])
    loop.campus.source.term_ends = loop._midnight() + timedelta(days=90)
    loop.campus.run(min(loop.campus.linked()))


HISTORIES = [
    lost_answers,
    taken_over,
    emptied,
    cleaned,
    left_behind,
    copied,
    held,
    published,
    emptied_beside_a_schedule,
    in_a_term,
]


@pytest.mark.parametrize("history", HISTORIES)
def test_with_the_product_whole_nothing_is_found(loop, history):
    history(loop)
    assert faults(loop) == ""


def test_a_create_that_is_sent_again_without_a_look_is_noticed(loop, monkeypatch):
    made = push._create

    def anew(*arguments):
        loop.numbers += 1
        return made(*arguments[:3], loop.numbers)

    monkeypatch.setattr(push, "_create", anew)
    monkeypatch.setattr(push, "_intend", lambda *_: None)
    lost_answers(loop)
    loop.books.check()
    assert "stands 2 times" in "\n".join(loop.campus.findings)


def test_a_row_in_doubt_that_is_not_settled_is_noticed(loop, monkeypatch):
    monkeypatch.setattr("worker.situation.IN_DOUBT", frozenset())
    lost_answers(loop)
    assert "a defect" in "\n".join(loop.campus.findings)


def test_a_late_worker_that_records_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(leases.Lease, "renew", lambda *_: None)
    taken_over(loop)
    assert "lost its lease and recorded" in faults(loop)


def test_a_plan_that_nothing_holds_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(judging, "guard", lambda *_: None)
    emptied(loop)
    assert "went unasked" in faults(loop)


def test_a_listing_that_takes_every_instance_for_ours_is_noticed(loop, monkeypatch):
    true = Calendar.find

    def find(calendar, _marks, window=None):
        return [each for name in ("here", "there") for each in true(calendar, base.Marks(name, None), window)]

    monkeypatch.setattr(Calendar, "find", find)
    cleaned(loop)
    assert "touched what is not its own" in faults(loop)


def test_an_unlink_that_takes_more_than_it_said_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(unlinks, "going", lambda found, *_: list(found))
    left_behind(loop)
    assert "touched what is not its own" in faults(loop)


def test_a_copy_that_is_left_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(synchronize._Pass, "_remove", lambda *_: None)
    copied(loop)
    assert "too many" in faults(loop)


def test_a_run_that_no_schedule_holds_up_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(situation, "effects", lambda *_: Effects())
    held(loop)
    assert "while a calendar schedule held it" in faults(loop)


def test_a_hold_that_lets_nobody_go_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(deferring, "wake", lambda *_: None)
    monkeypatch.setattr(deferring, "free", lambda *_: 0)
    held(loop)
    assert "for a hold until" in faults(loop)


def test_a_changed_schedule_that_hides_behind_an_unchanged_timetable_is_noticed(loop, monkeypatch):
    def carried_out(found, reading):
        return f"{situation.place(found.tenant, found.row)} same {reading}"

    monkeypatch.setattr(situation.Situation, "carried_out", carried_out)
    published(loop)
    assert "says that all is well" in faults(loop)


def test_what_is_published_for_a_group_that_a_person_left_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(groups, "leave", lambda *_: True)
    published(loop)
    assert "says that all is well" in faults(loop)


def test_an_empty_timetable_behind_what_is_published_is_noticed(loop, monkeypatch):
    true = judging.judge
    monkeypatch.setattr(synchronize, "judge", lambda *given: true(*given[:6]))
    emptied_beside_a_schedule(loop)
    assert "went unasked" in faults(loop)


def test_a_window_that_does_not_go_on_to_the_end_of_the_term_is_noticed(loop, monkeypatch):
    monkeypatch.setattr(situation.Situation, "reaching", lambda found, _end: found)
    in_a_term(loop)
    assert "missing Counter({(" in faults(loop)


def test_time_passes_for_the_ledger_too(loop):
    loop.campus.beat()
    assert not loop.campus.queue.waiting
    loop.campus.pass_time(timedelta(hours=2))
    loop.campus.beat()
    assert len(loop.campus.queue.waiting) == 2
