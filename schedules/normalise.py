"""One way to write a thing: what differs only in spelling must not look like a change.

The limits are the smallest that any provider takes: 255 characters of a subject, a location and a category in
Exchange, 8,192 of a description in Google Calendar. What is longer is cut and ends in an ellipsis.
"""

import re
from datetime import UTC, datetime, time, timedelta
from unicodedata import normalize
from zoneinfo import ZoneInfo

LINE = 255
TEXT = 8_000
SHORTEST = timedelta(minutes=1)

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Control characters, lone surrogates, byte order marks and what XML 1.0 forbids.
_UNWRITABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def line(text: str, limit: int = LINE) -> str:
    """`text` on one line: NFC, no control characters, single spaces, at most `limit` characters."""
    return _cut(" ".join(_plain(text).split()), limit)


def paragraphs(text: str, limit: int = TEXT) -> str:
    """`text` on its lines: NFC, no control characters but line feeds, no spaces at ends, single empty lines at most."""
    lines = "\n".join(each.rstrip() for each in _plain(text).split("\n"))
    return _cut(_EMPTY_LINES.sub("\n\n", lines).strip(), limit)


def span(start: datetime, end: datetime, zone: ZoneInfo, *, all_day: bool = False) -> tuple[datetime, datetime]:
    """Start and end in UTC, in whole seconds, at least a minute apart.

    Real timetables hold events of no length and events that end before they start; Google refuses an empty span, and
    a minute is the shortest that every calendar shows. An all-day event covers every local day that it touches, from
    midnight to midnight, at least one.
    """
    start, end = _whole(start), _whole(end)
    if all_day:
        return _days(start, end, zone)
    return start, max(end, start + SHORTEST)


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC) - timedelta(microseconds=moment.microsecond)


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = start.astimezone(zone).date()
    # The day of the last second, not of the end: a midnight that the clocks skip reads as 01:00.
    last = max(first, (end - timedelta(seconds=1)).astimezone(zone).date())
    midnights = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    begin, finish = (midnight.astimezone(UTC) for midnight in midnights)
    return begin, finish


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return normalize("NFC", _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", text).replace("\t", " ")))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
