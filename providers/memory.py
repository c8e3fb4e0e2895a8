"""Calendars in this process, for tests and for a try without a server: the whole protocol, and faults on demand.

The calendars live as long as the `Settings` they were opened with: each `connect` with the same settings sees the same.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from providers._limits import Limited
from providers.base import (
    Capabilities,
    Change,
    Conflict,
    Create,
    Delete,
    Done,
    Event,
    EventError,
    EventGone,
    Found,
    Mark,
    Marks,
    Outcome,
    ProviderError,
    Ref,
    Update,
    Window,
)

_PARTS = {"time": ("start", "end", "zone", "all_day")}


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as the calendar holds it: `mark` is None for a person's own; `reminder`, in minutes, is theirs."""

    event: Event
    mark: Mark | None
    version: int
    deleted: bool = False
    reminder: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next `call` shall meet, once: `error` is raised, or is the outcome of one change if not `raised`.

    In a push it strikes at change number `place` (from 0; -1 is the last one). That change is carried out if `done`,
    those before it always, those after it unless the error is raised. A push with fewer changes passes unharmed.
    """

    call: Literal["push", "find", "check"]
    error: BaseException
    place: int = 0
    done: bool = False
    raised: bool = True


@dataclass
class Store:
    """All mailboxes, by name and id; the faults still to come; the calls made. Its lock makes one call one step."""

    mailboxes: dict[str, dict[str, Stored]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _versions: Iterator[int] = field(default_factory=lambda: count(1))

    def put(self, mailbox: str, name: str, stored: Stored) -> Ref:
        """Store it as a new version; for a person's edits as for ours."""
        with self.lock:
            kept = replace(stored, version=next(self._versions))
            self.mailboxes.setdefault(mailbox, {})[name] = kept
            return Ref(name, str(kept.version))

    def live(self, mailbox: str) -> dict[str, Stored]:
        """What stands in the calendar, without the traces of what was deleted."""
        with self.lock:
            return {name: each for name, each in self.mailboxes.get(mailbox, {}).items() if not each.deleted}

    def fault(self, call: str, size: int = 1) -> Fault | None:
        """The first fault meant for this call of `size` changes, taken off the list."""
        for each in self.faults:
            if each.call == call and -size <= each.place < size:
                self.faults.remove(each)
                return each
        return None


class Settings(Limited):
    """Nothing to set; a test gives its own store."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    store: Store = Field(default_factory=Store, repr=False, exclude=True)


class Target(BaseModel):
    """`username` is the person's; `smtpAddress` names the account where it is another one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(min_length=1)
    smtp_address: str | None = Field(default=None, alias="smtpAddress", min_length=1)

    @property
    def mailbox(self) -> str:
        return self.smtp_address or self.username


def connect(settings: Settings, target: Target) -> "Calendar":
    return Calendar(settings.store, target.mailbox)


class Calendar:
    """One mailbox. See `providers.base.Provider` for what its calls promise."""

    capabilities = Capabilities(batch=50)

    def __init__(self, store: Store, mailbox: str) -> None:
        self._store = store
        self._mailbox = mailbox

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        with self._store.lock:
            self._store.calls.append("push")
            fault = self._store.fault("push", len(changes))
            struck = fault.place % len(changes) if fault else None
            return [self._outcome(each, fault if place == struck else None) for place, each in enumerate(changes)]

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        self._pass("find")
        listed = [
            Found(each.mark, Ref(name, str(each.version)), each.event.start, each.event.end, each.event.title)
            for name, each in self._store.live(self._mailbox).items()
            if each.mark is not None
            and each.mark.instance == marks.instance
            and marks.synchronization in {None, each.mark.synchronization}
            and (window is None or each.event.start in window)
        ]
        return sorted(listed, key=lambda found: (found.start, found.ref.id))

    def check(self) -> None:
        self._pass("check")

    def close(self) -> None:
        """Nothing is held open."""

    def _pass(self, call: str) -> None:
        with self._store.lock:
            self._store.calls.append(call)
            if fault := self._store.fault(call):
                raise fault.error

    def _outcome(self, change: Change, fault: Fault | None) -> Outcome:
        if fault is None:
            return self._carry_out(change)
        if fault.done:
            self._carry_out(change)
        if fault.raised or not isinstance(fault.error, ProviderError):
            raise fault.error
        return fault.error

    def _carry_out(self, change: Change) -> Outcome:
        try:
            if isinstance(change, Create):
                return self._create(change)
            return self._update(change) if isinstance(change, Update) else self._delete(change)
        except EventError as error:
            return error

    def _create(self, change: Create) -> Done:
        mark = change.mark
        name = "/".join((mark.instance, mark.synchronization, mark.key, str(change.generation)))
        old = self._store.mailboxes.get(self._mailbox, {}).get(name)
        if old is None or (old.deleted and old.mark == mark):
            return self._put(name, Stored(change.event, mark, 0))
        if old.mark != mark:
            raise Conflict("Something else stands where the event should go: give it another id.")
        return self._put(name, replace(old, event=change.event))

    def _update(self, change: Update) -> Done:
        old = self._ours(change)
        if old is None:
            raise EventGone("The event is no longer in the calendar: make it anew, or let it go.")
        parts = [part for field in change.fields - {"mark"} for part in _PARTS.get(field, (field,))]
        event = replace(old.event, **{part: getattr(change.event, part) for part in parts})
        return self._put(
            change.ref.id, replace(old, event=event, mark=change.mark if "mark" in change.fields else old.mark)
        )

    def _delete(self, change: Delete) -> Done:
        old = self._ours(change)
        if old is not None:
            self._put(change.ref.id, replace(old, deleted=True))
        return Done()

    def _put(self, name: str, stored: Stored) -> Done:
        ref = self._store.put(self._mailbox, name, stored)
        return Done(None if stored.deleted else ref)

    def _ours(self, change: Update | Delete) -> Stored | None:
        """The event that is meant, None where it is gone."""
        old = self._store.live(self._mailbox).get(change.ref.id)
        if old is not None and (old.mark is None or old.mark.instance != change.mark.instance):
            raise Conflict("The event in that place does not carry our mark: look by mark.")
        if old is not None and change.ref.version not in {None, str(old.version)}:
            raise Conflict("Somebody changed the event: read it again.")
        return old
