"""Files in the way of the programs that institutions export from; all of them are made up here."""

from datetime import UTC, datetime

import pytest

from timetables.base import Location, SourceEvent

AMSTERDAM = """BEGIN:VTIMEZONE
TZID:{name}
X-LIC-LOCATION:Europe/Amsterdam
LAST-MODIFIED:20200101T000000Z
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:16010101T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""


def zone(name):
    return AMSTERDAM.format(name=name).split("\n")


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def test_a_file_in_the_way_of_timeedit(read_body):
    body = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:TimeEdit-Alice-20261001\r\n"
        "X-PUBLISHED-TTL:PT20M\r\nCALSCALE:GREGORIAN\r\nPRODID:-//TimeEdit\\, Made up//EN\r\n"
        "BEGIN:VEVENT\r\nDTSTART:20261020T081500Z\r\nDTEND:20261020T100000Z\r\nUID:71828-1-0@timeedit.example.org\r\n"
        "DTSTAMP:20261001T120000Z\r\nLAST-MODIFIED:20261001T120000Z\r\n"
        "SUMMARY:Kurs: DD1337 Programmering\\, Föreläsning\\, Lärare: Åsa Öb\r\n erg\r\n"
        "LOCATION:Sal E1\\, Sal E2\r\nDESCRIPTION:ID 71828\\nGrupp: CDATE1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()
    patterns = {
        "SUMMARY": (
            r"^Kurs: (?P<module_code>\S+) (?P<description>[^,]+), (?P<event_type_description>[^,]+)",
            r", Lärare: (?P<staff>.+)",
        ),
        "LOCATION": (r"(?P<locations>.+)",),
        "DESCRIPTION": (r"^Grupp: (?P<student_sets>.+)$",),
    }
    assert read_body(body, patterns=patterns) == [
        SourceEvent(
            utc(2026, 10, 20, 8, 15),
            utc(2026, 10, 20, 10),
            "71828-1-0@timeedit.example.org",
            description="Programmering",
            module_code="DD1337",
            event_type_description="Föreläsning",
            staff=("Åsa Öberg",),
            student_sets=("CDATE1",),
            locations=(Location("Sal E1"), Location("Sal E2")),
        )
    ]


def test_a_file_in_the_way_of_untis(read):
    lesson = [
        "UID:lesson-4711",
        'DTSTART;TZID="(UTC+01:00) Amsterdam, Bern":20261023T081500',
        "DTEND;TZID=(UTC+01:00) Amsterdam, Bern:20261023T094500",
        "SUMMARY:Mathematik 3b Mül",
        "LOCATION:R 204",
        "STATUS:CONFIRMED",
    ]
    gone = [*lesson[:-1], "STATUS:CANCELLED", "UID:ignored"]
    moved = [line.replace("20261023", "20261026").replace("4711", "4712") for line in lesson]
    cancelled, first, second = read(
        lesson, moved, [line.replace("4711", "4710") for line in gone], head=zone("(UTC+01:00) Amsterdam, Bern")
    )
    assert (cancelled.id, cancelled.hidden) == ("lesson-4710", "cancelled")
    # Before and after the clocks are changed, by the zone in the file.
    assert (first.start, first.end) == (utc(2026, 10, 23, 6, 15), utc(2026, 10, 23, 7, 45))
    assert second.start == utc(2026, 10, 26, 7, 15)
    assert (first.description, first.locations, first.hidden) == ("Mathematik 3b Mül", (Location("R 204"),), "")


def test_a_file_in_the_way_of_google(read):
    series = [
        "DTSTART;TZID=Europe/Amsterdam:20261012T100000",
        "DTEND;TZID=Europe/Amsterdam:20261012T113000",
        "RRULE:FREQ=WEEKLY;UNTIL=20261108T225959Z;BYDAY=MO",
        "EXDATE;TZID=Europe/Amsterdam:20261019T100000",
        "UID:abc@google.example",
        "ATTENDEE;CUTYPE=INDIVIDUAL;CN=Somebody;X-NUM-GUESTS=0:mailto:somebody@example.org",
        "X-GOOGLE-CONFERENCE:https://meet.example.org/a-b-c",
        "DESCRIPTION:",
        "SEQUENCE:1",
        "STATUS:CONFIRMED",
        "SUMMARY:Seminar",
        "TRANSP:TRANSPARENT",
        *("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P0DT0H30M0S", "DESCRIPTION:Soon", "END:VALARM"),
    ]
    moved = [
        "DTSTART;TZID=Europe/Amsterdam:20261103T150000",
        "DTEND;TZID=Europe/Amsterdam:20261103T160000",
        "UID:abc@google.example",
        "RECURRENCE-ID;TZID=Europe/Amsterdam:20261102T100000",
        "SUMMARY:Seminar (moved)",
        "SEQUENCE:2",
    ]
    found = read(series, moved, head=["X-WR-TIMEZONE:Europe/Amsterdam", *zone("Europe/Amsterdam")])
    assert [(each.start, each.end, each.id, each.description) for each in found] == [
        (utc(2026, 10, 12, 8), utc(2026, 10, 12, 9, 30), "abc@google.example 20261012T080000Z", "Seminar"),
        (utc(2026, 10, 26, 9), utc(2026, 10, 26, 10, 30), "abc@google.example 20261026T090000Z", "Seminar"),
        (utc(2026, 11, 3, 14), utc(2026, 11, 3, 15), "abc@google.example 20261102T090000Z", "Seminar (moved)"),
    ]
    assert found[0].conference_url == "https://meet.example.org/a-b-c"
    assert not any(each.staff or each.hidden or each.notes for each in found)


def test_a_file_in_the_way_of_exchange(read):
    whole = [
        "UID:040000008200E00074C5B7101A82E008",
        "SUMMARY;LANGUAGE=nl-NL:Excursie",
        "DTSTART;TZID=Customized Time Zone:20261024T000000",
        "DTEND;TZID=Customized Time Zone:20261027T000000",
        "CLASS:PUBLIC",
        "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.example.org/l/1",
        *("BEGIN:VALARM", "DESCRIPTION:REMINDER", "TRIGGER;RELATED=START:-PT15M", "ACTION:DISPLAY", "END:VALARM"),
    ]
    standard = ["UID:2", "DTSTART;TZID=W. Europe Standard Time:20270401T090000", "DURATION:PT90M"]
    days, hours = read(whole, standard, head=zone("Customized Time Zone"))
    assert (days.start, days.end, days.all_day) == (utc(2026, 10, 23, 22), utc(2026, 10, 26, 23), True)
    assert (days.description, days.conference_url) == ("Excursie", "https://teams.example.org/l/1")
    assert (hours.start, hours.end, hours.all_day) == (utc(2027, 4, 1, 7), utc(2027, 4, 1, 8, 30), False)


def test_a_zone_of_one_file_says_nothing_of_the_same_name_in_another(read):
    event = ["UID:1", "DTSTART;TZID=Customized Time Zone:20261020T090000"]
    (here,) = read(event, head=zone("Customized Time Zone"))
    east = [line.replace("+0100", "+0900").replace("+0200", "+0900") for line in zone("Customized Time Zone")]
    (there,) = read(event, head=east)
    assert (here.start, there.start) == (utc(2026, 10, 20, 7), utc(2026, 10, 20, 0))


def test_a_file_in_the_way_of_a_notification_calendar(read):
    expiry = [
        "UID:mom-1",
        "SUMMARY:A token expires",
        "DTSTART:20270101T120000Z",
        "DTSTAMP:20261001T000000Z",
        "DESCRIPTION:For the backup",
        "URL:https://mytoken.example.org/#mt",
        *("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT30D", "DESCRIPTION:Soon", "END:VALARM"),
        *("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:", "END:VALARM"),
    ]
    (event,) = read(expiry, head=["METHOD:PUBLISH", "NAME:Mine"])
    assert event.start == event.end == utc(2027, 1, 1, 12)
    assert (event.notes, event.attributes) == (("For the backup",), {"URL": "https://mytoken.example.org/#mt"})


ONE = ("UID:1", "SUMMARY:Ä", "DTSTART:20261020T090000", "DTEND:20261020T100000")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n \n"])
def test_line_ends_and_marks_at_the_beginning_do_not_matter(written, read_body, end, before):
    (event,) = read_body(before + written(ONE, end=end))
    assert (event.description, event.start) == ("Ä", utc(2026, 10, 20, 7))


def test_a_line_folded_within_a_letter_is_one(written, read_body):
    body = written(ONE).replace("Ä".encode(), b"\xc3\r\n \x84")
    assert read_body(body)[0].description == "Ä"


def test_names_in_small_letters_and_leftovers_of_texts_are_read_past(read):
    careless = ["uid:1", "summary:One", "a line that somebody forgot to fold", "dtstart;tzid=UTC:20261020t090000"]
    (event,) = read(careless)
    assert (event.id, event.description, event.start) == ("1", "One", utc(2026, 10, 20, 9))


def test_what_is_no_event_is_passed_over(read):
    others = ["BEGIN:VTODO", "DUE:broken", "END:VTODO", "BEGIN:VFREEBUSY", "FREEBUSY:x", "END:VFREEBUSY"]
    assert [each.id for each in read(ONE, head=others)] == ["1"]


def test_two_calendars_in_one_file_are_read_as_one(written, read_body):
    other = tuple(line.replace("UID:1", "UID:2") for line in ONE)
    assert [each.id for each in read_body(written(ONE) + written(other))] == ["1", "2"]


def test_a_calendar_without_events_is_an_empty_timetable(read):
    assert read() == []


def test_categories_and_texts_lose_their_escapes(read):
    texts = [r"CATEGORIES:Lecture\, online,Exam", "CATEGORIES:Third", r"SUMMARY:a\\nb\;\, c\Nd", r"X-ROOM:R\,1"]
    (event,) = read([*ONE, *texts[:2], *texts[3:]])
    assert (event.event_type, event.event_type_description) == ("Lecture, online",) * 2
    assert event.tags == ("Exam", "Third")
    assert event.attributes == {"X-ROOM": "R,1"}
    (event,) = read([*ONE[2:], texts[2]])
    assert event.description == "a\\nb;, c\nd"


def test_a_message_that_cancels_hides_what_it_names(read):
    assert [each.hidden for each in read(ONE, head=["METHOD:CANCEL"])] == ["cancelled"]
