"""A Connect Daily: accounts, calendars, who may do what in them, and their events."""

import itertools
import threading
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.connectdaily_events import ONE_TIME, BadEventError, Event, collide, dates, day_of, normal

Right = Literal["edit", "view"]


class RefusedError(Exception):
    """An HTTP status, and the diagnostic where the answer has one."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status


@dataclass
class ConnectDaily:
    """What stands behind the sandbox's Connect Daily. Shared between threads.

    `rights` is by account and calendar; `longest` says how long a field's text may be; `locked` are events that cannot
    be deleted. With `own_guids` the server gives its own guids to new events; with `as_days` it tells days as
    `yyyy-mm-dd`.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Amsterdam"))
    longest: dict[str, int] = field(default_factory=dict)
    own_guids: bool = False
    as_days: bool = False
    accounts: dict[str, str] = field(default_factory=dict)
    calendars: dict[int, str] = field(default_factory=dict)
    rights: dict[tuple[str, int], Right] = field(default_factory=dict)
    locked: set[int] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _events: dict[int, Event] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_account(self, user_id: str, token: str) -> None:
        self.accounts[user_id] = token

    def add_calendar(self, name: str, editor: str = "") -> int:
        """A new calendar, which the account `editor` may write to; its number."""
        with self.lock:
            number = max(self.calendars, default=0) + 1
            self.calendars[number] = name
            if editor:
                self.rights[editor, number] = "edit"
            return number

    def remove_calendar(self, number: int) -> None:
        """It goes with its events, and its number is not given again."""
        with self.lock:
            self.calendars[number] = ""
            for key in [key for key in self.rights if key[1] == number]:
                del self.rights[key]
            for each in self.events(number):
                del self._events[each["cal_item_id"]]

    def is_account(self, user_id: str, token: str) -> bool:
        return self.accounts.get(user_id) == token

    def seen_by(self, user_id: str) -> dict[int, str]:
        """The calendars that the account may see."""
        return {number: name for number, name in self.calendars.items() if (user_id, number) in self.rights}

    def events(self, calendar_id: int) -> list[Event]:
        """Everything in a calendar, as the server keeps it."""
        with self.lock:
            return [deepcopy(each) for each in self._events.values() if each["calendar_id"] == calendar_id]

    def edit(self, address: str, **fields: Any) -> Event:
        """A person changes an event in their browser."""
        with self.lock:
            return self._store(self._at(address), {**self._at(address), **fields})

    def put(self, **fields: Any) -> Event:
        """A person makes an event of their own."""
        with self.lock:
            return self._store({}, fields)

    def remove(self, address: str) -> None:
        """A person deletes an event."""
        with self.lock:
            del self._events[self._at(address)["cal_item_id"]]

    def read(self, user_id: str, address: str) -> Event:
        """Raises: RefusedError."""
        with self.lock:
            return self._told(self._allowed(user_id, address, {"edit", "view"}))

    def create(self, user_id: str, body: Mapping[str, Any]) -> Event:
        """Raises: RefusedError, BadEventError."""
        with self.lock:
            asked = str(body.get("calendar_id"))
            number = int(asked) if asked.isdecimal() else 0
            if self.rights.get((user_id, number)) != "edit":
                raise RefusedError(403)
            guid = body.get("itemguid")
            if any(each["itemguid"] == guid for each in self._events.values()):
                raise BadEventError("An event with this itemguid exists.")
            given = {"calendar_id": number, "itemguid": None if self.own_guids else guid}
            return self._told(self._store({}, {**body, **given}))

    def update(self, user_id: str, address: str, body: Mapping[str, Any]) -> Event:
        """Raises: RefusedError, 409 where the event changed since `body` was read; BadEventError."""
        with self.lock:
            there = self._allowed(user_id, address, {"edit"})
            if body.get("revision", there["revision"]) != there["revision"]:
                raise RefusedError(409, "The event was changed by another user.")
            fixed = {"cal_item_id": there["cal_item_id"], "itemguid": there["itemguid"]}
            return self._told(self._store(there, {**there, **body, **fixed}))

    def fork(self, user_id: str, address: str, day: str) -> int:
        """Take one date out of a series and make it an event; its number. Raises: RefusedError, BadEventError."""
        with self.lock:
            series = self._allowed(user_id, address, {"edit"})
            if series["rec_type"] == ONE_TIME or not day or day_of(day) not in set(dates(series)):
                raise BadEventError("The series does not occur on that date.")
            one = {**series, "starting_date": day, "ending_date": day, "rec_type": ONE_TIME, "exceptions": []}
            self._store(series, {**series, "exceptions": [*series["exceptions"], day]})
            return int(self._store({}, {**one, "itemguid": None})["cal_item_id"])

    def delete(self, user_id: str, address: str) -> None:
        """Raises: RefusedError, BadEventError."""
        with self.lock:
            there = self._allowed(user_id, address, {"edit"})
            if there["cal_item_id"] in self.locked:
                raise BadEventError("The event is locked.")
            del self._events[there["cal_item_id"]]

    def _at(self, address: str) -> Event:
        name, _, guid = address.partition("itemguid=")
        for each in self._events.values():
            if each["itemguid"] == guid if guid else str(each["cal_item_id"]) == name:
                return each
        raise RefusedError(404)

    def _allowed(self, user_id: str, address: str, rights: set[Right]) -> Event:
        there = self._at(address)
        if self.rights.get((user_id, there["calendar_id"])) not in rights:
            raise RefusedError(403)
        return there

    def _store(self, before: Event, after: Mapping[str, Any]) -> Event:
        event = normal(after, self.longest)
        number = before.get("cal_item_id") or next(self._numbers)
        others = (each for key, each in self._events.items() if key != number)
        if any(collide(event, each, self.zone) for each in others):
            raise BadEventError("Conflict: the resource is in use at that time.")
        guid = event.get("itemguid") or f"{number:08d}-0000-4000-8000-connectdaily"
        own = {"cal_item_id": number, "itemguid": guid, "revision": before.get("revision", 0) + 1}
        self._events[number] = {**event, **own}
        return deepcopy(self._events[number])

    def _told(self, event: Event) -> Event:
        """As the API tells it."""
        told = deepcopy(event)
        if self.as_days:
            told["exceptions"] = [_iso(each) for each in told["exceptions"]]
            told |= {name: _iso(told[name]) for name in ("starting_date", "ending_date")}
        return told


def _iso(number: int) -> str:
    return day_of(number).isoformat()
