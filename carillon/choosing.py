"""Whom a command for many is about: named users, or everybody, of one tenant or of all."""

from collections.abc import Sequence

import click
from sqlalchemy import ColumnExpressionArgument, select

from carillon.command import FailedError
from carillon.token import tenant_id
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization, User


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
