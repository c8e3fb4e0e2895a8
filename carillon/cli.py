"""The command line: `carillon COMMAND`. Exit status 0 done, 1 failed, 2 wrong usage."""

from importlib import import_module

import click

COMMANDS = {
    "demo": "carillon.demo",
    "up": "carillon.up",
    "api": "carillon.api",
    "worker": "carillon.daemons",
    "beat": "carillon.daemons",
    "sync": "carillon.people",
    "explain": "carillon.people",
    "unlink": "carillon.people",
    "migrate": "carillon.migrate",
    "release": "carillon.release",
    "rebuild": "carillon.rebuild",
    "doctor": "carillon.doctor",
    "token": "carillon.token",
    "secrets": "carillon.secrets",
    "schedules": "carillon.schedules",
}
"""Where each command stands. Only the one that is asked for is loaded: a worker needs no web framework."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        module = COMMANDS.get(cmd_name)
        found: click.Command | None = getattr(import_module(module), cmd_name) if module else None
        return found


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="carillon")
def main() -> None:
    """Keeps an institution's timetables in its people's own calendars."""
