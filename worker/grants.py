"""The consent of people, as providers are handed it: access tokens in memory, refresh tokens in the ledger.

A refresh token may be good for one use only. So a mailbox's renewals come one after another in all processes, by a lock
of PostgreSQL that no dead worker can keep; what came new is stored before it is used; and nothing older ever takes the
place of something newer.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from providers._consent import Consent, Issued
from providers.base import NotLinked, Unauthorized, Unavailable
from worker.database import transaction
from worker.link_tables import LinkedAccount
from worker.secret_keys import VARIABLE, Keyring, LostKeyError

MARGIN = timedelta(minutes=5)
"""An access token that has less than that is not begun with."""
FRESH = timedelta(minutes=1)
"""A token younger than that was not revoked in the meantime."""
MOST_KEPT = 5_000
PATIENCE_SECONDS = 45
"""For another renewal to end: longer than a request to a token endpoint takes by default."""

_RENEWING = 7_201_612  # a namespace of advisory locks of our own

NOT_LINKED = "The person has not consented yet: let them link their calendar."


@dataclass(frozen=True, slots=True)
class _Coin:
    secret: str = field(repr=False)
    bought_at: datetime
    expires: datetime


class Purse:
    """The access tokens of this process, by linked account. Shared between threads."""

    def __init__(self) -> None:
        self._coins: dict[int, _Coin] = {}
        self._lock = threading.Lock()

    def get(self, ident: int, now: datetime) -> str | None:
        """One that is good for MARGIN longer, or, bought a moment ago, however short its life."""
        with self._lock:
            coin = self._coins.get(ident)
        if coin is None or not (coin.expires - now >= MARGIN or (now - coin.bought_at < FRESH and now < coin.expires)):
            return None
        return coin.secret

    def keep(self, ident: int, issued: Issued, now: datetime) -> None:
        with self._lock:
            self._coins.pop(ident, None)
            if len(self._coins) >= MOST_KEPT:
                del self._coins[next(iter(self._coins))]
            self._coins[ident] = _Coin(issued.access_token, now, issued.expires)

    def forget(self, ident: int, secret: str, now: datetime) -> bool:
        """Whether another one may fare better: one that is refused as soon as it is bought has heirs of its kind."""
        with self._lock:
            coin = self._coins.get(ident)
            if coin is None or coin.secret != secret:
                return True
            del self._coins[ident]
            return now - coin.bought_at > FRESH


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PersonsGrant:
    """One linked account, for the length of a run. See: `providers._consent.Grant`."""

    engine: Engine
    keys: Keyring
    purse: Purse
    consent: Consent
    ident: int
    clock: Callable[[], datetime] = _now

    def access_token(self) -> str:
        """Raises: as `providers._consent.Consent.renew`."""
        known = self.purse.get(self.ident, self.clock())
        if known is not None:
            return known
        with self._alone():
            # Whoever had the lock may have bought one for this process too.
            return self.purse.get(self.ident, self.clock()) or self._renewed()

    def refused(self, token: str) -> bool:
        return self.purse.forget(self.ident, token, self.clock())

    def _renewed(self) -> str:
        row = self._row()
        now = self.clock()
        try:
            issued = self.consent.renew(opened(self.keys, row))
        except NotLinked as error:
            self._change(row, refused=str(error), refused_at=func.coalesce(LinkedAccount.refused_at, now))
            raise
        fresh = {} if issued.refresh_token is None else {"refresh_token": self.keys.seal(issued.refresh_token)}
        ends = {} if issued.ends is None else {"ends_at": issued.ends}
        changed = {"generation": row.generation + 1, "renewed_at": now, "refused": "", "refused_at": None}
        self._change(row, **changed, **fresh, **ends)
        self.purse.keep(self.ident, issued, now)
        return issued.access_token

    def _row(self) -> LinkedAccount:
        with transaction(self.engine) as session:
            row = session.get(LinkedAccount, self.ident)
        if row is None or row.leaving_at:
            raise NotLinked(NOT_LINKED)
        return row

    def _change(self, before: LinkedAccount, **values: object) -> None:
        """Raises: Unavailable, if the row no longer is as it is in `before`."""
        same = (LinkedAccount.id == self.ident, LinkedAccount.generation == before.generation)
        with transaction(self.engine) as session:
            changed = update(LinkedAccount).where(*same).values(**values).returning(LinkedAccount.id)
            if session.scalar(changed) is None:
                raise Unavailable("The person linked their calendar anew meanwhile: it is asked again later.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A block that one thread of all processes is in. No transaction is open in it."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SET lock_timeout = '{PATIENCE_SECONDS}s'"))
            try:
                connection.execute(select(func.pg_advisory_lock(_RENEWING, _number(self.ident))))
            except OperationalError as error:
                raise Unavailable("Another run asks for a token of this mailbox: it is asked again later.") from error
            finally:
                # The connection goes back to the pool, and not everybody's patience is ours.
                connection.execute(text("SET lock_timeout = DEFAULT"))
            try:
                yield
            finally:
                connection.execute(select(func.pg_advisory_unlock(_RENEWING, _number(self.ident))))


@dataclass(frozen=True, slots=True)
class Grants:
    """Those of one tenant's people."""

    engine: Engine
    keys: Keyring | None
    purse: Purse
    tenant_id: int

    def of(self, kind: str, account: str, consent: Consent) -> PersonsGrant:
        """That of the person whose account it is; nothing is asked of anybody yet. Raises: NotLinked."""
        chosen = select(LinkedAccount.id).where(
            LinkedAccount.tenant_id == self.tenant_id,
            LinkedAccount.type == kind,
            LinkedAccount.account == account,
            LinkedAccount.leaving_at.is_(None),
        )
        with transaction(self.engine) as session:
            ident = session.scalar(chosen)
        if ident is None or self.keys is None:
            raise NotLinked(NOT_LINKED)
        return PersonsGrant(self.engine, self.keys, self.purse, consent, ident)


def opened(keys: Keyring, row: LinkedAccount) -> str:
    """The refresh token itself. Raises: Unauthorized."""
    try:
        return keys.open(row.refresh_token)
    except LostKeyError as error:
        raise Unauthorized(
            f"The person's refresh token was encrypted with a key that {VARIABLE} no longer holds: put that back, "
            "or let them link their calendar again."
        ) from error


def _number(ident: int) -> int:
    """PostgreSQL takes 32 bits beside a namespace; that two accounts then share a lock does no harm."""
    return ident % 2**31
