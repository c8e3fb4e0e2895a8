"""`carillon worker` and `carillon beat`: who does what is due, and who asks for it."""

import sys

import click

from carillon.command import Command, command
from carillon.opening import opened
from worker import logs, work


@click.command()
@click.option("--threads", default=work.THREADS, show_default=True, type=click.IntRange(1, 256), help="Runs at a time.")
@click.option("--name", default="worker", show_default=True, help="What Flower calls it; different for each on a host.")
@command
def worker(given: Command, threads: int, name: str) -> None:
    """Do what is due, until it is told to end."""
    logs.to_stderr()
    with opened(given.config, given.data, pool=threads + 4) as (installation, _):
        process = work.worker_of(installation, threads, name)
        process.start()
        sys.exit(process.exitcode)


@click.command()
@command
def beat(given: Command) -> None:
    """Ask every few seconds for what is due. Any number of these may run."""
    logs.to_stderr()
    with opened(given.config, given.data) as (installation, _):
        work.beat_of(installation).run()
