"""Carries a plan out, batch by batch: intent written, provider called, outcomes recorded. No transaction is open
during a call.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from providers.base import (
    Change,
    Conflict,
    Create,
    Delete,
    Done,
    EventGone,
    Mark,
    Outcome,
    Provider,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
)
from schedules.fingerprint import forget
from schedules.plan import Known, Plan
from schedules.wanted import Wanted
from worker import known as rows
from worker.situation import Held

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One change, the row it starts from and the row it leads to; None stands for no row."""

    change: Change
    before: Known | None
    after: Known | None

    @property
    def intent(self) -> Known:
        """What stands in the ledger while the outcome is unknown."""
        match self.change:
            case Create():
                return replace(self._row, state="creating", ref=None)
            case Update(ref=ref, fields=fields):
                before = self.before or self._row
                unsure = forget(before.fingerprint, fields - {"mark"})
                return replace(before, key=self._row.key, state="updating", ref=ref, fingerprint=unsure)
            case Delete():
                return replace(self._row, state="deleting")

    @property
    def _row(self) -> Known:
        row = self.after or self.before
        if row is None:
            raise ValueError("a step leads from a row, or to one")
        return row


@dataclass(slots=True)
class Tally:
    """What a run has done so far.

    `look` says that an outcome can only be known by reading the calendar, `unfinished` that time was up before the end,
    `wait` how long the server's limits keep the rest waiting.
    """

    created: int = 0
    updated: int = 0
    deleted: int = 0
    kept: int = 0
    failed: int = 0
    look: bool = False
    unfinished: bool = False
    wait: timedelta = timedelta()
    refused: str = ""
    error: ProviderError | None = None
    spent: dict[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nothing came of the run yet."""
        return not (self.created or self.updated or self.deleted or self.failed)

    def add(self, step: Step, outcome: Outcome) -> None:
        if not isinstance(outcome, Done):
            self._blame(step, outcome)
        elif isinstance(step.change, Create):
            self.created += 1
        elif isinstance(step.change, Update):
            self.updated += 1
        else:
            self.deleted += 1

    def _blame(self, step: Step, error: ProviderError) -> None:
        if isinstance(error, Conflict | EventGone):
            self.look = True
            if isinstance(step.change, Create):
                self.spent[step.change.mark.key] = step.change.generation + 1
            return
        self.failed += 1
        if isinstance(error, Rejected):
            self.refused = str(error)
        else:
            self.error = self.error or error


def steps(plan: Plan, instance: str, synchronization: str, spent: dict[str, int]) -> list[Step]:
    """The plan as changes: what goes, what changes, what comes. `spent` tells how many ids a key has used up."""
    return [
        *(_delete(instance, synchronization, known) for known in plan.deletes if known.ref),
        *(_update(instance, synchronization, pair.wanted, pair.known, pair.fields) for pair in plan.updates),
        *(_create(instance, synchronization, wanted, spent.get(wanted.key, 0)) for wanted in plan.creates),
    ]


def push(
    held: Held,
    provider: Provider,
    todo: Sequence[Step],
    tally: Tally,
    *,
    in_time: Callable[[], bool],
    ask: Callable[[int, int], timedelta],
) -> None:
    """Carry `todo` out and count it in `tally`; stop early at an error beyond one event, when time is up, or where
    `ask`, given the size of a batch and of all that is left, tells a time to stay away.

    Whatever raises leaves its batch as intents, to be settled by looking.

    Raises: ProviderError, LostLeaseError.
    """
    judged: list[tuple[Step, Outcome]] = []
    left = len(todo)
    for nth, batch in enumerate(batches(todo, provider.capabilities.batch)):
        # One batch at least, or a slow mailbox would never come to its end.
        if tally.error or (nth and not in_time()):
            tally.unfinished = not tally.error
            break
        tally.wait = ask(len(batch), left)
        if tally.wait:
            tally.unfinished = True
            break
        left -= len(batch)
        with held.transaction() as session:
            _record(session, held.ident, judged)
            _intend(session, held.ident, batch)
        judged = []
        judged = list(zip(batch, provider.push([step.change for step in batch]), strict=True))
        for step, outcome in judged:
            tally.add(step, outcome)
    with held.transaction() as session:
        _record(session, held.ident, judged)


def batches(todo: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(todo)
    while batch := list(itertools.islice(left, size)):
        yield batch


def _intend(session: Session, synchronization_id: int, batch: Sequence[Step]) -> None:
    moved = (step.before.key for step in batch if step.before and step.before.key != step.intent.key)
    rows.forget(session, synchronization_id, moved)
    rows.save(session, synchronization_id, [step.intent for step in batch])


def _record(session: Session, synchronization_id: int, judged: Sequence[tuple[Step, Outcome]]) -> None:
    intents = [step.intent for step, _ in judged]
    led_to = [row for step, outcome in judged if (row := _led_to(step, outcome))]
    rows.replace(session, synchronization_id, intents, led_to)


def _led_to(step: Step, outcome: Outcome) -> Known | None:
    """The row that an outcome leads to. What only a look at the calendar can settle stays the intent that it is."""
    match outcome:
        case Done(ref=ref):
            return step.after and replace(
                step.after, ref=ref, merge=step.after.merge or ref is None or ref.version is None
            )
        case Rejected():
            return replace(step.after, state="rejected") if step.after else step.before
        case Throttled() | Unavailable() | Unauthorized():
            return step.before
        case _:
            return step.intent


def _create(instance: str, synchronization: str, wanted: Wanted, generation: int) -> Step:
    after = Known(
        key=wanted.key,
        generation=generation,
        fingerprint=wanted.fingerprint,
        activity=wanted.activity,
        start=wanted.event.start,
        ref=None,
        state="written",
    )
    return Step(Create(wanted.event, Mark(instance, synchronization, wanted.key), generation), None, after)


def _update(instance: str, synchronization: str, wanted: Wanted, known: Known, fields: frozenset[str]) -> Step:
    if known.ref is None:
        raise ValueError("an update needs an event that stands somewhere")
    after = replace(
        known,
        key=wanted.key,
        fingerprint=wanted.fingerprint,
        activity=wanted.activity,
        start=wanted.event.start,
        state="written",
        marked_by=None,
    )
    mark = Mark(instance, synchronization, wanted.key)
    return Step(Update(wanted.event, mark, known.ref, fields, merge=known.merge), known, after)


def _delete(instance: str, synchronization: str, known: Known) -> Step:
    if known.ref is None:
        raise ValueError("a delete needs an event that stands somewhere")
    return Step(Delete(Mark(instance, known.marked_by or synchronization, known.key), known.ref), known, None)
