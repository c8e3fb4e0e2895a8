"""A mailbox at a Radicale."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar

from mailboxes.base import Entry, Wire, Wired
from providers import caldav
from providers.base import Event, Ref
from sandbox.dav import Person, enrol

PASSWORD = "päss: word"


@dataclass(frozen=True)
class DavServer:
    """A Radicale: where it keeps things, its own address, and the wire on which providers reach it."""

    folder: Path
    url: str
    wire: Wire

    @property
    def settings(self) -> caldav.Settings:
        """For a tenant whose people all have the same password."""
        url = f"{self.wire.url}/{{mailbox}}/timetable/"
        return caldav.Settings.model_validate({"url": url, "password": PASSWORD})

    @property
    def refused(self) -> caldav.Settings:
        """The same with another password."""
        return caldav.Settings.model_validate({"url": self.settings.url, "password": "another"})


class CaldavMailbox(Wired):
    def __init__(self, server: DavServer) -> None:
        super().__init__(server.wire)
        self.person: Person = enrol(server.folder, server.url, self.name, PASSWORD)
        self.template = f"{server.wire.url}/{{mailbox}}/timetable/"

    def paths(self) -> str:
        return f"/{self.name}/*"

    def lose(self) -> None:
        self.person.send("DELETE").raise_for_status()

    def settings(self, **other: Any) -> caldav.Settings:
        return caldav.Settings.model_validate({"url": self.template, "password": PASSWORD, **other})

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
