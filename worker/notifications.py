"""Notification calendars in the ledger: a tenant's calendars, each of which warns of credentials that end.

They belong to the tenant and not to the token that made them, for that token ends too, and what warns of it must not
end with it. What a calendar says is worked out as it is read, from the credentials as they are then: one that was
renewed has moved, and one that was revoked is gone. The caller holds the transaction and commits.
"""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from schedules.expiry_ics import Expiry, in_order
from worker import credentials
from worker.credentials import ADVICE, Credential, Kind
from worker.installation import Installation
from worker.notification_tables import NotificationCalendar, NotificationSubscription

SECRET_LENGTH = 32
_LETTERS = string.ascii_letters + string.digits

TITLES = {
    Kind.API_TOKEN: "API token",
    Kind.TIMETABLE_TOKEN: "Token of the timetable",
    Kind.PASSWORD: "Password",
    Kind.CLIENT_SECRET: "Client secret",
    Kind.CERTIFICATE: "Certificate",
    Kind.SERVICE_ACCOUNT_KEY: "Service account key",
    Kind.REFRESH_TOKEN: "Consent",
}


class UnknownCalendarError(LookupError):
    """The tenant has no notification calendar of this name."""


class CalendarTakenError(ValueError):
    """The tenant has a notification calendar of this name already."""


class ForeignCredentialError(LookupError):
    """The tenant has no credential with this id."""


class NeverExpiresError(ValueError):
    """The credential has no end, or none that anybody told us."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A calendar with what it tells, in the order of the ends."""

    calendar: NotificationCalendar
    expiries: Sequence[Expiry]


def create(session: Session, tenant_id: int, name: str) -> NotificationCalendar:
    """Raises: CalendarTakenError."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(SECRET_LENGTH))
    row = {"tenant_id": tenant_id, "name": name, "secret": secret, "digest": _digest(secret)}
    statement = insert(NotificationCalendar).values(**row)
    unless_there = statement.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    made: NotificationCalendar | None = session.scalar(unless_there.returning(NotificationCalendar))
    if made is None:
        raise CalendarTakenError
    return made


def find(session: Session, tenant_id: int, name: str) -> NotificationCalendar:
    """Raises: UnknownCalendarError."""
    chosen = select(NotificationCalendar).where(
        NotificationCalendar.tenant_id == tenant_id, NotificationCalendar.name == name
    )
    found = session.scalar(chosen)
    if found is None:
        raise UnknownCalendarError
    return found


def at(session: Session, secret: str) -> NotificationCalendar | None:
    """The calendar whose address ends in `secret`."""
    return session.scalar(select(NotificationCalendar).where(NotificationCalendar.digest == _digest(secret)))


def remove(session: Session, tenant_id: int, name: str) -> None:
    """From now on its address leads nowhere. Raises: UnknownCalendarError."""
    named = delete(NotificationCalendar).where(
        NotificationCalendar.tenant_id == tenant_id, NotificationCalendar.name == name
    )
    if session.scalar(named.returning(NotificationCalendar.id)) is None:
        raise UnknownCalendarError


def subscribe(
    session: Session,
    installation: Installation,
    calendar: NotificationCalendar,
    ident: str,
    *,
    comment: str,
    now: datetime,
) -> None:
    """Let a calendar warn of a credential. If it does so already, the comment is replaced.

    Raises: ForeignCredentialError, NeverExpiresError.
    """
    credential = credentials.among(session, installation, calendar.tenant_id, {ident}).get(ident)
    if credential is None:
        raise ForeignCredentialError
    if credential.expires is None:
        raise NeverExpiresError
    said = {"comment": comment, "changed_at": now}
    row = insert(NotificationSubscription).values(calendar_id=calendar.id, credential=ident, **said)
    session.execute(row.on_conflict_do_update(index_elements=["calendar_id", "credential"], set_=said))


def listing(session: Session, installation: Installation, tenant_id: int) -> list[Warned]:
    """Every calendar of a configured tenant, by name."""
    of_tenant = select(NotificationCalendar).where(NotificationCalendar.tenant_id == tenant_id)
    calendars = session.scalars(of_tenant.order_by(NotificationCalendar.name)).all()
    return warned(session, installation, tenant_id, calendars)


def warned(
    session: Session, installation: Installation, tenant_id: int, calendars: Sequence[NotificationCalendar]
) -> list[Warned]:
    """What these calendars of a configured tenant warn of now."""
    ids = [each.id for each in calendars]
    rows = session.scalars(select(NotificationSubscription).where(NotificationSubscription.calendar_id.in_(ids))).all()
    found = credentials.among(session, installation, tenant_id, {each.credential for each in rows}) if rows else {}
    ending = {each.id: (each, each.expires) for each in found.values() if each.expires is not None}
    told: dict[int, list[Expiry]] = {each.id: [] for each in calendars}
    for row in rows:
        if row.credential in ending:
            told[row.calendar_id].append(_expiry(*ending[row.credential], row))
    return [Warned(each, sorted(told[each.id], key=in_order)) for each in calendars]


def _expiry(credential: Credential, expires: datetime, said: NotificationSubscription) -> Expiry:
    whose, advice = f" of {credential.username}" if credential.username else "", ADVICE[credential.kind]
    return Expiry(
        uid=credential.id,
        title=f"{TITLES[credential.kind]} {credential.name}{whose}",
        comment=said.comment,
        advice=f"{advice[0].upper()}{advice[1:]}.",
        begins=credential.begins,
        expires=expires,
        stamp=max(said.changed_at, credential.begins or said.changed_at),
    )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
