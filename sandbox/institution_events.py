"""The events of an institution, found by id and by the timetables they stand in."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.institution_model import Event, NotPossibleError, UnknownNameError


class Events:
    """Shared between threads."""

    def __init__(self, zone: ZoneInfo, events: Iterable[Event]) -> None:
        self._zone = zone
        self._lock = threading.RLock()
        self._known: dict[str, Event] = {}
        self._standing: dict[str, set[str]] = {}
        for event in events:
            self.put(event)

    def __getitem__(self, event_id: str) -> Event:
        try:
            return self._known[event_id]
        except KeyError:
            raise UnknownNameError(f"Event not found: {event_id}") from None

    def put(self, event: Event) -> str:
        """Add the event; its id."""
        with self._lock:
            event_id = event.id(self._zone)
            if event_id in self._known:
                raise NotPossibleError(f"Event {event_id} exists: that activity already takes place on that day")
            self._known[event_id] = event
            for key in event.timetable_keys():
                self._standing.setdefault(key, set()).add(event_id)
            return event_id

    def change(self, event_id: str, **fields: Any) -> str:
        """Give the event other `fields`; its id from now on."""
        with self._lock:
            event = self[event_id]
            self.cancel(event_id)
            try:
                return self.put(replace(event, **fields))
            except NotPossibleError:
                self.put(event)
                raise

    def cancel(self, event_id: str) -> None:
        with self._lock:
            for key in self[event_id].timetable_keys():
                self._standing[key].discard(event_id)
            del self._known[event_id]

    def touching(self, keys: Iterable[str], start: datetime | None, end: datetime | None) -> list[Event]:
        """The events in any of the timetables that touch `[start, end)`, sorted by start and end; None is no limit."""
        with self._lock:
            found = [self._known[each] for each in set().union(*(self._standing.get(key, ()) for key in keys))]
        return sorted(
            (event for event in found if _touches(event, start, end)),
            key=lambda event: (event.start, event.end, event.activity),
        )


def _touches(event: Event, start: datetime | None, end: datetime | None) -> bool:
    """An event without length, or with a negative one, touches where it starts."""
    if end is not None and event.start >= end:
        return False
    return start is None or event.start >= start or event.end > start
