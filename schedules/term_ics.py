"""A calendar schedule as an iCalendar object and back.

What an object says beside the times of its events (texts, ids, alarms, what is said of the calendar itself) is kept as
it is written and goes out again, as do the times themselves as long as they mean what the period says. So a calendar
that was read and not changed comes back line for line. Refused with a reason is what a period cannot be, as
`schedules.ics_times` says, and: what invites people, a cancelled event, a message that is no publication, to-dos and
journals.

See: RFC 5545; RFC 7986 for what is said of a calendar.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from icalendar import parser

from schedules.ics_rules import IcsProblemError
from schedules.ics_times import TIMES, events_of, lines, meant
from schedules.ics_zones import apart
from schedules.period_changes import MOST_PERIODS
from schedules.period_fields import shown
from schedules.periods import LONGEST_NAME, Period
from schedules.written_zones import definition

_HEAD = ("VERSION:2.0", "PRODID:-//Carillon//Calendar schedule//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")
_NAMES = ("NAME", "X-WR-CALNAME")
"""What a calendar is called, in new words and in old ones."""
_NAME = re.compile(r"[A-Za-z0-9-]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]+")
_CONTENT: Any = parser.Contentlines  # icalendar leaves it untyped


@dataclass(frozen=True, slots=True)
class Term:
    """What an object holds: `periods`, and the lines around them that are `kept`."""

    periods: tuple[Period, ...]
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    around: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    events: list[list[str]] = field(default_factory=list)


def parse(text: bytes, zone: ZoneInfo) -> Term:
    """The periods of an object, in its order; a floating time is one of `zone`.

    Each is named by its SUMMARY; one that shares it with another, by its first day too. Raises: IcsProblemError, a
    sentence that counts the events from 1.
    """
    parts = _parts(_unfolded(text))
    named: set[str] = set()
    periods = []
    for number, (content, event) in enumerate(zip(parts.events, _parsed(parts.events, parts.zones), strict=True), 1):
        try:
            periods.append(replace(_period(event, zone, named), kept=tuple(content)))
        except IcsProblemError as error:
            raise IcsProblemError(f"Event {number} cannot be taken over: {error}.") from error
    return Term(tuple(periods), tuple(parts.around))


def render(name: str, term: Term, zone: ZoneInfo, seed: str, now: datetime) -> bytes:
    """The object of a schedule called `name`. `seed` makes the UIDs of its own periods, the same ones each time."""
    around = list(term.kept) or [*_HEAD, *(f"{each}:{_escaped(name)}" for each in _NAMES)]
    zones = _parts(around).zones
    events = [_event(*each, seed, now) for each in _with_lines(term.periods, zones, zone)]
    marker = f";TZID={zone.key}:"
    if f"TZID:{zone.key}" not in zones and any(marker in line for event in events for line in event):
        first = min(now.year, *(each.start_day.year for each in term.periods)) - 1
        around += definition(zone.key, first, now.year)
    whole = ["BEGIN:VCALENDAR", *around, *(line for event in events for line in event), "END:VCALENDAR"]
    written: bytes = _CONTENT(map(parser.Contentline, whole)).to_ical()
    return written


def title(period: Period) -> str:
    """What people read: its name, or where that had to be told from another's, what the object called it."""
    summary = next((line for line in period.kept if _name(line) == "SUMMARY"), None)
    return _summary(events_of([[summary]])[0]) if summary else period.name


def renamed(kept: Iterable[str], name: str) -> tuple[str, ...]:
    """The lines of a schedule that gets another name."""
    return tuple(f"{_name(line)}:{_escaped(name)}" if _name(line) in _NAMES else line for line in kept)


def _unfolded(text: bytes) -> list[str]:
    try:
        found = [str(line) for line in _CONTENT.from_ical(text.decode("utf-8-sig")) if line]
    except ValueError as error:
        raise IcsProblemError("The body is no iCalendar in UTF-8.") from error
    if len(found) < 2 or (found[0].upper(), found[-1].upper()) != ("BEGIN:VCALENDAR", "END:VCALENDAR"):  # noqa: PLR2004 - its first and last line
        raise IcsProblemError("The body is no iCalendar: expected BEGIN:VCALENDAR to END:VCALENDAR.")
    return found[1:-1]


def _parts(content: Sequence[str]) -> _Parts:
    """What stands in an object: its events, its time zones, and everything but the events."""
    parts, open_ = _Parts(), list[str]()
    for line in content:
        begins, ends = (_name(line) == word for word in ("BEGIN", "END"))
        kind = line.partition(":")[2].strip().upper()
        if ends and (not open_ or open_.pop() != kind):
            raise IcsProblemError(f"The body is no iCalendar: END:{kind} closes nothing.")
        if begins:
            _check_component(kind, open_, parts)
            open_.append(kind)
        _put(line, [*open_, *([kind] if ends else [])], parts)
    if open_:
        raise IcsProblemError(f"The body is no iCalendar: a {open_[-1]} has no end.")
    return parts


def _check_component(kind: str, open_: Sequence[str], parts: _Parts) -> None:
    if open_:
        return
    if kind not in {"VEVENT", "VTIMEZONE"}:
        raise IcsProblemError(f"A {kind} cannot be taken over; leave it out.")
    if kind == "VEVENT":
        parts.events.append([])
    if len(parts.events) > MOST_PERIODS:
        raise IcsProblemError(f"There are more than {MOST_PERIODS:,} events; divide them into several schedules.")


def _put(line: str, inside: Sequence[str], parts: _Parts) -> None:
    if inside[:1] == ["VEVENT"]:
        if inside != ["VEVENT"] or line.upper() not in {"BEGIN:VEVENT", "END:VEVENT"}:
            parts.events[-1].append(line)
        return
    if not inside and _name(line) == "METHOD" and line.partition(":")[2].strip().upper() != "PUBLISH":
        raise IcsProblemError("The body is a message about events and no publication (METHOD); export it anew.")
    parts.around.append(line)
    if inside:
        parts.zones.append(line)


def _period(event: icalendar.Event, zone: ZoneInfo, named: set[str]) -> Period:
    if "ATTENDEE" in event:
        raise IcsProblemError("it invites people (ATTENDEE), and a schedule invites nobody")
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise IcsProblemError("it is cancelled; leave it out")
    found = meant(event, "-", zone)
    return replace(found, name=_called(_summary(event), found.start_day, named))


def _parsed(contents: Iterable[Iterable[str]], zones: Sequence[str]) -> list[icalendar.Event]:
    """What we must understand of events; alarms and texts of others are not for us to judge."""
    wanted = {*TIMES, "SUMMARY", "STATUS", "ATTENDEE"}
    around, events = apart(zones, [[line for line in _own(each) if _name(line) in wanted] for each in contents])
    try:
        return events_of(events, around)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:  # what the parser trips over
        raise IcsProblemError("The body is no iCalendar: its events or time zones cannot be read.") from error


def _own(content: Iterable[str]) -> Iterator[str]:
    """The lines of the event itself, without those of what stands in it."""
    return (line for line, inner in _by_depth(content) if not inner)


def _by_depth(content: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is one of a component in the event, such as an alarm."""
    depth = 0
    for line in content:
        depth += _name(line) == "BEGIN"
        yield line, depth > 0
        depth -= _name(line) == "END"


def _called(summary: str, first: date, named: set[str]) -> str:
    plain = _UNSEEN.sub(" ", summary).strip()[:LONGEST_NAME].strip()
    choices = [plain] if plain and plain not in {".", ".."} else []
    choices += [_cut(plain, f"{first}"), *(_cut(plain, f"{first} ({number})") for number in range(2, MOST_PERIODS + 2))]
    name = next(each for each in choices if each not in named)
    named.add(name)
    return name


def _cut(plain: str, ending: str) -> str:
    return f"{plain[: LONGEST_NAME - len(ending) - 1]} {ending}".strip()


def _with_lines(
    periods: Sequence[Period], zones: Sequence[str], zone: ZoneInfo
) -> Iterator[tuple[Period, Sequence[str]]]:
    """Each period with its content lines: those that were kept, as long as they mean what it says now."""
    for period, event in zip(periods, _parsed([each.kept for each in periods], zones), strict=True):
        if period.kept and _still(event, period, zone):
            yield period, period.kept
        else:
            texts = [line for line, inner in _by_depth(period.kept) if inner or _name(line) not in TIMES]
            yield period, [*lines(period, zone), *texts]


def _still(event: icalendar.Event, period: Period, zone: ZoneInfo) -> bool:
    try:
        return shown(meant(event, period.name, zone)) == shown(period)
    except IcsProblemError:
        return False


def _event(period: Period, content: Sequence[str], seed: str, now: datetime) -> list[str]:
    there = {_name(line) for line in _own(content)}
    uid = hashlib.sha256(f"{seed}\0{period.name}".encode()).hexdigest()
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    lacking = {"UID": uid, "DTSTAMP": stamp, "SUMMARY": _escaped(period.name)}
    head = [f"{name}:{value}" for name, value in lacking.items() if name not in there]
    return ["BEGIN:VEVENT", *head, *content, "END:VEVENT"]


def _name(line: str) -> str:
    found = _NAME.match(line)
    return found[0].upper() if found else ""


def _summary(event: icalendar.Event) -> str:
    said = event.get("SUMMARY", "")
    return str(said[0] if isinstance(said, list) else said)


def _escaped(text: str) -> str:
    return icalendar.vText(text).to_ical().decode()
