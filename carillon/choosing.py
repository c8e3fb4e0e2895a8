"""Whom a command is about: a tenant, named users, or everybody, of one tenant or of all."""

from collections.abc import Sequence

import click
from sqlalchemy import ColumnExpressionArgument, select

from carillon.command import FailedError
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization, User

TENANT = click.option("--tenant", help="The tenant, by its KEY in carillon.toml; may be left out if there is one.")
IDENT = click.IntRange(1, 2**63 - 1)
"""What the ledger can count to."""


def tenant_id(installation: Installation, key: str | None) -> int:
    """The id of the tenant called `key`, or of the only one. Raises: FailedError."""
    ids = {tenant.key: ident for ident, tenant in installation.tenants.items()}
    if key is None and len(ids) == 1:
        return next(iter(ids.values()))
    if key not in ids:
        raise FailedError(f"name one of the tenants with --tenant: {', '.join(ids)}")
    return ids[key]


def usage(users: Sequence[str], *, everybody: bool) -> None:
    """Raises: click.UsageError, unless either users are named or everybody is meant."""
    if everybody == bool(users):
        raise click.UsageError("name users, or say --all")


def chosen(
    installation: Installation, users: Sequence[str], tenant: str | None, *where: ColumnExpressionArgument[bool]
) -> list[Synchronization]:
    """Every synchronization that meets `where`, by id; of `users` only, if there are any.

    Raises: FailedError, for a tenant that is not configured.
    """
    tenants = list(installation.tenants) if tenant is None else [tenant_id(installation, tenant)]
    wanted = select(Synchronization).join(User).where(Synchronization.tenant_id.in_(tenants), *where)
    wanted = wanted.order_by(Synchronization.id)
    with transaction(installation.engine) as session:
        return list(session.scalars(wanted.where(User.username.in_(users)) if users else wanted))


def refuse(users: Sequence[str], rows: Sequence[Synchronization], why: str) -> None:
    """Raises: FailedError, before anything is done, if somebody who was named is not among `rows`."""
    known = {row.user.username for row in rows}
    if missing := [user for user in users if user not in known]:
        raise FailedError(f"{', '.join(missing)}: {why}")
