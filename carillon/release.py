"""`carillon release`: an operator's word for plans that are held."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console

from carillon.choosing import chosen, refuse, usage
from carillon.command import Command, command
from carillon.opening import opened
from providers.base import Found, ProviderError
from timetables.base import SourceError
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.releasing import NotHeldError, preview
from worker.releasing import release as released


@click.command()
@click.argument("users", metavar="[USER]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Everybody who is held, instead of the users named.")
@click.option("--tenant", help="Only this tenant of carillon.toml.")
@click.option("--dry-run", is_flag=True, help="Tell who is held and, of users named, what would go; change nothing.")
@command
def release(given: Command, users: tuple[str, ...], tenant: str | None, *, everybody: bool, dry_run: bool) -> None:
    """Carry out what is held for each USER, if the timetable is still the one it is held for.

    The workers do it at once. A timetable that reads otherwise by then is judged anew.
    """
    usage(users, everybody=everybody)
    with opened(given.config, given.data) as (installation, _):
        rows = chosen(installation, users, tenant, Synchronization.enabled, Synchronization.held_since.is_not(None))
        refuse(users, rows, "nothing of theirs is held; nobody was released")
        would_go = [_preview(installation, row) if dry_run and users else None for row in rows]
        if not dry_run:
            with transaction(installation.engine) as session:
                released(session, [row.id for row in rows])
        zones = installation.zones()
    told = list(zip(rows, would_go, strict=True))
    given.say(
        {"released" if not dry_run else "held": [_document(row, going) for row, going in told]},
        lambda console: _told(console, told, zones, dry_run=dry_run),
    )


def _preview(installation: Installation, row: Synchronization) -> list[Found] | str:
    """What would go, or why that cannot be told."""
    try:
        return preview(installation, row, datetime.now(UTC))
    except (NotHeldError, ProviderError, SourceError) as error:
        return str(error)


def _document(row: Synchronization, going: list[Found] | str | None) -> dict[str, Any]:
    said = {"id": row.id, "username": row.user.username, "mailbox": row.mailbox}
    counts = {"since": row.held_since, "going": row.held_going, "of": row.held_of}
    if going is None:
        return said | counts
    if isinstance(going, str):
        return said | counts | {"reason": going}
    return said | counts | {"events": [{"start": each.start, "title": each.title} for each in going]}


def _told(
    console: Console,
    told: Sequence[tuple[Synchronization, list[Found] | str | None]],
    zones: dict[int, ZoneInfo],
    *,
    dry_run: bool,
) -> None:
    for row, going in told:
        console.print(
            f"{row.type} {row.mailbox}: held since {row.held_since:%Y-%m-%d %H:%M} UTC, "
            f"{row.held_going} of {row.held_of} events would go"
        )
        if isinstance(going, str):
            console.print(f"  {going}")
        for each in going if isinstance(going, list) else ():
            console.print(f"  - {each.start.astimezone(zones[row.tenant_id]):%Y-%m-%d %H:%M} {each.title}")
    said = "held; nothing was changed." if dry_run else "released; the workers carry it out now."
    console.print(f"{len(told)} synchronization(s) {said}", style="bold")
