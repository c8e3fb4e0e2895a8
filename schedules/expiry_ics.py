"""The ends of credentials as an iCalendar object that people subscribe to: an event for each, with alarms before it.

The same expiries always make the same bytes, but for the alarms, which leave as they go by. So an entity tag over them
moves only when there is something new to read.

See: RFC 5545; RFC 7986 for NAME and REFRESH-INTERVAL.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, vDuration

WARNINGS = (30, 14, 7, 3, 1, 0)
"""Days before the end."""
LENGTH = timedelta(minutes=30)
"""What an event takes up: some clients draw one without a length as a line, or not at all."""
REFRESH = timedelta(hours=12)
"""How often a client is asked to come again."""

_LATEST = datetime(9999, 12, 31, 23, tzinfo=UTC)
"""A certificate that never ends says the last second of that year (RFC 5280), after which an event has no room."""
_AN_HOUR = 3_600
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Expiry:
    """A credential that ends. `begins` is when it began, if that is known; `stamp` when there was last something new to
    say of it. `comment` may be empty.
    """

    uid: str
    title: str
    comment: str
    advice: str
    begins: datetime | None
    expires: datetime
    stamp: datetime


def render(name: str, expiries: Iterable[Expiry], now: datetime) -> bytes:
    """The object of a calendar called `name`, in UTF-8."""
    calendar = Calendar()
    title = _line(name)
    for key, value in (("PRODID", "-//Carillon//Notification calendar//EN"), ("VERSION", "2.0")):
        calendar.add(key, value)
    for key, value in (("CALSCALE", "GREGORIAN"), ("METHOD", "PUBLISH"), ("NAME", title), ("X-WR-CALNAME", title)):
        calendar.add(key, value)
    calendar.add("REFRESH-INTERVAL", REFRESH, {"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH))
    for each in sorted(expiries, key=in_order):
        calendar.add_component(_event(each, now))
    if not calendar.subcomponents:
        # RFC 5545, 3.6: there is at least one component, also in a calendar to which nothing was added yet.
        calendar.add_component(Timezone.from_tzinfo(ZoneInfo("UTC")))
    written: bytes = calendar.to_ical()
    return written


def in_order(expiry: Expiry) -> tuple[datetime, str]:
    """What expiries are sorted by: the same order always."""
    return expiry.expires, expiry.uid


def warnings(begins: datetime | None, expires: datetime, now: datetime) -> list[int]:
    """The days before `expires` at which to warn, as far as they are still to come; of what lives shortly, none in the
    first half of its life.
    """
    earliest = now if begins is None else max(now, begins + (expires - begins) / 2)
    return [days for days in WARNINGS if expires - timedelta(days=days) >= earliest]


def _event(expiry: Expiry, now: datetime) -> Event:
    event = Event()
    start = min(expiry.expires.astimezone(UTC).replace(microsecond=0), _LATEST)
    summary = f"{_line(expiry.title)} expires"
    event.add("UID", expiry.uid)
    # Who renews makes a later end: so the revision is one without our remembering the last, and fits into 32 bits.
    event.add("SEQUENCE", int(start.timestamp()) // _AN_HOUR)
    event.add("DTSTAMP", expiry.stamp.astimezone(UTC).replace(microsecond=0))
    event.add("DTSTART", start)
    event.add("DTEND", start + LENGTH)
    event.add("SUMMARY", summary)
    event.add("DESCRIPTION", "\n\n".join(text for text in (_lines(expiry.comment), expiry.advice) if text))
    event.add("TRANSP", "TRANSPARENT")
    for days in warnings(expiry.begins, expiry.expires, now):
        event.add_component(_alarm(summary, days))
    return event


def _alarm(summary: str, days: int) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", f"{summary} {_when(days)}")
    alarm.add("TRIGGER", timedelta(days=-days))
    return alarm


def _when(days: int) -> str:
    if days == 0:
        return "now"
    return "in 1 day" if days == 1 else f"in {days} days"


def _lines(text: str) -> str:
    """Python's line ends are more than iCalendar's: clients that are written in it would cut a line at any of them."""
    return _UNSEEN.sub(" ", "\n".join(text.splitlines())).strip()


def _line(text: str) -> str:
    return " ".join(_lines(text).split("\n"))
