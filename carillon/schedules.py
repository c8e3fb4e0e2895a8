"""`carillon schedules`: the calendar schedules of a tenant, and what they do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carillon.choosing import TENANT, tenant_id
from carillon.command import Command, FailedError, command
from carillon.opening import opened
from providers.base import Window
from schedules.holidays import public_holidays
from schedules.period_fields import shown
from schedules.periods import Occurrence, Period, PeriodProblemError
from worker import calendars, groups
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarPeriod, CalendarSchedule, Group, level
from worker.calendars import Parent, UnknownScheduleError
from worker.database import transaction
from worker.ledger import User

COMING = 10
AHEAD = timedelta(days=366)


@click.group()
def schedules() -> None:
    """Show the calendar schedules, and add public holidays to one."""


_group = click.option("--group", help="A schedule of this group, instead of the tenant's own.")
_user = click.option("--user", help="A schedule of this person, instead of the tenant's own.")


@schedules.command("list")
@TENANT
@command
def list_(given: Command, tenant: str | None) -> None:
    """Every schedule of the tenant, of its groups and of its people."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        rows = _listed(session, tenant_id(installation, tenant))
    given.say({"calendarSchedules": rows}, lambda console: _table(console, rows))


def _listed(session: Session, tenant: int) -> list[dict[str, Any]]:
    number = select(func.count()).where(CalendarPeriod.schedule_id == CalendarSchedule.id).scalar_subquery()
    chosen = select(CalendarSchedule, Group.name, User.username, number)
    chosen = chosen.outerjoin(Group, Group.id == CalendarSchedule.group_id)
    chosen = chosen.outerjoin(User, User.id == CalendarSchedule.user_id).where(CalendarSchedule.tenant_id == tenant)
    return [
        {
            "name": row.name,
            "level": level(row.group_id, row.user_id),
            "of": group or username or "",
            "effect": row.effect,
            "periods": periods,
        }
        for row, group, username, periods in session.execute(
            chosen.order_by(
                Group.name.nulls_first(), User.username.nulls_first(), CalendarSchedule.name, CalendarSchedule.id
            )
        )
    ]


def _table(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    table = Table("Name", "Level", "Of", "Effect", "Periods", box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)


@schedules.command()
@click.argument("name")
@TENANT
@_group
@_user
@command
def show(given: Command, name: str, tenant: str | None, group: str | None, user: str | None) -> None:
    """The periods of the schedule NAME, and when they take place next."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        parent = _parent(session, tenant_id(installation, tenant), group, user)
        zone, now = installation.zones()[parent.tenant_id], datetime.now(UTC)
        found = _found(session, parent, name)
        periods = periods_of(session, found.id)
        coming = calendars.occurrences(session, found, zone, Window(now, now + AHEAD), COMING)
    document = {
        "name": found.name,
        "level": parent.level,
        "effect": found.effect,
        "periods": [shown(each) for each in periods],
        "coming": [{"period": period, "start": each.start, "end": each.end} for period, each in coming],
    }
    given.say(document, lambda console: _shown(console, found, periods, coming, zone))


def _shown(
    console: Console,
    found: CalendarSchedule,
    periods: Sequence[Period],
    coming: Sequence[tuple[str, Occurrence]],
    zone: ZoneInfo,
) -> None:
    console.print(f"{found.name}: effect {found.effect}, {len(periods)} period(s)", style="bold")
    table = Table("Start", "End", f"Next, in {zone.key}", box=None)
    for period, each in coming:
        start, end = each.start.astimezone(zone), each.end.astimezone(zone)
        table.add_row(f"{start:%a %Y-%m-%d %H:%M}", f"{end:%a %Y-%m-%d %H:%M}", period)
    console.print(table)


@schedules.command()
@click.argument("country")
@click.argument("year", type=int)
@click.option("--add-to", "name", help="Add them to this schedule; one that it has stays as it is.")
@TENANT
@_group
@_user
@command
def holidays(  # noqa: PLR0917 - click's arguments and options
    given: Command, country: str, year: int, name: str | None, tenant: str | None, group: str | None, user: str | None
) -> None:
    """The public holidays of COUNTRY, two letters like NL, in YEAR."""
    try:
        found = public_holidays(country.upper(), year)
    except PeriodProblemError as error:
        raise FailedError(str(error)) from error
    added = None
    if name is not None:
        with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
            parent = _parent(session, tenant_id(installation, tenant), group, user)
            row = _found(session, parent, name, lock=True)
            clock = {"zone": installation.zones()[parent.tenant_id], "now": datetime.now(UTC)}
            added = _added(session, row, country.upper(), year, **clock)
    document = {"holidays": [shown(each) for each in found], "added": added}
    given.say(document, lambda console: _holidays(console, found, name, added))


def _added(session: Session, row: CalendarSchedule, country: str, year: int, **clock: Any) -> int:
    try:
        return calendars.add_holidays(session, row, country, year, **clock)
    except PeriodProblemError as error:
        raise FailedError(str(error)) from error


def _holidays(console: Console, found: Sequence[Period], name: str | None, added: int | None) -> None:
    table = Table("First day", "Last day", "Holiday", box=None)
    for each in found:
        table.add_row(str(each.start_day), str(each.stop_day), each.name)
    console.print(table)
    if name is not None:
        console.print(f"{added} of them were added to {name}.", style="bold")


def _parent(session: Session, tenant: int, group: str | None, user: str | None) -> Parent:
    """Raises: FailedError, for a group or a person that the tenant does not have; click.UsageError, for both."""
    if group is not None and user is not None:
        raise click.UsageError("name a group or a user, not both")
    if group is not None:
        found = groups.find(session, tenant, group)
    else:
        found = session.scalar(select(User.id).where(User.tenant_id == tenant, User.username == (user or "")))
    if found is None and (group is not None or user is not None):
        raise FailedError(f"this tenant has no {'group' if group is not None else 'user'} of that name")
    return Parent(tenant, group_id=found if group is not None else None, user_id=found if user is not None else None)


def _found(session: Session, parent: Parent, name: str, *, lock: bool = False) -> CalendarSchedule:
    try:
        return calendars.find(session, parent, name, lock=lock)
    except UnknownScheduleError as error:
        raise FailedError(f"{error} `carillon schedules list` shows what there is.") from error
