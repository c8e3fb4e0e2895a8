"""`carillon secrets`: the keys under which people's consent is kept."""

import click
from sqlalchemy import select

from carillon.command import Command, FailedError, command
from carillon.opening import opened
from worker.database import transaction
from worker.installation import Installation
from worker.link_tables import LinkedAccount
from worker.secret_keys import VARIABLE, Keyring, LostKeyError, new_key


@click.group()
def secrets() -> None:
    """Make a key, or change over to a new one."""


@secrets.command()
@command
def key(given: Command) -> None:
    """Make a key for CARILLON_SECRET_KEY and show it; nothing keeps it."""
    made = new_key()
    given.say({"key": made}, lambda console: console.print(made))


@secrets.command()
@command
def rotate(given: Command) -> None:
    """Encrypt everything anew under the first key of CARILLON_SECRET_KEY; the others can then be taken out of it."""
    with opened(given.config, given.data) as (installation, _):
        keys = installation.keys
        if keys is None:
            raise FailedError(f"{VARIABLE} is not set, so nothing is encrypted; `carillon secrets key` makes one")
        with transaction(installation.engine) as session:
            idents = session.scalars(select(LinkedAccount.id).order_by(LinkedAccount.id)).all()
        lost = sum(not _anew(installation, keys, ident) for ident in idents)
    if lost:
        raise FailedError(
            f"{lost} of {len(idents)} refresh tokens are encrypted with a key that {VARIABLE} does not hold: put it "
            "back, or let those people link their calendars again"
        )
    given.say({"rotated": len(idents)}, lambda console: console.print(f"{len(idents)} refresh token(s) kept anew."))


def _anew(installation: Installation, keys: Keyring, ident: int) -> bool:
    """Whether it could be read. A worker that renews the token meanwhile waits, or was first."""
    with transaction(installation.engine) as session:
        row = session.get(LinkedAccount, ident, with_for_update=True)
        try:
            if row is not None:
                row.refresh_token = keys.anew(row.refresh_token)
        except LostKeyError:
            return False
    return True
