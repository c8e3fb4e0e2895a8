"""The sandbox's Graph: times, zones and days."""

import pytest

HERE = "W. Europe Standard Time"
THERE = {"Prefer": 'outlook.timezone="Tokyo Standard Time"'}


def span(start, end, zone=HERE, other=None):
    return {"start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": other or zone}}


def times(event):
    return [(event[name]["dateTime"], event[name]["timeZone"]) for name in ("start", "end")]


def test_times_are_told_in_utc_or_in_the_zone_preferred(client):
    made = client.make(**span("2026-11-23T09:00:00", "2026-11-23T10:30:00.0000000"))
    assert times(made) == [("2026-11-23T08:00:00.0000000", "UTC"), ("2026-11-23T09:30:00.0000000", "UTC")]
    assert (made["originalStartTimeZone"], made["originalEndTimeZone"]) == (HERE, HERE)
    told = client("GET", f"/events/{made['id']}", headers=THERE).json()
    assert times(told)[0] == ("2026-11-23T17:00:00.0000000", "Tokyo Standard Time")


def test_zones_have_windows_names_or_the_documented_ones_of_iana(client, code):
    made = client.make(**span("2026-07-23T09:00:00", "2026-07-23T10:00:00", "Europe/Berlin"))
    assert (times(made)[0][0], made["originalStartTimeZone"]) == ("2026-07-23T07:00:00.0000000", HERE)
    for unknown in ("Europe/Amsterdam", "Mars/Olympus", "", None):
        refused = client("POST", body=span("2026-07-23T09:00:00", "2026-07-23T10:00:00", unknown))
        assert code(refused) == (400, "TimeZoneNotSupportedException")
    preferred = client("GET", headers={"Prefer": 'outlook.timezone="Mars/Olympus"'})
    assert code(preferred) == (400, "TimeZoneNotSupportedException")


def test_days_are_told_as_midnights_whatever_the_zone(client):
    made = client.make(**span("2026-11-23T00:00:00", "2026-11-25T00:00:00"), isAllDay=True)
    assert times(made) == [("2026-11-23T00:00:00.0000000", "UTC"), ("2026-11-25T00:00:00.0000000", "UTC")]
    told = client("GET", f"/events/{made['id']}", headers=THERE).json()
    assert times(told)[0] == ("2026-11-23T00:00:00.0000000", "Tokyo Standard Time")


def test_days_are_filtered_as_the_instants_that_they_are(client):
    client.make(**span("2026-11-23T00:00:00", "2026-11-24T00:00:00"), isAllDay=True)
    assert client.subjects(filter="start/dateTime ge '2026-11-23T00:00:00Z'") == []
    assert client.subjects(filter="start/dateTime ge '2026-11-22T23:00:00Z'") == ["A"]


@pytest.mark.parametrize(
    "times",
    [
        span("2026-11-23T01:00:00", "2026-11-24T00:00:00"),
        span("2026-11-23T00:00:00", "2026-11-23T12:00:00"),
        span("2026-11-23T00:00:00", "2026-11-23T00:00:00"),
        span("2026-11-23T00:00:00", "2026-11-24T00:00:00", other="UTC"),
    ],
)
def test_days_are_whole_and_of_one_zone(client, code, times):
    made = client.make()
    assert code(client("POST", body={**times, "isAllDay": True})) == (400, "ErrorPropertyValidationFailure")
    changed = client("PATCH", f"/events/{made['id']}", {**times, "isAllDay": True})
    assert code(changed) == (400, "ErrorPropertyValidationFailure")


def test_an_event_may_be_empty_and_not_end_before_it_starts(client, code):
    client.make("empty", **span("2026-11-23T09:00:00", "2026-11-23T09:00:00"))
    refused = client("POST", body=span("2026-11-23T09:00:00", "2026-11-23T08:00:00"))
    assert code(refused) == (400, "ErrorCalendarEndDateIsEarlierThanStartDate")


@pytest.mark.parametrize("moment", ["23-11-2026", "soon", "0001-01-01T00:00:00"])
def test_a_time_is_written_as_iso_8601_has_it(client, code, moment):
    assert code(client("POST", body=span(moment, "2026-11-23T08:00:00"))) == (400, "RequestBodyRead")


def test_an_event_has_a_start_and_an_end(client, code):
    start = {"start": span("2026-11-23T09:00:00", "")["start"]}
    assert code(client("POST", body=start)) == (400, "ErrorInvalidRequest")
