"""Finds PostgreSQL and Redis: those of the environment, or embedded ones under the data folder, for all commands."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from carillon import embedded


@dataclass(frozen=True, slots=True)
class Services:
    """Where the database and the queue are."""

    database_url: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """What a part started as a process of its own needs in its environment."""
        return {**os.environ, "CARILLON_DATABASE_URL": self.database_url, "CARILLON_REDIS_URL": self.redis_url}


@contextmanager
def services(data: Path) -> Iterator[Services]:
    """The servers of CARILLON_DATABASE_URL and CARILLON_REDIS_URL; what is not set is embedded, until the block ends.

    Raises: EmbeddedServerError.
    """
    with ExitStack() as stack:
        database_url = os.environ.get("CARILLON_DATABASE_URL") or stack.enter_context(
            embedded.postgres(data / "postgres")
        )
        redis_url = os.environ.get("CARILLON_REDIS_URL") or stack.enter_context(_shared_redis(data / "redis"))
        yield Services(database_url, redis_url)


@contextmanager
def _shared_redis(folder: Path) -> Iterator[str]:
    """The Redis of `folder`: started by whoever comes first, ended by whoever leaves last.

    Everybody there holds `users` shared; coming and leaving go one at a time, under `door`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users").open("w")
    except OSError as error:
        raise embedded.EmbeddedServerError(
            f"{folder} cannot be written to ({error}); name another with --data"
        ) from error
    with users:
        with _locked(folder / "door"):
            fcntl.flock(users, fcntl.LOCK_SH)
            url = _running_redis(folder / "address")
        try:
            yield url
        finally:
            with _locked(folder / "door"), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                embedded.end_redis(url)


def _running_redis(address: Path) -> str:
    known = address.read_text() if address.exists() else ""
    if _answers(known):
        return known
    url = embedded.start_redis(address.parent)
    address.write_text(url)
    return url


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(url: str) -> bool:
    if not url:
        return False
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
