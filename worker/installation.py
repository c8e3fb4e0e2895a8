"""What every part of a running Carillon is handed: its settings, the ledger and the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import redis
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from timetables.base import Source
from worker import database, ledger, modules
from worker.grants import Grants, Purse
from worker.queue import Queue, celery, connection
from worker.secret_keys import Keyring, keyring
from worker.settings import Settings, Tenant
from worker.slots import Group, Slots


@dataclass(frozen=True, slots=True)
class Installation:
    """`tenants` and their `sources` by the id of the tenant's row in the ledger, in the order of the file; `keys` are
    those of what is kept encrypted, `noted` when this process last looked at the verdict on a credential, by its id.
    """

    settings: Settings
    engine: Engine
    redis: redis.Redis
    queue: Queue
    tenants: dict[int, Tenant]
    sources: dict[int, Source]
    slots: Slots = field(default_factory=Slots)
    keys: Keyring | None = None
    noted: dict[str, datetime] = field(default_factory=dict)

    def groups(self) -> list[Group]:
        """Every type of provider of every tenant."""
        return [(ident, kind) for ident, tenant in self.tenants.items() for kind in tenant.providers]

    def zones(self) -> dict[int, ZoneInfo]:
        """The time zone of every tenant."""
        return {ident: ZoneInfo(tenant.settings.time_zone) for ident, tenant in self.tenants.items()}

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
        self.redis.close()
        self.queue.app.close()


def install(settings: Settings, database_url: str, redis_url: str, *, pool: int = 5) -> Installation:
    """Bring the schema up to date, give every configured tenant its row, and hand over what the parts need.

    Raises: worker.database.DatabaseUnreachableError, worker.queue.QueueAddressError, worker.secret_keys.SecretKeyError.
    """
    to_redis, keys = connection(redis_url), keyring()
    engine = database.engine(database_url, pool=pool)
    database.migrate(engine)
    tenants = _with_grants(_tenants(engine, settings), engine, keys)
    sources = {ident: _source(tenant) for ident, tenant in tenants.items()}
    return Installation(settings, engine, to_redis, Queue(celery(redis_url)), tenants, sources, keys=keys)


def _with_grants(tenants: Mapping[int, Tenant], engine: Engine, keys: Keyring | None) -> dict[int, Tenant]:
    purse = Purse()
    grants = {ident: Grants(engine, keys, purse, ident) for ident in tenants}
    return {ident: replace(tenant, grants=grants[ident].of) for ident, tenant in tenants.items()}


def _source(tenant: Tenant) -> Source:
    name, settings = tenant.source
    return modules.source(name).connect(settings, tenant.settings.time_zone)


def _tenants(engine: Engine, settings: Settings) -> dict[int, Tenant]:
    with database.transaction(engine) as session:
        made = insert(ledger.Tenant).values([{"key": key} for key in settings.tenants])
        session.execute(made.on_conflict_do_nothing())
        ids = {row.key: row.id for row in session.scalars(select(ledger.Tenant))}
    return {ids[key]: tenant for key, tenant in settings.tenants.items()}
