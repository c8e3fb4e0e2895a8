"""The whole of Carillon beside the sandbox, as the command line puts it together."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from carillon.cli import main
from carillon.playground import Playground, playground
from mailboxes.connectdaily import number_of
from worker.dispatch import BEAT_KEY


@pytest.fixture(scope="module")
def grounds(tmp_path_factory) -> Iterator[Playground]:
    with playground(tmp_path_factory.mktemp("playground"), future="60d") as running:
        yield running


@pytest.fixture
def place(grounds):
    """What a synchronization says of a person's own calendar of a kind."""

    def of(kind, username):
        if kind != "connectdaily":
            return {"type": kind, "mailbox": username, "fields": {}}
        number = number_of(grounds.institution, username)
        return {"type": kind, "mailbox": f"no. {number}", "fields": {"calendarId": str(number)}}

    return of


@pytest.fixture
def carillon(grounds, database, redis_url, tmp_path):
    """Runs a command as on a terminal; `carillon("sync", "anna", json=True)` gives what it says, parsed."""
    environment = {
        "CARILLON_CONFIG": str(grounds.config),
        "CARILLON_DATABASE_URL": database,
        "CARILLON_REDIS_URL": redis_url,
        "CARILLON_DATA": str(tmp_path),
        "COLUMNS": "200",
    }

    # No beat runs beside these commands; one of another test may have left its sign of life.
    with redis.Redis.from_url(redis_url) as client:
        client.delete(BEAT_KEY)

    def run(*arguments: str, status: int = 0, as_json: bool = False, **changed: str) -> Result | dict:
        extra = ("--json",) if as_json else ()
        result = CliRunner().invoke(main, [*arguments, *extra], env=environment | changed)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if as_json else result

    run.environment = environment
    run.data = Path(tmp_path)
    return run
