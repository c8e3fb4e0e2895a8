"""What a provider is: the events we write, the marks we leave on them, the protocol every calendar server is spoken to
through.

A provider module stands in this folder under the name that the API calls its `type`. It exports three things:

- `Settings`, a pydantic model: its section `[tenants.X.providers.NAME]` of `carillon.toml`; made from
  `_limits.Limited`, where the server limits requests or may do so; its property `credentials`, where it needs any, is
  a tuple of `_held.Held`: what it holds, and until when that is good;
- `Target`, a pydantic model made from a synchronization's `provisioning_*` fields (`smtpAddress` for
  `provisioning_smtpAddress`), whose property `mailbox` names the account we write to: the human target, and what a
  lease is taken on;
- `connect(settings, target) -> Provider`, which makes no request.

Errors say what the caller shall do::

    ProviderError
    ├── Throttled         later, and not before retry_after
    ├── Unavailable       later
    ├── Ambiguous         it may have been done: look by mark before sending again
    ├── Unauthorized      stop this mailbox, tell a person: our credentials or rights are refused
    │   └── CredentialRefused   the credential itself is, whoever's mailbox was asked for
    │   └── NotLinked     stop this mailbox, ask its own person: their consent is missing or was taken back
    ├── MailboxGone       stop this mailbox, tell a person: no such account
    ├── CalendarGone      the account is there and the calendar in it is not
    ├── ContractBroken    the server answered what it should not: our bug or theirs
    └── EventError        this event only
        ├── Conflict      somebody else changed it, or something else stands where it should go: look by mark
        ├── EventGone     it is no longer there
        └── Rejected      the server will not take this event as it is
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open span `[start, end)` of event starts that a run covers; both aware, in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Event:
    r"""Everything we would write of one event.

    `start` and `end` are aware and in UTC, `end` is exclusive and later than `start`. `zone` is the IANA zone it is
    shown in. An all-day event runs from a local midnight of `zone` to another one. Texts are plain, with `\n` for a
    line's end and no control characters.
    """

    title: str
    start: datetime
    end: datetime
    zone: str
    all_day: bool = False
    location: str = ""
    description: str = ""
    category: str = ""

    def days(self) -> tuple[date, date]:
        """First day and the day after the last one, of an all-day event, in its own zone."""
        zone = ZoneInfo(self.zone)
        return self.start.astimezone(zone).date(), self.end.astimezone(zone).date()


FIELDS = ("title", "time", "location", "description", "category", "mark")
"""What an update can name as changed; `time` stands for start, end, zone and all_day together."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What we attach to every remote event. ASCII, lower case, at most 255 characters each."""

    instance: str
    synchronization: str
    key: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Which marks a listing asks for: those of one synchronization, or of the whole instance when that is None."""

    instance: str
    synchronization: str | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """The server's id and version (ETag, change key) of an event; a version of None stands for any."""

    id: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An event of ours as the server has it, with what a person needs to recognise it."""

    mark: Mark
    ref: Ref
    start: datetime
    end: datetime
    title: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make the event. `generation` counts the ids already spent on this key, where we choose the id."""

    event: Event
    mark: Mark
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Update:
    """Change `fields` (a subset of FIELDS, never empty) of the event at `ref` to what `event` and `mark` say.

    `merge` says that the stored copy is not the one we wrote, so that whatever a person added to it must be read and
    kept.
    """

    event: Event
    mark: Mark
    ref: Ref
    fields: frozenset[str]
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    mark: Mark
    ref: Ref


Change = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Done:
    """A change was carried out; `ref` is where the event now stands, None after a delete."""

    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the caller needs to know of a kind of server: `batch` is the number of changes that one push takes well."""

    batch: int


class Provider(Protocol):
    """One mailbox at one calendar server, for the length of a run.

    It is not shared between threads. Every call has a timeout; nothing is retried. The conformance suite has a test
    for each sentence of this protocol.
    """

    capabilities: Capabilities

    def push(self, changes: Sequence[Change]) -> list["Outcome"]:
        """Carry out `changes` and tell, one for one and in their order, what became of each.

        An outcome is `Done` or a `ProviderError` as a value: an `EventError`, or `Throttled`, `Unavailable`,
        `Ambiguous` for a part of the batch. What concerns the whole call is raised. One bad event does not stop the
        others.

        - A create whose id is taken by our own event of the same mark is `Done`, with that event now as asked; a
          deleted event that still occupies the id is brought back to life; anything else at that place is a `Conflict`
          and stays as it is.
        - An update or a delete with a version is carried out only if the server still has that version, else
          `Conflict`.
        - An update of what is gone is `EventGone`. A delete of what is gone is `Done`.
        - With `merge`, and wherever the server can, an update leaves everything alone that is not named in `fields`.
        - No invitation and no notification is ever sent, no event of ours carries an attendee, and none a reminder that
          the settings do not ask for.

        Raises: Throttled, Unavailable, Ambiguous, Unauthorized, MailboxGone, CalendarGone, ContractBroken.
        """
        ...

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        """Every event that carries `marks` and, with a window, starts in it; sorted by start and id.

        The listing is complete, or it raises. Events without our instance's mark are never among them. Two events with
        the same mark are both listed.

        Raises: as `push`, but for Ambiguous.
        """
        ...

    def check(self) -> None:
        """Return if the calendar can be written to; raise a clear reason if not. Leaves nothing behind.

        Raises: as `find`.
        """
        ...

    def close(self) -> None:
        """Give back connections. Nothing may be called afterwards."""
        ...


class ProviderError(Exception):
    """The message is one sentence that a person can act on: what, where, what to do. No title, no body, no token.

    `everybody` says that it speaks of the whole server or application, and every other mailbox is likely to meet it.
    """

    def __init__(self, message: str = "", *, everybody: bool = False) -> None:
        super().__init__(message)
        self.everybody = everybody


class Throttled(ProviderError):
    def __init__(self, message: str, retry_after: timedelta | None = None, *, everybody: bool = False) -> None:
        super().__init__(message, everybody=everybody)
        self.retry_after = retry_after


class Unavailable(ProviderError):
    pass


class Ambiguous(ProviderError):
    pass


class Unauthorized(ProviderError):
    pass


class CredentialRefused(Unauthorized):
    pass


class NotLinked(Unauthorized):
    pass


class MailboxGone(ProviderError):
    pass


class CalendarGone(ProviderError):
    pass


class ContractBroken(ProviderError):
    pass


class EventError(ProviderError):
    pass


class Conflict(EventError):
    pass


class EventGone(EventError):
    pass


class Rejected(EventError):
    pass


Outcome = Done | ProviderError
