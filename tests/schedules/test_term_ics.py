"""Calendar schedules as iCalendar and back: ours, and such as universities publish."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st
from made_periods import ZONES, periods

from schedules.ics_rules import IcsProblemError
from schedules.period_changes import MOST_PERIODS, updated
from schedules.periods import Period, occurrences
from schedules.recurrence import Frequency, Recurrence
from schedules.term_ics import Term, parse, renamed, render, title

LONDON, AMSTERDAM, NEW_YORK = (ZoneInfo(key) for key in ("Europe/London", "Europe/Amsterdam", "America/New_York"))
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEYS = st.sampled_from(ZONES).map(ZoneInfo)
TERMS = st.lists(periods(), max_size=4, unique_by=lambda each: each.name)

# The dates are those of Cambridge; the ways of saying them are those that universities' feeds have.
CAMBRIDGE = """
BEGIN:VCALENDAR
VERSION:2.0
PRODID:Data::ICal 0.22
X-WR-CALNAME:UofC Term Dates
BEGIN:VEVENT
DTEND;VALUE=DATE:20261107
DTSTART;VALUE=DATE:20261006
SUMMARY:Full Michaelmas term
UID:1@cam
DTSTAMP:20260101T000000Z
END:VEVENT
BEGIN:VEVENT
UID:2@cam
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20261107
DURATION:P1DT
SUMMARY:Division of term
END:VEVENT
BEGIN:VEVENT
UID:3@cam
DTSTAMP:20260101T000000Z
DTEND;VALUE=DATE:20261205
DTSTART;VALUE=DATE:20261108
SUMMARY:Full Michaelmas term
DESCRIPTION:<p>Lectures\\, classes and\\n supervisions take pl
\tace.</p>
URL;VALUE=URI:https://www.example.org/term
CATEGORIES:2026-2027,Terms &amp\\; dates
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
DURATION:PT5M
TRIGGER:-PT30D
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:4@cam
DTSTAMP:20260101T000000Z
DTSTART:20261030T170000Z
DTEND:20261030T170000Z
SUMMARY:Last entries\\, by five
END:VEVENT
BEGIN:VEVENT
UID:5@cam
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20261204T090000
DTEND;TZID=Europe/London:20261204T235959
SUMMARY:Last day\u0020
END:VEVENT
BEGIN:VEVENT
UID:6@cam
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20261007T220000
DTEND;TZID=Europe/London:20261008T020000
RRULE:FREQ=WEEKLY;WKST=SU;UNTIL=20261202T220000Z
SUMMARY:Library open late
END:VEVENT
BEGIN:VEVENT
UID:7@cam
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20261225
RRULE:FREQ=YEARLY
SUMMARY:Full Michaelmas term
END:VEVENT
END:VCALENDAR
""".strip()


def calendar(*lines, head=()):
    """One event with these lines."""
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", *head, "BEGIN:VEVENT", "SUMMARY:Break", *lines, "END:VEVENT"]
    return "\r\n".join([*whole, "END:VCALENDAR", ""]).encode()


def read(*lines, zone=AMSTERDAM, head=()):
    [found] = parse(calendar(*lines, head=head), zone).periods
    return replace(found, kept=())


def bare(term):
    return [replace(each, kept=()) for each in term.periods]


def rendered(term, zone=AMSTERDAM, now=NOW):
    return render("The year", term, zone, "seed", now)


def lines_of(text):
    """Unfolded."""
    return icalendar.parser.Contentlines.from_ical(text)


def test_a_universitys_term_calendar_comes_back_line_for_line():
    term = parse(CAMBRIDGE.encode(), LONDON)
    back = rendered(term, LONDON)
    # The zone that it named without describing it is all that is new.
    there = [line for line in lines_of(back) if line in lines_of(CAMBRIDGE)]
    assert there == [line for line in lines_of(CAMBRIDGE) if line] + [""]
    assert icalendar.Calendar.from_ical(back.replace(b"-PT30D", b"-P30D")).timezones[0].tz_name == "Europe/London"
    again = parse(back, LONDON)
    assert again.periods == term.periods
    assert rendered(again, LONDON, NOW + timedelta(days=90)) == back


def test_a_universitys_term_calendar_becomes_periods():
    day, night = date(2026, 10, 30), date(2026, 12, 4)
    weekly = Recurrence(Frequency.WEEKLY, weekdays=(2,), until=date(2026, 12, 2))
    assert bare(parse(CAMBRIDGE.encode(), LONDON)) == [
        Period("Full Michaelmas term", date(2026, 10, 6), date(2026, 11, 6)),
        Period("Division of term", date(2026, 11, 7), date(2026, 11, 7)),
        Period("Full Michaelmas term 2026-11-08", date(2026, 11, 8), date(2026, 12, 4)),
        Period("Last entries, by five", day, day, time(17), time(17, 1)),
        Period("Last day", night, night, time(9), time()),
        Period("Library open late", date(2026, 10, 7), date(2026, 10, 7), time(22), time(2), weekly),
        Period(
            "Full Michaelmas term 2026-12-25",
            *[date(2026, 12, 25)] * 2,
            recurrence=Recurrence(Frequency.YEARLY, day=25, month=12),
        ),
    ]


def test_what_people_read_is_what_the_calendar_called_it():
    term = parse(CAMBRIDGE.encode(), LONDON)
    assert [title(each) for each in term.periods[2:4]] == ["Full Michaelmas term", "Last entries, by five"]
    assert title(Period("Break", NOW.date(), NOW.date())) == "Break"


def test_a_period_that_was_changed_since_says_its_own_times_and_keeps_the_rest():
    term = parse(CAMBRIDGE.encode(), LONDON)
    after = updated(term.periods, "Full Michaelmas term 2026-11-08", {"stopDay": "2026-12-11"}, "Second half")
    back = rendered(Term(after, term.kept), LONDON)
    assert bare(parse(back, LONDON))[2] == Period("Second half", date(2026, 11, 8), date(2026, 12, 11))
    lines = lines_of(back)
    assert "DTEND;VALUE=DATE:20261212" in lines
    assert "DTEND;VALUE=DATE:20261205" not in lines
    assert {"UID:3@cam", "TRANSP:TRANSPARENT", "DURATION:PT5M", "TRIGGER:-PT30D", "SUMMARY:Second half"} <= set(lines)
    # As old as it was, whoever has it would take it for nothing new.
    assert (lines.count("DTSTAMP:20260101T000000Z"), lines.count("DTSTAMP:20261123T090000Z")) == (len(after) - 1, 1)


def test_a_renamed_schedule_has_its_new_name():
    term = parse(CAMBRIDGE.encode(), LONDON)
    assert "X-WR-CALNAME:UofC Term Dates" in term.kept
    said = ("VERSION:2.0", "PRODID:Data::ICal 0.22", "X-WR-CALNAME:Law\\, terms")
    assert renamed(term.kept, "Law, terms") == said


@given(TERMS, KEYS)
def test_periods_come_back_as_they_were(made, zone):
    text = rendered(Term(tuple(made)), zone)
    term = parse(text, zone)
    assert bare(term) == made
    assert rendered(term, zone, NOW + timedelta(days=90)) == text


def test_a_time_that_the_clock_leaps_over_comes_back_as_it_was():
    leap = Period("Leap", date(2026, 3, 29), date(2026, 3, 29), time(2, 30), time(4))
    text = rendered(Term((leap,)))
    assert bare(parse(text, AMSTERDAM)) == [leap]
    assert b"X-CARILLON" not in text


@given(periods(), KEYS)
def test_another_reader_finds_the_same_times(made, zone):
    """As icalendar reads the times and dateutil counts them."""
    [event] = icalendar.Calendar.from_ical(rendered(Term((made,)), zone)).events
    first = datetime.combine(event.start, time(), zone) if made.all_day else event.start
    ours = [each.start for each in islice(occurrences(made, zone, datetime(2010, 1, 1, tzinfo=UTC)), 30)]
    theirs = {first.astimezone(UTC)}
    if "RRULE" in event:
        rule = event["RRULE"].to_ical().decode()
        theirs |= {each.astimezone(UTC) for each in islice(rrulestr(_until(rule, zone), dtstart=first), 40)}
    if "RDATE" in event:
        theirs |= {each.dt for each in event["RDATE"].dts}
    assert theirs >= set(ours)
    assert len([each for each in theirs if each <= ours[-1]]) - len(ours) in {0, 1}


def _until(rule, zone):
    """dateutil wants an instant where the first time is one."""
    parts = dict(part.split("=") for part in rule.split(";"))
    if len(parts.get("UNTIL", "")) == 8:
        last = datetime.strptime(parts["UNTIL"], "%Y%m%d").replace(tzinfo=zone).astimezone(UTC)
        parts["UNTIL"] = f"{last:%Y%m%dT%H%M%SZ}"
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=3", "20261006", Recurrence(Frequency.DAILY, 3)),
        ("FREQ=DAILY;BYDAY=MO,TU", "20261006", Recurrence(Frequency.WEEKLY, weekdays=(0, 1))),
        ("FREQ=WEEKLY;COUNT=5", "20261006", Recurrence(Frequency.WEEKLY, weekdays=(1,), count=5)),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "20261006", Recurrence(Frequency.WEEKLY, 2, weekdays=(1,))),
        ("FREQ=MONTHLY", "20261006", Recurrence(Frequency.MONTHLY, day=6)),
        ("FREQ=MONTHLY;BYDAY=1TU", "20261006", Recurrence(Frequency.MONTHLY, weekdays=(1,), week=1)),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1", "20261006", Recurrence(Frequency.MONTHLY, weekdays=(1,), week=1)),
        ("FREQ=YEARLY", "20261006", Recurrence(Frequency.YEARLY, day=6, month=10)),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "20261025", Recurrence(Frequency.YEARLY, 1, (6,), -1, month=10)),
        ("FREQ=DAILY;UNTIL=20261010", "20261006", Recurrence(Frequency.DAILY, until=date(2026, 10, 10))),
        ("FREQ=DAILY;UNTIL=20261010T000000Z", "20261006", Recurrence(Frequency.DAILY, until=date(2026, 10, 10))),
    ],
)
def test_rules_are_understood_in_the_ways_programs_write_them(rule, first, expected):
    assert read(f"DTSTART;VALUE=DATE:{first}", f"RRULE:{rule}").recurrence == expected


@pytest.mark.parametrize(
    ("until", "last"),
    [("20261010T080000Z", 10), ("20261010T075959Z", 9), ("20261010T235959Z", 11 - 1), ("20261010", 10)],
)
def test_the_end_of_a_rule_counts_to_the_second(until, last):
    found = read("DTSTART;TZID=Europe/Amsterdam:20261006T100000", f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert found.recurrence.until == date(2026, 10, last)


@pytest.mark.parametrize(
    ("lines", "days", "times"),
    [
        (["DTSTART:20261006T080000Z", "DTEND:20261006T090000Z"], (6, 6), (10, 11)),
        (["DTSTART:20261006T100000", "DURATION:PT1H"], (6, 6), (10, 11)),
        (["DTSTART;TZID=America/New_York:20261006T040000", "DURATION:PT1H"], (6, 6), (10, 11)),
        (["DTSTART;TZID=W. Europe Standard Time:20261006T100000", "DURATION:PT1H"], (6, 6), (10, 11)),
        (["DTSTART:20261006T000000", "DTEND:20261009T000000"], (6, 8), None),
        (["DTSTART;VALUE=DATE:20261006", "DTEND;VALUE=DATE:20261006"], (6, 6), None),
        (["DTSTART:20261006T230000", "DTEND:20261007T230000"], (6, 6), (23, 23)),
    ],
)
def test_times_are_those_of_the_tenants_clock(lines, days, times):
    first, last = (date(2026, 10, day) for day in days)
    expected = Period("Break", first, last, *(map(time, times) if times else ()))
    assert read(*lines) == expected


DAY = "DTSTART;VALUE=DATE:20261006"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no DTSTART"),
        (["DTSTART:tomorrow"], "cannot be read"),
        ([DAY, DAY], "no DTSTART, or several"),
        ([DAY, "DTEND;VALUE=DATE:20261001"], "before"),
        ([DAY, "DTEND:20261006T100000Z"], "not of one kind"),
        (["DTSTART:20261006T100000Z", "DTEND:20261008T100000Z"], "more than a day"),
        (["DTSTART;TZID=Moon/Crater:20261006T100000", "DURATION:PT1H"], "time zone of its DTSTART is not known"),
        ([DAY, "EXDATE;VALUE=DATE:20261007"], "EXDATE"),
        ([DAY, "RDATE;VALUE=DATE:20261007"], "RDATE"),
        ([DAY, "RECURRENCE-ID;VALUE=DATE:20261007"], "RECURRENCE-ID"),
        ([DAY, "STATUS:CANCELLED"], "cancelled"),
        ([DAY, "ATTENDEE:mailto:somebody@example.org"], "invites people"),
        ([DAY, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"], "several RRULEs"),
        ([DAY, "RRULE:FREQ=SOMETIMES"], "cannot be read"),
        ([DAY, "RRULE:FREQ=HOURLY"], "more often than once a day"),
        ([DAY, "RRULE:FREQ=DAILY;BYHOUR=3"], "BYHOUR"),
        ([DAY, "RRULE:FREQ=DAILY;COUNT=1000"], "COUNT is not from 1 to 999"),
        ([DAY, "RRULE:FREQ=DAILY;COUNT=0"], "COUNT is not from 1 to 999"),
        ([DAY, "RRULE:FREQ=DAILY;INTERVAL=0"], "INTERVAL is not from 1 to 999"),
        ([DAY, "RRULE:FREQ=DAILY;INTERVAL=2;BYDAY=TU"], "together"),
        ([DAY, "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"], "from the end of the month"),
        ([DAY, "RRULE:FREQ=MONTHLY;BYMONTHDAY=6,7"], "several values of BYMONTHDAY"),
        ([DAY, "RRULE:FREQ=MONTHLY;BYDAY=1TU,2TU"], "BYDAY"),
        ([DAY, "RRULE:FREQ=MONTHLY;BYDAY=TU"], "together"),
        ([DAY, "RRULE:FREQ=MONTHLY;BYDAY=5TU"], "first to fourth or last"),
        ([DAY, "RRULE:FREQ=YEARLY;BYDAY=1TU"], "together"),
        ([DAY, "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU"], "WKST"),
        ([DAY, "RRULE:FREQ=WEEKLY;BYDAY=WE"], "does not begin on a day of its own RRULE"),
        ([DAY, "RRULE:FREQ=DAILY;UNTIL=20260101"], "does not begin on a day of its own RRULE"),
        (["DTSTART:20261006T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"], "another time zone"),
        (["DTSTART;VALUE=DATE:18991006"], "startDay"),
    ],
)
def test_what_a_period_cannot_be_is_refused_with_the_number_of_the_event(lines, reason):
    with pytest.raises(IcsProblemError, match=rf"^Event 1 cannot be taken over: .*{reason}.*\.$"):
        parse(calendar(*lines), AMSTERDAM)


def test_the_event_that_is_refused_is_counted():
    text = CAMBRIDGE.replace("DTSTART;VALUE=DATE:20261225", "DTSTART:never")
    with pytest.raises(IcsProblemError, match=r"^Event 7 "):
        parse(text.encode(), LONDON)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is no iCalendar"),
        (b"<html></html>", "is no iCalendar"),
        (b"\xff\xfe", "is no iCalendar in UTF-8"),
        (calendar(DAY)[:-20], "is no iCalendar"),
        (calendar(DAY).replace(b"END:VEVENT\r\n", b""), "a VEVENT has no end"),
        (calendar(DAY).replace(b"BEGIN:VEVENT\r\n", b""), "END:VEVENT closes nothing"),
        (calendar(DAY).replace(b"VEVENT", b"VTODO"), "A VTODO cannot be taken over"),
        (calendar(DAY, head=["METHOD:CANCEL"]), "no publication"),
        (calendar(DAY, head=["BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "END:STANDARD", "END:VTIMEZONE"]), "zones"),
        (calendar(DAY, *["END:VEVENT", "BEGIN:VEVENT", DAY] * MOST_PERIODS), "more than 2,000 events"),
    ],
)
def test_what_is_no_calendar_of_terms_is_refused(text, reason):
    with pytest.raises(IcsProblemError, match=reason):
        parse(text, AMSTERDAM)


def test_names_are_told_apart_and_made_where_there_are_none():
    head, event = calendar("DTSTART;VALUE=DATE:20261006").split(b"BEGIN:VEVENT\r\n")
    event = b"BEGIN:VEVENT\r\n" + event.removesuffix(b"END:VCALENDAR\r\n")
    nameless = event.replace(b"SUMMARY:Break\r\n", b"")
    dots, long = event.replace(b"Break", b".."), event.replace(b"Break", b"x" * 300)
    control = event.replace(b"Break", b"a\\n\x01b")
    whole = head + event * 3 + nameless * 2 + dots + long + control + b"END:VCALENDAR\r\n"
    assert [each.name for each in parse(whole, AMSTERDAM).periods] == [
        *("Break", "Break 2026-10-06", "Break 2026-10-06 (2)"),
        *("2026-10-06", "2026-10-06 (2)", ".. 2026-10-06"),
        *("x" * 255, "a b"),
    ]


def test_a_time_zone_of_the_calendars_own_is_kept_and_followed():
    zone = """BEGIN:VTIMEZONE
TZID:Campus
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE""".splitlines()
    lines = ["UID:1", "DTSTAMP:20260101T000000Z", "DTSTART;TZID=Campus:20261006T100000", "DURATION:PT1H"]
    text = calendar(*lines, "RRULE:FREQ=DAILY;COUNT=30", head=zone)
    term = parse(text, AMSTERDAM)
    assert bare(term)[0].start_time == time(10)
    assert sorted(rendered(term).split(b"\r\n")) == sorted(text.split(b"\r\n"))
    with pytest.raises(IcsProblemError, match="another time zone"):
        parse(text, NEW_YORK)


def test_ids_stay_and_a_name_cannot_break_a_line():
    day = NOW.date()
    odd = Period('a:b;c,d\\n"é" ' + "x" * 90, day, day)
    both = [
        icalendar.Calendar.from_ical(rendered(Term((odd,)), now=now)).events[0] for now in (NOW, NOW + timedelta(1))
    ]
    assert both[0]["UID"] == both[1]["UID"]
    assert str(both[0]["SUMMARY"]) == odd.name
    assert all(len(line) <= 75 for line in rendered(Term((odd,))).split(b"\r\n"))


def test_a_period_that_was_moved_in_another_program_is_read_as_it_stands_there():
    days = Period(
        "Exams", date(2026, 5, 4), date(2026, 5, 8), time(9), time(17), Recurrence(Frequency.YEARLY, day=4, month=5)
    )
    text = rendered(Term((days,)))
    assert bare(parse(text, AMSTERDAM)) == [days]
    lines = [line for line in lines_of(text) if line and not line.startswith("RDATE")]
    moved = "\r\n".join(lines).replace("20260504T090000", "20260504T100000").encode()
    assert bare(parse(moved, AMSTERDAM)) == [Period("Exams", days.start_day, days.start_day, time(10), time(17))]
