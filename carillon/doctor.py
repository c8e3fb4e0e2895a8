"""`carillon doctor`: checks everything Carillon depends on; one line each, with what to do."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import click
import redis
from rich.console import Console
from sqlalchemy import ColumnElement, select

from carillon.command import Command, command
from carillon.embedded import EmbeddedServerError, data_folder
from carillon.opening import config_file
from carillon.services import services
from providers.base import ProviderError
from schedules.retry import Status
from timetables.base import Person, SourceError
from worker import verdicts
from worker.credentials import ADVICE, Credential, State, of_institution
from worker.database import DatabaseUnreachableError, transaction
from worker.dispatch import BEAT_KEY
from worker.installation import Installation, install
from worker.ledger import Synchronization
from worker.mailbox import calendar
from worker.queue import QueueAddressError
from worker.settings import SettingsError, load
from worker.slots import Group

LATE_SECONDS = 60
OWN_TROUBLES: tuple[Status, ...] = ("FAILED", "MAILBOX_NOT_FOUND", "NOT_LINKED", "DISABLED")
"""Statuses that are mostly about one person, and say little of the servers."""

Level = Literal["ok", "warn", "FAIL"]
_STYLES = {"ok": "green", "warn": "bold yellow", "FAIL": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and a sentence. `soon` says that what is well will not stay so."""

    what: str
    well: bool
    sentence: str
    soon: bool = False

    @property
    def level(self) -> Level:
        if not self.well:
            return "FAIL"
        return "warn" if self.soon else "ok"

    def document(self) -> dict[str, object]:
        return {"what": self.what, "well": self.well, "level": self.level.lower(), "sentence": self.sentence}


@click.command()
@command
def doctor(given: Command) -> None:
    """Check settings, database, Redis, beat, timetables and calendars."""
    with ExitStack() as stack:
        findings = list(_examine(given, stack))
    given.say({"findings": [each.document() for each in findings]}, lambda console: _told(console, findings))
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
        last = "no sign of life" if age is None else f"their last sign of life {age:.0f} s ago"
        yield Finding("beat", False, f"Beat and worker gave {last}; start `carillon beat` and `carillon worker`.")
    else:
        yield Finding("beat", True, f"Beat and worker are alive, seen {age:.0f} s ago.")


def _tenant(installation: Installation, ident: int) -> Iterator[Finding]:
    tenant = installation.tenants[ident]
    someone = _newest(installation, Synchronization.tenant_id == ident)
    person = Person(someone.user.username, someone.user.locale or "") if someone else None
    source = installation.sources[ident]
    # Without a person a source may answer without having shown what it holds.
    whom = person.username if person else ""
    yield _attempt(installation, (ident, "timetable"), lambda: source.check(person), whom, read=person is not None)
    for kind in tenant.providers:
        newest = _newest(installation, Synchronization.tenant_id == ident, Synchronization.type == kind)
        if newest is None:
            yield Finding(
                f"{tenant.key}: {kind}", True, "is configured; nobody is provisioned yet, so nothing was tried."
            )
        else:
            look = partial(_write_check, installation, newest)
            yield _attempt(installation, (ident, kind), look, newest.user.username, asked=True)
    yield from _credentials(installation, ident, datetime.now(UTC))


def _credentials(installation: Installation, ident: int, now: datetime) -> Iterator[Finding]:
    """What is the matter with the tenant's credentials: a warning while there is time to do something about it."""
    with transaction(installation.engine) as session:
        found = of_institution(session, installation, ident)
    for each in found:
        state = each.state(now)
        if state not in {State.OK, State.UNKNOWN}:
            what = f"{installation.tenants[ident].key}: {each.name}"
            yield Finding(what, state is State.EXPIRING, _sentence(each, state, now), soon=state is State.EXPIRING)


def _sentence(credential: Credential, state: State, now: datetime) -> str:
    what, advice = credential.kind.replace("_", " ").lower(), ADVICE[credential.kind]
    if state is State.REFUSED:
        return f"The {what} is refused since {credential.refused_at:%Y-%m-%d %H:%M} UTC: {credential.refused}"
    if state is State.EXPIRED:
        return f"The {what} ran out on {credential.expires:%Y-%m-%d}: {advice}."
    return f"The {what} runs out on {credential.expires:%Y-%m-%d}, in {credential.days_left(now)} day(s): {advice}."


def _newest(installation: Installation, *which: ColumnElement[bool]) -> Synchronization | None:
    """Rather of somebody in whose own way nothing stands, as far as is known."""
    order = Synchronization.status.in_(OWN_TROUBLES), Synchronization.id.desc()
    with transaction(installation.engine) as session:
        return session.scalar(select(Synchronization).where(*which).order_by(*order).limit(1))


def _write_check(installation: Installation, row: Synchronization) -> str:
    with calendar(installation.tenants[row.tenant_id], row.type, row.user.username, row.fields) as provider:
        provider.check()
    return f"The calendar of {row.mailbox} can be written to."


def _attempt(
    installation: Installation,
    part: Group,
    look: Callable[[], str],
    whom: str,
    *,
    read: bool = False,
    asked: bool = False,
) -> Finding:
    """What came of a look at a part of a tenant, which is also a word on the credential that was shown there."""
    error: ProviderError | SourceError | None = None
    try:
        said = look()
    except (ProviderError, SourceError) as refused:
        error, said = refused, f"{refused} (tried with {whom})" if whom else str(refused)
    verdicts.note(installation, part, error, datetime.now(UTC), read=read, asked=asked)
    return Finding(f"{installation.tenants[part[0]].key}: {part[1]}", error is None, said)


def _told(console: Console, findings: list[Finding]) -> None:
    for each in findings:
        console.print(f"{each.level:4}", style=_STYLES[each.level], end=" ")
        console.print(each.what, style="bold", end=" ")
        console.print(each.sentence)
