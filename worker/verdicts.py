"""What calendar servers and sources say of the credentials in the settings, remembered when it changes."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from providers import base as provider
from timetables import base as source
from worker.credential_tables import CredentialVerdict
from worker.credentials import Credential, of_settings
from worker.database import transaction
from worker.installation import Installation
from worker.settings import Tenant
from worker.slots import Group

FRESH = timedelta(hours=1)
"""How old a remembered acceptance may be: thousands of runs shall not write it anew each."""
JUST_NOW = timedelta(minutes=1)
"""How long a process does not look again whether another one met a refusal: nor shall each run read it."""

_log = logging.getLogger("carillon.credentials")


def note(
    installation: Installation, group: Group, error: Exception | None, now: datetime, *, read: bool, asked: bool
) -> None:
    """Remember what a run or an unlink of this tenant and type met. `read` says that it read the timetable, `asked`
    that it asked something of the calendar server: unless the error is theirs, they accepted what we showed them.

    What a server says of our rights in one mailbox is no word on the credential.
    """
    tenant_id, kind = group
    tenant = installation.tenants[tenant_id]
    refused = _shown(
        tenant,
        kind,
        read=isinstance(error, source.CredentialRefused),
        asked=isinstance(error, provider.CredentialRefused),
    )
    if refused:
        with transaction(installation.engine) as session:
            _refuse(session, tenant_id, refused, str(error), now)
        for each in refused:
            installation.noted.pop(each.id, None)
    of_source = isinstance(error, source.SourceError)
    shown = _shown(tenant, kind, read=read and not of_source, asked=asked and (error is None or of_source))
    accepted = [each for each in shown if not _just_noted(installation, each, now)]
    if accepted:
        with transaction(installation.engine) as session:
            _accept(session, tenant_id, accepted, now)
        installation.noted.update({each.id: now for each in accepted})


def _shown(tenant: Tenant, kind: str, *, read: bool, asked: bool) -> list[Credential]:
    """Always in this order, in which the rows are locked."""
    first = of_settings(tenant, "timetable", tenant.source[1]) if read else ()
    settings = tenant.providers.get(kind) if asked else None
    return [*first, *(of_settings(tenant, f"providers.{kind}", settings) if settings else ())]


def _just_noted(installation: Installation, credential: Credential, now: datetime) -> bool:
    last = installation.noted.get(credential.id)
    return last is not None and last <= now < last + JUST_NOW


def _refuse(session: Session, tenant_id: int, refused: Iterable[Credential], reason: str, now: datetime) -> None:
    since = case((CredentialVerdict.refused == "", now), else_=CredentialVerdict.refused_at)
    for each in refused:
        before = session.get(CredentialVerdict, (tenant_id, each.id))
        if before is None or before.refused != reason:
            _write(session, tenant_id, each, {"refused": reason, "refused_at": now}, {"refused_at": since})
            _log.warning("refused tenant=%d credential=%s", tenant_id, each.name)


def _accept(session: Session, tenant_id: int, accepted: Iterable[Credential], now: datetime) -> None:
    for each in accepted:
        before = session.get(CredentialVerdict, (tenant_id, each.id))
        if before is None or before.refused or before.accepted_at is None or before.accepted_at <= now - FRESH:
            _write(session, tenant_id, each, {"refused": "", "refused_at": None, "accepted_at": now}, {})


def _write(
    session: Session, tenant_id: int, credential: Credential, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    """`values`, and where there is a row already `changed` among them: other workers meet the same at the same time."""
    made = insert(CredentialVerdict).values(tenant_id=tenant_id, credential=credential.id, **values)
    keys = [CredentialVerdict.tenant_id, CredentialVerdict.credential]
    session.execute(made.on_conflict_do_update(index_elements=keys, set_=values | changed))
