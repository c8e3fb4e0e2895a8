"""The difference between what is wanted and what is known: the changes that make a calendar what it should be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from providers import base
from providers.base import Ref, Window
from schedules.fingerprint import changed
from schedules.pairing import pair
from schedules.wanted import Wanted

State = Literal["written", "creating", "updating", "deleting", "rejected", "dismissed"]
"""What the ledger says of an event.

- `written`: it stands at `ref`.
- `creating`, `updating`, `deleting`: in doubt, an intent whose outcome is not recorded; `reconcile` finds the truth.
  `fingerprint` is that of what is being created, or of what stood before with the fields being written forgotten.
- `rejected`: the server refused it. `fingerprint` is that of what was refused; `ref` is where an older content
  stands, None if none does.
- `dismissed`: a person deleted it and the tenant respects that; `ref` is None.
"""

IN_DOUBT = frozenset[State]({"creating", "updating", "deleting"})


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of one event; `start` is the one we wrote.

    An empty `fingerprint` stands for a content that is not known. `merge` says that the stored copy is not the one we
    wrote. `marked_by` is the synchronization that the remote mark names, None when it is our own.
    """

    key: str
    generation: int
    fingerprint: bytes
    activity: bytes
    start: datetime
    ref: Ref | None
    state: State
    merge: bool = False
    marked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """An update: write `fields`, some of providers.base.FIELDS, of `wanted` over `known`, whose `ref` is not None."""

    wanted: Wanted
    known: Known
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Each part is sorted by start and key. `kept` counts the events for which there is nothing to do.

    `forgotten` are rows of events that do not stand and are no longer wanted: they only leave the ledger. `window` is
    the one planned for.
    """

    window: Window
    creates: tuple[Wanted, ...] = ()
    updates: tuple[Pair, ...] = ()
    deletes: tuple[Known, ...] = ()
    kept: int = 0
    forgotten: tuple[Known, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing to do, neither in the calendar nor in the ledger."""
        return not (self.creates or self.updates or self.deletes or self.forgotten)

    @property
    def counts(self) -> dict[str, int]:
        changes = {"creates": len(self.creates), "updates": len(self.updates), "deletes": len(self.deletes)}
        return changes | {"kept": self.kept}

    def lines(self, zone: str = "UTC") -> Iterator[str]:
        """A line for each change, starts in `zone`, for a person to read beforehand: titles are among them."""
        local = ZoneInfo(zone)
        for wish in self.creates:
            yield f"+ {wish.start.astimezone(local):%Y-%m-%d %H:%M} {wish.event.title}"
        for each in self.updates:
            moved = each.wanted.start != each.known.start
            before = f"; was {each.known.start.astimezone(local):%Y-%m-%d %H:%M}" if moved else ""
            said = ", ".join(name for name in base.FIELDS if name in each.fields)
            yield f"~ {each.wanted.start.astimezone(local):%Y-%m-%d %H:%M} {each.wanted.event.title} ({said}{before})"
        for row in self.deletes:
            yield f"- {row.start.astimezone(local):%Y-%m-%d %H:%M} {row.key}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def plan(wanted: Sequence[Wanted], known: Sequence[Known], window: Window) -> Plan:
    """The fewest changes after which everything that is wanted in `window` stands as wanted.

    Rows meet wishes by key, wherever they start; what is left over on both sides in the window meets as `pair` says.
    Rows outside the window whose key is not wanted are left alone. What the server refused is tried again when its
    content changes, and what a person dismissed is not made again.

    Raises: ValueError for a row in doubt, a written row without a ref, or two rows or wishes with one key.
    """
    wishes, rows = {wish.key: wish for wish in wanted}, {row.key: row for row in known}
    if len(wishes) < len(wanted) or len(rows) < len(known):
        raise ValueError("two wishes or two rows have the same key; a plan needs each key once")
    _check(known)
    new = [wish for wish in wanted if wish.key not in rows and wish.start in window]
    gone = [row for row in known if row.key not in wishes and row.start in window]
    moved = pair(new, [row for row in gone if row.ref])
    met = [(wish, rows[wish.key]) for wish in wanted if wish.key in rows] + moved
    due = [Pair(wish, row, fields) for wish, row in met if (fields := _fields(wish, row))]
    updates = [each for each in due if each.known.ref]
    again = [each.wanted for each in due if each.known.ref is None and each.wanted.start in window]
    found, followed = {wish.key for wish, _ in moved}, {row.key for _, row in moved}
    return Plan(
        window,
        creates=tuple(sorted([*again, *(wish for wish in new if wish.key not in found)], key=_order)),
        updates=tuple(sorted(updates, key=lambda each: _order(each.wanted))),
        deletes=tuple(sorted((row for row in gone if row.ref and row.key not in followed), key=_order)),
        kept=len(met) - len(updates) - len(again),
        forgotten=tuple(sorted((row for row in gone if row.ref is None), key=_order)),
    )


def _fields(wish: Wanted, row: Known) -> frozenset[str]:
    """What has to be written so that `row` becomes `wish`."""
    if row.state == "dismissed":
        return frozenset()
    other_key = row.key != wish.key
    differing = changed(row.fingerprint, wish.fingerprint)
    if row.state == "rejected":
        # What stands is older than what was refused, so that any of it may differ.
        return frozenset(base.FIELDS) if differing or other_key else differing
    return differing | {"mark"} if other_key or row.marked_by is not None else differing


def _check(known: Sequence[Known]) -> None:
    if any(row.state in IN_DOUBT for row in known):
        raise ValueError("a row is in doubt; reconcile it with the calendar before planning")
    if any(row.state == "written" and row.ref is None for row in known):
        raise ValueError("a written row has no ref; reconcile it with the calendar before planning")


def _order(each: Wanted | Known) -> tuple[datetime, str]:
    return each.start, each.key
