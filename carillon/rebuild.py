"""`carillon rebuild`: after a loss of the ledger, learn from the calendars what stands in them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console

from carillon.choosing import chosen, refuse, usage
from carillon.command import Command, command
from carillon.opening import opened
from providers.base import ProviderError
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.rebuilding import ask, survey


@click.command()
@click.argument("users", metavar="[USER]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Everybody, instead of the users named.")
@click.option("--tenant", help="Only this tenant of carillon.toml.")
@click.option("--dry-run", is_flag=True, help="Read each calendar, tell what is there, and change nothing.")
@command
def rebuild(given: Command, users: tuple[str, ...], tenant: str | None, *, everybody: bool, dry_run: bool) -> None:
    """Have the next run of each USER adopt what stands in the calendar before it writes anything.

    For a database that was lost or restored. The workers do it; without a change to a timetable no event is made or
    deleted.
    """
    usage(users, everybody=everybody)
    with opened(given.config, given.data) as (installation, _):
        rows = chosen(installation, users, tenant)
        refuse(users, rows, "no synchronization; nobody is rebuilt")
        if dry_run:
            _rehearse(given, installation, rows)
            return
        with transaction(installation.engine) as session:
            ask(session, [row.id for row in rows], datetime.now(UTC))
    given.say(
        {"asked": [row.id for row in rows]},
        lambda console: console.print(f"{len(rows)} synchronization(s) will be rebuilt by the workers.", style="bold"),
    )


def _rehearse(given: Command, installation: Installation, rows: Sequence[Synchronization]) -> None:
    seen = list(_seen(installation, rows))
    given.say({"mailboxes": seen}, lambda console: _told(console, seen))
    if any(each["reason"] for each in seen):
        raise SystemExit(1)


def _seen(installation: Installation, rows: Sequence[Synchronization]) -> Iterator[dict[str, Any]]:
    for row in rows:
        said = {"id": row.id, "username": row.user.username, "mailbox": row.mailbox, "reason": ""}
        try:
            yield said | asdict(survey(installation, row))
        except ProviderError as error:
            yield said | {"reason": str(error)}


def _told(console: Console, seen: Sequence[dict[str, Any]]) -> None:
    for each in seen:
        counts = (
            "{known} event(s) in the ledger, {found} of ours in the calendar, {renumbered} of them under another number"
        )
        console.print(f"{each['mailbox']}: {each['reason'] or counts.format(**each)}")
