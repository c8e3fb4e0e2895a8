"""The queue: Celery over Redis, and the three messages that go through it. It is a hint, not a memory: what a
flushed Redis held is due again after CLAIM seconds.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

TICK = "tick"
NOW = "now"
ROUTINE = "routine"
CLAIMED = "carillon_claimed"
"""A message's header with the generation of the mailbox's lease at which it was sent."""
LONGEST_TASK = 600
"""Seconds after which a run must have ended: it stops between two batches."""
CLAIM = 150
"""Seconds until a synchronization is due again whose message was lost; longer than a lease, for what ends with it."""

_TRANSPORT: Mapping[str, object] = {
    # Far above the longest task, else Redis hands it out again while it runs.
    "visibility_timeout": 6 * LONGEST_TASK,
    # The defaults look for lost messages every 100 seconds; the scan is cheap.
    "unacked_restore_throttle": 1,
    # Queues in the order in which the worker names them: beat's, then what a person waits for, then the rest.
    "queue_order_strategy": "priority",
    # A connection that died without a word is noticed.
    "socket_timeout": 60,
    "socket_keepalive": True,
    "socket_connect_timeout": 5,
    "max_connections": 200,
    # Sending must not keep a caller of the API waiting while Redis is away: the sweep finds what is due.
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}

_NO_ADDRESS = "CARILLON_REDIS_URL is no address of a Redis; expected redis://HOST:PORT/NUMBER or rediss://…"
_VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}

_log = logging.getLogger("carillon.queue")


class QueueAddressError(Exception):
    """The message says what is wrong with the address of Redis, without quoting it: it may hold a password."""


def connection(redis_url: str) -> redis.Redis:
    """Our own way to Redis, beside Celery's. Raises: QueueAddressError."""
    # Once more and no pause: a connection that the server closed is replaced, a server that is away is told at once.
    again, known = Retry(NoBackoff(), 1), verified(redis_url)
    try:
        return redis.Redis.from_url(known, socket_timeout=5, socket_connect_timeout=2, retry=again)
    except ValueError as error:
        raise QueueAddressError(_NO_ADDRESS) from error


def verified(redis_url: str) -> str:
    """The address as Celery is to be told it, which else would take any certificate for that of Redis.

    Raises: QueueAddressError.
    """
    try:
        parts = urlsplit(redis_url)
    except ValueError as error:
        raise QueueAddressError(_NO_ADDRESS) from error
    if parts.scheme != "rediss":
        return redis_url
    given = dict(parse_qsl(parts.query))
    if {**given, **_VERIFIED} != {**_VERIFIED, **given}:
        raise QueueAddressError("CARILLON_REDIS_URL must not say that certificates go unverified; give ssl_ca_certs")
    return urlunsplit(parts._replace(query=urlencode(given | _VERIFIED)))


def celery(redis_url: str) -> Celery:
    """The application that producers, workers, beat and Flower share; tasks are registered by `worker.tasks`.

    Raises: QueueAddressError.
    """
    app = Celery("carillon", broker=verified(redis_url), set_as_current=False)
    app.conf.update(
        # A task is acknowledged when it has ended, so that a killed worker loses none; what is delivered twice finds
        # a lease or nothing due.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # One message in hand and none in stock: a slow mailbox keeps nobody waiting behind it.
        worker_prefetch_multiplier=1,
        broker_transport_options=dict(_TRANSPORT),
        # A worker waits for Redis however long it is away; what is due meanwhile waits in PostgreSQL.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Results are in the ledger; Flower reads them from the events.
        task_ignore_result=True,
        task_send_sent_event=True,
        worker_send_task_events=True,
        task_track_started=True,
        task_default_queue=ROUTINE,
        task_serializer="json",
        accept_content=["json"],
        enable_utc=True,
        timezone="UTC",
        worker_hijack_root_logger=False,
        task_publish_retry=False,
    )
    return app


@dataclass(frozen=True, slots=True)
class Queue:
    """Sends ids, after the commit that made them due. A Redis that is away is logged and no error: the next sweep
    finds what is due.
    """

    app: Celery

    def synchronize(self, ident: int, label: str, *, urgent: bool = False, claim: int | None = None) -> bool:
        """`label` is what Flower shows for the arguments, like `alice → caldav`; `claim`, what the mailbox's lease had
        come to when the message was decided on. True if it was sent.
        """
        # Beside the arguments, so that a worker of another version can read the message too.
        headers = {} if claim is None else {CLAIMED: claim}
        return self._send("synchronize", ident, label, NOW if urgent else ROUTINE, headers)

    def unlink(self, ident: int, label: str) -> bool:
        return self._send("unlink", ident, label, NOW, {})

    def _send(self, task: str, ident: int, label: str, queue: str, headers: Mapping[str, int]) -> bool:
        try:
            self.app.send_task(task, args=[ident], argsrepr=f"({ident}: {label})", queue=queue, headers=headers)
        except OperationalError as error:
            _log.warning("not sent action=%s id=%d reason=%s", task, ident, type(error).__name__)
            return False
        return True
