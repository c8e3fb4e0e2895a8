"""`carillon token`: who may call the provisioning API."""

from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from carillon.command import Command, FailedError, command
from carillon.opening import opened
from provisioning import rights, tokens
from provisioning.rights import MisplacedRightError, Right
from worker import groups
from worker.database import transaction
from worker.installation import Installation

IDENT = click.IntRange(1, 2**63 - 1)
"""What the ledger can count to."""


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of the provisioning API."""


_tenant = click.option("--tenant", help="The tenant's name in carillon.toml; may be left out where there is only one.")


@token.command()
@click.argument("name")
@_tenant
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(tokens.ROLES),
    help="What it may do; without --right, else everything.",
)
@click.option(
    "--right",
    type=click.Choice([each.value for each in Right]),
    help="What it may do with calendar schedules, and by itself no more.",
)
@click.option("--group", help="The group that an End User or Group Admin is confined to.")
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
    elevated: bool,
) -> None:
    """Make a token and show it; it is shown this once."""
    wanted = roles or (() if right else tokens.ROLES)
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        ident = tenant_id(installation, tenant)
        _check(session, ident, Right(right) if right else None, group)
        text = tokens.create(session, ident, name, wanted, elevated=elevated, right=right, group=group)
    given.say({"name": name, "token": text}, lambda console: console.print(text))


def _check(session: Session, ident: int, right: Right | None, group: str | None) -> None:
    try:
        rights.check(right, group)
    except MisplacedRightError as error:
        raise FailedError(str(error)) from error
    if group is not None and groups.find(session, ident, group) is None:
        raise FailedError("there is no group of this name yet; it comes with its first member")


@token.command("list")
@_tenant
@command
def list_(given: Command, tenant: str | None) -> None:
    """Every token there was, without its text."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        rows = [
            {
                "id": each.id,
                "name": each.name,
                "roles": each.roles,
                "right": rights.of_token(each),
                "group": each.group_name,
                "elevated": each.elevated,
                "created": each.created_at,
                "revoked": each.revoked_at,
            }
            for each in tokens.listed(session, tenant_id(installation, tenant))
        ]
    given.say({"tokens": rows}, lambda console: _table(console, rows))


@token.command()
@click.argument("ident", metavar="ID", type=IDENT)
@_tenant
@command
def revoke(given: Command, ident: int, tenant: str | None) -> None:
    """From the next call on, the token is refused."""
    with opened(given.config, given.data) as (installation, _), transaction(installation.engine) as session:
        if not tokens.revoke(session, tenant_id(installation, tenant), ident):
            raise FailedError(f"there is no token {ident} that could be revoked; `carillon token list` shows them")
    given.say({"id": ident, "revoked": True}, lambda console: console.print(f"Token {ident} is revoked."))


def tenant_id(installation: Installation, key: str | None) -> int:
    """The id of the tenant called `key`, or of the only one. Raises: FailedError."""
    ids = {tenant.key: ident for ident, tenant in installation.tenants.items()}
    if key is None and len(ids) == 1:
        return next(iter(ids.values()))
    if key not in ids:
        raise FailedError(f"name one of the tenants with --tenant: {', '.join(ids)}")
    return ids[key]


def _table(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table("ID", "Name", "Roles", "Right", "Group", "Elevated", "Made", "Revoked", box=None)
    for row in rows:
        made, revoked = (f"{row[name]:%Y-%m-%d %H:%M}" if row[name] else "" for name in ("created", "revoked"))
        elevated = "yes" if row["elevated"] else ""
        table.add_row(
            *(str(row["id"]), row["name"], ", ".join(row["roles"]), row["right"] or "", row["group"] or ""),
            *(elevated, made, revoked),
        )
    console.print(table)
