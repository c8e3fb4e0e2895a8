import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.identity import activity, key, keys
from schedules.plan import plan
from schedules.wanted import reasons, wanted
from timetables.base import Location, SourceEvent

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
SOME = st.sampled_from(["", "a", "b c"])
EVENTS = st.lists(
    st.builds(
        SourceEvent,
        st.integers(-3, 3).map(lambda hours: MONDAY + timedelta(hours=hours)),
        st.integers(-3, 3).map(lambda hours: MONDAY + timedelta(hours=hours)),
        id=st.sampled_from(["", "", "1", "2"]),
        all_day=st.booleans(),
        description=SOME,
        module_code=SOME,
        locations=st.lists(SOME.map(Location), max_size=2).map(tuple),
        hidden=st.sampled_from(["", "", "filtered"]),
    ),
    max_size=8,
)


def respelled(event):
    """The same event as another version of a server might write it."""
    places = tuple(replace(place, name=f" {place.name}\r\n") for place in event.locations)
    return replace(
        event, description=f" {event.description}\t", module_code=f"{event.module_code}\r\n", locations=places
    )


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_answer_does_not_matter(rendering, build, events, chance):
    shuffled = random.Random(chance.random()).sample(events, len(events))
    assert wanted(shuffled, rendering, build.window) == wanted(events, rendering, build.window)
    assert reasons(shuffled, rendering, build.window) == reasons(events, rendering, build.window)


@given(EVENTS, st.lists(st.booleans(), min_size=8, max_size=8))
def test_another_spelling_is_no_operation(rendering, build, events, which):
    before = wanted(events, rendering, build.window)
    spelt = [respelled(event) if other else event for event, other in zip(events, which, strict=False)]
    after = wanted(spelt, rendering, build.window)
    assert plan(after, [build.row(wish) for wish in before], build.window).empty


@given(EVENTS)
def test_every_visible_event_is_there_once_for_its_key(rendering, build, events):
    visible = [event for event in events if not event.hidden]
    made = wanted(events, rendering, build.window)
    assert {wish.key for wish in made} == set(keys(visible))
    assert len(made) == len({event.id for event in visible if event.id}) + sum(not event.id for event in visible)
    assert list(made) == sorted(made, key=lambda wish: (wish.start, wish.key))


@given(EVENTS)
def test_every_event_has_a_reason_and_those_wanted_are_the_ones_that_are_written(rendering, build, events):
    told = reasons(events, rendering, build.window)
    assert len(told) == len(events)
    made = wanted(events, rendering, build.window)
    there = [(each.key, each.event) for each in told if each.why == "wanted"]
    assert there == [(wish.key, wish.event) for wish in made if wish.start in build.window]


def test_two_identical_lectures_stay_two(rendering, build):
    twice = [build.source(id=""), build.source(id="")]
    first, second = wanted(twice, rendering, build.window)
    assert first.event == second.event
    assert first.key != second.key
    assert len(plan([first, second], [], build.window).creates) == 2


def test_another_spelling_does_not_swap_two_lectures_without_id(rendering, build):
    rooms = [build.source(id="", locations=(Location(room),)) for room in ("A", "B")]
    before = wanted(rooms, rendering, build.window)
    after = wanted([rooms[0], build.source(id="", locations=(Location(" B"),))], rendering, build.window)
    assert after == before


def test_the_same_id_twice_is_one_event(rendering, build):
    (only,) = wanted([build.source(3, id="x"), build.source(2, id="x")], rendering, build.window)
    assert only.start == build.at(2)


def test_of_two_with_the_same_id_the_one_in_the_window_stands_for_both(rendering, build):
    (only,) = wanted([build.source(-5, id="x"), build.source(2, id="x")], rendering, build.window)
    assert only.start == build.at(2)


def test_a_hidden_copy_does_not_hide_the_visible_one(rendering, build):
    (only,) = wanted([build.source(1, id="x", hidden="draft"), build.source(2, id="x")], rendering, build.window)
    assert only.start == build.at(2)


def test_the_reasons_tell_why_not(rendering, build):
    events = [
        build.source(-1),
        build.source(1, hidden="filtered"),
        build.source(2, id="x"),
        build.source(3, id="x"),
    ]
    assert [each.why for each in reasons(events, rendering, build.window)] == [
        "outside the window from 2026-11-23 to 2026-11-27",
        "hidden: filtered",
        "wanted",
        "the same id as another event of this timetable, which stands for both",
    ]


@given(st.text(st.characters(codec=None), min_size=1))
def test_a_key_fits_every_mark(ident):
    event = SourceEvent(MONDAY, MONDAY, id=ident)
    assert re.fullmatch(r"[0-9a-f]{32}", key(event))


def test_an_id_decides_alone(build):
    assert key(build.source(1, id="x")) == key(build.source(2, id="x", description="Other"))
    assert key(build.source(id="x")) != key(build.source(id="x "))


def test_without_an_id_time_and_content_decide(build):
    names = [
        key(build.source(id="")),
        key(build.source(id=""), 1),
        key(build.source(1, id="")),
        key(build.source(id="", description="Other")),
        key(build.source(id="", module_code="CS1 Logic", description="")),
        key(build.source(id="", event_type="SEM")),
    ]
    assert len(set(names)) == len(names)


def test_an_activity_is_the_same_at_another_time_and_place(build):
    moved = build.source(50, locations=(Location("B"),), staff=("Ada",))
    assert activity(moved) == activity(build.source())
    assert activity(build.source(description="Sets")) != activity(build.source())
    assert len(activity(moved)) == 8


def test_the_hour_that_comes_twice_holds_two_events(rendering, build):
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    both = [build.source(id="", start=night), build.source(id="", start=night + timedelta(hours=1))]
    made = wanted(both, rendering, build.window)
    assert [wish.start for wish in made] == [night, night + timedelta(hours=1)]
    assert len({wish.key for wish in made}) == len({wish.fingerprint for wish in made}) == 2
