"""`carillon up`: every part of Carillon in the foreground, and with `--sandbox` a university to try it on."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from shlex import quote

import click
import requests
from rich.console import Console
from rich.table import Table

from carillon import embedded
from carillon.command import Command, FailedError, command
from carillon.opening import config_file
from carillon.parts import Part, PartEndedError, running
from carillon.playground import playground
from carillon.services import Services, services
from worker.queue import verified
from worker.settings import load

START_SECONDS = 60


@click.command()
@click.option("--sandbox", is_flag=True, help="With a made-up university, its timetables and its calendar servers.")
@click.option("--linking", is_flag=True, help="With --sandbox: people link their own Google calendars.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Where the API listens.")
@click.option(
    "--flower-port", default=5555, show_default=True, type=click.IntRange(1, 65535), help="Where Flower does."
)
@command
def up(given: Command, port: int, flower_port: int, *, sandbox: bool, linking: bool) -> None:
    """Run everything in the foreground: API, worker, beat and Flower. Ctrl-C ends all of it."""
    if linking and not sandbox:
        raise click.UsageError("--linking goes with --sandbox; elsewhere carillon.toml says who consents")
    try:
        _run(given, port, flower_port, sandbox=sandbox, linking=linking)
    except KeyboardInterrupt:
        given.console.print("Everything has ended.")
    except PartEndedError as error:
        raise FailedError(str(error)) from error


def _run(given: Command, port: int, flower_port: int, *, sandbox: bool, linking: bool) -> None:
    for each, option in ((port, "--port"), (flower_port, "--flower-port")):
        if not embedded.is_free(each):
            raise FailedError(f"port {each} is taken by another program; name another with {option}")
    data = embedded.data_folder(given.data)
    with ExitStack() as stack:
        config, addresses = config_file(given.config), {}
        if sandbox:
            public_url = f"http://127.0.0.1:{port}" if linking else None
            grounds = stack.enter_context(playground(data / "sandbox", public_url=public_url))
            config, addresses = grounds.config, {"Sandbox university": grounds.url, "Sandbox CalDAV": grounds.dav_url}
            addresses["Sandbox Exchange"] = grounds.microsoft_url
        load(config)
        where = stack.enter_context(services(data))
        parts = started(where, config, data, port, flower_port=flower_port)
        processes = stack.enter_context(running(parts, data / "log"))
        if not processes.await_(lambda: healthy(port), START_SECONDS):
            raise FailedError(f"the parts did not come up in {START_SECONDS} s; see {data / 'log'}")
        said = {"API": f"http://127.0.0.1:{port}/docs", "Flower": f"http://127.0.0.1:{flower_port}"} | addresses
        said |= {"Settings": str(config.resolve()), "Data": str(data), "Logs": str(data / "log")}
        given.say(said, lambda console: _addresses(console, said))
        while True:
            processes.check()
            time.sleep(1)


def started(
    where: Services,
    config: Path,
    data: Path,
    port: int,
    *,
    flower_port: int | None = None,
    admin_token: str | None = None,
) -> list[Part]:
    """The parts of one installation. Flower finds the broker in its environment, for process lists are public."""
    environment = where.environment() | {"CARILLON_CONFIG": str(config), "CARILLON_DATA": str(data)}
    environment |= {"CARILLON_ADMIN_TOKEN": admin_token} if admin_token else {}
    parts = [
        Part("api", embedded.program("api", "--port", str(port)), environment),
        Part("worker", embedded.program("worker"), environment),
        Part("beat", embedded.program("beat"), environment),
    ]
    if flower_port:
        flower = [sys.executable, "-m", "celery", "flower", f"--port={flower_port}", "--address=127.0.0.1"]
        columns = "name,args,result,state,received,runtime,worker"
        seen = {"CELERY_BROKER_URL": verified(where.redis_url), "FLOWER_TASKS_COLUMNS": columns}
        parts.append(Part("flower", flower, environment | seen))
    return parts


def healthy(port: int) -> bool:
    """Whether the API answers that database, Redis and beat are well."""
    try:
        return bool(requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()["status"] == "ok")
    except (requests.RequestException, KeyError):
        return False


def _addresses(console: Console, said: dict[str, str]) -> None:
    table = Table(box=None, show_header=False)
    for name, address in said.items():
        table.add_row(name, address)
    console.print(table)
    console.print("For commands in another terminal, beside whatever else stands in this one's environment:")
    console.print(f"  export CARILLON_CONFIG={quote(said['Settings'])} CARILLON_DATA={quote(said['Data'])}")
    console.print("Ctrl-C ends all of it.")
