"""What the times of an event mean: with a zone of the world, of Windows or of the file itself, or with none.

A zone that the world knows is taken from its database, whatever the file says of it: files are often wrong there.

See: RFC 5545, 3.3.5, 3.6.5 and 3.8.3.1.
"""

import io
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock_time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from dateutil import tz
from icalendar import prop
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from timetables._ics_lines import Line

YEARS = range(1950, 2200)
"""In which anybody teaches, or began a series."""
SECONDS = 10.0
"""How long one answer may take to read: of this thread alone, for a machine may be busy with others."""
_OF_A_ZONE = ("BEGIN", "END", "TZID", "DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME")
_ONCE_A_YEAR = {
    "FREQ": "YEARLY",
    "INTERVAL": "1",
    **dict.fromkeys(("BYHOUR", "BYMINUTE", "BYSECOND"), r"\d{1,2}"),
    **dict.fromkeys(("BYMONTH", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"), ".+"),
    **dict.fromkeys(("UNTIL", "COUNT", "WKST"), ".+"),
}
"""What the rule of a zone may say; any other could make us count for ever."""
_VALUES: Any = prop.vDDDTypes  # icalendar leaves it untyped
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)

Period = tuple[datetime, datetime | timedelta]


class TimeProblemError(ValueError):
    """A sentence's end: what about an event's times cannot be read."""


class Clock:
    """How the times of one answer are read: `local` is the institution's zone, `named` what the file calls its own.
    It is for one reading: it knows since when that goes on.
    """

    def __init__(self, local: ZoneInfo, named: str = "", zones: Sequence[Sequence[str]] = ()) -> None:
        self.local = local
        self._own = {identifier: lines for lines in zones for identifier in _identifiers(lines)}
        self._made: dict[str, tzinfo] = {}
        self._named = named
        self._until = time.thread_time() + SECONDS

    def check(self) -> None:
        """Raises: TimeProblemError, when it has taken too long."""
        if time.thread_time() > self._until:
            raise TimeProblemError(f"those before it took over {SECONDS:.0f} s to read")

    def moment(self, line: Line) -> date:
        """A day, or an aware moment. Raises: TimeProblemError."""
        found = self._read(line.value, line)
        if not isinstance(found, date):
            raise TimeProblemError(f"its {line.name} is no time")
        return found

    def moments(self, line: Line) -> list[date | Period]:
        """Those of an EXDATE or an RDATE, which may hold periods. Raises: TimeProblemError."""
        found = [self._read(each, line) for each in line.value.split(",") if each.strip()]
        if any(isinstance(each, timedelta) for each in found):
            raise TimeProblemError(f"its {line.name} is no time")
        return found

    def length(self, line: Line) -> timedelta:
        """A DURATION. Raises: TimeProblemError."""
        found = self._read(line.value, line)
        if not isinstance(found, timedelta):
            raise TimeProblemError("its DURATION is none")
        return found

    def midnight(self, day: date) -> datetime:
        """When a day of the institution's begins."""
        return datetime.combine(day, clock_time(), self.local)

    def instant(self, moment: date) -> datetime:
        """In UTC; of a day its beginning."""
        when = moment if isinstance(moment, datetime) else self.midnight(moment)
        return when.astimezone(UTC)

    def _read(self, text: str, line: Line) -> Any:
        try:
            found = _VALUES.from_ical(text.strip().upper())
        except _UNREADABLE as error:
            raise TimeProblemError(f"its {line.name} cannot be read") from error
        if isinstance(found, tuple):
            begin, end = (self._placed(each, line) if isinstance(each, date) else each for each in found)
            return begin, end
        return self._placed(found, line) if isinstance(found, date) else found

    def _placed(self, found: date, line: Line) -> date:
        if found.year not in YEARS:
            raise TimeProblemError(f"its {line.name} is in the year {found.year}")
        if not isinstance(found, datetime):
            return found
        if found.tzinfo is not None:
            # As Google has it: a series in such a file keeps its hour when the clocks change.
            return found.astimezone(_known(self._named) or UTC)
        identifier = line.parameter("TZID") or self._named
        return found.replace(tzinfo=self._zone(identifier) if identifier else self.local)

    def _zone(self, identifier: str) -> tzinfo:
        made = self._made.get(identifier)
        if made is None:
            made = self._made[identifier] = _known(identifier) or self._of_the_file(identifier)
        return made

    def _of_the_file(self, identifier: str) -> tzinfo:
        lines = self._own.get(identifier)
        if lines is None:
            raise TimeProblemError("its time zone is not known")
        try:
            return _made(lines, identifier)
        except _UNREADABLE as error:
            raise TimeProblemError("its time zone cannot be read") from error


def _known(identifier: str) -> tzinfo | None:
    """A zone of the world by its name, by that of Windows, or by one with something put before it, as `/org/Area/City`
    is.
    """
    parts = identifier.strip("/").split("/")
    before = len(parts) if identifier.startswith("/") else 1
    for name in ("/".join(parts[nth:]) for nth in range(min(before, 8))):
        for each in (name, WINDOWS_TO_OLSON.get(name, "")):
            if each in _names():
                return ZoneInfo(each)
    return None


@lru_cache(1)
def _names() -> set[str]:
    return available_timezones()


def _identifiers(lines: Sequence[str]) -> Iterator[str]:
    return (line.partition(":")[2].strip() for line in lines if line.upper().startswith("TZID"))


def _made(lines: Sequence[str], identifier: str) -> tzinfo:
    """A zone as the file describes it. Raises: ValueError."""
    wanted = [line.strip() for line in lines if line.upper().lstrip().startswith(_OF_A_ZONE)]
    if not all(_once_a_year(line.upper()) for line in wanted if line.upper().startswith("RRULE")):
        raise ValueError("a zone's clocks change once a year")
    made = tz.tzical(io.StringIO("\n".join(["BEGIN:VCALENDAR", *wanted, "END:VCALENDAR"]))).get(identifier)
    if made is None:
        raise ValueError("no such zone")
    found: tzinfo = made
    found.utcoffset(datetime(2026, 1, 1))  # noqa: DTZ001 - whether its rules can be counted at all
    return found


def _once_a_year(rule: str) -> bool:
    """Whether the parts of a rule are those of `_ONCE_A_YEAR`, each given once."""
    parts = [part.strip().partition("=") for part in rule.partition(":")[2].split(";") if part.strip()]
    names = [name for name, _, _ in parts]
    known = all(re.fullmatch(_ONCE_A_YEAR.get(name, "(?!)"), value) for name, _, value in parts)
    return known and "FREQ" in names and len(set(names)) == len(names)
