"""Each provider with a real server, and behind the provider's back a person with a calendar program of that server."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette

from providers import caldav, googlecalendar, memory
from providers.base import Create, Done, Event, Mark, Ref
from sandbox.dav import Person, calendar_server, enrol, relay
from sandbox.faults import Fault, Faults, FaultyWire, Kind
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.serve import serve

INSTANCE = "carillon-test"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Entry:
    """An event as the person sees it; `start` and `end` are days for an all-day one, `reminder` is in minutes."""

    title: str
    start: date
    end: date
    location: str
    description: str
    reminder: int | None = None
    guests: int = 0


class Mailbox(ABC):
    """A fresh account at one kind of server, seen from both sides."""

    def __init__(self) -> None:
        self.name = f"person{next(_numbers)}@example.org"
        self._open: list[Any] = []

    def connect(self) -> Any:
        """A provider for it, as a run would open one."""
        provider = self._connect()
        self._open.append(provider)
        return provider

    def close(self) -> None:
        for each in self._open:
            each.close()

    def put(self, event: Event, mark: Mark, generation: int = 0) -> Any:
        """An earlier run makes an event; where it stands."""
        (outcome,) = self.connect().push([Create(event, mark, generation)])
        assert isinstance(outcome, Done)
        return outcome.ref

    @abstractmethod
    def _connect(self) -> Any: ...

    @abstractmethod
    def listing(self) -> dict[str, Entry]:
        """Everything in the calendar, whoever wrote it, by id."""

    @abstractmethod
    def foreign(self, event: Event) -> str:
        """The person writes an event of their own; its id."""

    @abstractmethod
    def touch(self, ref: Ref, title: str) -> None:
        """The person opens an event, renames it and sets a reminder of 15 minutes."""

    @abstractmethod
    def unmark(self, ref: Ref) -> None:
        """The person's program saves the event without our mark."""

    @abstractmethod
    def vanish(self, ref: Ref) -> None:
        """The person deletes the event."""

    def notices(self) -> int:
        """How many people were told of something by the server; 0 where it cannot tell anybody."""
        return 0


@dataclass(frozen=True)
class Wire:
    """The address of a server behind faults that can be switched on, which also keep what came in."""

    url: str
    faults: Faults


class Wired(Mailbox):
    """A mailbox at the far end of a wire that can be watched and spoiled."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    @abstractmethod
    def paths(self) -> str:
        """A shell pattern of the paths this mailbox's events are spoken of at."""

    def spoil(self, kind: Kind, seconds: float = 1.0, times: int | None = None, method: str = "*") -> None:
        self.wire.faults.add(Fault(self.paths(), kind, seconds, times, method))

    def requests(self) -> int:
        return len(self.wire.faults.seen(self.paths()))

    @abstractmethod
    def lose(self) -> None:
        """The person deletes the calendar."""

    @abstractmethod
    def connect_impatient(self) -> Any:
        """A provider that waits 0.3 seconds for an answer."""

    @abstractmethod
    def connect_refused(self) -> Any:
        """A provider with credentials that are not right."""


class MemoryMailbox(Mailbox):
    def __init__(self) -> None:
        super().__init__()
        self.settings = memory.Settings()
        self.store = self.settings.store

    def _connect(self) -> Any:
        return memory.connect(self.settings, memory.Target(username=self.name))

    def listing(self) -> dict[str, Entry]:
        return {name: self._entry(each) for name, each in self.store.live(self.name).items()}

    @staticmethod
    def _entry(stored: memory.Stored) -> Entry:
        event = stored.event
        start, end = event.days() if event.all_day else (event.start, event.end)
        return Entry(event.title, start, end, event.location, event.description, stored.reminder)

    def foreign(self, event: Event) -> str:
        return self.store.put(self.name, f"own-{next(_numbers)}", memory.Stored(event, None, 0)).id

    def touch(self, ref: Ref, title: str) -> None:
        old = self.store.live(self.name)[ref.id]
        self.store.put(self.name, ref.id, replace(old, event=replace(old.event, title=title), reminder=15))

    def unmark(self, ref: Ref) -> None:
        self.store.put(self.name, ref.id, replace(self.store.live(self.name)[ref.id], mark=None))

    def vanish(self, ref: Ref) -> None:
        self.store.put(self.name, ref.id, replace(self.store.live(self.name)[ref.id], deleted=True))


@dataclass(frozen=True)
class DavServer:
    """A Radicale: where it keeps things, its own address, and the wire on which providers reach it."""

    folder: Path
    url: str
    wire: Wire


class CaldavMailbox(Wired):
    def __init__(self, server: DavServer) -> None:
        super().__init__(server.wire)
        self.person: Person = enrol(server.folder, server.url, self.name, "päss: word")
        self.template = f"{server.wire.url}/{{mailbox}}/timetable/"

    def paths(self) -> str:
        return f"/{self.name}/*"

    def lose(self) -> None:
        self.person.send("DELETE").raise_for_status()

    def settings(self, **other: Any) -> caldav.Settings:
        return caldav.Settings.model_validate({"url": self.template, "password": "päss: word", **other})

    def target(self, **fields: str) -> caldav.Target:
        return caldav.Target.model_validate({"username": self.name, **fields})

    def _connect(self) -> Any:
        return caldav.connect(self.settings(), self.target())

    def connect_impatient(self) -> Any:
        return caldav.connect(self.settings(timeout=0.3), self.target())

    def connect_refused(self) -> Any:
        return caldav.connect(self.settings(password="another"), self.target())

    def listing(self) -> dict[str, Entry]:
        return {name: self._entry(each) for name, each in self.person.events().items()}

    @staticmethod
    def _entry(event: icalendar.Event) -> Entry:
        start, end = (each.astimezone(UTC) if isinstance(each, datetime) else each for each in (event.start, event.end))
        alarm = next(iter(event.alarms.times), None)
        reminder = round((event.start - alarm.trigger) / timedelta(minutes=1)) if alarm else None
        title, location, description = (str(event.get(name, "")) for name in ("SUMMARY", "LOCATION", "DESCRIPTION"))
        guests = sum(name in event for name in ("ATTENDEE", "ORGANIZER"))
        return Entry(title, start, end, location, description, reminder, guests)

    def foreign(self, event: Event) -> str:
        return self.person.add(event.title, event.start, event.end, event.location, event.description)

    def touch(self, ref: Ref, title: str) -> None:
        def edit(event: icalendar.Event) -> None:
            event["SUMMARY"] = icalendar.vText(title)
            alarm = icalendar.Alarm()
            alarm.add("ACTION", "DISPLAY")
            alarm.add("DESCRIPTION", "Soon")
            alarm.add("TRIGGER", timedelta(minutes=-15))
            event.add_component(alarm)

        self.person.change(ref.id, edit)

    def unmark(self, ref: Ref) -> None:
        def edit(event: icalendar.Event) -> None:
            for name in [each for each in event if each.startswith("X-CARILLON")]:
                del event[name]

        self.person.change(ref.id, edit)

    def vanish(self, ref: Ref) -> None:
        self.person.remove(ref.id)


@dataclass(frozen=True)
class GoogleServer:
    """The sandbox's Google, with the settings for a service account that it knows and for one that it does not."""

    google: GoogleCalendar
    wire: Wire
    settings: googlecalendar.Settings
    refused: googlecalendar.Settings


class GoogleMailbox(Wired):
    def __init__(self, server: GoogleServer) -> None:
        super().__init__(server.wire)
        self.server = server
        server.google.add_account(self.name)

    def paths(self) -> str:
        return "*/calendar/v3*"

    def lose(self) -> None:
        self.server.google.remove_calendar(self.name)

    def _with(self, settings: googlecalendar.Settings) -> Any:
        return googlecalendar.connect(settings, googlecalendar.Target(username=self.name))

    def _connect(self) -> Any:
        return self._with(self.server.settings)

    def connect_impatient(self) -> Any:
        return self._with(self.server.settings.model_copy(update={"timeout": 0.3}))

    def connect_refused(self) -> Any:
        return self._with(self.server.refused)

    def listing(self) -> dict[str, Entry]:
        return {each["id"]: self._entry(each) for each in self.server.google.mailbox(self.name)}

    def _entry(self, event: Mapping[str, Any]) -> Entry:
        start, end = (self._moment(event[name]) for name in ("start", "end"))
        title, location, description = (event.get(name, "") for name in ("summary", "location", "description"))
        reminders = event.get("reminders", {}).get("overrides", [])
        # What stands under the calendar's own reminders would remind the person too.
        assert event["reminders"]["useDefault"] is False
        reminder = reminders[0]["minutes"] if reminders else None
        return Entry(title, start, end, location, description, reminder, len(event.get("attendees", [])))

    @staticmethod
    def _moment(moment: Mapping[str, str]) -> date:
        if "date" in moment:
            return date.fromisoformat(moment["date"])
        return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC)

    def foreign(self, event: Event) -> str:
        start, end = ({"dateTime": moment.isoformat()} for moment in (event.start, event.end))
        body = {"summary": event.title, "start": start, "end": end, "reminders": {"useDefault": False}}
        return str(self.server.google.put_foreign(self.name, body)["id"])

    def touch(self, ref: Ref, title: str) -> None:
        reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 15}]}
        self.server.google.edit(self.name, ref.id, {"summary": title, "reminders": reminders})

    def unmark(self, ref: Ref) -> None:
        self.server.google.edit(self.name, ref.id, {"extendedProperties": None})

    def vanish(self, ref: Ref) -> None:
        self.server.google.remove(self.name, ref.id)

    def notices(self) -> int:
        return self.server.google.notifications


@pytest.fixture(scope="session")
def dav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    folder, faults = tmp_path_factory.mktemp("dav"), Faults()
    with calendar_server(folder, {}) as url, serve(FaultyWire(relay(url), faults)) as spoilt:
        yield DavServer(folder, url, Wire(spoilt, faults))


@pytest.fixture(scope="session")
def service_keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """Of two service accounts; half as long as Google's, for which reading one takes a sixth of the time."""
    one, other = (rsa.generate_private_key(public_exponent=65537, key_size=1024) for _ in range(2))
    return one, other


@pytest.fixture(scope="session")
def google_server(service_keys: tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]) -> Iterator[GoogleServer]:
    (google, stranger), faults = (GoogleCalendar([], key=key) for key in service_keys), Faults()
    with serve(FaultyWire(Starlette(routes=routes(google, faults)), faults)) as url:
        keys = (each.service_account(url) for each in (google, stranger))
        known, refused = (googlecalendar.Settings(service_account=key, root_url=url) for key in keys)
        yield GoogleServer(google, Wire(url, faults), known, refused)


@pytest.fixture
def open_memory() -> Callable[[], Mailbox]:
    return MemoryMailbox


@pytest.fixture
def open_caldav(dav_server: DavServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: CaldavMailbox(dav_server)
    dav_server.wire.faults.clear()


@pytest.fixture
def open_googlecalendar(google_server: GoogleServer) -> Iterator[Callable[[], Mailbox]]:
    yield lambda: GoogleMailbox(google_server)
    google_server.wire.faults.clear()
    assert google_server.google.violations == []


def _opener(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    opened: list[Mailbox] = []
    new = request.getfixturevalue(f"open_{request.param}")

    def open_one() -> Mailbox:
        opened.append(new())
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(params=["memory", "caldav", "googlecalendar"])
def open_mailbox(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    yield from _opener(request)


@pytest.fixture(params=["caldav", "googlecalendar"])
def open_wired(request: pytest.FixtureRequest) -> Iterator[Callable[[], Mailbox]]:
    yield from _opener(request)


@pytest.fixture
def mailbox(open_mailbox: Callable[[], Mailbox]) -> Mailbox:
    """A fresh mailbox, of each provider in turn."""
    return open_mailbox()


@pytest.fixture
def wired(open_wired: Callable[[], Wired]) -> Wired:
    """A fresh mailbox, of each provider that speaks over a wire in turn."""
    return open_wired()


@pytest.fixture
def lecture() -> Callable[..., Event]:
    """A plain event, but for what is said otherwise."""

    def make(**other: Any) -> Event:
        start = other.get("start", datetime(2026, 11, 3, 9, tzinfo=UTC))
        usual = Event("Networks", start, start + timedelta(hours=2), "Europe/Amsterdam", location="Room 1.05")
        return replace(usual, **{"description": "Bring the book.", "category": "Lecture", **other})

    return make


@pytest.fixture
def mark() -> Callable[..., Mark]:
    def make(key: str = "key-1", synchronization: str = "17", instance: str = INSTANCE) -> Mark:
        return Mark(instance, synchronization, key)

    return make
