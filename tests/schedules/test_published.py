"""What calendar schedules want in a calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from made_periods import ZONES
from made_periods import periods as any_period

from providers.base import Window
from schedules.periods import Period, expand
from schedules.plan import plan
from schedules.published import published
from schedules.recurrence import Frequency, Recurrence

ZONE = ZoneInfo("Europe/Amsterdam")
WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
CHRISTMAS = Period("Christmas", date(2026, 12, 25), date(2026, 12, 26))
LUNCH = Period("Lunch", date(2026, 12, 1), date(2026, 12, 1), time(12), time(13), Recurrence(Frequency.DAILY, count=3))


def test_whole_days_are_one_event_from_midnight_to_midnight():
    [wish] = published({7: [CHRISTMAS]}, ZONE, WINDOW)
    event = wish.event
    assert (event.title, event.all_day, event.zone) == ("Christmas", True, "Europe/Amsterdam")
    assert (event.start, event.end) == (datetime(2026, 12, 24, 23, tzinfo=UTC), datetime(2026, 12, 26, 23, tzinfo=UTC))


def test_a_recurring_period_is_an_event_for_each_time():
    wishes = published({7: [LUNCH]}, ZONE, WINDOW)
    assert [wish.start for wish in wishes] == [datetime(2026, 12, day, 11, tzinfo=UTC) for day in (1, 2, 3)]
    assert not any(wish.event.all_day for wish in wishes)
    assert len({wish.key for wish in wishes}) == 3


def test_an_event_bears_the_words_of_the_calendar_it_was_read_from():
    kept = Period("Exams 2026-12-25", CHRISTMAS.start_day, CHRISTMAS.stop_day, kept=("SUMMARY:Exams\\, resits",))
    assert [wish.event.title for wish in published({7: [kept]}, ZONE, WINDOW)] == ["Exams, resits"]


def test_two_schedules_with_the_same_period_are_two_events():
    assert len(published({7: [CHRISTMAS], 8: [CHRISTMAS]}, ZONE, WINDOW)) == 2


def test_a_period_that_moves_is_the_same_activity():
    day = timedelta(days=1)
    moved = Period("Christmas", CHRISTMAS.start_day + day, CHRISTMAS.stop_day + day)
    [before], [after] = (published({7: [each]}, ZONE, WINDOW) for each in (CHRISTMAS, moved))
    assert before.activity == after.activity
    assert before.key != after.key


@given(st.lists(any_period(), max_size=4, unique_by=lambda each: each.name), st.sampled_from(ZONES))
def test_every_time_in_the_window_is_wanted_once_and_in_any_order(periods, zone):
    zone = ZoneInfo(str(zone))
    window = Window(WINDOW.start, WINDOW.start + timedelta(days=40))
    wishes = published({7: periods}, zone, window)
    times = [each for period in periods for each in expand(period, zone, window)]
    assert len(wishes) == len({wish.key for wish in wishes}) == len(times)
    assert wishes == published({7: periods[::-1]}, zone, window)
    creates = plan(wishes, [], window).creates
    assert len(creates) == sum(wish.start in window for wish in wishes)
