"""A period in the API's words and back, and lists of changes to them."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_periods import NAMES, periods

from schedules.period_changes import (
    MOST_PERIODS,
    Change,
    NameTakenError,
    UnknownPeriodError,
    added,
    changed,
    removed,
    updated,
)
from schedules.period_fields import merged, read, shown
from schedules.periods import Period, PeriodProblemError

DAY = date(2026, 5, 1)
BREAK, LUNCH = Period("Break", DAY, DAY), Period("Lunch", DAY, DAY, time(12), time(13))
WORDS = {"type": "Full days", "startDay": "2026-05-10", "stopDay": "2026-05-20"}
PARTIAL = {"name": "Lunch", "type": "Partial days", "startDay": "2026-05-01", "stopDay": "2026-05-01"}


@given(periods())
def test_a_period_is_read_from_what_is_shown_of_it(made):
    assert read(shown(made)) == made
    assert merged(shown(made), {}) == shown(made)


def test_the_documented_period_is_shown_as_it_was_given():
    given_ = {
        "name": "APIO Test Group Period 1",
        "type": "Full days",
        "startDay": "2018-05-01",
        "stopDay": "2018-05-05",
        "recurrence": {
            "recurWeekly": {
                "recurInterval": 1,
                **dict.fromkeys(["Monday", "Tuesday", "Wednesday", "Thursday"], False),
                "Friday": True,
                **dict.fromkeys(["Saturday", "Sunday"], False),
            },
            "recurForEver": False,
            "recurEndOccurrence": 3,
        },
    }
    again = shown(read(given_))
    assert again == given_
    assert list(again["recurrence"]["recurWeekly"]) == list(given_["recurrence"]["recurWeekly"])


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (PARTIAL, "startTime"),
        (PARTIAL | {"startTime": "10:00"}, "stopTime"),
        (WORDS | {"name": "Break", "startTime": "10:00"}, "startTime"),
        ({"name": "Break"}, "type"),
        (WORDS | {"name": "Break", "recurrence": {"recurForEver": True}}, "recurrence"),
        (WORDS | {"name": "Break", "recurrence": {"recurDaily": {"recurInterval": 1}}}, "recurrence"),
        (
            WORDS | {"name": "Break", "recurrence": {"recurDaily": {}, "recurWeekly": {}, "recurForEver": True}},
            "recurrence",
        ),
        (
            WORDS | {"name": "Break", "recurrence": {"recurDaily": {}, "recurForEver": True, "recurEndOccurrence": 3}},
            "recurrence",
        ),
        (
            WORDS
            | {
                "name": "Break",
                "recurrence": {"recurDaily": {}, "recurEndDate": "2027-01-01", "recurEndOccurrence": 3},
            },
            "recurrence",
        ),
    ],
)
def test_words_that_do_not_go_together_are_refused_by_the_field(words, field):
    with pytest.raises(PeriodProblemError) as caught:
        read(words)
    assert caught.value.field == field


def test_full_days_lose_their_times_and_null_ends_a_repetition():
    repeated = shown(LUNCH) | {"recurrence": {"recurDaily": {"recurInterval": 1}, "recurForEver": True}}
    after = read(merged(repeated, {"type": "Full days", "recurrence": None}))
    assert (after.start_time, after.stop_time, after.recurrence) == (None, None, None)


def test_the_documented_list_updates_deletes_and_makes():
    before = (Period("Period 1", DAY, DAY), Period("Period 2", DAY, DAY), Period("Period 4", DAY, DAY))
    changes = [
        Change("Period 1", {"startDay": "2026-05-10", "stopDay": "2026-05-20"}, new_name="Updated Period 1"),
        Change("Period 2", delete=True),
        Change("Period 3", WORDS),
    ]
    after = changed(before, changes)
    assert [each.name for each in after] == ["Updated Period 1", "Period 4", "Period 3"]
    assert [each.start_day.day for each in after] == [10, 1, 10]


def test_names_in_a_list_are_those_before_the_call():
    swapped = changed((BREAK, LUNCH), [Change("Break", new_name="Lunch"), Change("Lunch", new_name="Break")])
    assert [(each.name, each.all_day) for each in swapped] == [("Lunch", True), ("Break", False)]
    after = changed((BREAK, LUNCH), [Change("Break", new_name="Lunch"), Change("Lunch", delete=True)])
    assert [(each.name, each.all_day) for each in after] == [("Lunch", True)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Change("Other", delete=True), UnknownPeriodError),
        (Change("Other", WORDS, new_name="Another"), UnknownPeriodError),
        (Change("Lunch", new_name="Break"), NameTakenError),
        (Change("Other", {"type": "Full days"}), PeriodProblemError),
        (Change("Break", {"stopDay": "2026-04-01"}), PeriodProblemError),
        (Change("Break", {"startTime": "10:00"}), PeriodProblemError),
        (Change("Break", {"type": "Partial days"}), PeriodProblemError),
        (Change("Break", WORDS, delete=True), PeriodProblemError),
    ],
)
def test_one_bad_change_of_a_list_refuses_it_whole(change, error):
    with pytest.raises(error):
        changed((BREAK, LUNCH), [Change("New", WORDS), change])


def test_a_name_that_is_given_twice_is_refused():
    with pytest.raises(PeriodProblemError, match="twice"):
        changed((BREAK,), [Change("Break", WORDS), Change("Break", delete=True)])


@given(st.lists(periods(), unique_by=lambda each: each.name), NAMES)
def test_an_added_one_is_removed_again_and_no_two_share_a_name(before, name):
    one = Period(name, DAY, DAY)
    if name in {each.name for each in before}:
        with pytest.raises(NameTakenError):
            added(before, one)
    else:
        assert removed(added(before, one), name) == tuple(before)


def test_one_that_is_not_there_is_neither_updated_nor_removed():
    with pytest.raises(UnknownPeriodError):
        updated((BREAK,), "Lunch", WORDS)
    with pytest.raises(UnknownPeriodError):
        removed((BREAK,), "Lunch")


def test_a_renamed_one_keeps_its_place_and_what_was_read_with_it_but_for_the_title():
    kept = ("UID:1", "SUMMARY;LANGUAGE=en:Break", "DESCRIPTION:SUMMARY: none")
    before = (Period("Break", DAY, DAY, kept=kept), LUNCH)
    assert updated(before, "Break", {"stopDay": "2026-05-02"})[0].kept == kept
    after = updated(before, "Break", {}, "Pause")
    assert [each.name for each in after] == ["Pause", "Lunch"]
    assert after[0].kept == ("UID:1", "DESCRIPTION:SUMMARY: none")


def test_lines_of_icalendar_tell_of_another_revision_where_the_period_is_another_one():
    kept = ("UID:1", "DTSTAMP:20260101T000000Z", "sequence:3", "LAST-MODIFIED:20260101T000000Z", "SEQUENCES:3")
    before = (Period("Break", DAY, DAY, kept=kept),)
    assert updated(before, "Break", {"stopDay": DAY.isoformat()}, "Break")[0].kept == kept
    assert updated(before, "Break", {"stopDay": "2026-05-02"})[0].kept == ("UID:1", "SEQUENCE:4", "SEQUENCES:3")
    assert updated(before, "Break", {}, "Rest")[0].kept == ("UID:1", "SEQUENCE:4", "SEQUENCES:3")


def test_a_schedule_has_no_more_periods_than_it_may():
    many = [Period(f"Day {number}", DAY, DAY) for number in range(MOST_PERIODS)]
    assert len(added((), *many)) == MOST_PERIODS
    with pytest.raises(PeriodProblemError, match="at most"):
        added(many, BREAK)
