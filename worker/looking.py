"""A look at the calendar: what it says about what we know, recorded before anything is written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from providers.base import Found, Marks, Provider
from schedules.plan import Known
from schedules.reconcile import Policy, Reconciliation, reconcile
from schedules.sameness import leads_here
from worker import known as rows
from worker.database import transaction
from worker.siblings import Sibling, writing_here
from worker.situation import Held, Situation, marks_of_others


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known after a look. `surplus` stands twice under one mark; `strange` counts events that were left alone
    though they carry the mark of another synchronization of this person.
    """

    known: list[Known]
    surplus: Sequence[Found]
    strange: int


def look(held: Held, found: Situation, provider: Provider, now: datetime, *, afresh: bool) -> Sight:
    """Read the calendar back and record what it says; `afresh`, what the server once refused is offered again.

    Raises: LostLeaseError, and as `Provider.find`.
    """
    with held.transaction() as session:
        known = rows.load(session, held.ident)
    listed = _listed(found, provider, known)
    with writing_here(held, found, listed, now) as leaving:
        if leaving:
            # Only now no other run writes to the mailbox.
            listed = _listed(found, provider, known)
        ours = _ours(held, found, known, leaving, listed)
        there = [each for each in listed if each.mark.synchronization in ours]
        settled = settle(found, [*known, *_taken_over(known, leaving)], there, now)
        after = [_afresh(each) for each in settled.known] if afresh else list(settled.known)
        with held.transaction({each.row.id: each.lease for each in leaving}) as session:
            rows.replace(session, held.ident, known, after)
            for each in leaving:
                each.give_way(session, held.ident)
    siblings = {str(row.id) for row in found.siblings} - ours
    return Sight(after, settled.surplus, sum(each.mark.synchronization in siblings for each in listed))


def settle(found: Situation, known: Sequence[Known], there: Sequence[Found], now: datetime) -> Reconciliation:
    """`known` as it is true after `there` was read from the calendar."""
    policy: Policy = found.tenant.settings.policy
    if found.row.rebuild_asked_at and policy == "respect":
        # What an old back-up says to stand may have gone since by our own hand.
        policy = "restore"
    if found.moved and not (found.carried_over and leads_here(known, there, found.mark, now, by_id=False)):
        # At another place nobody has deleted anything yet, whatever is missing there.
        policy = "restore"
    return reconcile(known, there, found.mark, policy, carried_over=found.carried_over)


def _listed(found: Situation, provider: Provider, known: Iterable[Known]) -> list[Found]:
    others = found.shared or found.row.rebuild_asked_at or next(_adopted(known), None)
    return provider.find(Marks(found.tenant.settings.instance, None if others else found.mark))


def _ours(
    held: Held, found: Situation, known: Iterable[Known], leaving: Iterable[Sibling], listed: Iterable[Found]
) -> set[str]:
    """The marks of what is ours to decide on. To a rebuild, whose ledger may have lost the numbers of old, that is
    whatever nobody else is known to have here.
    """
    ours = {found.mark, *found.orphans, *_adopted(known), *(each.mark for each in leaving)}
    if not found.row.rebuild_asked_at:
        return ours
    with transaction(held.engine) as session:
        return ours | ({each.mark.synchronization for each in listed} - marks_of_others(session, found.row))


def _adopted(known: Iterable[Known]) -> Iterator[str]:
    """The marks that events of ours still carry since we took them over."""
    return (row.marked_by for row in known if row.marked_by)


def _taken_over(known: Iterable[Known], leaving: Iterable[Sibling]) -> Iterator[Known]:
    """What siblings know and we do not; their marks stay until they are written anew."""
    keys = {row.key for row in known}
    for sibling in leaving:
        for row in sibling.known:
            if row.key not in keys:
                keys.add(row.key)
                yield replace(row, marked_by=sibling.mark)


def _afresh(known: Known) -> Known:
    """At a resync, what the server once refused is offered again."""
    return replace(known, fingerprint=b"") if known.state == "rejected" else known
