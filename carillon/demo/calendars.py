"""The people's calendars, read from the servers and changed as their owners would: past Carillon, past its ledger."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import icalendar

from providers._connectdaily_mark import line_of
from providers._exchange import INSTANCE, PROPERTY_SET
from providers.base import Window
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.connectdaily_events import day_of, span
from sandbox.dav import Person as DavPerson
from sandbox.exchange import Calendar as StoredCalendar
from sandbox.exchange import Exchange, Item
from sandbox.google_calendar import GoogleCalendar
from sandbox.institution import Institution
from sandbox.institution_model import Person

Place = tuple[datetime, str]
"""When an event starts, and where it is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as a server has it. `whole` is all of it, to compare: an event that nobody touched stays equal."""

    id: str
    start: datetime
    location: str
    ours: bool
    whole: Any


class Calendar(Protocol):
    """A calendar in its owner's hands."""

    def entries(self) -> list[Entry]: ...

    def add_own(self, title: str, start: datetime) -> None: ...

    def drag(self, entry: Entry, by: timedelta) -> None: ...

    def throw_away(self, entry: Entry) -> None: ...


@dataclass(frozen=True, slots=True)
class DavCalendar:
    """At the CalDAV server, through CalDAV."""

    owner: DavPerson
    zone: ZoneInfo

    def entries(self) -> list[Entry]:
        return [self._entry(name, event) for name, event in self.owner.events().items()]

    def add_own(self, title: str, start: datetime) -> None:
        self.owner.add(title, start, start + timedelta(hours=1))

    def drag(self, entry: Entry, by: timedelta) -> None:
        self.owner.move(entry.id, by)

    def throw_away(self, entry: Entry) -> None:
        self.owner.remove(entry.id)

    def _entry(self, name: str, event: icalendar.Event) -> Entry:
        start = _instant(event.start, self.zone)
        return Entry(name, start, str(event.get("LOCATION", "")), "X-CARILLON-INSTANCE" in event, event.to_ical())


@dataclass(frozen=True, slots=True)
class GoogleMailbox:
    """At Google, as its owner sees it."""

    google: GoogleCalendar
    address: str
    zone: ZoneInfo

    def entries(self) -> list[Entry]:
        return [self._entry(event) for event in self.google.mailbox(self.address)]

    def add_own(self, title: str, start: datetime) -> None:
        self.google.put_foreign(self.address, {"summary": title, **_span(start, start + timedelta(hours=1))})

    def drag(self, entry: Entry, by: timedelta) -> None:
        end = datetime.fromisoformat(entry.whole["end"]["dateTime"])
        self.google.edit(self.address, entry.id, _span(entry.start + by, end + by))

    def throw_away(self, entry: Entry) -> None:
        self.google.remove(self.address, entry.id)

    def _entry(self, event: dict[str, Any]) -> Entry:
        begins = event["start"]
        start = date.fromisoformat(begins["date"]) if "date" in begins else datetime.fromisoformat(begins["dateTime"])
        private = event.get("extendedProperties", {}).get("private", {})
        ours = "carillonInstance" in private
        return Entry(event["id"], _instant(start, self.zone), event.get("location", ""), ours, event)


@dataclass(frozen=True, slots=True)
class ExchangeMailbox:
    """In Exchange's store, where EWS and Microsoft Graph both lead."""

    exchange: Exchange
    address: str

    def entries(self) -> list[Entry]:
        with self.exchange.lock:
            return [self._entry(item) for item in self.exchange.own(self.address).items()]

    def add_own(self, title: str, start: datetime) -> None:
        self._change(lambda own: own.insert({"subject": title, "start": start, "end": start + timedelta(hours=1)}))

    def drag(self, entry: Entry, by: timedelta) -> None:
        times = {"start": entry.whole.start + by, "end": entry.whole.end + by}
        self._change(lambda own: own.change(entry.id, times))

    def throw_away(self, entry: Entry) -> None:
        self._change(lambda own: own.remove(entry.id))

    def _change(self, change: Callable[[StoredCalendar], object]) -> None:
        with self.exchange.lock:
            change(self.exchange.own(self.address))

    @staticmethod
    def _entry(item: Item) -> Entry:
        return Entry(item.id, item.start, item.location, (PROPERTY_SET, INSTANCE) in item.properties, item)


@dataclass(frozen=True, slots=True)
class DailyCalendar:
    """At Connect Daily, by its number."""

    daily: ConnectDaily
    number: int

    def entries(self) -> list[Entry]:
        return [self._entry(event) for event in self.daily.events(self.number)]

    def add_own(self, title: str, start: datetime) -> None:
        self.daily.put(calendar_id=self.number, description=title, **self._times(start, start + timedelta(hours=1)))

    def drag(self, entry: Entry, by: timedelta) -> None:
        start, end = (_instant(each, self.daily.zone) for each in self._span(entry.whole))
        self.daily.edit(f"itemguid={entry.id}", **self._times(start + by, end + by))

    def throw_away(self, entry: Entry) -> None:
        self.daily.remove(f"itemguid={entry.id}")

    def _entry(self, event: dict[str, Any]) -> Entry:
        guid, start = event["itemguid"], self._span(event)[0]
        ours = line_of(event["long_description"] or "", guid) is not None
        return Entry(guid, _instant(start, self.daily.zone), event["contact_name"] or "", ours, event)

    def _span(self, event: dict[str, Any]) -> tuple[date, date]:
        return span(event, day_of(event["starting_date"]), self.daily.zone)

    def _times(self, start: datetime, end: datetime) -> dict[str, Any]:
        first, last = (each.astimezone(self.daily.zone) for each in (start, end))
        days = {"starting_date": str(first.date()), "ending_date": str(last.date())}
        return {**days, "starting_time": f"{first:%H:%M:%S}", "ending_time": f"{last:%H:%M:%S}"}


@dataclass(slots=True)
class Participant:
    """A person of the university, the calendar they link, and what is in it that is not ours."""

    person: Person
    kind: str
    calendar: Calendar
    ident: int = 0
    foreign: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.person.name} ({self.kind})"

    @property
    def address(self) -> str:
        """What provisioning names the calendar by."""
        return str(self.calendar.number) if isinstance(self.calendar, DailyCalendar) else self.person.mail

    def ours(self) -> list[Entry]:
        return [entry for entry in self.calendar.entries() if entry.ours]

    def others(self) -> tuple[Any, ...]:
        return tuple(entry.whole for entry in self.calendar.entries() if not entry.ours)

    def untouched(self) -> bool:
        """Whether what is not ours is still exactly what it was."""
        return self.others() == self.foreign


def timetable(institution: Institution, username: str, window: Window) -> Counter[Place]:
    """What should stand in a calendar, from the university's own books: how often at each time and place."""
    wishes = institution.wishes(username)
    return Counter(
        (event.start, ", ".join(room.name for room in event.rooms))
        for event in institution.timetable(username, window.start, window.end)
        if event.start in window
        and not event.draft
        and not wishes.hides(event)
        and not _unsynced(wishes.groups(), event)
    )


def shown(entries: list[Entry], window: Window) -> Counter[Place]:
    """What does stand in a calendar, in the same terms."""
    return Counter((entry.start, entry.location) for entry in entries if entry.start in window)


def _unsynced(groups: Any, event: Any) -> bool:
    return bool(event.type and groups[event.type.group].for_sync)


def _span(start: datetime, end: datetime) -> dict[str, Any]:
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=zone).astimezone(UTC)
    return moment.astimezone(UTC)
