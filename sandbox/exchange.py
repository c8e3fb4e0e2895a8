"""One mailbox store behind two protocols, as Exchange has it: what EWS wrote, Graph reads.

It knows neither of the protocols. Instants are aware and in UTC, time zones have Windows' ids.
"""

import base64
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

Property = tuple[str, str]
"""A named property: the GUID of its property set in lower case, and its name in the case it was given."""

LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Item:
    """One calendar item. `reminder` is in minutes before the start, None for none. `html` tells what `body` is."""

    id: str
    change_key: str
    revision: int
    modified: datetime
    start: datetime
    end: datetime
    start_zone: str = "UTC"
    end_zone: str = "UTC"
    all_day: bool = False
    subject: str = ""
    body: str = ""
    location: str = ""
    categories: tuple[str, ...] = ()
    reminder: int | None = None
    show_as: str = "busy"
    attendees: tuple[str, ...] = ()
    properties: Mapping[Property, str] = field(default_factory=dict)
    transaction_id: str | None = None
    html: bool = False
    created: int = 0
    """The revision with which it came."""


class StoreError(Exception):
    """What the store refuses. `code` is Exchange's response code, which both protocols speak; `item_id` is the id of
    the item that stands in the way, if one does.
    """

    def __init__(self, code: str, message: str, item_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.item_id = item_id


def _now() -> datetime:
    return datetime.now(UTC)


class Calendar:
    """The default calendar of one mailbox. `deleted` tells at which revision an item went.

    Microsoft does not say whether a deleted item's transaction id may be used again: `remembers_transactions`.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.remembers_transactions = True
        self.id = _new_id()
        self.revision = 0
        self.deleted: dict[str, int] = {}
        self.colours: dict[str, str] = {}
        self._items: dict[str, Item] = {}
        self._transactions: dict[str, str] = {}
        self._now = now

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def items(self) -> list[Item]:
        """What is there, in the order in which it came."""
        return list(self._items.values())

    def item(self, item_id: str) -> Item:
        """Raises: StoreError."""
        if item_id not in self._items:
            raise StoreError("ErrorItemNotFound", "The specified object was not found in the store.")
        return self._items[item_id]

    def insert(self, fields: Mapping[str, Any]) -> Item:
        """Make an item; a transaction id that is remembered makes none.

        Raises: StoreError.
        """
        transaction = fields.get("transaction_id")
        if transaction and transaction in self._transactions:
            said = "Your request can't be completed. An event with the same transactionId exists."
            raise StoreError("ErrorDuplicateTransactionId", said, self._transactions[transaction])
        made = self._put(Item(_new_id(), "", 0, self._now(), **fields))
        if transaction:
            self._transactions[transaction] = made.id
        return made

    def change(self, item_id: str, fields: Mapping[str, Any], change_key: str | None = None) -> Item:
        """Change an item, only if it still has `change_key` where one is given. Raises: StoreError."""
        return self._put(replace(self._current(item_id, change_key), **fields))

    def remove(self, item_id: str, change_key: str | None = None) -> None:
        """Raises: StoreError."""
        gone = self._current(item_id, change_key)
        del self._items[item_id]
        if gone.transaction_id and not self.remembers_transactions:
            del self._transactions[gone.transaction_id]
        self.revision += 1
        self.deleted[item_id] = self.revision

    def since(self, revision: int) -> tuple[list[Item], list[str]]:
        """What came or changed after `revision`, and the ids of what went."""
        changed = sorted((each for each in self.items() if each.revision > revision), key=lambda each: each.revision)
        return changed, [item_id for item_id, when in self.deleted.items() if when > revision]

    def _current(self, item_id: str, change_key: str | None) -> Item:
        there = self.item(item_id)
        if change_key is not None and change_key != there.change_key:
            said = "The change key passed in the request does not match the current change key for the item."
            raise StoreError("ErrorIrresolvableConflict", said, item_id)
        return there

    def _put(self, item: Item) -> Item:
        if len(item.subject) > LONGEST_SUBJECT:
            raise StoreError("ErrorInvalidPropertySet", "The subject is longer than 255 characters.", item.id)
        if item.end < item.start:
            raise StoreError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate", item.id)
        self.revision += 1
        key = base64.b64encode(self.revision.to_bytes(12)).decode()
        kept = replace(item, revision=self.revision, created=item.created or self.revision)
        self._items[item.id] = replace(kept, change_key=key, modified=self._now())
        return self._items[item.id]


class Exchange:
    """An organisation's mailboxes, for the servers, for tests and for the mailboxes' owners. Shared between threads:
    whoever works on a calendar holds `lock`.

    `notifications` counts invitations and cancellations sent to people; `violations` are requests outside Microsoft's
    contracts.
    """

    def __init__(self, addresses: Iterable[str] = (), *, now: Callable[[], datetime] = _now) -> None:
        self.lock = threading.RLock()
        self.notifications = 0
        self.violations: list[str] = []
        self._calendars: dict[str, Calendar] = {}
        self._primary: dict[str, str] = {}
        self._unlicensed: set[str] = set()
        self._out_of_scope: set[str] = set()
        self._now = now
        for address in addresses:
            self.add_mailbox(address)

    def add_mailbox(self, address: str) -> None:
        with self.lock:
            self._calendars.setdefault(address.lower(), Calendar(self._now))

    def remove_mailbox(self, address: str) -> None:
        with self.lock:
            self._calendars.pop(address.lower(), None)

    def rename(self, old: str, new: str, *, keep_old: bool = False) -> None:
        """The mailbox gets another address; with `keep_old` the old one still leads to it, as an alias does."""
        with self.lock:
            self._calendars[new.lower()] = self._calendars[old.lower()]
            if keep_old:
                self._primary[old.lower()] = new.lower()
            else:
                del self._calendars[old.lower()]

    def primary(self, address: str) -> str:
        """The first of the mailbox's addresses, in lower case: the one an alias leads to."""
        return self._primary.get(address.lower(), address.lower())

    def holder(self, store_id: str) -> str | None:
        """The first address of the mailbox that holds the item, or whose calendar it is, that has that id."""
        with self.lock:
            for address, calendar in self._calendars.items():
                if store_id == calendar.id or store_id in calendar:
                    return self.primary(address)
        return None

    def unlicense(self, address: str) -> None:
        """The person keeps an account and has no mailbox any more."""
        self._unlicensed.add(address.lower())

    def put_out_of_scope(self, address: str) -> None:
        """The application, or the service account, may no longer open this mailbox."""
        self._out_of_scope.add(address.lower())

    def calendar(self, address: str) -> Calendar:
        """Of the mailbox with that address, for a program. Raises: StoreError."""
        wanted = address.lower()
        if wanted in self._out_of_scope:
            raise StoreError("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if wanted in self._unlicensed:
            raise StoreError(
                "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or on-premise."
            )
        return self.own(address)

    def own(self, address: str) -> Calendar:
        """Of the mailbox with that address, for its owner. Raises: StoreError."""
        if address.lower() not in self._calendars:
            raise StoreError("ErrorNonExistentMailbox", "No mailbox with such guid.")
        return self._calendars[address.lower()]


_numbers = itertools.count(1)


def _new_id() -> str:
    """As long and as mixed in case as Exchange's own; nobody may fold its case."""
    return base64.b64encode(b"carillon-sandbox-item-" + next(_numbers).to_bytes(8)).decode()
