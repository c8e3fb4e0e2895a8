from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.due import next_due, resync_due, spread, window

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
INTERVALS = st.timedeltas(timedelta(seconds=5), timedelta(days=7))
IDENTS = st.integers(1, 10**9)
ZONES = st.sampled_from(["Europe/Amsterdam", "UTC", "Asia/Beirut", "America/St_Johns", "Pacific/Auckland"])
QUARTER = timedelta(minutes=15)


@given(MOMENTS, INTERVALS, IDENTS)
def test_a_period_is_its_interval_give_or_take_a_tenth(now, interval, ident):
    due = next_due(now, interval, ident)
    assert now + 0.9 * interval - timedelta(microseconds=1) <= due <= now + 1.1 * interval
    assert due == next_due(now, interval, ident)


def test_what_starts_together_spreads_evenly():
    count = 10_000
    tenths = [0] * 10
    for ident in range(count):
        share = ((next_due(NOW, QUARTER, ident) - NOW) / QUARTER - 0.9) / 0.2
        tenths[int(share * 10)] += 1
    assert all(0.85 * count / 10 < tenth < 1.15 * count / 10 for tenth in tenths)


def test_the_same_two_do_not_meet_in_every_period():
    gaps = {next_due(now, QUARTER, 1) - next_due(now, QUARTER, 2) for now in (NOW + n * QUARTER for n in range(10))}
    assert len(gaps) == 10


@given(st.lists(st.integers(), max_size=3))
def test_chance_is_a_share_and_the_same_every_time(seed):
    assert 0 <= spread(*seed) < 1
    assert spread(*seed) == spread(*seed)


@given(MOMENTS, st.integers(0, 60), st.integers(0, 400), ZONES)
def test_a_window_is_whole_local_days_around_today(now, past, future, zone):
    local = ZoneInfo(zone)
    made = window(now, timedelta(days=past), timedelta(days=future), zone)
    today = now.astimezone(local).date()
    assert now in made
    assert made.start.tzinfo is made.end.tzinfo is UTC
    assert made.start.astimezone(local).date() == today - timedelta(days=past)
    assert made.end.astimezone(local).date() == today + timedelta(days=future + 1)
    for edge in (made.start, made.end):
        before = edge - timedelta(seconds=1)
        assert before.astimezone(local).date() == edge.astimezone(local).date() - timedelta(days=1)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=1)), ZONES)
def test_a_window_changes_only_with_the_local_day(now, later, zone):
    first, second = (window(moment, timedelta(days=14), timedelta(days=180), zone) for moment in (now, now + later))
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in (now, now + later)]
    assert (first == second) == (days[0] == days[1])


def test_the_days_when_clocks_change_are_whole():
    for now, hours in ((datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)):
        made = window(now, timedelta(0), timedelta(0), "Europe/Amsterdam")
        assert made.end - made.start == timedelta(hours=hours)


def test_a_part_of_a_day_counts_as_a_day():
    assert window(NOW, timedelta(hours=1), timedelta(hours=25), "UTC") == window(
        NOW, timedelta(days=1), timedelta(days=2), "UTC"
    )


@given(IDENTS)
def test_a_resync_is_due_after_half_its_interval_at_least_and_all_of_it_at_most(ident):
    week = timedelta(days=7)
    assert resync_due(NOW - week, NOW, week, ident)
    assert not resync_due(NOW - week / 2 + timedelta(seconds=1), NOW, week, ident)


def test_resyncs_of_those_who_were_linked_together_are_spread():
    week, count = timedelta(days=7), 10_000
    due = [
        sum(resync_due(NOW - week * share, NOW, week, ident) for ident in range(count)) for share in (0.6, 0.75, 0.9)
    ]
    assert due == pytest.approx([0.2 * count, 0.5 * count, 0.8 * count], rel=0.05)
