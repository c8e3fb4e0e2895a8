"""Our event in Connect Daily's words, and Connect Daily's event in ours. Pure functions.

An event is the JSON that the server gives. We change fields of it and send the whole back, so that what we know nothing
of stays as it is.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers._connectdaily_mark import Line, as_html, line_of, with_line, without
from providers.base import FIELDS, Event, Found, Mark, Ref

ONE_TIME = 3
"""The `rec_type` of an event that takes place once; every other one, 0 too, is of a series."""
_JULIAN = 1_721_425
"""The Julian day number of the day before 0001-01-01, which Python counts days from."""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?")
_NOON = 12
_DAY = timedelta(days=1)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a site's events are laid out: `names` says which field our title, description, start, end and location go
    to, an empty name nowhere; `types` are types of events by category; lengths are in characters.
    """

    names: Mapping[str, str]
    zone: str | None
    type_id: int | None
    types: Mapping[str, int]
    longest_title: int
    longest_location: int

    def line(self, there: Body) -> Line | None:
        """Our line in an event; None: it is not ours."""
        return line_of(self.text(there), str(there["itemguid"]))

    def text(self, there: Body) -> str:
        text = there.get(self.names["description"])
        return text if isinstance(text, str) else ""


def made(event: Event, mark: Mark, guid: str, calendar_id: int, layout: Layout) -> Body:
    """A new event: it takes place once, and says nothing but what we write."""
    there = {"itemguid": guid, "calendar_id": calendar_id, "rec_type": ONE_TIME}
    return changed(there, event, mark, frozenset(FIELDS), layout)


def changed(there: Body, event: Event, mark: Mark, fields: frozenset[str], layout: Layout) -> Body:
    """The event with `fields` as `event` and `mark` say, and all the rest as it is."""
    body = dict(there)
    if "title" in fields:
        body[layout.names["title"]] = _cut(event.title, layout.longest_title)
    if "location" in fields and layout.names["location"]:
        body[layout.names["location"]] = _cut(event.location, layout.longest_location)
    if "category" in fields and (number := layout.types.get(event.category, layout.type_id)):
        body["item_type_id"] = number
    if "time" in fields:
        body |= _times(event, layout)
    if fields & {"description", "time", "mark"}:
        text = as_html(event.description) if "description" in fields else layout.text(there)
        known = layout.line(there)
        zone, fold = (known.zone, known.fold) if known and "time" not in fields else _zone_and_fold(event, layout)
        mark = known.mark if known and "mark" not in fields else mark
        line = Line(mark, zone, fold, str(there["itemguid"]))
        body[layout.names["description"]] = with_line(text, line)
    return body


def released(there: Body, guid: str, layout: Layout) -> Body:
    """The event without the lines that name `guid`."""
    return {**there, layout.names["description"]: without(layout.text(there), guid)}


def version(there: Body) -> str:
    """A hash of the whole event, for the manual knows no version of it: whatever a person changes, it changes."""
    text = json.dumps(there, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def recurs(there: Body) -> bool:
    kind = there.get("rec_type")
    return kind is not None and str(kind) != str(ONE_TIME)


def first_day(there: Body) -> date:
    """Raises: ValueError."""
    return _day(there.get("starting_date"))


def found(there: Body, line: Line, layout: Layout) -> Found:
    """An event of ours; of a series, its first date. Raises: ValueError, when it has no day or an odd time."""
    first, last = first_day(there), _day(there.get("ending_date") or there.get("starting_date"))
    begins, ends = (_clock(there.get(layout.names[name])) for name in ("start", "end"))
    if recurs(there):  # where it ends is where the series does
        last = first if begins is None or ends is None or ends >= begins else first + _DAY
    if begins is None:
        start, end = _moment(first, time(), line, 0), _moment(last + _DAY, time(), line, 0)
    else:
        start, end = _moment(first, begins, line, 1), _moment(last, ends or begins, line, 2)
    title = str(there.get(layout.names["title"]) or "")
    return Found(line.mark, Ref(str(there["itemguid"]), version(there)), start, max(start, end), title)


def _times(event: Event, layout: Layout) -> Body:
    if event.all_day:
        first, after_last = event.days()
        last, begins, ends = after_last - _DAY, None, None
    else:
        start, end = _local(event, layout)
        first, last = start.date(), end.date()
        begins, ends = (f"{each:%H:%M:%S}" for each in (start, end))
    names = layout.names
    days = {"starting_date": first.isoformat(), "ending_date": last.isoformat()}
    return {**days, names["start"]: begins, names["end"]: ends}


def _local(event: Event, layout: Layout) -> tuple[datetime, datetime]:
    zone = ZoneInfo(layout.zone or event.zone)
    return event.start.astimezone(zone), event.end.astimezone(zone)


def _zone_and_fold(event: Event, layout: Layout) -> tuple[str, int]:
    if event.all_day:
        return event.zone, 0
    start, end = _local(event, layout)
    return layout.zone or event.zone, start.fold + 2 * end.fold


def _moment(day: date, clock: time, line: Line, bit: int) -> datetime:
    try:
        local = datetime.combine(day, clock, ZoneInfo(line.zone)).replace(fold=1 if line.fold & bit else 0)
        return local.astimezone(UTC)
    except (KeyError, OSError, OverflowError) as error:
        raise ValueError("a time in no zone") from error


def _day(value: object) -> date:
    """A day as `yyyy-mm-dd`, or as a Julian day number."""
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        try:
            return date.fromordinal(int(value) - _JULIAN)
        except OverflowError as error:
            raise ValueError("a day beyond all calendars") from error
    if not isinstance(value, str):
        raise ValueError("an event without a day")  # noqa: TRY004 - of what a server sends, the value is what is wrong
    return date.fromisoformat(value[:10])


def _clock(value: object) -> time | None:
    """A time of day as `09:30`, `09:30:00` or `9:30 AM`; None for an event of whole days."""
    if value is None or value == "":
        return None
    said = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if said is None:
        raise ValueError("an event with a time that cannot be read")
    hour, half = int(said[1]), (said[4] or "").lower()
    return time(hour % _NOON + (_NOON if half == "pm" else 0) if half else hour, int(said[2]), int(said[3] or 0))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
