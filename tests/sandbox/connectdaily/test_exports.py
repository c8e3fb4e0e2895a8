"""The sandbox's Connect Daily: its exports, as iCalendar and as a list of calendars."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
import recurring_ical_events
from lxml import etree

from sandbox.faults import Fault

TODAY = datetime.now(UTC).date()


@pytest.fixture
def exported(client):
    def ask(**params):
        answer = client.export(f"iCal/calendar_id/{client.calendar}.ics", **params)
        assert answer.headers["Content-Type"].startswith("text/calendar")
        return icalendar.Calendar.from_ical(answer.content)

    return ask


def names(calendar):
    return [str(each["SUMMARY"]) for each in calendar.events]


def test_a_calendar_is_exported_as_icalendar(client, exported):
    made = client.make(starting_date=str(TODAY), ending_date=str(TODAY), long_description="<b>Bring</b> &amp; sing")
    (event,) = exported().events
    assert (str(event["UID"]), str(event["SUMMARY"])) == (made["itemguid"], "Choir")
    assert str(event["DESCRIPTION"]) == "Bring & sing"
    assert event.end - event.start == timedelta(hours=2)


def test_the_description_may_keep_its_markup(client, exported):
    client.make(starting_date=str(TODAY), ending_date=None, long_description="<b>Bring</b>")
    (event,) = exported(htmldescription="1").events
    assert str(event["DESCRIPTION"]) == "<b>Bring</b>"


def test_an_event_of_whole_days_has_days(client, exported):
    days = {"starting_date": str(TODAY), "ending_date": str(TODAY + timedelta(days=1))}
    client.make(**days, starting_time=None, ending_time=None)
    (event,) = exported().events
    assert (event.start, event.end) == (TODAY, TODAY + timedelta(days=2))


def test_a_series_keeps_its_dates_and_exceptions(client, exported, weekly):
    client("POST", str(weekly["cal_item_id"]), fork="1", starting_date="2026-11-30")
    calendar = exported(include_past="1", dayspan="3660")
    dates = [each.start.date() for each in recurring_ical_events.of(calendar).between((2026, 11, 1), (2027, 1, 1))]
    assert sorted(dates) == [date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14)]
    assert sorted("RRULE" in each for each in calendar.events) == [False, True]


def test_the_past_is_exported_when_it_is_asked_for(client, exported):
    for days in (-40, -20, 20, 400):
        day = str(TODAY + timedelta(days=days))
        client.make(description=f"{days}", starting_date=day, ending_date=day)
    assert names(exported()) == ["-20", "20"]
    assert names(exported(include_past="1", dayspan="3660")) == ["-40", "-20", "20", "400"]


def test_so_many_and_no_more(client, exported):
    for number in range(3):
        client.make(description=f"{number}", starting_date=str(TODAY), ending_date=str(TODAY))
    assert names(exported(maxcount="2")) == ["0", "1"]


def test_a_calendar_that_is_not_there_or_not_seen(client, daily):
    for number in (99, daily.add_calendar("Board")):
        assert client.export(f"iCal/calendar_id/{number}.ics").status_code == 404


def test_the_calendars_that_the_account_sees_are_listed(client, daily):
    daily.add_calendar("Board")
    second = daily.add_calendar("Music & dance", "11")
    root = etree.fromstring(client.export("rss/calendar_id/list.xml").content)
    listed = [(each.findtext("id"), each.findtext("name")) for each in root.iterfind("item")]
    assert listed == [(str(client.calendar), "Music"), (str(second), "Music & dance")]


def test_a_calendar_that_is_removed_takes_its_events_along_and_its_number(client, daily):
    made = client.make()
    daily.remove_calendar(client.calendar)
    assert client("GET", str(made["cal_item_id"])).status_code == 404
    assert daily.add_calendar("New", "11") != client.calendar


def test_the_wire_can_fail(client, faults):
    faults.add(Fault("/cd/restapi/*", "throttled", seconds=7, times=1))
    answer = client("GET", "1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert client("GET", "1").status_code == 404
    assert [each.status for each in faults.seen("/cd/restapi/*")] == [429, 404]
