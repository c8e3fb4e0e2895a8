import random
from datetime import timedelta

import pytest

from providers.base import Window
from schedules.guard import Hold, Limits, guard, reading, sentence
from schedules.plan import plan


@pytest.fixture
def judge(build):
    def judged(known, left, *, now=-1, held=None, limits=None, window=build.window):
        """The guard's word when of events at the hours `known` those at `left` are wanted; None: the others may go."""
        rows = [build.row(build.wish(f"{hour}", hour)) for hour in known]
        wishes = [build.wish(f"{hour}", hour) for hour in left]
        made = plan(wishes, rows, window)
        limits = limits or Limits()
        hold = guard(made, rows, build.at(now), limits, held, reading(wishes))
        return None if hold and hold.confirmed(build.at(now), limits) else hold

    return judged


def test_one_of_three_hundred_left_is_held(build):
    window = Window(build.at(0), build.at(400))
    rows = [build.row(build.wish(f"{hour}", hour)) for hour in range(300)]
    left = [build.wish("5", 5)]
    hold = guard(plan(left, rows, window), rows, build.at(-1), Limits(), None, reading(left))
    assert (hold.going, hold.of) == (299, 300)


def test_nothing_wanted_where_nothing_is_known_is_fine(judge):
    assert judge([], []) is None


def test_the_floor_and_the_share_both_have_to_be_passed(judge):
    assert judge(range(20), range(10)) is None, "10 of 20: more than the share, not more than the floor"
    assert judge(range(20), range(9)) is not None, "11 of 20"
    assert judge(range(50), range(30)) is None, "20 of 50: the share, not more"
    assert judge(range(50), range(29)) is not None, "21 of 50"


def test_all_of_a_few_is_held(judge):
    assert judge([1], []) is not None
    assert judge([1, 2], [1]) is None


def test_what_has_begun_counts_only_if_what_is_to_come_may_go(judge):
    hold = judge(range(20), [], now=5.5)
    assert (hold.going, hold.of) == (14, 14)
    assert judge(range(20), range(8, 20), now=5.5) is None, "8 of 20, all of them past"
    hold = judge(range(20), range(12, 20), now=10.5)
    assert (hold.going, hold.of) == (12, 20), "one to come, and 11 past"


def test_a_term_that_is_over_is_not_forgotten_at_a_word(judge):
    hold = judge(range(20), [], now=30)
    assert (hold.going, hold.of) == (20, 20)


def test_what_is_beyond_the_window_does_not_count(build, judge):
    window = Window(build.at(0), build.at(3))
    hold = judge(range(50), range(3, 50), window=window)
    assert (hold.going, hold.of) == (3, 3)


def test_a_moved_event_is_not_gone(build):
    rows = [build.row(build.wish("monday", 1))]
    wishes = [build.wish("tuesday", 25)]
    assert guard(plan(wishes, rows, build.window), rows, build.at(0), Limits(), None, "") is None


def test_what_never_stood_cannot_be_lost(build):
    refused = build.row(build.wish("a"), "rejected", ref=None)
    assert guard(plan([], [refused], build.window), [refused], build.at(-1), Limits(), None, "") is None
    rows = [refused, build.row(build.wish("b"))]
    hold = guard(plan([], rows, build.window), rows, build.at(-1), Limits(), None, "")
    assert (hold.going, hold.of) == (1, 1)


def test_the_same_reading_an_hour_later_confirms(build, judge):
    first = judge(range(9), [], now=-5)
    assert first.since == build.at(-5)
    assert judge(range(9), [], now=-4.5, held=first) == first
    assert judge(range(9), [], now=-4, held=first) is None


def test_another_reading_starts_the_clock_again(build, judge):
    first = judge(range(20), [], now=-5)
    second = judge(range(20), [3], now=-3, held=first)
    assert second.since == build.at(-3)
    assert judge(range(20), [3], now=-2, held=second) is None


def test_the_limits_are_settings(judge):
    assert judge(range(9), [0, 1, 2], limits=Limits(floor=0)) is not None
    assert judge(range(90), range(9), limits=Limits(share=0.95)) is None
    held = judge(range(9), [], now=-5)
    assert judge(range(9), [], now=-4, held=held, limits=Limits(confirm_after=timedelta(hours=2))) == held


def test_a_reading_tells_every_wish_in_any_order(build):
    wishes = [build.wish(f"{hour}", hour) for hour in range(5)]
    assert reading(random.Random(1).sample(wishes, 5)) == reading(wishes)
    others = [wishes[1:], [*wishes[1:], build.wish("x", 0)], [*wishes[1:], build.wish("0", 0, title="Sets")], []]
    assert len({reading(wishes), *map(reading, others)}) == 5


def test_the_sentence_says_how_many_and_what_to_do(build):
    said = sentence(Hold(build.at(0), "", 299, 300))
    assert "since 2026-11-23 09:00 UTC" in said
    assert "299 of 300" in said
    assert "confirm_after" in said
    assert "release" in said


def test_the_sentence_about_a_whole_tenant_says_what_an_operator_can_do(build):
    said = sentence(Hold(build.at(0), "", 299, 300, tenant="uni"))
    assert said.startswith("Held since 2026-11-23 09:00 UTC and nothing changed: the timetable leaves out 299 of 300")
    assert "`carillon release --all --tenant uni`" in said
    assert "confirm_after" not in said
