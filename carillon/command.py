"""What every command shares: its options, how it speaks to people and to programs, how it fails."""

import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from carillon.embedded import EmbeddedServerError
from providers.base import ProviderError
from timetables.base import SourceError
from worker.database import DatabaseUnreachableError
from worker.queue import QueueAddressError
from worker.settings import SettingsError

FORESEEN = (
    SettingsError,
    EmbeddedServerError,
    DatabaseUnreachableError,
    QueueAddressError,
    ProviderError,
    SourceError,
    click.ClickException,
)


class FailedError(click.ClickException):
    """A command that could not do what it was asked; the message is for a person. Exit status 1."""

    def show(self, file: Any = None) -> None:
        click.echo(f"carillon: {self.format_message()}", file=file or sys.stderr)


def wide(console: Console) -> Console:
    """The same console; where its words go to a file or a program, nothing is cut to 80 columns."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 160
    return console


@dataclass(frozen=True, slots=True)
class Command:
    """The options that every command takes, and where its words go: to a person, or with `--json` to a program."""

    json: bool
    config: Path | None
    data: Path | None
    console: Console = field(default_factory=lambda: wide(Console(highlight=False, soft_wrap=True, markup=False)))

    def say(self, document: Any, human: Callable[[Console], None]) -> None:
        """`document` for a program, what `human` prints for a person."""
        if self.json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        else:
            human(self.console)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the shared options, as one `Command` in its first argument, and clear errors."""

    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.option(
        "--config", type=click.Path(path_type=Path), help="The settings; else CARILLON_CONFIG, else carillon.toml."
    )
    @click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="The folder of the embedded servers; else CARILLON_DATA, else .data.",
    )
    @functools.wraps(function)
    def run(*arguments: Any, as_json: bool, config: Path | None, data: Path | None, **options: Any) -> None:
        try:
            with _interruptible():
                function(Command(as_json, config, data), *arguments, **options)
        except click.ClickException:
            raise
        except FORESEEN as error:
            raise FailedError(str(error)) from error
        except SQLAlchemyError as error:
            kind = type(error).__name__
            raise FailedError(f"PostgreSQL failed meanwhile ({kind}); nothing is half done, try again") from error

    return run


@contextmanager
def _interruptible() -> Iterator[None]:
    """A block that SIGTERM and a closed terminal end as Ctrl-C does, so that whatever was started is ended too."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup it is to go on
        signals.append(signal.SIGHUP)
    before = {each: signal.signal(each, signal.default_int_handler) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
