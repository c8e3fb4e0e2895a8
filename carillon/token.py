"""`carillon token`: who may call the provisioning API."""

from datetime import UTC, date, datetime, time
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from carillon.choosing import IDENT, TENANT, tenant_id
from carillon.command import Command, FailedError, command
from carillon.opening import opened
from provisioning import rights, rotation, tokens
from provisioning.rights import MisplacedRightError, Right
from provisioning.tokens import Capability
from worker import groups
from worker.database import transaction
from worker.setting_types import Duration


class End(click.ParamType[datetime]):
    """A length of time from now on, or the day at whose beginning, in UTC, something ends."""

    name = "length or day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        now = datetime.now(UTC)
        try:
            end = _day(value) or now + TypeAdapter(Duration).validate_python(value)
        except (ValidationError, OverflowError):
            self.fail(f'"{value}" is neither a length of time like 90d nor a day like 2027-05-01', param, ctx)
        if end <= now:
            self.fail("it lies in the past; name a day to come", param, ctx)
        return end


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of the provisioning API."""


@token.command()
@click.argument("name")
@TENANT
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(tokens.ROLES),
    help="What it may provision; the default, unless --right or --capability is given.",
)
@click.option(
    "--right",
    type=click.Choice([each.value for each in Right]),
    help="What it may do with calendar schedules; alone, it allows nothing else.",
)
@click.option(
    "--capability",
    "capabilities",
    multiple=True,
    type=click.Choice([each.value for each in Capability]),
    help="What it may do with notification calendars; alone, it allows nothing else.",
)
@click.option("--expires", type=End(), help="When it ends, like 90d or 2027-05-01; never by default.")
@click.option("--group", help="The group that an End User or Group Admin is confined to.")
@click.option("--rotating", is_flag=True, help="Each change it makes to notification calendars gives it a new text.")
@click.option("--elevated", is_flag=True, help="It may act for a person, with the header requestedAuth.")
@command
def create(
    given: Command,
    name: str,
    tenant: str | None,
    roles: tuple[str, ...],
    *,
    right: str | None,
    group: str | None,
    capabilities: tuple[str, ...],
    expires: datetime | None,
    rotating: bool,
    elevated: bool,
) -> None:
    """Make a token and show it; it is shown this once."""
    wanted = roles or (() if right or capabilities else tokens.ROLES)
    if rotating and Capability.NOTIFY not in capabilities:
        raise FailedError(f"--rotating goes with --capability {Capability.NOTIFY}; name it")
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        ident = tenant_id(installation, tenant)
        _check(session, ident, Right(right) if right else None, group)
        text = tokens.create(
            *(session, ident, name, wanted),
            elevated=elevated,
            right=right,
            group=group,
            expires_at=expires,
            capabilities=capabilities,
            rotating=rotating,
        )
    given.say({"name": name, "token": text, "expires": expires}, lambda console: console.print(text))


def _check(session: Session, ident: int, right: Right | None, group: str | None) -> None:
    try:
        rights.check(right, group)
    except MisplacedRightError as error:
        raise FailedError(str(error)) from error
    if group is not None and groups.find(session, ident, group) is None:
        raise FailedError("there is no group of this name yet; it comes with its first member")


@token.command("list")
@TENANT
@command
def list_(given: Command, tenant: str | None) -> None:
    """Every token there was, without its text."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        found = tokens.listed(session, tenant_id(installation, tenant))
        rotating = rotation.among(session, [each.id for each in found])
        rows = [
            {
                "id": each.id,
                "name": each.name,
                "roles": each.roles,
                "right": rights.of_token(each),
                "group": each.group_name,
                "capabilities": each.capabilities,
                "rotating": each.id in rotating,
                "elevated": each.elevated,
                "created": each.created_at,
                "expires": each.expires_at,
                "revoked": each.revoked_at,
            }
            for each in found
        ]
    given.say({"tokens": rows}, lambda console: _table(console, rows))


@token.command()
@click.argument("ident", metavar="ID", type=IDENT)
@TENANT
@command
def revoke(given: Command, ident: int, tenant: str | None) -> None:
    """From the next call on, the token is refused."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        if not tokens.revoke(session, tenant_id(installation, tenant), ident):
            raise FailedError(f"there is no token {ident} that could be revoked; `carillon token list` shows them")
    given.say({"id": ident, "revoked": True}, lambda console: console.print(f"Token {ident} is revoked."))


def _table(console: Console, rows: list[dict[str, Any]]) -> None:
    heads = ("ID", "Name", "Roles", "Right", "Group", "Capabilities", "Elevated", "Made", "Expires", "Revoked")
    table = Table(*heads, box=None)
    for row in rows:
        moments = (f"{row[name]:%Y-%m-%d %H:%M}" if row[name] else "" for name in ("created", "expires", "revoked"))
        table.add_row(
            *(str(row["id"]), row["name"], ", ".join(row["roles"]), row["right"] or "", row["group"] or ""),
            *(
                ", ".join(row["capabilities"] + ["rotating"] * row["rotating"]),
                "yes" if row["elevated"] else "",
                *moments,
            ),
        )
    console.print(table)
