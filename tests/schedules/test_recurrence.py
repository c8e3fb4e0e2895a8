"""Days of a recurrence: the same as dateutil counts from the first one on, from wherever we begin to look."""

from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile

import pytest
from dateutil.rrule import rrule, rrulestr
from hypothesis import given
from hypothesis import strategies as st
from made_periods import DAYS, RECURRENCES

from schedules.ics_rules import rrule as rule_text
from schedules.recurrence import Frequency, Recurrence, days, first_day

LATER = st.integers(-400, 9_000).map(timedelta)
FIRST = date(2026, 1, 1)


def counted(recurrence, first, last):
    """Every day up to `last`, as dateutil walks there from the first one without any short cut."""
    text = rule_text(recurrence, first, None, None)
    walked = rrulestr(f"DTSTART:{first:%Y%m%d}T000000\nRRULE:{text}")
    return [each.date() for each in walked.between(at(first), at(last), inc=True)]


def at(day):
    return datetime.combine(day, time())


def ten(recurrence, first=FIRST, since=date.min):
    return list(islice(days(recurrence, first, since), 10))


@given(RECURRENCES, DAYS, LATER)
def test_the_days_are_those_of_dateutil_from_wherever_one_looks(recurrence, first, later):
    if first_day(recurrence, first) is None:
        return
    since, last = first + later, first + later + timedelta(days=800)
    found = takewhile(lambda each: each <= last, days(recurrence, first, since))
    assert list(found) == [each for each in counted(recurrence, first, last) if each >= since]


@given(RECURRENCES, DAYS)
def test_the_first_day_is_the_first_that_dateutil_finds_in_a_century(recurrence, first):
    found = first_day(recurrence, first)
    century = counted(recurrence, first, date(2140, 1, 1))
    assert found == (century[0] if century else None)


@pytest.mark.parametrize(
    ("recurrence", "first"),
    [
        (Recurrence(Frequency.YEARLY, day=30, month=2), FIRST),
        (Recurrence(Frequency.YEARLY, day=31, month=4), FIRST),
        (Recurrence(Frequency.MONTHLY, 12, day=31), date(2026, 6, 1)),
        (Recurrence(Frequency.YEARLY, 2, day=29, month=2), date(2025, 1, 1)),
        (Recurrence(Frequency.WEEKLY, weekdays=(0,), until=date(2026, 1, 4)), FIRST),
    ],
)
def test_a_day_that_never_comes_is_known_at_once(recurrence, first):
    assert first_day(recurrence, first) is None


def test_months_without_the_day_are_passed_over():
    assert ten(Recurrence(Frequency.MONTHLY, day=31))[:3] == [date(2026, 1, 31), date(2026, 3, 31), date(2026, 5, 31)]


def test_the_last_friday_is_the_fourth_or_the_fifth():
    last = Recurrence(Frequency.MONTHLY, weekdays=(4,), week=-1)
    assert ten(last)[:2] == [date(2026, 1, 30), date(2026, 2, 27)]


def test_every_second_week_counts_from_the_monday_of_the_first_day():
    rule = Recurrence(Frequency.WEEKLY, 2, weekdays=(0, 4))
    # The first of January 2026 is a Thursday.
    assert ten(rule)[:3] == [date(2026, 1, 2), date(2026, 1, 12), date(2026, 1, 16)]


def test_a_count_counts_from_the_first_day_and_not_from_where_one_looks():
    rule = Recurrence(Frequency.DAILY, count=5)
    assert ten(rule, since=date(2026, 1, 4)) == [date(2026, 1, 4), date(2026, 1, 5)]


def test_the_day_of_the_end_is_included():
    assert ten(Recurrence(Frequency.DAILY, until=date(2026, 1, 2))) == [FIRST, date(2026, 1, 2)]


def test_far_days_are_found_without_walking_there(monkeypatch):
    walked = []
    monkeypatch.setattr(rrule, "_iter", counting(rrule._iter, walked))
    found = ten(Recurrence(Frequency.DAILY, 3), date(1900, 1, 1), FIRST)
    assert [(each - date(1900, 1, 1)).days % 3 for each in found] == [0] * 10
    assert found[0] < FIRST + timedelta(days=3)
    assert len(walked) < 20


def counting(iterate, walked):
    def counted_(self):
        for each in iterate(self):
            walked.append(each)
            yield each

    return counted_
