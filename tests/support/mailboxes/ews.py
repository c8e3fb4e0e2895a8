"""A mailbox at the sandbox's Exchange."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from mailboxes.base import Entry, Named, Wire
from providers import ews
from providers._exchange import PROPERTY_SET
from providers.base import Event, Ref
from sandbox.ews import ENDPOINT
from sandbox.ews_contract import Contract, contract
from sandbox.ews_ids import item_id, store_id
from sandbox.exchange import Calendar, Exchange, Item

SCHEMAS = Path(__file__).parents[4] / "shared" / "contracts" / "ews"
SERVICE = {"username": "EXAMPLE\\service", "password": "päss: word"}
UNMARKED = {"carillonInstance", "carillonSynchronization", "carillonKey"}


def schemas() -> Contract | None:
    """Exchange's own, None on a machine that has them not."""
    if SCHEMAS.exists():
        return contract(SCHEMAS)
    assert os.environ.get("CI") != "true", f"{SCHEMAS} is needed when CI=true"
    return None


@dataclass(frozen=True)
class EwsServer:
    """The sandbox's Exchange, with the settings for the service account and for one with another password."""

    exchange: Exchange
    wire: Wire
    settings: ews.Settings
    refused: ews.Settings


def settings(url: str, **other: Any) -> ews.Settings:
    """For the service account of the Exchange at `url`."""
    return ews.Settings.model_validate({"url": url + ENDPOINT, "auth": "basic", "timeout": 10, **SERVICE, **other})


class EwsMailbox(Named):
    provider = ews
    looks_first = True

    def __init__(self, server: EwsServer) -> None:
        super().__init__(server)
        server.exchange.add_mailbox(self.name)

    def paths(self) -> str:
        return ENDPOINT

    def lose(self) -> None:
        self.server.exchange.remove_mailbox(self.name)

    def connect_impatient(self) -> Any:
        return self._with(settings(self.wire.url, timeout=0.3))

    def _calendar(self) -> Calendar:
        return self.server.exchange.own(self.name)

    def listing(self) -> dict[str, Entry]:
        with self.server.exchange.lock:
            return {item_id(each.id): self._entry(each) for each in self._calendar().items()}

    @staticmethod
    def _entry(item: Item) -> Entry:
        moments = ((item.start, item.start_zone), (item.end, item.end_zone))
        start, end = (_day(*each) if item.all_day else each[0] for each in moments)
        return Entry(item.subject, start, end, item.location, item.body, item.reminder, len(item.attendees))

    def foreign(self, event: Event) -> str:
        fields = {"subject": event.title, "start": event.start, "end": event.end, "location": event.location}
        with self.server.exchange.lock:
            return item_id(self._calendar().insert(fields).id)

    def touch(self, ref: Ref, title: str) -> None:
        with self.server.exchange.lock:
            self._calendar().change(store_id(ref.id), {"subject": title, "reminder": 15})

    def unmark(self, ref: Ref) -> None:
        with self.server.exchange.lock:
            there = self._calendar().item(store_id(ref.id)).properties
            left = {name: text for name, text in there.items() if name[1] not in UNMARKED or name[0] != PROPERTY_SET}
            self._calendar().change(store_id(ref.id), {"properties": left})

    def vanish(self, ref: Ref) -> None:
        with self.server.exchange.lock:
            self._calendar().remove(store_id(ref.id))

    def notices(self) -> int:
        return self.server.exchange.notifications


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(win_tz.get(zone, "UTC")) if zone != "UTC" else UTC).date()
