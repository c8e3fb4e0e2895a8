"""From what stands in an iCalendar answer to our events: total on every oddity of real feeds, never silent about the
rest.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from timetables._ics_lines import Contents, Lines, contents
from timetables._ics_series import Occurrence, SeriesProblemError, Taken, occurrences
from timetables._ics_texts import Pattern, plain, uid, words
from timetables._ics_times import Clock, TimeProblemError
from timetables.base import ContractBroken, SourceEvent

_DAY = timedelta(days=1)


def events(  # noqa: PLR0917 - an answer, what is wanted of it, and how it is to be read
    body: bytes,
    where: str,
    zone: ZoneInfo,
    span: tuple[datetime, datetime],
    patterns: Mapping[str, Sequence[Pattern]],
    max_events: int,
) -> list[SourceEvent]:
    """The events of an answer that touch `span`; times without a zone, and days, are those of `zone`.

    Raises: ContractBroken.
    """
    found = contents(body, where, max_events)
    clock, (start, end) = Clock(zone, found.zone, found.zones), span
    try:
        taken = [_taken(number, lines, clock, patterns) for number, lines in enumerate(found.events, 1)]
        made = [_event(each, found, clock, patterns) for each in occurrences(taken, start, end, clock, max_events)]
    except SeriesProblemError as error:
        raise ContractBroken(
            f"{where} sent events that cannot be read, number {error.number}: {error}; correct it in the timetable."
        ) from error
    return [each for each in made if each.start < end and (each.start >= start or each.end > start)]


def count(body: bytes, where: str, max_events: int) -> int:
    """How many events stand in an answer, series not counted out. Raises: ContractBroken."""
    return len(contents(body, where, max_events).events)


def _taken(number: int, lines: Lines, clock: Clock, patterns: Mapping[str, Sequence[Pattern]]) -> Taken:
    try:
        clock.check()  # series, zones of the file's own and patterns can each take long
        start, end = _times(lines, clock)
        which = lines.first("RECURRENCE-ID")
        replaces = clock.moment(which) if which else None
    except TimeProblemError as error:
        raise SeriesProblemError(number, str(error)) from error
    sequence = plain(lines, "SEQUENCE")
    revision = int(sequence[:9]) if sequence.isascii() and sequence.isdigit() else 0
    return Taken(number, lines, uid(lines, patterns), start, end, revision, replaces)


def _times(lines: Lines, clock: Clock) -> tuple[date, date]:
    begins, ends, lasts = (lines.first(name) for name in ("DTSTART", "DTEND", "DURATION"))
    if begins is None:
        raise TimeProblemError("it has no DTSTART")
    start = clock.moment(begins)
    if ends:
        return _of_one_kind(start, clock.moment(ends), lines, clock)
    if lasts is None:
        return _of_one_kind(start, start if isinstance(start, datetime) else start + _DAY, lines, clock)
    length = clock.length(lasts)
    if not isinstance(start, datetime) and length % _DAY:
        start = clock.midnight(start)
    try:
        return _of_one_kind(start, start + length, lines, clock)
    except OverflowError as error:
        raise TimeProblemError("its DURATION has no end") from error


def _of_one_kind(start: date, end: date, lines: Lines, clock: Clock) -> tuple[date, date]:
    """Two days, or two moments. Exchange writes whole days as moments and says so beside them."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        if plain(lines, "X-MICROSOFT-CDO-ALLDAYEVENT").upper() == "TRUE":
            # The midnights are those of the zone that is named, or the institution's, told in UTC.
            for first, last in ((start, end), (start.astimezone(clock.local), end.astimezone(clock.local))):
                if first.time() == last.time() == time():
                    return first.date(), last.date()
        return start, end
    if isinstance(start, datetime) or isinstance(end, datetime):
        start, end = (each if isinstance(each, datetime) else clock.midnight(each) for each in (start, end))
    return start, end


def _event(
    occurrence: Occurrence, found: Contents, clock: Clock, patterns: Mapping[str, Sequence[Pattern]]
) -> SourceEvent:
    whole = not isinstance(occurrence.start, datetime) and not isinstance(occurrence.end, datetime)
    try:
        clock.check()
    except TimeProblemError as error:
        raise SeriesProblemError(occurrence.of.number, str(error)) from error
    start, end = clock.instant(occurrence.start), clock.instant(occurrence.end)
    lines = occurrence.of.lines
    return SourceEvent(
        start=start,
        end=end,
        id=occurrence.id,
        all_day=whole,
        hidden=_hidden(occurrence.of, cancelled=found.cancelled),
        **words(lines, patterns),
    )


def _hidden(event: Taken, *, cancelled: bool) -> str:
    if cancelled or plain(event.lines, "STATUS").upper() == "CANCELLED":
        return "cancelled"
    return "an older version of it" if event.superseded else ""
