"""An answer taken apart: the lines of its events, and of the time zones that they name.

What no event of ours needs is not looked at, so that a broken alarm or a to-do costs nobody a timetable. What is not
whole is refused: an answer that was cut off looks like a timetable with little in it.

See: RFC 5545, 3.1 and 3.4.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from timetables.base import ContractBroken

TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
TEXTS = frozenset(
    {"UID", "SEQUENCE", "STATUS", "SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES", "URL", "CONFERENCE"}
)
_MARK = b"\xef\xbb\xbf"
_CUT = (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t")
"""Where a line was folded, perhaps in the middle of a letter."""
_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*("[^"]*"|[^;]*)')


class Line(NamedTuple):
    """A property; the value is as it stands, with its escapes."""

    name: str
    parameters: str
    value: str

    def parameter(self, name: str) -> str:
        """Its value without quotes, empty where it is not given."""
        found = (value for key, value in _PARAMETER.findall(self.parameters) if key.upper() == name)
        return next(found, "").strip().strip('"')


class Lines(dict[str, list[Line]]):
    """The properties of one event by name, in capitals."""

    def first(self, name: str) -> Line | None:
        found = self.get(name)
        return found[0] if found else None


@dataclass(slots=True)
class Contents:
    """What stands in an answer; `zones` are the lines of a VTIMEZONE each, `zone` is that of times without one."""

    events: list[Lines] = field(default_factory=list)
    zones: list[list[str]] = field(default_factory=list)
    zone: str = ""
    cancelled: bool = False


def contents(body: bytes, where: str, max_events: int) -> Contents:
    """Raises: ContractBroken."""
    found, open_ = Contents(), list[str]()
    for line in _unfolded(body, where):
        name, _, kind = line.partition(":")
        word = name.strip().upper()
        if word == "BEGIN":
            open_.append(kind.strip().upper())
            _begin(found, open_, where, max_events)
        elif not open_:
            raise ContractBroken(f"{where} sent something beside iCalendar: look at the feed; it will be read again.")
        _put(found, open_, word, line)
        if word == "END" and open_.pop() != kind.strip().upper():
            raise ContractBroken(f"{where} sent iCalendar with an END in the wrong place: look at the feed.")
    if open_:
        raise ContractBroken(f"{where} sent iCalendar that breaks off: it will be read again; look at the feed.")
    return found


def _unfolded(body: bytes, where: str) -> Iterator[str]:
    text = body.removeprefix(_MARK).lstrip()
    if not text:
        raise ContractBroken(f"{where} sent an empty answer: look at the feed; it will be read again.")
    if text.startswith(b"<"):
        raise ContractBroken(
            f"{where} sent a page for people: check the address, and that no sign-in stands before it."
        )
    if text[:15].upper() != b"BEGIN:VCALENDAR":
        raise ContractBroken(f"{where} sent no iCalendar: check the address of the feed.")
    for each in _CUT:
        text = text.replace(each, b"")
    try:
        whole = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractBroken(f"{where} sent iCalendar that is not in UTF-8: set the export's encoding.") from error
    return (line for line in whole.replace("\r", "\n").split("\n") if line.strip())


def _begin(found: Contents, open_: list[str], where: str, max_events: int) -> None:
    if (len(open_) == 1) != (open_[-1] == "VCALENDAR"):
        raise ContractBroken(f"{where} sent iCalendar with a {open_[-1][:20]} in the wrong place: look at the feed.")
    match open_[1:]:
        case ["VEVENT"]:
            found.events.append(Lines())
            if len(found.events) > max_events:
                raise ContractBroken(
                    f"{where} sent more than {max_events:,} events for one person: look at the feed, or raise "
                    "max_events in the timetable's section."
                )
        case ["VTIMEZONE"]:
            found.zones.append([])


def _put(found: Contents, open_: list[str], word: str, line: str) -> None:
    match open_[1:]:
        case []:
            _note(found, word, line)
        case ["VTIMEZONE", *_]:
            found.zones[-1].append(line)
        case ["VEVENT"] if read := _line(line):
            found.events[-1].setdefault(read.name, []).append(read)


def _note(found: Contents, word: str, line: str) -> None:
    """What is said of the calendar as a whole."""
    value = line.partition(":")[2].strip()
    if word.startswith("X-WR-TIMEZONE"):
        found.zone = value
    elif word == "METHOD":
        found.cancelled = value.upper() == "CANCEL"


def _line(line: str) -> Line | None:
    """A property that we read. What a careless export left of a text on a line of its own is none."""
    word = re.split("[:;]", line, maxsplit=1)[0].strip().upper()
    if word in TIMES:
        # A zone's name may hold a colon, and not everybody puts it into quotes: times hold none.
        head, _, value = line.rpartition(":")
        return Line(word, head[len(word) :], value.strip())
    found = _LINE.fullmatch(line) if word in TEXTS or word.startswith("X-") else None
    return Line(word, found[2], found[3]) if found else None
