"""A mailbox at the sandbox's Microsoft 365."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from mailboxes.base import Entry, Named, Wire
from providers import o365
from providers.base import Event, Ref
from sandbox.exchange import Calendar, Exchange, Item
from sandbox.graph_properties import graph_id, store_id
from sandbox.graph_service import Graph

UNMARKED = {"carillonInstance", "carillonSynchronization", "carillonKey"}


@dataclass(frozen=True)
class GraphServer:
    """The sandbox's Microsoft, with the settings for an application that it knows and with a wrong secret."""

    graph: Graph
    wire: Wire
    settings: o365.Settings
    refused: o365.Settings

    @property
    def exchange(self) -> Exchange:
        return self.graph.exchange


class GraphMailbox(Named):
    provider = o365

    def __init__(self, server: GraphServer) -> None:
        super().__init__(server)
        server.exchange.add_mailbox(self.name)

    def paths(self) -> str:
        return "/v1.0/*"

    def lose(self) -> None:
        self.server.exchange.remove_mailbox(self.name)

    @property
    def calendar(self) -> Calendar:
        return self.server.exchange.own(self.name)

    def listing(self) -> dict[str, Entry]:
        with self.server.exchange.lock:
            return {graph_id(each.id, immutable=True): entry(each) for each in self.calendar.items()}

    def foreign(self, event: Event) -> str:
        fields = {"subject": event.title, "start": event.start, "end": event.end, "location": event.location}
        with self.server.exchange.lock:
            return graph_id(self.calendar.insert(fields).id, immutable=True)

    def touch(self, ref: Ref, title: str) -> None:
        self.edit(ref, subject=title, reminder=15)

    def edit(self, ref: Ref, **fields: Any) -> Item:
        """The person, or their program, changes what the store keeps of the event."""
        with self.server.exchange.lock:
            return self.calendar.change(store_id(ref.id), fields)

    def unmark(self, ref: Ref) -> None:
        with self.server.exchange.lock:
            there = self.calendar.item(store_id(ref.id)).properties
            self.edit(ref, properties={name: text for name, text in there.items() if name[1] not in UNMARKED})

    def vanish(self, ref: Ref) -> None:
        with self.server.exchange.lock:
            self.calendar.remove(store_id(ref.id))

    def notices(self) -> int:
        return self.server.exchange.notifications


def entry(item: Item) -> Entry:
    assert not item.html, "a plain text stays one"
    start, end = (_day(item, moment) if item.all_day else moment for moment in (item.start, item.end))
    return Entry(item.subject, start, end, item.location, item.body, item.reminder, len(item.attendees))


def _day(item: Item, moment: Any) -> date:
    return moment.astimezone(ZoneInfo(win_tz[item.start_zone])).date()
