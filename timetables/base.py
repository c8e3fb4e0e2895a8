"""What a source is: where a person's events come from.

A source module stands in this folder under the name that `carillon.toml` calls `source`. It exports `Settings`, a
pydantic model of the section `[tenants.X.timetable]`, and `connect(settings, zone) -> Source`, which makes no request.
The property `credentials` of `Settings`, where it needs any, is a tuple of `_held.Held`: what it holds, and until when
that is good.

Errors say what the caller shall do, and none of them is ever an empty timetable::

    SourceError
    ├── Throttled         later, and not before retry_after
    ├── Unavailable       later
    ├── Unauthorized      tell an operator: our credential or rights are refused
    │   └── CredentialRefused   the credential itself is, whoever's timetable was asked for
    ├── PersonUnknown     tell an administrator: the source does not know this user
    └── ContractBroken    the answer is not a timetable
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Location:
    name: str
    key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One event as the source tells it. `start` and `end` are aware and in UTC; `end` may equal or precede `start`, as
    real data does.

    `id` is the source's own, opaque, empty where it gives none. `hidden` names why the person does not want it in the
    calendar (`filtered`, `draft`, `event type group …`), and is empty for an event that belongs there.
    """

    start: datetime
    end: datetime
    id: str = ""
    all_day: bool = False
    description: str = ""
    module_code: str = ""
    event_type: str = ""
    event_type_description: str = ""
    locations: tuple[Location, ...] = ()
    staff: tuple[str, ...] = ()
    student_sets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    department: str = ""
    conference_url: str = ""
    recording_url: str = ""
    hidden: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose timetable: the username as the source knows it is built from `username` by the source's own settings.
    `locale` like `nl-NL`, or empty.
    """

    username: str
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Timetable:
    """A complete reading. `validator` is the source's word for «the same as this time», at most 1,000 characters. `end`
    is where the reading ends, if the source was told to go on beyond the end that it was asked for.
    """

    events: Sequence[SourceEvent]
    validator: str
    end: datetime | None = None


class Source(Protocol):
    """One institution's timetables. Shared between threads. Every call has a timeout; nothing is retried."""

    def fetch(self, person: Person, start: datetime, end: datetime, validator: str | None = None) -> Timetable | None:
        """The events of `person` that touch `[start, end)`, or None: nothing changed since the reading that gave
        `validator`.

        Complete, or it raises. A source that knows of terms may go on to a later end, and says so in the timetable:
        with another such end than last time something has changed. Raises: SourceError.
        """
        ...

    def check(self, person: Person | None = None) -> str:
        """What answers there and, with a person, that it knows them: for an operator. Raises: SourceError."""
        ...


class SourceError(Exception):
    """The message is one sentence that a person can act on: what, where, what to do. No title, no body, no token."""


class Throttled(SourceError):
    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SourceError):
    pass


class Unauthorized(SourceError):
    pass


class CredentialRefused(Unauthorized):
    pass


class PersonUnknown(SourceError):
    pass


class ContractBroken(SourceError):
    pass
