"""The command line: `carillon COMMAND`. Exit status 0 done, 1 failed, 2 wrong usage."""

import click

from carillon.daemons import api, beat, up, worker
from carillon.demo import demo
from carillon.doctor import doctor
from carillon.people import explain, sync, unlink
from carillon.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="carillon")
def main() -> None:
    """Keeps an institution's timetables in its people's own calendars."""


for each in (demo, up, api, worker, beat, sync, explain, unlink, doctor, token):
    main.add_command(each)
