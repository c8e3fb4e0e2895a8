"""`carillon api`: the provisioning API, in a process of its own."""

from contextlib import suppress

import click
import uvicorn

from carillon.command import Command, command
from carillon.opening import opened
from provisioning.app import application
from worker import logs

LONGEST_HEAD = 65_536
"""Bytes of a call's first line and headers together, beyond which it is not read on."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 in a container.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@command
def api(given: Command, host: str, port: int) -> None:
    """Serve the provisioning API."""
    logs.to_stderr()
    # uvicorn ends well on a signal, and then sends it once more to whoever was there before.
    with opened(given.config, given.data, pool=20) as (installation, _), suppress(KeyboardInterrupt):
        # h11, whatever else is installed: it alone can be told how long a head may be.
        uvicorn.run(
            application(installation),
            host=host,
            port=port,
            http="h11",
            h11_max_incomplete_event_size=LONGEST_HEAD,
            log_config=None,
            access_log=False,
        )
