"""Until when a window goes on that would end inside a term, out of MyTimetable's terms."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from timetables._mytimetable_errors import NotTheApiError
from timetables._mytimetable_events import moment, parsed
from timetables.base import ContractBroken

ABSENT = b"null"
"""What stands for the list of a site without /terms (before 3.4)."""
ALL = "all"
"""Stands for every term."""
LONGEST = timedelta(days=800)
"""From the window's first day on; beyond that a term lengthens it no further."""
_UNREADABLE = "has no dates that can be read; correct it in the timetable, or leave it out of terms."


def reach(
    body: bytes, where: str, named: Collection[str], window: tuple[datetime, datetime], zone: ZoneInfo
) -> datetime:
    """The end of `window` once it has gone on to the end of the `named` terms that it would end inside: to the latest
    of them, a midnight in `zone`, and from there no further. It is never earlier than it was.

    A term goes from its first day to its last, with the holidays in between. Of several with the same key each counts.

    Raises: ContractBroken.
    """
    start, end = window
    ends = [last for first, last in _spans(body, where, named, zone) if first < end < last]
    bound = _midnight(start.astimezone(zone).date() + LONGEST, zone)
    return max(end, min(max(ends, default=end), bound))


def unknown(body: bytes, where: str, named: Collection[str]) -> list[str]:
    """Those of `named` that no term has as its key or id. Raises: ContractBroken."""
    known = {ALL}.union(*map(_names, _terms(body, where)))
    return [name for name in named if name not in known]


def _terms(body: bytes, where: str) -> list[dict[str, Any]]:
    content = parsed(body, where)
    if content is None:
        # Another base URL may have them.
        raise NotTheApiError(
            f"GET {where} has no terms, as before MyTimetable 3.4: check urls, or leave terms out of the timetable's "
            "section."
        )
    terms = content.get("terms") if isinstance(content, dict) else None
    if not isinstance(terms, list) or not all(isinstance(each, dict) for each in terms):
        raise ContractBroken(f"GET {where} sent no list of terms; look whether the site's version is supported.")
    return terms


def _names(term: dict[str, Any]) -> set[str]:
    return {name for name in (term.get("key"), term.get("id")) if isinstance(name, str)}


def _spans(body: bytes, where: str, named: Collection[str], zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """First and last moment of each of the named terms; one without days has none."""
    for place, term in enumerate(_terms(body, where), 1):
        if ALL in named or not _names(term).isdisjoint(named):
            ranges = _ranges(term, f"{where}: term {place}", zone)
            if ranges:
                yield min(start for start, _ in ranges), max(_up(end, zone) for _, end in ranges)


def _ranges(term: dict[str, Any], where: str, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    listed = term.get("dateRanges")
    if not isinstance(listed, list):
        raise ContractBroken(f"GET {where} {_UNREADABLE}")
    return [_range(each, where, zone) for each in listed]


def _range(each: Any, where: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    told = each if isinstance(each, dict) else {}
    start, end = moment(told.get("startDate"), zone), moment(told.get("endDate"), zone)
    if start is None or end is None:
        raise ContractBroken(f"GET {where} {_UNREADABLE}")
    return start, end


def _up(end: datetime, zone: ZoneInfo) -> datetime:
    """The first local midnight that is not before it: some sites tell the last minute of the last day."""
    day = end.astimezone(zone).date()
    midnight = _midnight(day, zone)
    return midnight if midnight >= end else _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
