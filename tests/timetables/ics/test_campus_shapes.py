"""More files in the way of the programs that institutions export from; all of them are made up here."""

from datetime import UTC, datetime

import pytest

from timetables.base import Location

UTC_OF_EXCHANGE = [
    "BEGIN:VTIMEZONE",
    "TZID:tzone://Microsoft/Utc",
    *("BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD"),
    *("BEGIN:DAYLIGHT", "DTSTART:16010101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:DAYLIGHT"),
    "END:VTIMEZONE",
]
AT_MIDNIGHT = ';TZID="tzone://Microsoft/Utc":20261019T000000'


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def weekly(start, *lines):
    return ["UID:s", f"DTSTART{start}", "DURATION:PT90M", "RRULE:FREQ=WEEKLY;COUNT=3;INTERVAL=1;BYDAY=MO", *lines]


def test_a_file_in_the_way_of_celcat(read):
    lecture = [
        "DTSTART:20261019T074500Z",
        "DTEND:20261019T090000Z",
        "UID:CELCAT - 2026 (92378-5)",
        r"SUMMARY:Cours magistral - Analyse de données\, ID4",
        "LOCATION:C008 (50 pl) + Vp",
        r"DESCRIPTION:Matière : Analyse\nPersonnel : DUPONT Anne\nGroupe : ID4\nSalle : C008\n",
        "CATEGORIES:CELCAT Timetabler (vcal) - 2026",
    ]
    patterns = {"DESCRIPTION": (r"^Personnel : (?P<staff>.+)$", r"^Groupe : (?P<student_sets>.+)$")}
    (found,) = read(lecture, patterns=patterns)
    assert (found.id, found.start, found.end) == (
        "CELCAT - 2026 (92378-5)",
        utc(2026, 10, 19, 7, 45),
        utc(2026, 10, 19, 9),
    )
    assert (found.description, found.staff) == ("Cours magistral - Analyse de données, ID4", ("DUPONT Anne",))
    assert (found.student_sets, found.locations) == (("ID4",), (Location("C008 (50 pl) + Vp"),))


def test_a_file_in_the_way_of_syllabus_plus(read):
    """The winter's hour there is the file's zone, not the institution's."""
    head = ["PRODID:-//Syllabus//made up//EN", "X-WR-TIMEZONE:Europe/London"]
    series = ["UID:CS2810_L1", "DTSTART;TZID=Europe/London:20261022T090000", "DTEND:20261022T100000", "LOCATION:"]
    first, second = read([*series, "RRULE:FREQ=WEEKLY;COUNT=2", "SUMMARY:CS2810 - Workshop"], head=head)
    assert (first.start, second.start) == (utc(2026, 10, 22, 8), utc(2026, 10, 29, 9))
    assert (second.end, second.locations) == (utc(2026, 10, 29, 10), ())


def test_a_file_in_the_way_of_moodle(written, read_body):
    head = ["METHOD:PUBLISH", "PRODID:-//Moodle//made up//EN"]
    due = ["UID:8314693@moodle.example.edu", "SUMMARY:Essay is due", "DESCRIPTION:", "CLASS:PUBLIC"]
    due += [
        "DTSTAMP:20260918T062706Z",
        "DTSTART:20260925T092000Z",
        "DTEND:20260925T092000Z",
        "CATEGORIES:ENG101 (34072)",
    ]
    (found,) = read_body(written(due, head=head, end="\n"))
    assert found.start == found.end == utc(2026, 9, 25, 9, 20)
    assert (found.event_type, found.notes, found.all_day) == ("ENG101 (34072)", (), False)


def test_a_file_in_the_way_of_apple(read):
    head = ["CALSCALE:GREGORIAN", "X-APPLE-CALENDAR-COLOR:#FF2968", "X-WR-TIMEZONE:Europe/Amsterdam"]
    place = 'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Zaal 1: links, boven":geo:52.1,5.1'
    excursion = [
        "UID:0A1B-2C3D",
        "DTSTART;VALUE=DATE:20261024",
        "DTEND;VALUE=DATE:20261026",
        r"SUMMARY:Excursie\; naar zee",
        place,
        "URL;VALUE=URI:https://example.edu/x",
        *("BEGIN:VALARM", "X-WR-ALARMUID:1", "TRIGGER;VALUE=DATE-TIME:19760401T005545Z", "ACTION:NONE", "END:VALARM"),
    ]
    (found,) = read(excursion, head=head)
    assert (found.start, found.end, found.all_day) == (utc(2026, 10, 23, 22), utc(2026, 10, 25, 23), True)
    assert found.description == "Excursie; naar zee"
    assert found.attributes["X-APPLE-STRUCTURED-LOCATION"] == "geo:52.1,5.1"


@pytest.mark.parametrize("start", [":20261012T080000Z", ";TZID=Romance Standard Time:20261012T100000"])
def test_a_date_that_exchange_takes_out_by_its_midnight_is_out(read, start):
    gone = read(weekly(start, f"EXDATE{AT_MIDNIGHT}"), head=UTC_OF_EXCHANGE)
    assert [each.start.day for each in gone] == [12, 26]
    both = read(weekly(start, f"EXDATE{AT_MIDNIGHT}", f"EXDATE{start.replace('1012', '1026')}"), head=UTC_OF_EXCHANGE)
    assert [each.start.day for each in both] == [12]


def test_a_date_that_exchange_moves_by_its_midnight_is_there_once(read):
    moved = ["UID:s", f"RECURRENCE-ID{AT_MIDNIGHT}", "DTSTART:20261020T120000Z", "DTEND:20261020T130000Z"]
    found = read(weekly(":20261012T080000Z"), moved, head=UTC_OF_EXCHANGE)
    assert [(each.start, each.id) for each in found] == [
        (utc(2026, 10, 12, 8), "s 20261012T080000Z"),
        (utc(2026, 10, 20, 12), "s 20261019T080000Z"),
        (utc(2026, 10, 26, 8), "s 20261026T080000Z"),
    ]


def test_a_series_at_midnight_loses_that_date_and_no_other(read):
    night = weekly(":20261012T000000Z", f"EXDATE{AT_MIDNIGHT}")
    assert [each.start.day for each in read(night, head=UTC_OF_EXCHANGE)] == [12, 26]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("20261023T220000Z", "20261025T230000Z"),
        ("20261024T000000Z", "20261026T000000Z"),
        ("20261024T000000", "20261026T000000"),
    ],
    ids=["ours told in UTC", "those of UTC", "of no zone"],
)
def test_whole_days_of_exchange_are_midnights_in_whatever_zone(read, start, end):
    (found,) = read(["UID:1", f"DTSTART:{start}", f"DTEND:{end}", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"])
    assert (found.start, found.end, found.all_day) == (utc(2026, 10, 23, 22), utc(2026, 10, 25, 23), True)


def test_an_hour_stays_one_whatever_exchange_calls_it(read):
    (found,) = read(["UID:1", "DTSTART:20261023T220000Z", "DTEND:20261023T230000Z", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"])
    assert (found.end, found.all_day) == (utc(2026, 10, 23, 23), False)
