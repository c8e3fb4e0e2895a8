"""Which left-over wish is what became of which left-over event.

A moved lecture is then one update, and keeps the reminder, notes and attachments that its reader gave it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar


class Dated(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def activity(self) -> bytes: ...
    @property
    def start(self) -> datetime: ...


W = TypeVar("W", bound=Dated)
K = TypeVar("K", bound=Dated)

CANDIDATES = 250_000
"""Pairs of one activity that are compared; if there are more, both sides are paired in the order of their start."""


def pair(wanted: Sequence[W], known: Sequence[K]) -> list[tuple[W, K]]:
    """As many pairs of the same activity as there can be, the nearest starts first; ties are decided by the keys.

    The order of the arguments does not matter. No element is in two pairs.
    """
    groups: defaultdict[bytes, tuple[list[W], list[K]]] = defaultdict(lambda: ([], []))
    for wish in wanted:
        groups[wish.activity][0].append(wish)
    for row in known:
        groups[row.activity][1].append(row)
    return [met for wishes, rows in groups.values() for met in _within(wishes, rows)]


def _within(wishes: list[W], rows: list[K]) -> Iterator[tuple[W, K]]:
    wishes.sort(key=_order)
    rows.sort(key=_order)
    if len(wishes) * len(rows) > CANDIDATES:
        return zip(wishes, rows, strict=False)
    return _nearest(wishes, rows)


def _nearest(wishes: list[W], rows: list[K]) -> Iterator[tuple[W, K]]:
    candidates = sorted(
        (abs(wish.start - row.start), wish.key, row.key, here, there)
        for here, wish in enumerate(wishes)
        for there, row in enumerate(rows)
    )
    free_wishes, free_rows = set(range(len(wishes))), set(range(len(rows)))
    for *_, here, there in candidates:
        if here in free_wishes and there in free_rows:
            free_wishes.remove(here)
            free_rows.remove(there)
            yield wishes[here], rows[there]


def _order(each: Dated) -> tuple[datetime, str]:
    return each.start, each.key
