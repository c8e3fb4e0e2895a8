"""What the properties of an event say, in our fields: as they are, or as the institution's patterns find it in them.

See: RFC 5545, 3.8.1 and 3.3.11; RFC 7986, 5.11.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from timetables._ics_lines import TEXTS, Line, Lines
from timetables.base import Location

LISTS = frozenset({"staff", "student_sets", "tags"})
SINGLE = frozenset({
    "id",
    "description",
    "module_code",
    "event_type",
    "event_type_description",
    "department",
    "conference_url",
    "recording_url",
})  # fmt: skip
FIELDS = SINGLE | LISTS | {"locations", "notes"}
"""What a group of a pattern may be called."""
LONGEST = 20_000
"""Characters of a property that are looked at."""
_ONLINE = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-MICROSOFT-ONLINEMEETINGCONFLINK")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED_OR_COMMA = re.compile(r"((?:\\.?|[^\\,])*)(?:,|\Z)", re.DOTALL)
"""It takes whatever comes, a backslash at the end too: what it could not take, it would look for from every letter."""

Pattern = re.Pattern[str]


def checked(sources: Mapping[str, Sequence[str]]) -> dict[str, tuple[Pattern, ...]]:
    """The compiled patterns by property. Raises: ValueError, a sentence that names the property."""
    made = {}
    for name, patterns in sources.items():
        if name not in TEXTS and not re.fullmatch(r"X-[A-Z0-9-]+", name):
            raise ValueError(f"{name} is no property that is read; expected {', '.join(sorted(TEXTS))} or X-…")
        made[name] = tuple([_compiled(name, each) for each in patterns])
    return made


def _compiled(name: str, source: str) -> Pattern:
    try:
        made = re.compile(source, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"the pattern of {name} is no regular expression: {error}") from error
    if not made.groupindex or made.groupindex.keys() - FIELDS:
        raise ValueError(f"the pattern of {name} needs groups like (?P<description>.+), of {', '.join(sorted(FIELDS))}")
    return made


def plain(lines: Lines, name: str) -> str:
    """A property's text, empty where there is none."""
    line = lines.first(name)
    return _text(line.value) if line else ""


def uid(lines: Lines, patterns: Mapping[str, Sequence[Pattern]]) -> str:
    """What an event is known by: its UID, or what a pattern calls `id`."""
    found = _found(lines, patterns).get("id")
    return found or plain(lines, "UID")


def words(lines: Lines, patterns: Mapping[str, Sequence[Pattern]]) -> dict[str, Any]:
    """The fields of a `SourceEvent` that are texts. A property in which a pattern finds something says nothing else."""
    found = _found(lines, patterns)
    said = {name for name, each in patterns.items() if _matches(plain(lines, name), each)}
    categories = [] if "CATEGORIES" in said else _categories(lines)
    usual: dict[str, Any] = {
        "description": "" if "SUMMARY" in said else plain(lines, "SUMMARY"),
        "event_type": categories[0] if categories else "",
        "event_type_description": categories[0] if categories else "",
        "tags": tuple(categories[1:]),
        "locations": "" if "LOCATION" in said else plain(lines, "LOCATION"),
        "notes": "" if "DESCRIPTION" in said else plain(lines, "DESCRIPTION"),
        "conference_url": next((text for name in _ONLINE if (text := plain(lines, name))), ""),
        "attributes": _attributes(lines),
    }
    made = {**usual, **{name: _parted(text) if name in LISTS else text for name, text in found.items()}}
    made.pop("id", None)
    made["notes"] = (made["notes"],) if made["notes"] else ()
    places = _parted(made["locations"]) if "locations" in found else [made["locations"]]
    made["locations"] = tuple([Location(name) for name in places if name])
    return made


def _found(lines: Lines, patterns: Mapping[str, Sequence[Pattern]]) -> dict[str, str]:
    """What the patterns find, by the name of the group; of several that find something the first counts."""
    found: dict[str, str] = {}
    for name, each in patterns.items():
        for match in _matches(plain(lines, name), each):
            for field, text in match.groupdict().items():
                if text and text.strip():
                    found.setdefault(field, text.strip())
    return found


def _matches(text: str, patterns: Sequence[Pattern]) -> list[re.Match[str]]:
    return [match for each in patterns if text and (match := each.search(text))]


def _parted(text: str) -> tuple[str, ...]:
    """A list as people write one: at semicolons, or where there are none at commas."""
    parts = text.split(";" if ";" in text else ",")
    return tuple([part for each in parts if (part := each.strip())])


def _categories(lines: Lines) -> list[str]:
    return [text for line in lines.get("CATEGORIES", ()) for each in _values(line) if (text := _text(each).strip())]


def _values(line: Line) -> list[str]:
    return _ESCAPED_OR_COMMA.findall(line.value[:LONGEST])


def _attributes(lines: Lines) -> dict[str, str]:
    """What the feed adds of its own, and its link, by the names of the properties."""
    return {name: plain(lines, name) for name in lines if name == "URL" or name.startswith("X-")}


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value[:LONGEST])
