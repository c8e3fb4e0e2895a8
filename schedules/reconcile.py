"""What a reading of the calendar says about what we know: it settles what is in doubt and notices what people did."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from providers.base import Found
from schedules.fingerprint import forget, titled
from schedules.plan import IN_DOUBT, Known

Policy = Literal["restore", "respect", "keep"]
"""What becomes of what people do to our events.

- `restore`: what was deleted or changed comes back as it was.
- `respect`: a deletion stands; what was changed comes back as it was.
- `keep`: what was deleted comes back; of what was changed only time and place do.
"""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What is known now, no row of it in doubt and each key once; and the counts of what happened in the meantime.

    `surplus` are further copies of events that are kept, to be deleted. `adopted` events were found and not known,
    `vanished` ones were written and are gone, `touched` ones were written and are no longer as we wrote them.
    """

    known: tuple[Known, ...]
    surplus: tuple[Found, ...]
    adopted: int
    vanished: int
    touched: int


def reconcile(
    known: Sequence[Known],
    found: Sequence[Found],
    synchronization: str,
    policy: Policy,
    *,
    carried_over: bool = False,
) -> Reconciliation:
    """`known` as it is true after `found` was read, for `plan` to carry on from.

    `found` is everything that carries the synchronization's mark, on whatever day: from a listing cut to a window,
    what a person moved out of it would look deleted. Orphans of other synchronizations may stand in it too and are
    adopted; everything in it is ours to decide on.

    `carried_over` says that `known` was written another way or at another address, where ids may be spelled otherwise:
    an event of ours under its key is the one we know, and under another id it is as we wrote it if start and title are.
    """
    kept, surplus = _one_a_key(known, found, synchronization)
    met, strangers = _met(known, kept)
    missing = [row for row in known if row.key not in met]
    # What was found comes last and wins: an update in doubt may have given an event the key of a row that is gone.
    rows = {row.key: row for row in _without(missing, policy)}
    rows |= {each.mark.key: _settled(row, each, synchronization, policy, carried_over) for row, each in met.values()}
    rows |= {each.mark.key: _adopted(each) for each in strangers}
    others = {each.mark.key: each.mark.synchronization for each in kept if each.mark.synchronization != synchronization}
    return Reconciliation(
        known=tuple(replace(row, marked_by=others.get(key)) for key, row in sorted(rows.items())),
        surplus=surplus,
        adopted=len(strangers),
        vanished=sum(_stood(row) for row in missing),
        touched=sum(
            row.state == "written" and _touched(row, each, synchronization, carried_over) for row, each in met.values()
        ),
    )


def _one_a_key(
    known: Sequence[Known], found: Sequence[Found], synchronization: str
) -> tuple[list[Found], tuple[Found, ...]]:
    """For each key the event to keep, one we know by its id before one of ours before others, where it was put before
    elsewhere; and what is left.

    Both are in this order: those we know by their ids come first.
    """
    keys, starts = {row.ref.id: row.key for row in known if row.ref}, {row.key: row.start for row in known}

    def rank(each: Found) -> tuple[bool, bool, bool, bool, str]:
        place, key = each.ref.id, each.mark.key
        others, elsewhere = each.mark.synchronization != synchronization, starts.get(key) != each.start
        return keys.get(place) != key, place not in keys, others, elsewhere, place

    copies: defaultdict[str, list[Found]] = defaultdict(list)
    for each in sorted(found, key=rank):
        copies[each.mark.key].append(each)
    return [first for first, *_ in copies.values()], tuple(each for _, *rest in copies.values() for each in rest)


def _met(known: Sequence[Known], kept: Iterable[Found]) -> tuple[dict[str, tuple[Known, Found]], list[Found]]:
    """Each row with the event it speaks of, by the row's key, and the events that no row speaks of.

    The id decides before the key, as those we know by their ids come first: an event whose update is in doubt may
    carry the old key or the new one.
    """
    by_id, by_key = {row.ref.id: row for row in known if row.ref}, {row.key: row for row in known}
    met: dict[str, tuple[Known, Found]] = {}
    strangers: list[Found] = []
    for each in kept:
        row = by_id.get(each.ref.id) or by_key.get(each.mark.key)
        if row and row.key not in met:
            met[row.key] = row, each
        else:
            strangers.append(each)
    return met, strangers


def _without(missing: Iterable[Known], policy: Policy) -> Iterator[Known]:
    """What remains of rows whose event is not in the calendar."""
    for row in missing:
        if row.state in {"rejected", "dismissed"} and row.ref is None:
            yield row
        elif policy == "respect" and _stood(row):
            yield replace(row, state="dismissed", ref=None)


def _settled(row: Known, found: Found, synchronization: str, policy: Policy, carried_over: bool) -> Known:
    """`row` as it is after its event was found."""
    now = replace(row, key=found.mark.key, ref=found.ref)
    if row.state == "creating" and found.mark.synchronization == synchronization:
        # A create is done whole or not at all; since then a person may have moved or renamed what it made.
        return replace(now, state="written") if _as_intended(row, found) else _changed(now, policy)
    if not _same(row, found, synchronization, carried_over):
        return replace(now, state="written", fingerprint=b"", merge=True)
    if row.state not in IN_DOUBT and not _touched(row, found, synchronization, carried_over):
        return now
    if row.state == "rejected":
        return replace(now, merge=True)
    # An update that met a person's change is in doubt as well, so that the policy decides about it too.
    return _changed(now, policy)


def _changed(row: Known, policy: Policy) -> Known:
    """`row` of an event that a person changed: what its fingerprint no longer says is written again."""
    remains = forget(row.fingerprint, {"time", "location"}) if policy == "keep" else b""
    return replace(row, state="written", fingerprint=remains, merge=True)


def _as_intended(row: Known, found: Found) -> bool:
    return row.start == found.start and titled(row.fingerprint, found.title)


def _adopted(found: Found) -> Known:
    return Known(found.mark.key, 0, b"", b"", found.start, found.ref, "written", merge=True)


def _stood(row: Known) -> bool:
    return row.state in {"written", "updating"} or (row.state == "rejected" and row.ref is not None)


def _same(row: Known, found: Found, synchronization: str, carried_over: bool) -> bool:
    """It is the very event that the row speaks of, and not another one with its key."""
    if row.ref is None or row.ref.id == found.ref.id:
        return row.ref is not None
    return carried_over and found.mark.synchronization == (row.marked_by or synchronization)


def _touched(row: Known, found: Found, synchronization: str, carried_over: bool) -> bool:
    """It is no longer as we wrote it: another version, or where versions cannot be compared another start."""
    if row.ref is None or not _same(row, found, synchronization, carried_over):
        return True
    if row.ref.id != found.ref.id:
        return row.start != found.start or not titled(row.fingerprint, found.title)
    if row.ref.version is None or found.ref.version is None:
        return row.start != found.start
    return row.ref.version != found.ref.version
