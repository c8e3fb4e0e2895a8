"""Every credential that Carillon holds or gave out: how long it is good, and whether it was refused.

Those of the settings are declared by their provider or source (`providers._held`, `timetables._held`); tokens of the
API stand in the ledger. What was said of one is remembered by `worker.verdicts`, under its id.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel
from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from worker.credential_tables import CredentialVerdict
from worker.installation import Installation
from worker.ledger import Token
from worker.link_tables import LinkedAccount
from worker.settings import Tenant

SOON = timedelta(days=30)
"""How long before its end a credential is warned of."""


class Kind(StrEnum):
    """What a credential is."""

    API_TOKEN = "API_TOKEN"  # noqa: S105 - a word, no token
    TIMETABLE_TOKEN = "TIMETABLE_TOKEN"  # noqa: S105 - as above
    PASSWORD = "PASSWORD"  # noqa: S105 - as above
    CLIENT_SECRET = "CLIENT_SECRET"  # noqa: S105 - as above
    CERTIFICATE = "CERTIFICATE"
    SERVICE_ACCOUNT_KEY = "SERVICE_ACCOUNT_KEY"
    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105 - as above


_IN_SETTINGS = "write it into carillon.toml, and restart api, worker and beat"
ADVICE = {
    Kind.API_TOKEN: "make a new token with `carillon token create`, give it to whoever uses this one, and revoke this "
    "one with `carillon token revoke`",
    Kind.TIMETABLE_TOKEN: f"have a new token made in the timetabling system, {_IN_SETTINGS}",
    Kind.PASSWORD: f"give the account a new password, {_IN_SETTINGS}",
    Kind.CLIENT_SECRET: f"make a new secret where the application is registered, {_IN_SETTINGS}",
    Kind.CERTIFICATE: f"make a new certificate, add it where the application is registered, {_IN_SETTINGS}",
    Kind.SERVICE_ACCOUNT_KEY: f"make a new key for the service account, {_IN_SETTINGS}",
    Kind.REFRESH_TOKEN: "have the person link their calendar again",
}
"""What to do before a credential ends, by its kind; a sentence's end."""


class State(StrEnum):
    """How a credential is. What was refused is that, whatever its dates say."""

    OK = "ok"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Credential:
    """`id` is opaque, says nothing secret and stays when the credential is renewed in its place.

    `name` is where it stands, like `providers.o365.certificate`, or what somebody called it. `begins` and `expires` are
    None where they are not known; a token of the API without an end has none. `username` is the person whose it is, if
    it is one's. `refused` is the exact reason, empty if the last answer was another.
    """

    id: str
    kind: Kind
    name: str
    begins: datetime | None = None
    expires: datetime | None = None
    username: str | None = None
    refused: str = ""
    refused_at: datetime | None = None
    last_accepted_at: datetime | None = None

    def state(self, now: datetime) -> State:
        if self.refused:
            return State.REFUSED
        if self.expires is None:
            # We ourselves made it without an end; of the others nobody told us.
            return State.OK if self.kind is Kind.API_TOKEN else State.UNKNOWN
        if self.expires <= now:
            return State.EXPIRED
        return State.EXPIRING if self.expires < now + SOON else State.OK

    def days_left(self, now: datetime) -> int | None:
        """Whole days until its end; below zero after it."""
        return None if self.expires is None else (self.expires - now).days


def of_tenant(
    session: Session, installation: Installation, tenant_id: int, *, offset: int = 0, limit: int | None = None
) -> list[Credential]:
    """Every credential of a configured tenant, or `limit` of them after the first `offset`; people's stand last."""
    first = of_institution(session, installation, tenant_id)
    here = first[offset:][:limit]
    rest = None if limit is None else limit - len(here)
    tenant, beyond = installation.tenants[tenant_id], max(0, offset - len(first))
    return [*here, *_consents(session, tenant, tenant_id, offset=beyond, limit=rest)]


def of_institution(session: Session, installation: Installation, tenant_id: int) -> list[Credential]:
    """Those that are no person's: of the settings, in their order, and the tokens that were not revoked."""
    tenant = installation.tenants[tenant_id]
    return _judged(session, tenant_id, [*configured(tenant), *_tokens(session, tenant, tenant_id)])


def among(
    session: Session, installation: Installation, tenant_id: int, idents: Collection[str]
) -> dict[str, Credential]:
    """Those of the tenant that have one of these ids, by id. People's, of which there may be thousands, are looked for
    by PostgreSQL.
    """
    found = {each.id: each for each in of_institution(session, installation, tenant_id) if each.id in idents}
    rest = [each for each in idents if each not in found]
    people = _consents(session, installation.tenants[tenant_id], tenant_id, rest) if rest else ()
    return found | {each.id: each for each in people if each.id in idents}


def identify(tenant: Tenant, kind: Kind, name: str) -> str:
    """The id of what `name` names within its tenant and kind: 43 characters that can stand in any address."""
    return urlsafe_b64encode(sha256(_beginning(tenant, kind) + name.encode()).digest()).decode().rstrip("=")


def _beginning(tenant: Tenant, kind: Kind) -> bytes:
    return f"{tenant.settings.instance}\0{kind}\0".encode()


def configured(tenant: Tenant) -> Iterator[Credential]:
    """What stands in `carillon.toml`, the source's before the providers'."""
    yield from of_settings(tenant, "timetable", tenant.source[1])
    for name, settings in tenant.providers.items():
        yield from of_settings(tenant, f"providers.{name}", settings)


def of_settings(tenant: Tenant, section: str, settings: BaseModel) -> Iterator[Credential]:
    """What one section holds. A provider that needs no credential declares none."""
    for held in getattr(settings, "credentials", ()):
        kind, name = Kind(held.kind), f"{section}.{held.name}"
        yield Credential(identify(tenant, kind, name), kind, name, held.begins, held.expires)


def _tokens(session: Session, tenant: Tenant, tenant_id: int) -> Iterator[Credential]:
    valid = select(Token).where(Token.tenant_id == tenant_id, Token.revoked_at.is_(None)).order_by(Token.id)
    for row in session.scalars(valid):
        ident = identify(tenant, Kind.API_TOKEN, str(row.id))
        yield Credential(ident, Kind.API_TOKEN, row.name, row.created_at, row.expires_at)


def _consents(
    session: Session,
    tenant: Tenant,
    tenant_id: int,
    idents: Collection[str] | None = None,
    *,
    offset: int | None = None,
    limit: int | None = None,
) -> Iterator[Credential]:
    """People's own refresh tokens, all or those with these ids; what was said of each stands in its row."""
    row, kind = LinkedAccount, Kind.REFRESH_TOKEN
    name = row.type + " " + row.account
    # Columns, not rows: to make thousands of objects takes seconds.
    told = (row.type, row.granted_at, row.ends_at, row.username, row.refused, row.refused_at, row.renewed_at)
    kept = select(name, *told).where(row.tenant_id == tenant_id, row.leaving_at.is_(None)).order_by(row.id)
    kept = kept.offset(offset).limit(limit)
    if idents is not None:
        digest = func.sha256(literal(_beginning(tenant, kind)).op("||")(func.convert_to(name, "UTF8")))
        kept = kept.where(digest.in_([*_digests(idents)]))
    for named, of, begins, expires, username, refused, since, renewed in session.execute(kept):
        place = f"providers.{of}.consent"
        yield Credential(identify(tenant, kind, named), kind, place, begins, expires, username, refused, since, renewed)


def _digests(idents: Collection[str]) -> Iterator[bytes]:
    """What these ids were made of, as far as they are any."""
    for each in idents:
        with suppress(ValueError):
            yield urlsafe_b64decode(f"{each}=")


def _judged(session: Session, tenant_id: int, found: list[Credential]) -> list[Credential]:
    rows = session.scalars(select(CredentialVerdict).where(CredentialVerdict.tenant_id == tenant_id))
    verdicts: Mapping[str, CredentialVerdict] = {row.credential: row for row in rows}
    return [_with(each, verdicts.get(each.id)) for each in found]


def _with(credential: Credential, verdict: CredentialVerdict | None) -> Credential:
    if verdict is None:
        return credential
    return replace(
        credential,
        refused=verdict.refused,
        refused_at=verdict.refused_at,
        last_accepted_at=verdict.accepted_at,
    )
