"""A mailbox at the sandbox's Connect Daily."""

import re
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from mailboxes.base import Entry, Wire, Wired
from providers import connectdaily
from providers.base import Event, Ref
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.connectdaily_events import day_of, span
from sandbox.institution import Institution

USER, TOKEN, CONTEXT = "11", "aadfk23894238482adfaaeea948934", "/cd"
HIDDEN = re.compile(r'<span style="display:none">.*?</span>')
LINE = re.compile(r"\[carillon\|[^\]]*\]")
SITE = ZoneInfo("UTC")
"""The site's zone: clocks of any other show an hour twice, and a person cannot tell which."""


@dataclass(frozen=True)
class ConnectDailyServer:
    """The sandbox's Connect Daily, with the settings for an account that it knows and for a wrong token."""

    daily: ConnectDaily
    wire: Wire

    @property
    def settings(self) -> connectdaily.Settings:
        return self.settings_with()

    @property
    def refused(self) -> connectdaily.Settings:
        return self.settings_with(token="another")

    def settings_with(self, **other: Any) -> connectdaily.Settings:
        words = {
            "url": self.wire.url + CONTEXT,
            "user_id": USER,
            "token": TOKEN,
            "time_zone": SITE.key,
            "calendar_id": 1,
        }
        return connectdaily.Settings.model_validate({**words, "title_length": 300, "location_length": 300, **other})


class ConnectDailyMailbox(Wired):
    """A calendar of one's own; it goes by the name that the provider gives such a mailbox."""

    looks_first = True

    def __init__(self, server: ConnectDailyServer) -> None:
        super().__init__(server.wire)
        self.server = server
        self.daily = server.daily
        self.calendar = server.daily.add_calendar(self.name, USER)
        self.name = f"no. {self.calendar}"

    def paths(self) -> str:
        return f"{CONTEXT}/*"

    def lose(self) -> None:
        self.daily.remove_calendar(self.calendar)

    def open(self, **other: Any) -> Any:
        """A provider with other settings than usual, to be closed by the mailbox."""
        self._open.append(self._connect(**other))
        return self._open[-1]

    def _connect(self, **other: Any) -> Any:
        target = connectdaily.Target.model_validate({"username": self.name, "calendarId": self.calendar})
        return connectdaily.connect(self.server.settings_with(**other), target)

    def connect_impatient(self) -> Any:
        return self.open(timeout=0.3)

    def connect_refused(self) -> Any:
        return self.open(token="another")

    def listing(self) -> dict[str, Entry]:
        return {each["itemguid"]: self.entry(each) for each in self.daily.events(self.calendar)}

    @staticmethod
    def entry(event: dict[str, Any]) -> Entry:
        start, end = span(event, day_of(event["starting_date"]), SITE)
        place = event["contact_name"] or ""
        return Entry(event["description"], start, end, place, seen(event), event["reminder"])

    def foreign(self, event: Event) -> str:
        fields = {"calendar_id": self.calendar, "description": event.title, **span_of(event.start, event.end)}
        return str(self.daily.put(**fields)["itemguid"])

    def touch(self, ref: Ref, title: str) -> None:
        self.edit(ref, description=title, reminder=15)

    def edit(self, ref: Ref, **fields: Any) -> dict[str, Any]:
        """The person changes fields of an event; as the server keeps it."""
        return self.daily.edit(f"itemguid={ref.id}", **fields)

    def kept(self, ref: Ref) -> dict[str, Any]:
        """The event as the server keeps it."""
        return next(each for each in self.daily.events(self.calendar) if each["itemguid"] == ref.id)

    def unmark(self, ref: Ref) -> None:
        self.edit(ref, long_description=LINE.sub("", self.kept(ref)["long_description"]))

    def vanish(self, ref: Ref) -> None:
        self.daily.remove(f"itemguid={ref.id}")


def number_of(institution: Institution, username: str) -> int:
    """The calendar of a person at the Connect Daily of `carillon.playground`."""
    return 2 + [each.username for each in institution.people].index(username)


def span_of(start: datetime, end: datetime) -> dict[str, str]:
    """The fields of an event from `start` to `end`."""
    start, end = start.astimezone(SITE), end.astimezone(SITE)
    days = {"starting_date": str(start.date()), "ending_date": str(end.date())}
    return {**days, "starting_time": f"{start:%H:%M:%S}", "ending_time": f"{end:%H:%M:%S}"}


def seen(event: dict[str, Any]) -> str:
    """The text of an event as a browser shows it."""
    return unescape(HIDDEN.sub("", event["long_description"] or "").replace("<br>", "\n"))
