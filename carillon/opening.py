"""Opens an installation for a command: settings read, servers found, schema up to date, the first token there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carillon.embedded import data_folder
from carillon.services import Services, services
from provisioning import tokens
from worker.database import transaction
from worker.installation import Installation, install
from worker.settings import load


def config_file(given: Path | None) -> Path:
    """`--config`, else CARILLON_CONFIG, else `carillon.toml` in the present folder."""
    return given or Path(os.environ.get("CARILLON_CONFIG", "carillon.toml"))


@contextmanager
def opened(config: Path | None, data: Path | None, *, pool: int = 5) -> Iterator[tuple[Installation, Services]]:
    """An installation and where its servers are, until the block ends.

    Raises: SettingsError, EmbeddedServerError, DatabaseUnreachableError.
    """
    settings = load(config_file(config))
    with services(data_folder(data)) as where:
        installation = install(settings, where.database_url, where.redis_url, pool=pool)
        try:
            _admin_token(installation)
            yield installation, where
        finally:
            installation.close()


def _admin_token(installation: Installation) -> None:
    """CARILLON_ADMIN_TOKEN is the first token of the first tenant, with every role."""
    text = os.environ.get("CARILLON_ADMIN_TOKEN")
    if not text:
        return
    first = next(iter(installation.tenants))
    with transaction(installation.engine) as session:
        tokens.create(session, first, "CARILLON_ADMIN_TOKEN", tokens.ROLES, elevated=True, token=text)
