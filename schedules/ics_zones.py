"""The time zones that an object of iCalendar brings along.

`icalendar` knows a zone by its name: the first definition that it meets stands for as long as the process lives,
whoever's object it was in. And to say what a clock shows it counts every change of that zone from its beginning. So a
zone that is not one of the world's gets a name that follows from its definition, and the definition has to be plain.

See: RFC 5545, section 3.6.5.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from schedules.ics_rules import IcsProblemError

_LONGEST = 10_000
"""Characters of a definition."""
_MOST_PARTS = 24
_ENDS = "END:VTIMEZONE"
_NAME = re.compile(r"TZID(?:;[^:]*)?:(.*)", re.IGNORECASE)
_NAMED = re.compile(r""";TZID=(?:"([^"]*)"|([^";:,]*))(?=[;:])""", re.IGNORECASE)
_RULE = re.compile(r"RRULE:(.*)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Z]+=[A-Z0-9+-]+", re.IGNORECASE)
"""A part of a rule with one value."""


def apart(zones: Sequence[str], contents: Iterable[Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """The lines of an object's time zones and of its events, in which no zone but one of the world's has the name of
    another one. Raises: IcsProblemError, for a definition that is not plain.
    """
    names: dict[str, str] = {}
    told: list[str] = []
    for lines in _each(zones):
        name = next((_unescaped(match[1]) for line in lines if (match := _NAME.match(line))), None)
        if name is None or _of_the_world(name):
            told += lines
        else:
            _check(lines)
            names[name] = _digest(lines)
            told += [f"TZID:{names[name]}" if _NAME.match(line) else line for line in lines]
    return told, [[_renamed(line, names) for line in content] for content in contents]


def _each(zones: Iterable[str]) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in zones:
        lines.append(line)
        if line.upper() == _ENDS:
            yield lines
            lines = []
    yield lines


def _of_the_world(name: str) -> bool:
    try:
        ZoneInfo(name.strip("/"))
    except (LookupError, ValueError, OSError):
        return False
    return True


def _check(lines: Sequence[str]) -> None:
    rules = [match[1] for line in lines if (match := _RULE.match(line))]
    parts = sum(line.upper().startswith("BEGIN:") for line in lines) - 1
    if parts > _MOST_PARTS or sum(map(len, lines)) > _LONGEST or not all(map(_yearly, rules)):
        raise IcsProblemError(
            "A time zone that the object defines cannot be taken over: it is not one of a few changes a year; name one "
            "like Europe/Amsterdam instead."
        )


def _yearly(rule: str) -> bool:
    parts = rule.strip().upper().split(";")
    return "FREQ=YEARLY" in parts and all(map(_PLAIN.fullmatch, parts))


def _digest(lines: Iterable[str]) -> str:
    definition = "\n".join(line for line in lines if not _NAME.match(line))
    return f"carillon-{hashlib.sha256(definition.encode()).hexdigest()}"


def _renamed(line: str, names: dict[str, str]) -> str:
    found = _NAMED.search(line) if names else None
    name = found and names.get(found[1] or found[2] or "")
    return f"{line[: found.start()]};TZID={name}{line[found.end() :]}" if found and name else line


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\;,])", r"\1", text.strip())
