"""A mailbox at the sandbox's Google."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from mailboxes.base import Entry, Named, Wire
from providers import googlecalendar
from providers.base import Event, Ref
from sandbox.google_calendar import GoogleCalendar


@dataclass(frozen=True)
class GoogleServer:
    """The sandbox's Google, with the settings for a service account that it knows and for one that it does not."""

    google: GoogleCalendar
    wire: Wire
    settings: googlecalendar.Settings
    refused: googlecalendar.Settings


class GoogleMailbox(Named):
    provider = googlecalendar

    def __init__(self, server: GoogleServer) -> None:
        super().__init__(server)
        server.google.add_account(self.name)

    def paths(self) -> str:
        return "*/calendar/v3*"

    def lose(self) -> None:
        self.server.google.remove_calendar(self.name)

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
