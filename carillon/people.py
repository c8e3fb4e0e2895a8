"""`carillon sync`, `explain` and `unlink`: what a help desk asks for one person."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from carillon.choosing import IDENT, tenant_id
from carillon.command import Command, FailedError, command
from carillon.opening import opened
from providers.base import Found
from schedules.guard import sentence
from worker import unlinks
from worker.database import transaction
from worker.ending import Report
from worker.installation import Installation
from worker.ledger import Synchronization, UnlinkMode, User
from worker.synchronize import synchronize
from worker.trial import Explanation, Trial, trial
from worker.trial import explain as explained


def _now() -> datetime:
    return datetime.now(UTC)


_tenant = click.option("--tenant", help="Only this tenant of carillon.toml, where several know the person.")


@click.command()
@click.argument("user")
@_tenant
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@command
def sync(given: Command, user: str, tenant: str | None, *, dry_run: bool) -> None:
    """Bring the calendars of USER up to date now."""
    with opened(given.config, given.data) as (installation, _):
        rows = _synchronizations(installation, user, tenant)
        if dry_run:
            _rehearse(given, installation, rows)
        else:
            _run(given, installation, rows)


def _run(given: Command, installation: Installation, rows: list[Synchronization]) -> None:
    reports = [(row, synchronize(installation, row.id, _now, by_hand=True)) for row in rows]
    given.say({"runs": [_document(row, report) for row, report in reports]}, lambda console: _told(console, reports))
    if any(report.outcome not in {"OK", "WAITING"} for _, report in reports):
        raise SystemExit(1)


def _document(row: Synchronization, report: Report) -> dict[str, Any]:
    counts = {name: getattr(report, name) for name in ("created", "updated", "deleted", "kept", "failed")}
    return {
        "id": row.id,
        "type": row.type,
        "mailbox": row.mailbox,
        "status": report.outcome,
        "detail": report.detail,
    } | counts


def _told(console: Console, reports: list[tuple[Synchronization, Report]]) -> None:
    table = Table("Calendar", "Status", "Created", "Updated", "Deleted", "Kept", "Failed", "", box=None)
    for row, report in reports:
        counts = (report.created, report.updated, report.deleted, report.kept, report.failed)
        table.add_row(f"{row.type} {row.mailbox}", report.outcome, *map(str, counts), report.detail)
    console.print(table)


def _rehearse(given: Command, installation: Installation, rows: list[Synchronization]) -> None:
    trials = [(row, made) for row in rows if (made := trial(installation, row.id, _now()))]
    document = [
        {"id": row.id, "type": row.type, "mailbox": row.mailbox, "held": made.hold is not None, **made.plan.counts}
        | {"heldUntil": made.until and made.until.end}
        for row, made in trials
    ]
    given.say({"plans": document}, lambda console: _plans(console, installation, trials))


def _plans(console: Console, installation: Installation, trials: list[tuple[Synchronization, Trial]]) -> None:
    for row, made in trials:
        counts = ", ".join(f"{number} {name}" for name, number in made.plan.counts.items())
        console.print(f"{row.type} {row.mailbox}: {counts}", style="bold")
        for line in made.plan.lines(installation.tenants[row.tenant_id].settings.time_zone):
            console.print(f"  {line}")
        if made.hold:
            console.print(f"  This plan would be held. {sentence(made.hold)}")
        if made.until:
            said = made.until.sentence(ZoneInfo(installation.tenants[row.tenant_id].settings.time_zone))
            console.print(f"  {said} `carillon sync` does not wait for it.")


@click.command()
@click.argument("user")
@click.argument("text", required=False, default="")
@_tenant
@command
def explain(given: Command, user: str, text: str, tenant: str | None) -> None:
    """Why an event is, or is not, in the calendar of USER; TEXT is a part of its title."""
    with opened(given.config, given.data) as (installation, _):
        found = [
            (row, each)
            for row in _synchronizations(installation, user, tenant)
            for each in explained(installation, row.id, _now()) or []
            if text.casefold() in each.reason.event.title.casefold()
        ]
        zones = {ident: tenant.settings.time_zone for ident, tenant in installation.tenants.items()}
    given.say({"events": [_event(row, each) for row, each in found]}, lambda console: _because(console, found, zones))


def _event(row: Synchronization, each: Explanation) -> dict[str, Any]:
    event, known = each.reason.event, each.known
    return {
        "type": row.type,
        "mailbox": row.mailbox,
        "title": event.title,
        "start": event.start,
        "end": event.end,
        "why": each.reason.why,
        "ledger": known and known.state,
        "remoteId": known and known.ref and known.ref.id,
    }


def _because(console: Console, found: list[tuple[Synchronization, Explanation]], zones: dict[int, str]) -> None:
    if not found:
        console.print("The timetable has no such event in the days that a run covers.")
        return
    table = Table("Start", "Title", "Calendar", "In the timetable", "In the ledger", box=None)
    for row, each in found:
        start = each.reason.event.start.astimezone(ZoneInfo(zones[row.tenant_id]))
        ledger = STATES.get(each.known.state if each.known else "", "")
        table.add_row(
            f"{start:%a %Y-%m-%d %H:%M}", each.reason.event.title, f"{row.type} {row.mailbox}", each.reason.why, ledger
        )
    console.print(table)


STATES = {
    "": "not written",
    "written": "written",
    "creating": "being written; the next run looks whether it was",
    "updating": "being changed; the next run looks whether it was",
    "deleting": "being removed; the next run looks whether it was",
    "rejected": "refused by the server; offered again when it changes, or at the next resync",
    "dismissed": "deleted by the person, which this tenant respects",
}
"""The states of `schedules.plan.Known`, for people."""


@click.command()
@click.argument("ident", metavar="ID", type=IDENT)
@click.option(
    "--mode", required=True, type=click.Choice([mode.value for mode in UnlinkMode]), help="What becomes of the events."
)
@click.option("--dry-run", is_flag=True, help="List what would go and change nothing.")
@command
def unlink(given: Command, ident: int, mode: str, *, dry_run: bool) -> None:
    """Take synchronization ID away, with the events that MODE says."""
    with opened(given.config, given.data) as (installation, _):
        with transaction(installation.engine) as session:
            row = session.get(Synchronization, ident)
        if row is None:
            raise FailedError(f"there is no synchronization {ident}; GET /api/v0/synchronizations lists them")
        _configured(installation, row)
        if dry_run:
            _would_go(given, installation, row, UnlinkMode(mode))
        else:
            _unlink(given, installation, row, UnlinkMode(mode))


def _would_go(given: Command, installation: Installation, row: Synchronization, mode: UnlinkMode) -> None:
    found = unlinks.preview(installation, row, mode, _now())
    zone = ZoneInfo(installation.tenants[row.tenant_id].settings.time_zone)
    document = {
        "mode": mode,
        "count": len(found),
        "events": [{"start": each.start, "title": each.title} for each in found],
    }
    given.say(document, lambda console: _going(console, found, zone))


def _going(console: Console, found: list[Found], zone: ZoneInfo) -> None:
    console.print(f"{len(found)} event(s) would be removed:")
    for each in found:
        console.print(f"  - {each.start.astimezone(zone):%Y-%m-%d %H:%M} {each.title}")


def _unlink(given: Command, installation: Installation, row: Synchronization, mode: UnlinkMode) -> None:
    """Accept the unlink and carry it out here and now; if that fails the daemon goes on with it."""
    with transaction(installation.engine) as session:
        accepted = unlinks.accept(session, session.get_one(Synchronization, row.id), mode, _now())
    report = unlinks.carry_out(installation, accepted.id, _now)
    document = {
        "id": accepted.id,
        "state": report.state,
        "found": report.found,
        "removed": report.removed,
        "error": report.detail,
    }
    given.say(document, lambda console: console.print(_ended(accepted.id, report)))
    if report.state != unlinks.DONE:
        raise SystemExit(1)


def _ended(ident: int, report: unlinks.UnlinkReport) -> str:
    if report.state == unlinks.DONE:
        return f"Unlink {ident} is done: {report.removed} event(s) removed."
    so_far = f"{report.removed} of {report.found} removed so far"
    return f"Unlink {ident} is {report.state}, {so_far}; the daemon goes on with it. {report.detail}"


def _synchronizations(installation: Installation, username: str, tenant: str | None) -> list[Synchronization]:
    """Every enabled synchronization of the person. Raises: FailedError."""
    with transaction(installation.engine) as session:
        rows = list(_of(session, username))
    if tenant is not None:
        ident = tenant_id(installation, tenant)
        rows = [row for row in rows if row.tenant_id == ident]
    if not rows:
        raise FailedError(f"{username} has no enabled synchronization; PUT /api/v0/synchronizations makes one")
    for row in rows:
        _configured(installation, row)
    return rows


def _of(session: Session, username: str) -> list[Synchronization]:
    wanted = select(Synchronization).join(User).where(User.username == username, Synchronization.enabled)
    return list(session.scalars(wanted.order_by(Synchronization.id)))


def _configured(installation: Installation, row: Synchronization) -> None:
    """Raises: FailedError, if the tenant of the synchronization is no longer known."""
    if row.tenant_id not in installation.tenants:
        raise FailedError(f"the tenant of synchronization {row.id} is not in {installation.settings.file} any more")
