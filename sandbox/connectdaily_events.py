"""What an event of Connect Daily is: its fields, when it takes place, and whether the server takes it.

The manual names some fields; the others, and the limits, are those of the vendor's own form for events.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]

DAILY, WEEKLY, ONE_TIME = 0, 1, 3
STEPS = {DAILY: 1, WEEKLY: 7}
"""The days from one date of a series to the next. Connect Daily has more kinds; the sandbox plays these."""
JULIAN = 1_721_425
USUAL: Event = {
    "description": "",
    "long_description": None,
    "starting_time": None,
    "ending_time": None,
    "contact_name": None,
    "contact_info": None,
    "add_info_url": None,
    "item_type_id": 1,
    "location_id": 0,
    "resource_id": 0,
    "rec_type": ONE_TIME,
    "reminder": None,
}
"""Every event has these, whatever its maker left out."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")


class BadEventError(Exception):
    """Connect Daily does not take the event; the message is its diagnostic."""


def julian(day: date) -> int:
    return day.toordinal() + JULIAN


def day_of(value: object) -> date:
    """A Julian day number or `yyyy-mm-dd`. Raises: BadEventError."""
    try:
        if isinstance(value, int):
            return date.fromordinal(value - JULIAN)
        return date.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        raise BadEventError("A date is neither yyyy-mm-dd nor a julian day number.") from error


def normal(event: Mapping[str, Any], longest: Mapping[str, int]) -> Event:
    """The event as the server keeps it, days as Julian numbers. Raises: BadEventError."""
    kept = {**USUAL, **event}
    for name in ("starting_date", "ending_date"):
        kept[name] = julian(day_of(kept.get(name) or kept.get("starting_date")))
    kept["exceptions"] = [julian(day_of(each)) for each in kept.get("exceptions") or []]
    if not kept["description"]:
        raise BadEventError("The event has no description.")
    if too_long := [name for name, most in longest.items() if len(str(kept.get(name) or "")) > most]:
        raise BadEventError(f"The value of {too_long[0]} is too long.")
    if kept["rec_type"] != ONE_TIME and kept["rec_type"] not in STEPS:
        raise BadEventError("The sandbox does not play this recurrence.")
    _check_times(kept)
    return kept


def _check_times(event: Event) -> None:
    clocks = [event["starting_time"], event["ending_time"]]
    if any(each is not None and not _CLOCK.fullmatch(str(each)) for each in clocks):
        raise BadEventError("A time is not hh:mm:ss.")
    if (event["ending_date"], clocks[1] or clocks[0] or "") < (event["starting_date"], clocks[0] or ""):
        raise BadEventError("The event ends before it starts.")


def dates(event: Event) -> Iterator[date]:
    """The days on which it starts, each one: of a series, `ending_date` is its last day."""
    first, last = day_of(event["starting_date"]), day_of(event["ending_date"])
    step = STEPS.get(event["rec_type"])
    days = [first] if step is None else [first + timedelta(n) for n in range(0, (last - first).days + 1, step)]
    yield from (day for day in days if julian(day) not in event["exceptions"])


def span(event: Event, day: date, zone: ZoneInfo) -> tuple[date, date]:
    """Start and end of what starts on `day`: moments in UTC, or days, the second one after the last."""
    length = timedelta(event["ending_date"] - event["starting_date"]) if event["rec_type"] == ONE_TIME else timedelta()
    if event["starting_time"] is None:
        return day, day + length + timedelta(days=1)
    start, end = (
        time.fromisoformat(event[name] or event["starting_time"]) for name in ("starting_time", "ending_time")
    )
    moments = datetime.combine(day, start, zone), datetime.combine(day + length, end, zone)
    return moments[0].astimezone(UTC), moments[1].astimezone(UTC)


def collide(one: Event, other: Event, zone: ZoneInfo) -> bool:
    """Whether both want the same resource at the same time."""
    if not one["resource_id"] or one["resource_id"] != other["resource_id"]:
        return False
    mine, theirs = ([_moments(event, day, zone) for day in dates(event)] for event in (one, other))
    return any(a[0] < b[1] and b[0] < a[1] for a in mine for b in theirs)


def _moments(event: Event, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start, end = (
        each if isinstance(each, datetime) else datetime.combine(each, time(), zone) for each in span(event, day, zone)
    )
    return start, end
