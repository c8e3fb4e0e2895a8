"""A mailbox in this process."""

from dataclasses import replace
from typing import Any

from mailboxes.base import Entry, Mailbox, numbers
from providers import memory
from providers.base import Event, Ref


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
        return self.store.put(self.name, f"own-{next(numbers)}", memory.Stored(event, None, 0)).id

    def touch(self, ref: Ref, title: str) -> None:
        old = self.store.live(self.name)[ref.id]
        self.store.put(self.name, ref.id, replace(old, event=replace(old.event, title=title), reminder=15))

    def unmark(self, ref: Ref) -> None:
        self.store.put(self.name, ref.id, replace(self.store.live(self.name)[ref.id], mark=None))

    def vanish(self, ref: Ref) -> None:
        self.store.put(self.name, ref.id, replace(self.store.live(self.name)[ref.id], deleted=True))
