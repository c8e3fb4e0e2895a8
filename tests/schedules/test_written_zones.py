"""The time zones that go out with a calendar schedule, as readers follow them that know no zone by its name."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil import tz

from schedules.periods import Period
from schedules.term_ics import Term, render

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
LECTURE = Period("Lecture", date(2026, 9, 7), date(2026, 9, 7), time(9), time(10, 30))
ODD = ("Africa/Casablanca", "America/Santiago", "Asia/Jerusalem", "Asia/Kolkata", "Australia/Lord_Howe")
RULED = {
    "Europe/Amsterdam": {"FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"},
    "Europe/Dublin": {"FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"},
    "America/New_York": {"FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"},
    "Australia/Sydney": {"FREQ=YEARLY;BYMONTH=4;BYDAY=1SU", "FREQ=YEARLY;BYMONTH=10;BYDAY=1SU"},
}


def written(key, since=LECTURE.start_day):
    period = replace(LECTURE, start_day=since, stop_day=since)
    return render("Year", Term((period,)), ZoneInfo(key), "seed", NOW).decode()


@pytest.mark.parametrize("key", [*RULED, *ODD])
def test_a_reader_that_goes_by_the_definition_keeps_the_same_clock(key):
    read = tz.tzical(io.StringIO(written(key))).get(key)
    first = datetime(2026, 1, 1, 4)  # noqa: DTZ001 - what a clock shows, at no time of night at which one is set
    for number in range(3 * 365 * 7):
        moment = first + timedelta(hours=8 * number)
        assert moment.replace(tzinfo=read).utcoffset() == moment.replace(tzinfo=ZoneInfo(key)).utcoffset(), moment


@pytest.mark.parametrize("key", [*RULED, *ODD])
def test_a_clock_changes_at_the_very_minute(key):
    zone = ZoneInfo(key)
    [found] = icalendar.Calendar.from_ical(written(key)).walk("VTIMEZONE")
    for each in found.walk("STANDARD") + found.walk("DAYLIGHT"):
        before, after = (each[name].td for name in ("TZOFFSETFROM", "TZOFFSETTO"))
        onset = (each["DTSTART"].dt - before).replace(tzinfo=UTC)
        if before != after:
            assert (onset - timedelta(minutes=1)).astimezone(zone).utcoffset() == before
        assert onset.astimezone(zone).utcoffset() == after


@pytest.mark.parametrize(("key", "rules"), RULED.items())
def test_where_it_changes_by_yearly_rules_they_are_what_is_said(key, rules):
    """Outlook passes over lists of dates and shows half the year an hour off."""
    [zone] = icalendar.Calendar.from_ical(written(key)).walk("VTIMEZONE")
    assert sorted(each.name for each in zone.subcomponents) == ["DAYLIGHT", "STANDARD"]
    lines = written(key).splitlines()
    assert rules <= {line.removeprefix("RRULE:") for line in lines}
    assert not [line for line in lines if line.startswith("RDATE")]


def test_what_no_rule_says_is_said_by_dates():
    """The first Sunday from the 2nd of September on may be the 8th."""
    assert "RDATE" in written("America/Santiago")
    assert "RDATE" not in written("Asia/Kolkata")


@pytest.mark.parametrize("key", ["Europe/Amsterdam", "Europe/Lisbon", "America/New_York"])
def test_rules_are_said_beside_the_dates_of_older_ones(key):
    said = written(key, date(1975, 9, 1))
    assert {"RRULE", "RDATE"} <= {line.partition(":")[0] for line in said.splitlines()}
    read, zone = tz.tzical(io.StringIO(said)).get(key), ZoneInfo(key)
    first = datetime(1975, 1, 1, 4)  # noqa: DTZ001 - as above
    for number in range(3 * 365 * 90):
        moment = first + timedelta(hours=8 * number)
        assert moment.replace(tzinfo=read).utcoffset() == moment.replace(tzinfo=zone).utcoffset(), moment


def test_a_period_of_the_first_year_of_all_is_no_trouble():
    assert "DTSTART:19000101T000000" in written("Europe/Amsterdam", date.min)
