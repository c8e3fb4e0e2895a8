"""The judge: what the university's books say, and what the calendars' servers hold, event by event."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import icalendar

from carillon.demo.calendars import Entry, Participant
from chaos.stage import Stage
from providers._connectdaily_mark import line_of
from providers._exchange import KEY, PROPERTY_SET, SYNCHRONIZATION
from providers.base import Mark
from sandbox.connectdaily_events import day_of, span
from sandbox.exchange import Item
from sandbox.institution_model import Event as SourceEvent


class Shown(NamedTuple):
    """What a person sees of an event."""

    start: datetime
    end: datetime
    title: str
    place: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An event of ours as its server has it, and what its mark says."""

    shown: Shown
    key: str
    synchronization: str


@dataclass(slots=True)
class Verdict:
    """What is wrong with one calendar. `doubled` are copies, `left` are events that should have gone, `wrong` are pairs
    of what is wanted and what stands instead; `foreign` counts events of the person's own that are not as they were.
    """

    someone: Participant
    stands: int = 0
    lost: list[Shown] = field(default_factory=list)
    doubled: list[Standing] = field(default_factory=list)
    left: list[Standing] = field(default_factory=list)
    wrong: list[tuple[Shown, Standing]] = field(default_factory=list)
    foreign: int = 0

    @property
    def right(self) -> bool:
        return not (self.lost or self.doubled or self.left or self.wrong or self.foreign)


def judge(stage: Stage, someone: Participant) -> Verdict:
    """The person's calendar, read from its server, beside their timetable."""
    entries = someone.calendar.entries()
    window, zone = stage.window(), stage.grounds.institution.zone
    standing = [read(each, zone) for each in entries if each.ours and each.start in window]
    verdict = Verdict(someone, stands=len(standing), foreign=foreign(stage, someone, entries))
    missing = wanted(stage, someone.person.username)
    verdict.doubled, rest = _copies(standing)
    extra: list[Standing] = []
    for each in rest:
        if missing[each.shown]:
            missing[each.shown] -= 1
        else:
            extra.append(each)
    lost = list(missing.elements())
    for each in extra:
        instead = next((one for one in lost if _alike(one, each.shown)), None)
        if instead:
            lost.remove(instead)
            verdict.wrong.append((instead, each))
        else:
            verdict.left.append(each)
    verdict.lost = lost
    return verdict


def foreign(stage: Stage, someone: Participant, entries: Iterable[Entry]) -> int:
    """How many of the person's own events are gone, changed, or not theirs at all."""
    known = stage.foreign[someone.person.username]
    there = {each.id: each.whole for each in entries if not each.ours}
    return sum(known.get(each) != there.get(each) for each in known.keys() | there.keys())


def wanted(stage: Stage, username: str) -> Counter[Shown]:
    """From the university's own books, without a word of Carillon's own."""
    institution, window = stage.grounds.institution, stage.window()
    wishes = institution.wishes(username)
    return Counter(
        _as_shown(event)
        for event in institution.timetable(username, window.start, window.end)
        if event.start in window and not event.draft and not wishes.hides(event)
    )


def _as_shown(event: SourceEvent) -> Shown:
    title = f"{event.course.code} {event.title}" if event.course else event.title
    end = max(event.end, event.start + timedelta(minutes=1))
    return Shown(event.start, end, title, ", ".join(room.name for room in event.rooms))


def read(entry: Entry, zone: ZoneInfo) -> Standing:
    """Past Carillon's own providers, in each server's own words."""
    whole = entry.whole
    if isinstance(whole, Item):
        named = {name: whole.properties.get((PROPERTY_SET, name), "") for name in (KEY, SYNCHRONIZATION)}
        shown = Shown(whole.start, whole.end, whole.subject, whole.location)
        return Standing(shown, named[KEY], named[SYNCHRONIZATION])
    if isinstance(whole, bytes):
        return _of_dav(entry, zone)
    if "itemguid" in whole:
        return _of_daily(entry, zone)
    return _of_google(entry, zone)


def _of_dav(entry: Entry, zone: ZoneInfo) -> Standing:
    event: Any = icalendar.Event.from_ical(entry.whole)
    shown = Shown(entry.start, _instant(event.end, zone), str(event.get("SUMMARY", "")), entry.location)
    return Standing(shown, str(event.get("X-CARILLON-KEY", "")), str(event.get("X-CARILLON-SYNCHRONIZATION", "")))


def _of_daily(entry: Entry, zone: ZoneInfo) -> Standing:
    event: dict[str, Any] = entry.whole
    end = span(event, day_of(event["starting_date"]), zone)[1]
    line = line_of(event["long_description"], event["itemguid"])
    mark = line.mark if line else Mark("", "", "")
    shown = Shown(entry.start, _instant(end, zone), event["description"], entry.location)
    return Standing(shown, mark.key, mark.synchronization)


def _of_google(entry: Entry, zone: ZoneInfo) -> Standing:
    event: dict[str, Any] = entry.whole
    ends, private = event["end"], event["extendedProperties"]["private"]
    end = date.fromisoformat(ends["date"]) if "date" in ends else datetime.fromisoformat(ends["dateTime"])
    shown = Shown(entry.start, _instant(end, zone), event.get("summary", ""), entry.location)
    return Standing(shown, private.get("carillonKey", ""), private.get("carillonSynchronization", ""))


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime(moment.year, moment.month, moment.day, tzinfo=zone).astimezone(UTC)


def _copies(standing: Iterable[Standing]) -> tuple[list[Standing], list[Standing]]:
    """All but one of those with the same mark; and the others."""
    by_key: defaultdict[str, list[Standing]] = defaultdict(list)
    for each in standing:
        by_key[each.key].append(each)
    return [each for _, *more in by_key.values() for each in more], [first for first, *_ in by_key.values()]


def _alike(one: Shown, other: Shown) -> bool:
    return one.title == other.title and (one.start == other.start or one.place == other.place)
