"""What every kind of mailbox can do for a test: connect a provider, and be its owner behind the provider's back."""

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Any, ClassVar

from providers.base import Create, Done, Event, Mark, Ref
from sandbox.faults import Fault, Faults, Kind

numbers = itertools.count(1)


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
        self.name = f"person{next(numbers)}@example.org"
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
    """A mailbox at the far end of a wire that can be watched and spoiled.

    `looks_first`: a push of creates begins with a look, so that nothing is in doubt if its first request fails.
    """

    looks_first = False

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


class Named(Wired):
    """One that goes by its account's name alone, at a `server` with `settings` that it takes and some `refused`."""

    provider: ClassVar[ModuleType]

    def __init__(self, server: Any) -> None:
        super().__init__(server.wire)
        self.server = server

    def _with(self, settings: Any) -> Any:
        return self.provider.connect(settings, self.provider.Target(username=self.name))

    def _connect(self) -> Any:
        return self._with(self.server.settings)

    def connect_impatient(self) -> Any:
        return self._with(self.server.settings.model_copy(update={"timeout": 0.3}))

    def connect_refused(self) -> Any:
        return self._with(self.server.refused)
