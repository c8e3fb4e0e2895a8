"""The door: the APIs, put together."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version

from provisioning import (
    calendar_periods,
    calendar_schedules,
    credentials,
    errors,
    groups,
    health,
    link_pages,
    links,
    metrics,
    notifications,
    reference,
    releases,
    synchronizations,
    unlinks,
    users,
)
from provisioning.edge import Edge
from provisioning.rates import Rates
from worker.installation import Installation


def application(
    installation: Installation, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> reference.Application:
    """The ASGI application of an installation. `clock` is the «now» of what it accepts."""
    app = reference.Application(
        title="Carillon",
        version=version("carillon"),
        description=reference.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.installation = installation
    app.state.clock = clock
    app.state.rates = Rates(installation.redis, installation.settings.api)
    app.add_middleware(Edge)
    errors.install(app)
    for router in (
        users.router(),
        synchronizations.router(installation),
        links.router(),
        releases.router(),
        unlinks.router(),
        groups.router(),
        credentials.router(),
        # Its paths that end in a word of ours come before those that end in a name.
        *calendar_periods.routers(),
        *calendar_schedules.routers(),
        notifications.router(),
        link_pages.router(),
        health.router(),
        metrics.router(),
        reference.router(),
    ):
        app.include_router(router)
    return app
