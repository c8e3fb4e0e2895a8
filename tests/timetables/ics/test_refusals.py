"""What is no timetable, or not the whole of one, is an error in our words, and never an empty timetable."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from timetables.base import ContractBroken, SourceError

# A slow machine is not a fault of the reader.
PATIENTLY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ONE = ("UID:1", "SUMMARY:Secret meeting", "DTSTART:20261020T090000", "DTEND:20261020T100000")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer"),
        (b"\xef\xbb\xbf \r\n", "an empty answer"),
        (b"<!doctype html><title>Sign in</title>", "a page for people"),
        (b"\r\n<?xml version='1.0'?><error/>", "a page for people"),
        (b"[]", "no iCalendar"),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "no iCalendar"),
        (b"BEGIN:VCALENDAR", "breaks off"),
        (b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", "END in the wrong place"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "VCALENDAR in the wrong place"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\n", "VEVENT in the wrong place"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nFatal error: out of memory\r\n", "beside iCalendar"),
        (b"BEGIN:VCALENDAR\r\nSUMMARY:caf\xe9\r\nEND:VCALENDAR\r\n", "not in UTF-8"),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".encode("utf-16"), "no iCalendar"),
    ],
)
def test_what_is_no_whole_calendar_says_so(read_body, body, words):
    with pytest.raises(ContractBroken, match=words) as raised:
        read_body(body)
    assert str(raised.value).startswith("GET https://x.nl/… sent")


def test_a_calendar_that_was_cut_off_anywhere_is_refused(written, read_body):
    body = written(ONE, ONE).rstrip()
    assert len(read_body(body)) == 2
    for length in range(len(body)):
        with pytest.raises(ContractBroken):
            read_body(body[:length])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["SUMMARY:x"], "it has no DTSTART"),
        (["DTSTART:soon"], "its DTSTART cannot be read"),
        (["DTSTART:"], "its DTSTART cannot be read"),
        (["DTSTART:20261331T090000"], "its DTSTART cannot be read"),
        (["DTSTART:PT1H"], "its DTSTART is no time"),
        (["DTSTART:00010101T000000Z"], "its DTSTART is in the year 1"),
        (["DTSTART;VALUE=DATE:99991231"], "its DTSTART is in the year 9999"),
        (["DTSTART:20261020T090000", "DTEND:later"], "its DTEND cannot be read"),
        (["DTSTART:20261020T090000", "DURATION:20261020"], "its DURATION is none"),
        (["DTSTART:20261020T090000", "DURATION:P99999999D"], "its DURATION"),
        (["DTSTART;TZID=Nowhere/Land:20261020T090000"], "its time zone is not known"),
        (["DTSTART:20261020T090000", "RECURRENCE-ID:x"], "its RECURRENCE-ID cannot be read"),
        (["DTSTART:20261020T090000", "RRULE:FREQ=DAILY", "EXDATE:x"], "its EXDATE cannot be read"),
        (["DTSTART:20261020T090000", "RDATE:PT1H"], "its RDATE is no time"),
    ],
)
def test_an_event_whose_times_cannot_be_read_is_an_error_with_its_number_and_never_left_out(read, lines, words):
    with pytest.raises(ContractBroken, match=f"number 2: {words}") as raised:
        read(ONE, ["UID:2", "SUMMARY:Secret meeting", *lines])
    assert "Secret" not in str(raised.value)


DATES = st.one_of(
    st.datetimes().map(lambda moment: f"{moment:%Y%m%dT%H%M%S}"),
    st.datetimes().map(lambda moment: f"{moment:%Y%m%d}"),
    st.sampled_from(["20261020T090000Z", "20261025T023000", "20261020", "P1D", "-PT1H", "20261020T09", "x", ""]),
)
ZONES = st.sampled_from(["", ";TZID=Europe/Amsterdam", ";TZID=Own", ";VALUE=DATE", ';TZID="', ";TZID=a:b", ";X"])
RULES = st.builds(
    "FREQ={};{}={};{}={}".format,
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "SECONDLY", ""]),
    *[
        st.sampled_from(["COUNT", "INTERVAL", "BYDAY", "BYMONTH", "BYSETPOS", "UNTIL", "WKST", "BYHOUR", "BYEASTER"]),
        st.sampled_from(["1", "-1", "0", "MO", "-1FR", "20270101", "20270101T000000Z", "13", "1,2", ""]),
    ]
    * 2,
)
TIMES = st.builds(
    "{}{}:{}".format, st.sampled_from(["DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID"]), ZONES, DATES
)
OTHERS = st.builds(
    "{}{}:{}".format, st.sampled_from(["SUMMARY", "CATEGORIES", "SEQUENCE", "X-A", "DURATION"]), ZONES, st.text()
)
LINES = st.lists(st.one_of(TIMES, OTHERS, RULES.map("RRULE:{}".format), st.text(), st.just("UID:same")), max_size=8)
OWN = ["BEGIN:VTIMEZONE", "TZID:Own", "BEGIN:STANDARD", "END:STANDARD", "END:VTIMEZONE"]


@PATIENTLY
@given(st.lists(LINES, max_size=4), DATES)
@example([["DTSTART:20261020T090000", "RRULE:FREQ=DAILY", "EXDATE:20261020,20261021T090000Z"]], "")
def test_whatever_stands_in_events_it_is_read_or_refused_in_our_words(written, read_body, contents, start):
    with suppress(SourceError):
        read_body(written(*([f"DTSTART:{start}", *lines] for lines in contents), head=OWN))


@PATIENTLY
@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_no_timetable(read_body, body):
    with pytest.raises(SourceError):
        read_body(b"\x00" + body)
    with suppress(SourceError):
        read_body(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + body + b"\nEND:VEVENT\nEND:VCALENDAR\n")
