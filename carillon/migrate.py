"""`carillon migrate`: moves mailboxes to another way into the same store, as from EWS to Microsoft Graph."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import click
from rich.console import Console

from carillon.choosing import chosen, refuse, usage
from carillon.command import Command, FailedError, command
from carillon.opening import opened
from providers.base import ProviderError
from worker import modules
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.mailbox import TargetError
from worker.migrating import NotMovedError, survey
from worker.migrating import migrate as migrated

_WELL = {"OK", "BUSY", "WAITING"}
"""How the first run after a move may end: done, or another worker was quicker, or an unlink comes first."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one synchronization, or would. `status` is its first run's, empty if it stays as it is."""

    id: int
    username: str
    mailbox: str
    known: int = 0
    found: int = 0
    adopted: int = 0
    missing: int = 0
    status: str = ""
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reason: str = ""


@click.command()
@click.argument("users", metavar="[USER]...", nargs=-1)
@click.option("--from", "before", required=True, metavar="TYPE", help="The type to move away from.")
@click.option("--to", "kind", required=True, metavar="TYPE", help="The type to move to, like o365 from ews.")
@click.option("--all", "everybody", is_flag=True, help="Everybody, instead of the users named.")
@click.option("--tenant", help="Only this tenant of carillon.toml.")
@click.option("--dry-run", is_flag=True, help="Try the new way with each mailbox and change nothing.")
@click.option("--parallel", type=click.IntRange(1, 16), default=4, show_default=True, help="Mailboxes at a time.")
@command
def migrate(
    given: Command,
    users: tuple[str, ...],
    before: str,
    kind: str,
    tenant: str | None,
    *,
    everybody: bool,
    dry_run: bool,
    parallel: int,
) -> None:
    """Move the mailboxes of each USER to another type, with the events that stand in them.

    What cannot be opened the new way stays as it is. Ctrl-C ends it between two mailboxes; the same call goes on.
    """
    _usage(users, before, kind, everybody=everybody)
    with opened(given.config, given.data, pool=parallel) as (installation, _):
        rows = _rows(installation, users, before, kind, tenant)
        each = _surveyed if dry_run else _move
        fates = list(_told(given, len(rows), _in_turn(parallel, lambda row: each(installation, row, kind), rows)))
    ill = sum(bool(fate.reason) for fate in fates)
    given.say(
        {"mailboxes": [asdict(fate) for fate in fates]}, lambda console: _summary(console, fates, dry_run=dry_run)
    )
    if ill:
        raise SystemExit(1)


def _usage(users: Sequence[str], before: str, kind: str, *, everybody: bool) -> None:
    """Raises: click.UsageError."""
    usage(users, everybody=everybody)
    if before == kind:
        raise click.UsageError("--from and --to are the same type")
    if modules.store(before) != modules.store(kind):
        raise click.UsageError(
            f"{before} and {kind} are not two ways to the same mailboxes; unlink, and provision with the other type"
        )


def _rows(
    installation: Installation, users: Sequence[str], before: str, kind: str, tenant: str | None
) -> list[Synchronization]:
    """Who is to be moved. Those named who already are, are left out. Raises: FailedError."""
    rows, done = (
        chosen(installation, users, tenant, Synchronization.type == each, Synchronization.enabled)
        for each in (before, kind)
    )
    refuse(users, [*rows, *done], f"no enabled synchronization of type {before}; nobody was moved")
    for ident in {row.tenant_id for row in rows}:
        configured = installation.tenants[ident]
        if kind not in configured.providers:
            raise FailedError(f"[tenants.{configured.key}.providers.{kind}] is not in carillon.toml: write it first")
    return rows


def _move(installation: Installation, row: Synchronization, kind: str) -> Fate:
    fate = _surveyed(installation, row, kind)
    if fate.reason:
        return fate
    try:
        run = migrated(installation, row, kind, _now)
    except (NotMovedError, TargetError) as error:
        return replace(fate, reason=str(error))
    reason = "" if run.outcome in _WELL else run.detail or run.outcome
    did = replace(fate, created=run.created, updated=run.updated, deleted=run.deleted)
    return replace(did, status=run.outcome, reason=reason)


def _surveyed(installation: Installation, row: Synchronization, kind: str) -> Fate:
    fate = Fate(row.id, row.user.username, row.mailbox)
    try:
        seen = survey(installation, row, kind, _now())
    except (NotMovedError, ProviderError) as error:
        return replace(fate, reason=str(error))
    return replace(fate, known=seen.known, found=seen.found, adopted=seen.adopted, missing=seen.missing)


def _in_turn(parallel: int, act: Callable[[Synchronization], Fate], rows: Sequence[Synchronization]) -> Iterator[Fate]:
    pool = ThreadPoolExecutor(parallel)
    try:
        yield from pool.map(act, rows)
    finally:
        # After Ctrl-C those under way come to their end; no other begins.
        pool.shutdown(cancel_futures=True)


def _told(given: Command, total: int, fates: Iterator[Fate]) -> Iterator[Fate]:
    for nth, fate in enumerate(fates, 1):
        if not given.json:
            given.console.print(f"{nth}/{total} {fate.mailbox}: {_sentence(fate)}")
        yield fate


def _sentence(fate: Fate) -> str:
    if not fate.status:
        seen = (
            f"{fate.known} event(s) in the ledger, {fate.found} found: {fate.adopted} to adopt, {fate.missing} missing"
        )
        return f"stays as it is. {fate.reason}" if fate.reason else seen
    did = f"{fate.adopted} adopted, {fate.created} created, {fate.updated} updated, {fate.deleted} deleted"
    return f"moved, {fate.status}: {did}. {fate.reason}".rstrip()


def _summary(console: Console, fates: Sequence[Fate], *, dry_run: bool) -> None:
    well = sum(not fate.reason for fate in fates)
    said = "can be moved" if dry_run else "moved"
    rest = "" if well == len(fates) else f" The rest ({len(fates) - well}) waits for a person: see above."
    console.print(f"{well} of {len(fates)} mailbox(es) {said}.{rest}", style="bold")


def _now() -> datetime:
    return datetime.now(UTC)
