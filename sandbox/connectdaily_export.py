"""Connect Daily's exports: a calendar as iCalendar, and the list of calendars as XML.

See: the manual's pages «iCal Export», «Remotely Extracting Data» and «RSS Export».
"""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import icalendar

from sandbox.connectdaily_events import ONE_TIME, STEPS, Event, dates, day_of, span

DEFAULT_DAYS, DEFAULT_MOST = 365, 100
"""What a site exports where the address does not say how much."""
PAST = timedelta(days=30)
_TAG = re.compile(r"<[^>]*>")


def calendar(events: list[Event], asked: Mapping[str, str], zone: ZoneInfo, today: date) -> bytes:
    """The events that the address asks for, at most so many of them, by their first day."""
    first = date.min if asked.get("include_past") == "1" else today - PAST
    last = today + timedelta(days=int(asked.get("dayspan", DEFAULT_DAYS)))
    inside = [each for each in events if any(first <= day <= last for day in dates(each))]
    chosen = sorted(inside, key=lambda each: (each["starting_date"], each["cal_item_id"]))
    made = icalendar.Calendar()
    made.add("VERSION", "2.0")
    made.add("PRODID", "-//The sandbox//Connect Daily//EN")
    for each in chosen[: int(asked.get("maxcount", DEFAULT_MOST))]:
        made.add_component(_component(each, zone, whole=asked.get("htmldescription") == "1"))
    text: bytes = made.to_ical()
    return text


def calendars(seen: Mapping[int, str]) -> str:
    items = "".join(f"<item><id>{number}</id><name>{escape(name)}</name></item>" for number, name in seen.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><list type_id="32768">{items}</list>'


def _component(event: Event, zone: ZoneInfo, *, whole: bool) -> icalendar.Event:
    start, end = span(event, day_of(event["starting_date"]), zone)
    text = event["long_description"] or ""
    component = icalendar.Event()
    component.add("UID", event["itemguid"])
    component.add("DTSTAMP", datetime.now(UTC))
    component.add("SUMMARY", event["description"])
    component.add("DESCRIPTION", text if whole else html.unescape(_TAG.sub("", text)))
    component.add("DTSTART", start)
    component.add("DTEND", end)
    if event["rec_type"] != ONE_TIME:
        until = datetime.combine(day_of(event["ending_date"]), datetime.max.time(), zone).astimezone(UTC)
        component.add("RRULE", {"FREQ": "DAILY", "INTERVAL": STEPS[event["rec_type"]], "UNTIL": until})
        for number in event["exceptions"]:
            component.add("EXDATE", span(event, day_of(number), zone)[0])
    return component
