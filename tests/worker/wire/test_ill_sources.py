"""A timetable API that is ill for everybody of an institution, for an hour; and one whose single answers are poison."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from term import lecture

PEOPLE = 14
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)


def lectures(term, number, who=0):
    """All of the next days, with ids of their own for each person."""
    step = 50 * DAY / number
    return [lecture(term.now + step * nth, f"{who}-{nth}", title=f"Course {who}") for nth in range(1, number + 1)]


def everybody(term, number):
    people = [term.person(*lectures(term, number, who)) for who in range(PEOPLE)]
    assert [each.run().created for each in people] == [number] * PEOPLE
    return people


def pushes(term):
    return term.server.settings.store.calls.count("push")


def tenth(told, nth):
    return told[nth][::10]


def one(told, nth):
    return told[nth][-1:]


def nothing(_told, _nth):
    return []


def somebody_elses(told, nth):
    """As from a cache that mixes people up."""
    return told[(nth + 1) % PEOPLE]


def failing(_told, _nth):
    return Response(b"oops", 500)


def page(_told, _nth):
    return Response(b"<!doctype html><title>Sign in</title>", media_type="text/html")


def cut_short(told, nth):
    whole = json.dumps(told[nth])
    return Response(whole[: len(whole) // 2], media_type="application/json")


ANSWERS = {
    "nothing": (nothing, 40, "HELD"),
    "a tenth": (tenth, 40, "HELD"),
    "one of 300": (one, 300, "HELD"),
    "somebody else's": (somebody_elses, 40, "HELD"),
    "500": (failing, 40, "RETRYING"),
    "a page": (page, 40, "RETRYING"),
    "cut short": (cut_short, 40, "RETRYING"),
}


@pytest.mark.case("peers", 4)
@pytest.mark.case("faults", 14)
@pytest.mark.parametrize(("answer", "number", "outcome"), ANSWERS.values(), ids=ANSWERS)
def test_an_hour_of_wrong_answers_for_everybody_costs_no_event(open_term, answer, number, outcome):
    term = open_term("memory")
    people = everybody(term, number)
    whole = dict(term.told.people)
    before = {each.name: each.versions() for each in people}
    done = pushes(term)
    told = list(whole.values())
    term.told.people |= {name: answer(told, nth) for nth, name in enumerate(whole)}
    for nth in range(5):
        outcomes = {each.run().outcome for each in people}
        # What fails without a known reason is in the end a person's to look at.
        assert outcomes == {outcome} or (nth > 2 and outcomes == {"FAILED"})
        term.now += QUARTER
    assert all(each.row().status_detail for each in people)
    term.told.people |= whole
    assert {each.run().outcome for each in people} == {"OK"}
    assert pushes(term) == done
    assert {each.name: each.versions() for each in people} == before


@pytest.mark.case("peers", 4)
@pytest.mark.case("faults", 14)
def test_a_timetable_that_really_shrank_is_carried_out_after_an_hour(open_term):
    term = open_term("memory")
    people = everybody(term, 40)
    leaver = people[3]
    leaver.tell(*lectures(term, 40, 3)[::10])
    assert leaver.run().outcome == "HELD"
    term.now += 4 * QUARTER
    report = leaver.run()
    assert (report.outcome, report.deleted) == ("OK", 36)
    assert len(leaver.starts()) == 4
    assert all(len(each.starts()) == 40 for each in people if each is not leaver)


@pytest.mark.case("peers", 4)
def test_an_empty_timetable_for_an_empty_calendar_is_fine(open_term):
    term = open_term("memory")
    people = [term.person() for _ in range(PEOPLE)]
    assert {each.run().outcome for each in people} == {"OK"}


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.just(float("nan")),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=20),
    st.just("x" * 1_000_000),
    st.just([[[]]]),
    st.just({"name": {"name": ["x"]}}),
)
FIELDS = st.sampled_from(["id", "startDate", "endDate", "activityDescription", "locations", "eventType", "notes"])
SPOILT = st.lists(st.tuples(st.integers(0, 11), FIELDS, VALUES), min_size=1, max_size=4)
REPEATED = st.lists(st.integers(0, 11), max_size=3)
BODIES = st.one_of(
    st.binary(max_size=60), st.just(b'{"a": 1}'), st.just(b"[[]]"), st.just(b"null"), st.just(b"[" * 9_999)
)


@pytest.mark.case("faults", 12)
def test_poison_in_one_timetable_parks_that_person_and_nobody_else(open_term):
    term = open_term("memory")
    first, poisoned, last = (term.person(*lectures(term, 12, who)) for who in range(3))
    for each in (first, poisoned, last):
        each.run()
    rooms = iter(range(10_000))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(spoilt=SPOILT, repeated=REPEATED, body=st.one_of(st.none(), st.none(), BODIES))
    def swallow(spoilt, repeated, body):
        good = lectures(term, 12, 1)
        poisoned.tell(*good)
        assert poisoned.run().outcome == "OK"
        assert len(poisoned.starts()) == 12
        before = poisoned.versions()
        events = [dict(each) for each in good]
        for place, field, value in spoilt:
            events[place][field] = value
        events += [events[place] for place in repeated]
        told = json.dumps(events).encode() if body is None else body
        term.told.people[poisoned.name] = Response(told, media_type="application/json")
        for who, each in ((0, first), (2, last)):
            each.tell(*(told | {"locations": [{"name": f"{next(rooms)}"}]} for told in lectures(term, 12, who)))
        reports = [each.run() for each in (first, poisoned, last)]
        assert [(reports[nth].outcome, reports[nth].updated) for nth in (0, 2)] == [("OK", 12)] * 2
        assert "defect" not in reports[1].detail
        if reports[1].outcome != "OK":
            assert poisoned.versions() == before
            assert poisoned.row().status_detail
            assert term.due_in(poisoned.ident) > timedelta(seconds=25)
        assert len(poisoned.versions()) >= 12 - len(spoilt)

    swallow()
