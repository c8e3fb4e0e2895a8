"""The two daemons: workers, who do what is due, and beat, which asks for it."""

import socket

from celery import Celery
from celery.apps.beat import Beat
from celery.apps.worker import Worker

from worker.installation import Installation
from worker.queue import NOW, ROUTINE, TICK
from worker.tasks import register

THREADS = 16
"""Runs mostly wait for servers: at 100 ms a call, threads carry as many as processes do in a fifth of the memory."""


def worker_of(installation: Installation, threads: int = THREADS, name: str = "worker") -> Worker:
    """A Celery worker; its `start()` blocks until it is told to end, and then finishes what it has begun."""
    app = register(installation)
    installation.slots.share(threads, len(installation.groups()))
    return app.Worker(
        hostname=f"{name}@{socket.gethostname()}",
        pool="threads",
        concurrency=threads,
        queues=[TICK, NOW, ROUTINE],
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        send_events=True,
        quiet=True,
    )


def beat_of(installation: Installation) -> Beat:
    """Celery's beat with our table. It keeps no file: the table has intervals only; the ledger knows what is due."""
    app: Celery = register(installation)
    app.conf.task_send_sent_event = False
    return app.Beat(scheduler="celery.beat:Scheduler", loglevel="WARNING", quiet=True)
