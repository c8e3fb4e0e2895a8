"""A mailbox from its owner's side, marks and all: what stands in it, and what its owner does to that."""

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import icalendar

from mailboxes.connectdaily import ConnectDailyMailbox, span_of
from mailboxes.dav import CaldavMailbox
from mailboxes.ews import EwsMailbox
from mailboxes.google import GoogleMailbox
from mailboxes.graph import GraphMailbox
from mailboxes.memory import MemoryMailbox
from providers import _caldav_ical as dav
from providers import _connectdaily_mark as daily
from providers import _exchange as exchange
from providers import _googlecalendar_payload as google
from providers.base import Mark, Ref
from providers.memory import Stored
from sandbox.ews_ids import item_id
from sandbox.ews_ids import store_id as ews_store_id
from sandbox.graph_properties import graph_id, store_id


@dataclass(frozen=True)
class Standing:
    """An event as it stands in the calendar. `mark` is None for a person's own."""

    mark: Mark | None
    title: str
    start: datetime
    end: datetime
    location: str


class Box(ABC):
    """One mailbox, of whatever kind."""

    def __init__(self, mailbox):
        self.mailbox = mailbox
        self.name = mailbox.name

    @abstractmethod
    def standing(self):
        """Everything in the calendar by id."""

    @abstractmethod
    def edit(self, name, title=None, start=None):
        """The person retitles an event, or drags it to another start."""

    @abstractmethod
    def delete(self, name):
        """The person deletes an event."""

    @abstractmethod
    def copy(self, name):
        """The person's program copies an event, mark and all; the copy's id."""

    def add(self, event):
        """The person makes an event of their own; its id."""
        return self.mailbox.foreign(event)

    def close(self):
        """The mailbox is needed no more."""
        self.mailbox.close()


class MemoryBox(Box):
    def __init__(self, settings):
        mailbox = MemoryMailbox()
        mailbox.settings, mailbox.store = settings, settings.store
        super().__init__(mailbox)

    def _live(self):
        return self.mailbox.store.live(self.name)

    def standing(self):
        return {
            name: Standing(each.mark, each.event.title, each.event.start, each.event.end, each.event.location)
            for name, each in self._live().items()
        }

    def edit(self, name, title=None, start=None):
        old = self._live()[name]
        start = start or old.event.start
        end = start + (old.event.end - old.event.start)
        event = replace(old.event, title=title or old.event.title, start=start, end=end)
        self.mailbox.store.put(self.name, name, replace(old, event=event))

    def delete(self, name):
        self.mailbox.store.put(self.name, name, replace(self._live()[name], deleted=True))

    def copy(self, name):
        old = self._live()[name]
        return self.mailbox.store.put(self.name, f"copy-{uuid.uuid4()}", Stored(old.event, old.mark, 0)).id

    def close(self):
        self.mailbox.store.mailboxes.pop(self.name, None)


class DavBox(Box):
    def __init__(self, server):
        super().__init__(CaldavMailbox(server))

    def standing(self):
        return {name: self._standing(each) for name, each in self.mailbox.person.events().items()}

    @staticmethod
    def _standing(event):
        names = (dav.INSTANCE, dav.SYNCHRONIZATION, dav.KEY)
        mark = Mark(*(str(event[name]) for name in names)) if dav.INSTANCE in event else None
        start, end = event.start.astimezone(UTC), event.end.astimezone(UTC)
        return Standing(mark, str(event["SUMMARY"]), start, end, str(event.get("LOCATION", "")))

    def edit(self, name, title=None, start=None):
        def change(event):
            if title:
                event["SUMMARY"] = icalendar.vText(title)
            if start:
                event.start, event.end = start, start + (event.end - event.start)

        self.mailbox.person.change(name, change)

    def delete(self, name):
        self.mailbox.person.remove(name)

    def copy(self, name):
        calendar = icalendar.Calendar.from_ical(self.mailbox.person.send("GET", name).content)
        calendar.events[0]["UID"] = icalendar.vText(str(uuid.uuid4()))
        return self.mailbox.person.put(f"{calendar.events[0]['UID']}.ics", calendar.to_ical())


class GoogleBox(Box):
    def __init__(self, server):
        super().__init__(GoogleMailbox(server))
        self.google = server.google

    def standing(self):
        return {each["id"]: self._standing(each) for each in self.google.mailbox(self.name)}

    @staticmethod
    def _standing(event):
        private = event.get("extendedProperties", {}).get("private", {})
        names = (google.INSTANCE, google.SYNCHRONIZATION, google.KEY)
        mark = Mark(*(private[name] for name in names)) if google.INSTANCE in private else None
        start, end = (datetime.fromisoformat(event[name]["dateTime"]).astimezone(UTC) for name in ("start", "end"))
        return Standing(mark, event["summary"], start, end, event.get("location", ""))

    def _event(self, name):
        return next(each for each in self.google.mailbox(self.name) if each["id"] == name)

    def edit(self, name, title=None, start=None):
        body = {"summary": title} if title else {}
        if start:
            old = self._standing(self._event(name))
            end = start + (old.end - old.start)
            body |= {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        self.google.edit(self.name, name, body)

    def delete(self, name):
        self.google.remove(self.name, name)

    def copy(self, name):
        kept = ("summary", "start", "end", "location", "description", "extendedProperties", "reminders")
        old = self._event(name)
        return self.google.put_foreign(self.name, {field: old[field] for field in kept if field in old})["id"]


class ExchangeBox(Box):
    """Of an Exchange, whose ids either protocol spells its own way."""

    def __init__(self, mailbox, spelled, store):
        super().__init__(mailbox)
        self.exchange = mailbox.server.exchange
        self._spelled, self._store = spelled, store

    def standing(self):
        with self.exchange.lock:
            return {self._spelled(each.id): self._standing(each) for each in self.exchange.own(self.name).items()}

    @staticmethod
    def _standing(item):
        names = (exchange.INSTANCE, exchange.SYNCHRONIZATION, exchange.KEY)
        said = [item.properties.get((exchange.PROPERTY_SET, name)) for name in names]
        return Standing(Mark(*said) if said[0] else None, item.subject, item.start, item.end, item.location)

    def edit(self, name, title=None, start=None):
        with self.exchange.lock:
            calendar = self.exchange.own(self.name)
            item = calendar.item(self._store(name))
            fields = {"subject": title} if title else {}
            if start:
                fields |= {"start": start, "end": start + (item.end - item.start)}
            calendar.change(item.id, fields)

    def delete(self, name):
        with self.exchange.lock:
            self.exchange.own(self.name).remove(self._store(name))

    def copy(self, name):
        kept = ("subject", "start", "end", "start_zone", "end_zone", "body", "location", "categories", "properties")
        with self.exchange.lock:
            calendar = self.exchange.own(self.name)
            item = calendar.item(self._store(name))
            return self._spelled(calendar.insert({field: getattr(item, field) for field in kept}).id)


class DailyBox(Box):
    """A calendar of Connect Daily. A copy that its owner makes there is theirs: it has another guid than the line in
    its text names.
    """

    def __init__(self, server):
        super().__init__(ConnectDailyMailbox(server))

    def standing(self):
        events = self.mailbox.daily.events(self.mailbox.calendar)
        return {each["itemguid"]: self._standing(each) for each in events}

    def _standing(self, event):
        entry, line = self.mailbox.entry(event), daily.line_of(event["long_description"] or "", event["itemguid"])
        return Standing(line.mark if line else None, entry.title, entry.start, entry.end, entry.location)

    def edit(self, name, title=None, start=None):
        fields = {"description": title} if title else {}
        if start:
            old = self.standing()[name]
            fields |= span_of(start, start + (old.end - old.start))
        self.mailbox.edit(Ref(name), **fields)

    def delete(self, name):
        self.mailbox.vanish(Ref(name))

    def copy(self, name):
        return self.mailbox.daily.put(**{**self.mailbox.kept(Ref(name)), "itemguid": None})["itemguid"]


def leads_to(kind, username, mailbox):
    """The fields of a synchronization of that person with that mailbox."""
    if kind == "connectdaily":
        return {"calendarId": mailbox.removeprefix("no. ")}
    return {} if mailbox == username else {"smtpAddress": mailbox}


def opener(kind, server):
    """What opens a fresh mailbox of a kind; `server` is that kind's, and for memory its settings."""
    return {
        "memory": lambda: MemoryBox(server),
        "caldav": lambda: DavBox(server),
        "connectdaily": lambda: DailyBox(server),
        "googlecalendar": lambda: GoogleBox(server),
        "ews": lambda: ExchangeBox(EwsMailbox(server), item_id, ews_store_id),
        "o365": lambda: ExchangeBox(GraphMailbox(server), lambda each: graph_id(each, immutable=True), store_id),
    }[kind]
