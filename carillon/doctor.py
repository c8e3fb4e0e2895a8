"""`carillon doctor`: checks everything Carillon depends on; one line each, with what to do."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import click
import redis
from rich.console import Console
from sqlalchemy import ColumnElement, select

from carillon.command import Command, command
from carillon.embedded import EmbeddedServerError, data_folder
from carillon.opening import config_file
from carillon.services import services
from providers.base import ProviderError
from timetables.base import Person, SourceError
from worker.database import DatabaseUnreachableError, transaction
from worker.dispatch import BEAT_KEY
from worker.installation import Installation, install
from worker.ledger import Synchronization
from worker.mailbox import calendar
from worker.queue import QueueAddressError
from worker.settings import SettingsError, load

LATE_SECONDS = 60
SOON = timedelta(days=30)
"""How long before its end a credential is warned of."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and a sentence."""

    what: str
    well: bool
    sentence: str


@click.command()
@command
def doctor(given: Command) -> None:
    """Check settings, database, Redis, beat, timetables and calendars."""
    with ExitStack() as stack:
        findings = list(_examine(given, stack))
    given.say({"findings": [asdict(each) for each in findings]}, lambda console: _told(console, findings))
    if not all(each.well for each in findings):
        raise SystemExit(1)


def _examine(given: Command, stack: ExitStack) -> Iterator[Finding]:
    file = config_file(given.config)
    try:
        settings = load(file)
    except SettingsError as error:
        yield from (Finding("settings", well=False, sentence=f"{file}: {problem}") for problem in error.problems)
        return
    yield Finding("settings", well=True, sentence=f"{file}: {', '.join(settings.tenants)}")
    try:
        where = stack.enter_context(services(data_folder(given.data)))
        installation = install(settings, where.database_url, where.redis_url)
    except (EmbeddedServerError, DatabaseUnreachableError, QueueAddressError) as error:
        what = "redis" if isinstance(error, QueueAddressError) else "database"
        yield Finding(what, well=False, sentence=str(error))
        return
    stack.callback(installation.close)
    yield Finding("database", well=True, sentence="PostgreSQL answers and its schema is up to date.")
    yield from _queue(installation)
    for ident in installation.tenants:
        yield from _tenant(installation, ident)


def _queue(installation: Installation) -> Iterator[Finding]:
    try:
        beaten = installation.redis.get(BEAT_KEY)
    except redis.RedisError as error:
        kind = type(error).__name__
        yield Finding("redis", False, f"Redis does not answer ({kind}). Start it, or correct CARILLON_REDIS_URL.")
        return
    yield Finding("redis", True, "Redis answers.")
    age = time.time() - float(beaten) if beaten else None
    if age is None or age > LATE_SECONDS:
        ago = "no" if age is None else f"the last {age:.0f} s ago, which is too long:"
        yield Finding("beat", False, f"{ago} sign of a beat and a worker; start `carillon beat` and `carillon worker`.")
    else:
        yield Finding("beat", True, f"Beat and worker are alive, seen {age:.0f} s ago.")


def _tenant(installation: Installation, ident: int) -> Iterator[Finding]:
    tenant = installation.tenants[ident]
    someone = _newest(installation, Synchronization.tenant_id == ident)
    person = Person(someone.user.username, someone.user.locale or "") if someone else None
    yield _attempt(f"{tenant.key}: timetable", partial(installation.sources[ident].check, person))
    for kind, provider in tenant.providers.items():
        yield from _credential(f"{tenant.key}: {kind}", getattr(provider, "expires", None), datetime.now(UTC))
        newest = _newest(installation, Synchronization.tenant_id == ident, Synchronization.type == kind)
        if newest is None:
            yield Finding(
                f"{tenant.key}: {kind}", True, "is configured; nobody is provisioned yet, so nothing was tried."
            )
        else:
            yield _attempt(f"{tenant.key}: {kind}", partial(_write_check, installation, newest))


def _credential(what: str, expires: datetime | None, now: datetime) -> Iterator[Finding]:
    """A warning while there is time to do something about it. What has run out is told by the calendars themselves."""
    if expires is not None and now < expires < now + SOON:
        left = f"The certificate runs out on {expires:%Y-%m-%d}, in {(expires - now).days} day(s)"
        yield Finding(what, False, f"{left}: make a new one, and upload it beside the old one before you change over.")


def _newest(installation: Installation, *which: ColumnElement[bool]) -> Synchronization | None:
    with transaction(installation.engine) as session:
        return session.scalar(select(Synchronization).where(*which).order_by(Synchronization.id.desc()).limit(1))


def _write_check(installation: Installation, row: Synchronization) -> str:
    with calendar(installation.tenants[row.tenant_id], row.type, row.user.username, row.fields) as provider:
        provider.check()
    return f"The calendar of {row.mailbox} can be written to."


def _attempt(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (ProviderError, SourceError) as error:
        return Finding(what, False, str(error))


def _told(console: Console, findings: list[Finding]) -> None:
    for each in findings:
        console.print("ok  " if each.well else "FAIL", style="green" if each.well else "bold red", end=" ")
        console.print(each.what, style="bold", end=" ")
        console.print(each.sentence)
