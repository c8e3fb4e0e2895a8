"""Logs: one structured line a run and a failure, with ids, counts and seconds; never titles, addresses or tokens."""

import logging
import sys

from celery import signals

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def to_stderr(level: int = logging.INFO) -> None:
    """Send our lines at `level` and other warnings to standard error, and keep Celery from arranging its own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("carillon").setLevel(level)
    signals.setup_logging.connect(_ours, weak=False)


def _ours(**_: object) -> None:
    """Celery configures logging only where nobody listens to this signal."""
