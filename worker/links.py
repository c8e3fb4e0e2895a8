"""Which accounts their people opened to us: found for a run, stored, made known to whoever waits, given back."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from providers._consent import Consent, Issued
from providers.base import ProviderError
from worker import modules
from worker.database import transaction
from worker.grants import opened
from worker.installation import Installation
from worker.ledger import Synchronization, Unlink
from worker.link_tables import LinkedAccount, LinkRequest
from worker.moving import AT_ONCE
from worker.secret_keys import Keyring
from worker.slots import Group

GIVE_UP = timedelta(days=1)
"""How long an identity provider is asked to take a refresh token back before it is just forgotten."""
REMEMBERED = timedelta(days=1)
"""For how long an address that ran out is told from one that never was."""
MOST_AT_A_TIME = 1_000
LONGEST_SECONDS = 120
"""For all that is given back at a time."""

_log = logging.getLogger("carillon.links")


def keep(
    session: Session, keys: Keyring, request: LinkRequest, issued: Issued, now: datetime
) -> list[tuple[int, str, str]]:
    """Store what a person's consent gave, in the place of what may have been there. Whoever waits for it is due now:
    the synchronizations' ids with username and type, to be sent after the commit.
    """
    key = {"tenant_id": request.tenant_id, "type": request.type, "account": request.account}
    values = {
        "username": request.username,
        "refresh_token": keys.seal(issued.refresh_token or ""),
        "granted_at": now,
        "renewed_at": now,
        "ends_at": issued.ends,
        "refused": "",
        "refused_at": None,
        "leaving_at": None,
    }
    anew = {**values, "generation": LinkedAccount.generation + 1}
    made = insert(LinkedAccount).values(**key, **values)
    session.execute(made.on_conflict_do_update(index_elements=list(key), set_=anew))
    return _wake(session, request)


def _wake(session: Session, request: LinkRequest) -> list[tuple[int, str, str]]:
    soon, place = func.clock_timestamp() + AT_ONCE, (request.tenant_id, request.type, request.account)
    for table in (Unlink, Synchronization):
        session.execute(update(table).where(*_at(table, *place)).values(due_at=soon, failures=0))
    chosen = select(Synchronization).where(*_at(Synchronization, *place), Synchronization.enabled)
    return [(row.id, row.user.username, row.type) for row in session.scalars(chosen)]


def _at(
    table: type[Synchronization | Unlink], tenant_id: Any, kind: Any, account: Any
) -> tuple[ColumnElement[bool], ...]:
    # The account is what stands before a blank; see `providers._consent`.
    same = (table.tenant_id == tenant_id, table.type == kind, func.split_part(table.mailbox, " ", 1) == account)
    return same if table is Synchronization else (*same, Unlink.finished_at.is_(None))


def consent_to(installation: Installation, tenant_id: int, kind: str) -> Consent | None:
    """How people of a tenant consent to a type of provider; None where nobody does, or does any more."""
    tenant = installation.tenants.get(tenant_id)
    settings = tenant.providers.get(kind) if tenant else None
    return modules.consent(kind, settings) if settings else None


def tidy(installation: Installation, now: datetime) -> dict[str, int]:
    """Forget addresses that ran out long ago, and give back what nobody needs any more: no synchronization, and no
    unlink that is under way.
    """
    with transaction(installation.engine) as session:
        session.execute(delete(LinkRequest).where(LinkRequest.expires_at < now - REMEMBERED))
        leaving = _leaving(session, now)
    until, away = time.monotonic() + LONGEST_SECONDS, set[Group]()
    in_time = (row for row in leaving if time.monotonic() < until)
    return {"given back": sum(_gone(installation, row, now, away) for row in in_time)}


def withdraw(installation: Installation, consent: Consent, kind: str, account: str, refresh_token: str) -> None:
    """Let a refresh token be worth nothing, where no other one of the account is in use here: with one token, Google
    ends all that its person let the application do.

    Raises: as `providers._consent.Consent.withdraw`.
    """
    same = (LinkedAccount.type == kind, LinkedAccount.account == account, LinkedAccount.leaving_at.is_(None))
    with transaction(installation.engine) as session:
        used = session.scalar(select(exists().where(*same)))
    if not used:
        consent.withdraw(refresh_token)


def _leaving(session: Session, now: datetime) -> Sequence[LinkedAccount]:
    place = (LinkedAccount.tenant_id, LinkedAccount.type, LinkedAccount.account)
    needed = or_(*(exists().where(*_at(table, *place)) for table in (Synchronization, Unlink)))
    session.execute(
        update(LinkedAccount)
        .where(LinkedAccount.leaving_at.is_(None), ~needed)
        .values(leaving_at=now)
        .execution_options(synchronize_session=False)
    )
    chosen = select(LinkedAccount).where(LinkedAccount.leaving_at.is_not(None)).order_by(LinkedAccount.leaving_at)
    return session.scalars(chosen.limit(MOST_AT_A_TIME)).all()


def _gone(installation: Installation, row: LinkedAccount, now: datetime, away: set[Group]) -> bool:
    """Whether it is given back, or given up, and no more here."""
    if not _given_back(installation, row, away) and row.leaving_at and now < row.leaving_at + GIVE_UP:
        return False
    same = and_(LinkedAccount.id == row.id, LinkedAccount.generation == row.generation)
    with transaction(installation.engine) as session:
        # Consented anew meanwhile, it stays.
        gone = delete(LinkedAccount).where(same, LinkedAccount.leaving_at.is_not(None)).returning(LinkedAccount.id)
        return session.scalar(gone) is not None


def _given_back(installation: Installation, row: LinkedAccount, away: set[Group]) -> bool:
    """`away` are those whose identity provider answers nobody."""
    group = (row.tenant_id, row.type)
    try:
        if group not in away:
            _give_back(installation, row)
    except ProviderError as error:
        _log.warning("not given back id=%d type=%s reason=%s", row.id, row.type, type(error).__name__)
        if error.everybody:
            away.add(group)
        return False
    return group not in away


def _give_back(installation: Installation, row: LinkedAccount) -> None:
    consent = consent_to(installation, row.tenant_id, row.type)
    if consent and installation.keys:
        withdraw(installation, consent, row.type, row.account, opened(installation.keys, row))
