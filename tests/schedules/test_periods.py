"""When periods take place, and what runs at a moment."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_periods import ZONES, periods

from providers.base import Window
from schedules.periods import (
    Occurrence,
    Period,
    PeriodProblemError,
    checked,
    expand,
    next_change,
    occurrences,
    running,
    spans,
    upcoming,
)
from schedules.recurrence import Frequency, Recurrence, days

AMSTERDAM, NEW_YORK, LORD_HOWE = (ZoneInfo(name) for name in ZONES[:3])
DAILY = Recurrence(Frequency.DAILY)
YEAR = timedelta(days=366)
MOMENTS = st.datetimes(datetime(2014, 1, 1), datetime(2040, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware at once
KEYS = st.sampled_from(ZONES).map(ZoneInfo)


def period(first, last=None, times=None, recurrence=None, name="Break"):
    first, last = (date.fromisoformat(each) for each in (first, last or first))
    clocks = [time.fromisoformat(each) for each in times.split("-")] if times else (None, None)
    return Period(name, first, last, *clocks, recurrence)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(found, zone):
    """Starts and ends as the wall clock shows them."""
    return [f"{each.start.astimezone(zone):%m-%d %H:%M}…{each.end.astimezone(zone):%m-%d %H:%M}" for each in found]


def in_year(found, year=2026, zone=AMSTERDAM):
    begin = datetime(year, 1, 1, tzinfo=zone).astimezone(UTC)
    return list(expand(found, zone, Window(begin, datetime(year + 1, 1, 1, tzinfo=zone).astimezone(UTC))))


def test_full_days_go_from_midnight_to_the_midnight_after_the_last():
    found = in_year(period("2026-05-01", "2026-05-05"))
    assert found == [Occurrence(utc("2026-04-30T22:00"), utc("2026-05-05T22:00"), all_day=True)]


def test_partial_days_take_place_on_each_of_them():
    found = in_year(period("2026-05-07", "2026-05-09", "10:30-18:30"))
    assert shown(found, AMSTERDAM) == [f"05-0{day} 10:30…05-0{day} 18:30" for day in (7, 8, 9)]
    assert not any(each.all_day for each in found)


def test_partial_days_may_go_over_midnight():
    found = in_year(period("2026-05-07", "2026-05-08", "22:00-06:00"))
    assert shown(found, AMSTERDAM) == ["05-07 22:00…05-08 06:00", "05-08 22:00…05-09 06:00"]


def test_a_stop_at_the_time_of_the_start_is_a_day_later():
    assert shown(in_year(period("2026-05-07", times="08:00-08:00")), AMSTERDAM) == ["05-07 08:00…05-08 08:00"]


def test_the_documented_period_of_five_days_on_three_fridays():
    friday = Recurrence(Frequency.WEEKLY, weekdays=(4,), count=3)
    found = in_year(period("2022-05-06", "2022-05-10", "10:30-18:30", friday), 2022)
    assert [f"{each.start:%m-%d}" for each in found] == [
        *("05-06", "05-07", "05-08", "05-09", "05-10"),
        *("05-13", "05-14", "05-15", "05-16", "05-17"),
        *("05-20", "05-21", "05-22", "05-23", "05-24"),
    ]


def test_the_documented_period_that_does_not_begin_on_its_friday_begins_on_the_next():
    friday = Recurrence(Frequency.WEEKLY, weekdays=(4,), count=3)
    found = in_year(period("2018-05-01", "2018-05-05", recurrence=friday), 2018)
    assert shown(found, AMSTERDAM) == [
        "05-04 00:00…05-09 00:00",
        "05-11 00:00…05-16 00:00",
        "05-18 00:00…05-23 00:00",
    ]


def test_partial_days_that_overlap_their_own_repetition_take_place_once_a_day():
    found = in_year(period("2026-05-01", "2026-05-03", "10:00-11:00", Recurrence(Frequency.DAILY, count=3)))
    assert [f"{each.start:%d}" for each in found] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize(
    ("zone", "day", "times", "hours"),
    [
        (AMSTERDAM, "2026-03-29", None, 23),
        (AMSTERDAM, "2026-10-25", None, 25),
        (NEW_YORK, "2026-03-08", None, 23),
        (NEW_YORK, "2026-11-01", None, 25),
        (LORD_HOWE, "2026-10-04", None, 23.5),
        (LORD_HOWE, "2026-04-05", None, 24.5),
        (AMSTERDAM, "2026-03-29", "00:00-06:00", 5),
        (AMSTERDAM, "2026-10-25", "00:00-06:00", 7),
        (NEW_YORK, "2026-11-01", "00:00-06:00", 7),
        (LORD_HOWE, "2026-04-05", "00:00-06:00", 6.5),
        (AMSTERDAM, "2026-03-28", "22:00-06:00", 7),
    ],
)
def test_a_day_on_which_the_clock_is_changed_is_as_long_as_it_is(zone, day, times, hours):
    [found] = in_year(period(day, times=times), zone=zone)
    assert found.end - found.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day", "times", "expected"),
    [
        # What the clock leaps over is counted from before the leap; what it shows twice is the first.
        (AMSTERDAM, "2026-03-29", "02:30-04:00", ("01:30", "02:00")),
        (AMSTERDAM, "2026-03-29", "01:00-02:30", ("00:00", "01:30")),
        (AMSTERDAM, "2026-10-25", "02:15-02:45", ("00:15", "00:45")),
        (AMSTERDAM, "2026-10-25", "02:30-03:00", ("00:30", "02:00")),
        (NEW_YORK, "2026-03-08", "02:30-04:00", ("07:30", "08:00")),
        (NEW_YORK, "2026-11-01", "01:30-02:00", ("05:30", "07:00")),
        (LORD_HOWE, "2026-10-04", "02:15-03:00", ("15:45", "16:00")),
        (LORD_HOWE, "2026-04-05", "01:45-02:00", ("14:45", "15:30")),
    ],
)
def test_times_in_a_leap_and_times_shown_twice_are_read_as_icalendar_does(zone, day, times, expected):
    [found] = in_year(period(day, times=times), zone=zone)
    assert (f"{found.start:%H:%M}", f"{found.end:%H:%M}") == expected


def test_what_a_leap_leaves_without_length_does_not_take_place():
    found = in_year(period("2026-03-28", "2026-03-30", "02:30-03:15"))
    assert [f"{each.start:%d}" for each in found] == ["28", "30"]


def test_a_day_that_a_zone_left_out_does_not_take_place():
    apia = ZoneInfo("Pacific/Apia")
    found = in_year(period("2011-12-29", recurrence=Recurrence(Frequency.DAILY, count=3)), 2011, apia)
    assert [f"{each.start.astimezone(apia):%m-%d}" for each in found] == ["12-29", "12-31"]


@given(periods(), KEYS, MOMENTS, st.timedeltas(timedelta(), 3 * YEAR))
def test_a_window_has_what_takes_place_in_it_and_nothing_else(made, zone, begin, length):
    window = Window(begin, begin + length)
    whole = takewhile(lambda each: each.start < window.end, occurrences(made, zone, utc("2010-01-01")))
    expected = [each for each in whole if each.end > window.start]
    assert list(expand(made, zone, window)) == expected
    assert expected == sorted(set(expected))


@given(periods(recurring=True), KEYS)
def test_a_recurrence_moves_the_first_days_as_they_are(made, zone):
    """Taken apart into single periods, one for each day that dateutil counts."""
    firsts = list(islice(days(made.recurrence, made.start_day), 12))
    length = made.stop_day - made.start_day
    single = [Period("One", each, each + length, made.start_time, made.stop_time) for each in firsts]
    whole = {each for one in single for each in occurrences(one, zone, utc("2010-01-01"))}
    last = max((each.start for each in whole), default=None)
    window = Window(utc("2010-01-01"), (last or utc("2010-01-01")) + timedelta.resolution)
    found = set(expand(made, zone, window))
    assert whole <= found
    # What it has beyond these belongs to a later day of the recurrence.
    later = datetime.combine(firsts[-1], time(), zone).astimezone(UTC)
    assert all(each.start > later for each in found - whole)


@pytest.mark.parametrize(
    "recurrence", [None, Recurrence(Frequency.WEEKLY, weekdays=(0,)), Recurrence(Frequency.DAILY, 7)]
)
@pytest.mark.parametrize("days_", [1, 3])
def test_the_night_after_the_last_day_is_looked_at_too(recurrence, days_):
    nights = period("2026-05-04", f"2026-05-0{3 + days_}", "22:00-06:00", recurrence)
    morning = datetime(2026, 5, 4 + days_, 5, tzinfo=AMSTERDAM)
    weeks = [timedelta(weeks=number) for number in (range(3) if recurrence else [0])]
    for moment in [(morning + week).astimezone(UTC) for week in weeks]:
        [(_, found)] = running([nights], AMSTERDAM, moment)
        assert found.end == moment + timedelta(hours=1)


@given(st.lists(periods(), max_size=4), KEYS, MOMENTS)
def test_what_runs_at_a_moment_has_begun_and_not_ended(made, zone, now):
    found = running(made, zone, now)
    assert all(each.start <= now < each.end for _, each in found)
    around = Window(now - timedelta(days=15), now + timedelta(days=15))
    everything = [(one, each) for one in made for each in expand(one, zone, around) if each.start <= now < each.end]
    assert found == everything


@given(st.lists(periods(), max_size=4), KEYS, MOMENTS)
def test_nothing_begins_or_ends_before_the_next_change(made, zone, now):
    change = next_change(made, zone, now)
    until = min(change, now + 3 * YEAR) if change else now + 3 * YEAR
    found = [each for one in made for each in expand(one, zone, Window(now, until))]
    assert all(each.start <= now and each.end >= until for each in found)
    if change:
        at_change = [each for one in made for each in expand(one, zone, Window(change - YEAR, change + YEAR))]
        assert any(change in {each.start, each.end} for each in at_change)


@given(st.lists(periods(), max_size=4), KEYS, MOMENTS)
def test_spans_cover_what_takes_place_with_gaps_between_them(made, zone, begin):
    window = Window(begin, begin + YEAR)
    merged = spans(made, zone, window)
    single = [each for one in made for each in expand(one, zone, window)]
    assert all(one[1] < other[0] for one, other in pairwise(merged))
    assert all(any(start <= each.start and each.end <= end for start, end in merged) for each in single)
    edges = {each.start for each in single}, {each.end for each in single}
    assert all(start in edges[0] and end in edges[1] for start, end in merged)


def test_the_next_one_to_begin_is_told_with_its_end():
    lunch = period("2026-05-04", times="12:00-13:00", recurrence=DAILY, name="Lunch")
    both = [period("2026-05-06", "2026-05-08"), lunch]
    found = upcoming(both, AMSTERDAM, utc("2026-05-05T10:30"))
    assert found == (both[0], Occurrence(utc("2026-05-05T22:00"), utc("2026-05-08T22:00"), all_day=True))
    assert upcoming(both, AMSTERDAM, utc("2026-05-05T22:00"))[0] is lunch
    assert next_change(both, AMSTERDAM, utc("2026-05-05T10:30")) == utc("2026-05-05T11:00")


def test_nothing_changes_after_the_last_one():
    assert next_change([period("2026-05-01")], AMSTERDAM, utc("2026-06-01T00:00")) is None
    assert upcoming([], AMSTERDAM, utc("2026-06-01T00:00")) is None


def test_a_29_february_years_ahead_is_found():
    leap = period("2024-02-29", recurrence=Recurrence(Frequency.YEARLY, day=29, month=2))
    assert next_change([leap], AMSTERDAM, utc("2024-03-01T00:00")) == utc("2028-02-28T23:00")


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (period("2026-05-02", "2026-05-01"), "stopDay"),
        (Period("Break", date(2026, 5, 1), date(2026, 5, 1), time(9), None), "stopTime"),
        (Period("Break", date(2026, 5, 1), date(2026, 5, 1), None, time(9)), "startTime"),
        (period("1899-12-31"), "startDay"),
        (period("2026-05-01", "3000-01-01"), "stopDay"),
        (period("2026-05-01", name=""), "name"),
        (period("2026-05-01", name="x" * 256), "name"),
        (period("2026-05-01", name="a\nb"), "name"),
        (period("2026-05-01", name=" a"), "name"),
        (period("2026-05-01", name=".."), "name"),
        (period("2026-05-01", recurrence=Recurrence(Frequency.DAILY, 0)), "recurrence.recurInterval"),
        (period("2026-05-01", recurrence=Recurrence(Frequency.DAILY, 1_000)), "recurrence.recurInterval"),
        (period("2026-05-01", recurrence=Recurrence(Frequency.DAILY, count=0)), "recurrence.recurEndOccurrence"),
        (period("2026-05-01", recurrence=Recurrence(Frequency.DAILY, count=1_000)), "recurrence.recurEndOccurrence"),
        (period("2026-05-01", recurrence=Recurrence(Frequency.WEEKLY)), "recurrence.recurWeekly"),
        (
            period("2026-05-01", recurrence=Recurrence(Frequency.DAILY, until=date(2026, 4, 30))),
            "recurrence.recurEndDate",
        ),
        (period("2026-05-01", recurrence=Recurrence(Frequency.YEARLY, day=30, month=2)), "recurrence"),
    ],
)
def test_what_cannot_be_is_refused_by_the_field(made, field):
    with pytest.raises(PeriodProblemError) as caught:
        checked(made)
    assert caught.value.field == field


@given(periods())
def test_what_can_be_is_left_as_it_is(made):
    assert checked(made) is made
