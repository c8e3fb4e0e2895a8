"""Outlook's colours for categories: a mailbox has a list of its categories, each with one of 25 colours.

See: https://learn.microsoft.com/graph/api/resources/outlookcategory
"""

import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus as Status

from providers._o365_errors import Answer
from providers._o365_wire import Part, Wire
from providers.base import Change, Delete, ProviderError, Update

COLOURS = {
    name: f"preset{number}"
    for number, name in enumerate(
        (
            *("red", "orange", "brown", "yellow", "green", "teal", "olive", "blue", "purple", "cranberry"),
            *("steel", "dark steel", "grey", "dark grey", "black"),
            *("dark red", "dark orange", "dark brown", "dark yellow", "dark green", "dark teal", "dark olive"),
            *("dark blue", "dark purple", "dark cranberry"),
        )
    )
}
"""Graph's word for each colour, by the name that Outlook shows."""


class Painted:
    """The categories that were given to mailboxes so far, at most `limit` of them. Shared between threads."""

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._kept: dict[tuple[str, str], None] = {}
        self._lock = threading.Lock()

    def __contains__(self, place: tuple[str, str]) -> bool:
        """Whether the category of `place`, a mailbox and a category, is there."""
        with self._lock:
            return place in self._kept

    def keep(self, mailbox: str, category: str) -> None:
        with self._lock:
            if len(self._kept) >= self._limit:
                del self._kept[next(iter(self._kept))]
            self._kept[mailbox, category] = None


class Palette:
    """The categories of one mailbox: those of `colours` get their colour there when an event first needs them."""

    def __init__(self, colours: Mapping[str, str], painted: Painted, mailbox: str) -> None:
        self._colours = colours
        self._painted = painted
        self._mailbox = mailbox

    def prepare(self, wire: Wire, url: str, changes: Sequence[Change]) -> None:
        """Make the categories of `changes` at `url`, the mailbox's list of them, in one request or in none.

        One that is there keeps the colour that it has. A failure is no reason to keep an event back: it is tried
        again with the next one.
        """
        needed = {_category(change) for change in changes} & self._colours.keys()
        missing = sorted(each for each in needed if (self._mailbox, each) not in self._painted)
        parts = [Part("POST", url, {"displayName": each, "color": COLOURS[self._colours[each]]}) for each in missing]
        try:
            answers = wire.batch(parts, writing=True)
        except ProviderError:
            return
        for category, answer in zip(missing, answers, strict=True):
            if answer is not None and _settled(answer):
                self._painted.keep(self._mailbox, category)


def _category(change: Change) -> str:
    """The category that it writes, empty for none."""
    if isinstance(change, Delete) or (isinstance(change, Update) and "category" not in change.fields):
        return ""
    return change.event.category


def _settled(answer: Answer) -> bool:
    """Whether it is there now, or Microsoft will never take it."""
    return answer.ok or answer.status in {Status.BAD_REQUEST, Status.CONFLICT}
