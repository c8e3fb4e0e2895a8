"""What the university tells people who look at their timetable: messages to everybody or to some roles."""

import itertools
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.institution_model import NotPossibleError, UnknownNameError

ROLES = ("ROLE_STUDENT", "ROLE_STAFF", "ROLE_MEMBER")


@dataclass(frozen=True, slots=True)
class Message:
    """`body` is Markdown. Not published, it is a draft; without an expiration it stays; no roles mean everybody.

    Raises: NotPossibleError, if it says nothing, is over before it begins, or is for a role that nobody has.
    """

    id: int
    title: str
    body: str
    important: bool = False
    publication: datetime | None = None
    expiration: datetime | None = None
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, text in (("title", self.title), ("body", self.body)):
            if not text.strip():
                raise NotPossibleError(f"{name} is required")
        if self.publication and self.expiration and self.expiration <= self.publication:
            raise NotPossibleError("expirationDate must be after publicationDate")
        if wrong := set(self.roles) - set(ROLES):
            raise NotPossibleError(f"Not a role in targetRoles: {min(wrong)}; there are {', '.join(ROLES)}")

    def reaches(self, roles: Collection[str], now: datetime) -> bool:
        """Whether somebody with these roles is shown it now."""
        published = self.publication is not None and self.publication <= now
        over = self.expiration is not None and self.expiration <= now
        return published and not over and (not self.roles or not set(self.roles).isdisjoint(roles))


class Messages:
    """In the order in which they were made. Shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._known: dict[int, Message] = {}

    def __getitem__(self, ident: int) -> Message:
        try:
            return self._known[ident]
        except KeyError:
            raise UnknownNameError(f"Message not found: {ident}") from None

    def listed(self, search: str = "") -> list[Message]:
        """Those with `search` in title or body."""
        words = search.casefold()
        with self._lock:
            return [each for each in self._known.values() if words in f"{each.title}\n{each.body}".casefold()]

    def add(self, **fields: Any) -> Message:
        """A new one of a `Message`'s fields. Raises: NotPossibleError."""
        with self._lock:
            message = replace(Message(0, **fields), id=next(self._numbers))
            self._known[message.id] = message
            return message

    def change(self, ident: int, **fields: Any) -> Message:
        """Give it other `fields`, or none. Raises: UnknownNameError, NotPossibleError."""
        with self._lock:
            self._known[ident] = replace(self[ident], **fields)
            return self._known[ident]

    def remove(self, ident: int) -> None:
        with self._lock:
            del self._known[self[ident].id]
