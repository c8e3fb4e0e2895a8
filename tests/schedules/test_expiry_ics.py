"""The ends of credentials as iCalendar: legal, stable, and with alarms that are of use."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.expiry_ics import LENGTH, WARNINGS, Expiry, render, warnings

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


def expiry(**given):
    ninety = {"begins": NOW - timedelta(days=90), "expires": NOW + timedelta(days=90)}
    said = {"uid": "an-id", "title": "API token portal", "comment": "Ask Eva.", "advice": "Make a new one."}
    return Expiry(**{**said, **ninety, "stamp": NOW, **given})


def read(content):
    """A strict reading: what icalendar would have to pass over is an error."""
    calendar = icalendar.Calendar.from_ical(content)
    calendar.validate()
    assert calendar.errors == []
    assert all(part.errors == [] for part in calendar.walk())
    assert calendar.to_ical() == content
    return calendar


def triggers(event):
    return [alarm["TRIGGER"].to_ical().decode() for alarm in event.walk("VALARM")]


def test_a_credential_is_an_event_at_its_end():
    calendar = read(render("Renewals", [expiry()], NOW))
    assert (calendar["METHOD"], calendar["NAME"], calendar["VERSION"]) == ("PUBLISH", "Renewals", "2.0")
    [event] = calendar.events
    assert (event["UID"], event["SUMMARY"]) == ("an-id", "API token portal expires")
    assert event.start == NOW + timedelta(days=90)
    assert event.end - event.start == LENGTH
    assert event["DESCRIPTION"] == "Ask Eva.\n\nMake a new one."
    assert event["DTSTAMP"].dt == NOW
    assert event["TRANSP"] == "TRANSPARENT"


def test_a_renewed_credential_is_a_later_revision_of_its_event():
    """Else a program that has the event already may keep it where it was."""
    [first] = read(render("Renewals", [expiry()], NOW)).events
    [then] = read(render("Renewals", [expiry(expires=NOW + timedelta(days=120))], NOW)).events
    assert first["SEQUENCE"] < then["SEQUENCE"] < 2**31


def test_a_certificate_that_never_ends_has_an_event_too():
    """RFC 5280, 4.1.2.5, has it say the last second of the year 9999."""
    [event] = read(render("Renewals", [expiry(expires=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))], NOW)).events
    assert (event.start.date(), event.end - event.start) == (date(9999, 12, 31), LENGTH)
    assert event["SEQUENCE"] < 2**31


def test_without_a_comment_the_description_says_what_to_do():
    [event] = read(render("Renewals", [expiry(comment="")], NOW)).events
    assert event["DESCRIPTION"] == "Make a new one."


def test_clients_are_asked_to_come_twice_a_day():
    content = render("Renewals", [expiry()], NOW)
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in content
    assert b"\r\nX-PUBLISHED-TTL:PT12H\r\n" in content


def test_there_is_an_alarm_thirty_to_no_days_before():
    [event] = read(render("Renewals", [expiry()], NOW)).events
    assert triggers(event) == ["-P30D", "-P14D", "-P7D", "-P3D", "-P1D", "P0D"]
    [first, *_, last] = event.walk("VALARM")
    assert (first["ACTION"], first["DESCRIPTION"]) == ("DISPLAY", "API token portal expires in 30 days")
    assert last["DESCRIPTION"] == "API token portal expires now"


@pytest.mark.parametrize(
    ("lives", "left", "expected"),
    [
        (180, 90, [30, 14, 7, 3, 1, 0]),
        (180, 30, [30, 14, 7, 3, 1, 0]),
        (180, 29, [14, 7, 3, 1, 0]),
        (60, 60, [30, 14, 7, 3, 1, 0]),
        (59, 59, [14, 7, 3, 1, 0]),
        (10, 10, [3, 1, 0]),
        (1, 1, [0]),
        (None, 90, [30, 14, 7, 3, 1, 0]),
        (180, 0, [0]),
        (180, -1, []),
    ],
)
def test_no_alarm_is_past_nor_in_the_first_half_of_a_life(lives, left, expected):
    expires = NOW + timedelta(days=left)
    begins = None if lives is None else expires - timedelta(days=lives)
    assert warnings(begins, expires, NOW) == expected


@given(begins=st.none() | MOMENTS, expires=MOMENTS, now=MOMENTS)
def test_every_alarm_is_one_of_the_six_and_still_to_come(begins, expires, now):
    found = warnings(begins, expires, now)
    assert found == [days for days in WARNINGS if days in found]
    for days in found:
        at = expires - timedelta(days=days)
        assert at >= now
        assert begins is None or at - begins >= (expires - begins) / 2
    if expires >= now and (begins is None or begins <= expires):
        assert 0 in found


def test_the_bytes_are_the_same_until_an_alarm_goes_by():
    several = [expiry(uid=uid, expires=NOW + timedelta(days=days)) for uid, days in (("b", 90), ("c", 40), ("a", 90))]
    first = render("Renewals", several, NOW)
    assert render("Renewals", reversed(several), NOW + timedelta(days=10)) == first
    assert render("Renewals", several, NOW + timedelta(days=10, seconds=1)) != first
    assert [event["UID"] for event in read(first).events] == ["c", "a", "b"]


def test_a_calendar_without_credentials_is_legal_too():
    calendar = read(render("Renewals", [], NOW))
    assert calendar.events == []
    assert len(calendar.subcomponents) == 1


@given(name=TEXTS, title=TEXTS, comment=TEXTS)
def test_whatever_people_write_the_object_stays_whole(name, title, comment):
    content = render(name, [expiry(title=title, comment=comment)], NOW)
    [event] = read(content).events
    assert event["SUMMARY"].endswith(" expires")
    assert event["DESCRIPTION"].endswith("Make a new one.")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    # As do clients that are written in Python.
    assert [each.rstrip("\r") for each in content.decode().split("\n")[:-1]] == content.decode().splitlines()
