"""`carillon demo`: everything embedded, the sandbox university, the whole story once."""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from carillon.command import Command, FailedError, command, wide
from carillon.demo.api import Api
from carillon.demo.scene import FUTURE_DAYS, Scene, cast
from carillon.demo.story import CHAPTERS
from carillon.demo.telling import Telling
from carillon.embedded import free_port
from carillon.parts import PartEndedError, running
from carillon.playground import playground
from carillon.services import services
from carillon.up import START_SECONDS, healthy, started


@click.command()
@command
def demo(given: Command) -> None:
    """Run the whole story once, on this machine alone; exits 0 when every step held."""
    console = wide(Console(stderr=given.json, highlight=False))
    telling = Telling(console)
    telling.title("Carillon keeps a university's timetables in its people's own calendars.")
    with tempfile.TemporaryDirectory(prefix="carillon-demo-", ignore_cleanup_errors=True) as folder:
        try:
            _play(telling, Path(folder))
        except PartEndedError as error:
            raise FailedError(str(error)) from error
    given.say(telling.document(), lambda _: telling.summary())
    if not telling.held:
        raise SystemExit(1)


def _play(telling: Telling, folder: Path) -> None:
    began = time.monotonic()
    telling.chapter("Starting PostgreSQL, Redis, a made-up university, its calendar servers, and Carillon itself")
    with _stage(folder) as scene:
        telling.note(f"All of it runs on this machine, since {time.monotonic() - began:.1f} s.")
        for title, chapter in CHAPTERS:
            telling.chapter(title)
            chapter(scene, telling)


@contextmanager
def _stage(folder: Path) -> Iterator[Scene]:
    """Everything started and well, until the block ends."""
    token, port = secrets.token_urlsafe(24), free_port()
    with playground(folder / "sandbox", "5s", f"{FUTURE_DAYS}d") as grounds, services(folder / "data") as where:
        parts = started(where, grounds.config, folder / "data", port, admin_token=token)
        with running(parts, folder / "log") as processes:
            if not processes.await_(lambda: healthy(port), START_SECONDS):
                raise FailedError(f"the parts did not come up within {START_SECONDS} s")
            api = Api(f"http://127.0.0.1:{port}", token)
            try:
                yield Scene(grounds, api, cast(grounds))
            finally:
                api.close()
