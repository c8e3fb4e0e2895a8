"""What stands in objects that nobody writes by mistake: it is refused with a reason, in a moment, and harms nobody."""

from time import perf_counter
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
import pytest

from schedules.ics_rules import IcsProblemError
from schedules.periods import Period
from schedules.term_ics import parse

AMSTERDAM, NEW_YORK = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
TEN = ("DTSTART:20260601T100000", "DTEND:20260601T110000")


def calendar(*lines, zones=()):
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", *zones, "BEGIN:VEVENT", "SUMMARY:Break", *lines, "END:VEVENT"]
    return "\r\n".join([*whole, "END:VCALENDAR", ""]).encode()


def zone(name, *parts):
    return ["BEGIN:VTIMEZONE", f"TZID:{name}", *(line for part in parts for line in part), "END:VTIMEZONE"]


def standard(offset, *rule, start="20251001T000000"):
    times = (f"DTSTART:{start}", f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}")
    return ["BEGIN:STANDARD", *times, *rule, "END:STANDARD"]


def at_ten(name):
    return f"DTSTART;TZID={name}:20260601T100000", f"DTEND;TZID={name}:20260601T110000"


def begins(text, of=AMSTERDAM):
    [period] = parse(text, of).periods
    return period.start_time.hour


@pytest.mark.parametrize("of", [AMSTERDAM, NEW_YORK])
@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:00010101T000000Z", "DTEND:00010101T010000Z"),
        ("DTSTART:99991231T235900Z", "DTEND:99991231T235959Z"),
        ("DTSTART:99991231T235930", "DTEND:99991231T235959"),
        ("DTSTART;VALUE=DATE:99991231",),
        ("DTSTART:20260101T000000Z", "DURATION:P999999999D"),
        ("DTSTART:20260101T000000Z", "DURATION:P99999999999999999999D"),
        (*TEN, "RRULE:FREQ=DAILY;UNTIL=99991231T235959Z"),
        (*TEN, "RRULE:FREQ=DAILY;UNTIL=00010101T000000Z"),
    ],
)
def test_times_at_the_ends_of_all_calendars_are_refused(lines, of):
    with pytest.raises(IcsProblemError):
        parse(calendar(*lines), of)


@pytest.mark.parametrize(
    "recurrence",
    [
        "daily",
        [1],
        {"recurDaily": "x", "recurForEver": True},
        {"recurDaily": {"recurInterval": 1.0}, "recurForEver": True},
        {"recurDaily": {"recurInterval": True}, "recurForEver": True},
        {"recurDaily": {"recurInterval": 1}, "recurForEver": "yes"},
        {"recurDaily": {"recurInterval": 1}, "recurForEver": False, "recurEndOccurrence": 2.0},
        {"recurMonthlyByDay": {"recurInterval": 1, "dayOfMonth": 1.0}, "recurForEver": True},
        {"recurMonthlyByWeek": {"recurInterval": 1, "dayOfWeek": "Monday"}, "recurForEver": True},
    ],
)
def test_what_looks_like_our_own_words_and_is_not_is_read_as_anybody_s(recurrence):
    said = {"name": "Break", "type": "Full days", "startDay": "2026-06-01", "stopDay": "2026-06-01"}
    packed = quote(orjson.dumps({**said, "recurrence": recurrence}), safe="")
    text = calendar("DTSTART;VALUE=DATE:20260601", "DTEND;VALUE=DATE:20260602", f"X-CARILLON-PERIOD:{packed}")
    [period] = parse(text, AMSTERDAM).periods
    assert period.recurrence is None


def test_a_zone_is_the_one_that_its_own_object_defines_whatever_others_did():
    """As of Outlook's «Customized Time Zone», which is another one in each object."""
    for offset, hour in (("+0500", 7), ("-0500", 17), ("+0500", 7)):
        zones = zone("Customized Time Zone", standard(offset))
        assert begins(calendar(*at_ten("Customized Time Zone"), zones=zones)) == hour


def test_a_zone_whose_name_is_quoted_and_escaped_is_found_by_it():
    zones = zone("(UTC+05:00) Here\\, there", standard("+0500"))
    assert begins(calendar(*at_ten('"(UTC+05:00) Here, there"'), zones=zones)) == 7


def test_nobody_defines_a_zone_of_the_world_anew():
    zones = zone("Europe/Amsterdam", standard("-0500"))
    assert begins(calendar(*at_ten("Europe/Amsterdam"), zones=zones)) == 10


@pytest.mark.parametrize(
    "parts",
    [
        [standard("+0500", "RRULE:FREQ=SECONDLY", start="19700101T000000")] * 2,
        [standard("+0500", "RRULE:FREQ=YEARLY;BYHOUR=0,1,2,3;BYMINUTE=1,2,3")] * 2,
        [standard("+0500", f"RDATE:{','.join(['20260101T000000'] * 1_000)}")] * 2,
        [standard("+0500")] * 1_000,
    ],
    ids=["every second", "every minute", "many dates", "many parts"],
)
def test_a_zone_that_takes_long_to_work_out_is_refused_at_once(parts):
    begun = perf_counter()
    with pytest.raises(IcsProblemError, match="time zone that the object defines"):
        parse(calendar(*at_ten("Odd"), zones=zone("Odd", *parts)), AMSTERDAM)
    assert perf_counter() - begun < 1


def test_a_zone_with_summer_time_is_followed():
    summer = ("DTSTART:19810329T020000", "TZOFFSETFROM:+0400", "TZOFFSETTO:+0500")
    daylight = ["BEGIN:DAYLIGHT", *summer, "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT"]
    winter = standard("+0400", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", start="19961027T030000")
    [period] = parse(calendar(*at_ten("Far"), zones=zone("Far", daylight, winter)), AMSTERDAM).periods
    assert isinstance(period, Period)
    assert period.start_time.hour == 7
