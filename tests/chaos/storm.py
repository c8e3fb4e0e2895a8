"""What goes wrong, when: three strands of deeds at random moments that follow from the seed."""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from random import Random
from typing import get_args

import psycopg
import requests

from carillon.command import FailedError
from chaos.crowd import Crowd
from chaos.stage import TIMEOUT_SECONDS, Stage
from sandbox.ews_call import ITEMS, OPERATIONS
from sandbox.faults import Fault, Faults, Kind
from sandbox.institution_model import NotPossibleError, UnknownNameError

Deed = tuple[float, Callable[[Random], None]]
"""How many seconds pass between two of them, about, and what is done."""

DONE_AND_NOT_TOLD: tuple[Kind, ...] = ("unavailable_after", "lost", "truncated")
NEVER_RIGHT: frozenset[Kind] = frozenset({"full"})
"""A full mailbox is a refusal that stands until somebody asks for a resync, and no passing failure."""
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind not in NEVER_RIGHT)
WRITING = {
    "google": ("/batch/calendar/v3", "/calendar/v3/*", "/cd/restapi/*"),
    "dav": ("*",),
    "exchange": ("/EWS/Exchange.asmx", f"{OPERATIONS}*", f"{ITEMS}*", "/v1.0/$batch", "/v1.0/users/*"),
}
SLOWEST = TIMEOUT_SECONDS + 3.0
"""Then a server does what it was asked for after Carillon has given it up."""


def blow(stage: Stage, crowd: Crowd, seed: int, seconds: float) -> None:
    """Let everything go wrong for so long. Raises whatever a deed did not expect."""
    until = time.monotonic() + seconds
    machine, weather = Machine(stage), Weather(stage)
    strands: dict[str, Sequence[Deed]] = {
        "machine": machine.deeds(),
        "weather": weather.deeds(),
        "people": crowd.deeds(),
    }
    with ThreadPoolExecutor(len(strands)) as pool:
        running: list[Future[None]] = [
            pool.submit(_play, deeds, Random(f"{seed}/{name}"), until, stage) for name, deeds in strands.items()
        ]
        try:
            for each in running:
                each.result()
        finally:
            stage.ending.set()
    weather.clear()


def _play(deeds: Sequence[Deed], random: Random, until: float, stage: Stage) -> None:
    try:
        for moment, deed in _moments(deeds, random, time.monotonic()):
            if moment > until or stage.ending.wait(max(0.0, moment - time.monotonic())) or time.monotonic() > until:
                return
            # What is asked for in the middle of a failure may fail.
            with suppress(FailedError, requests.RequestException, psycopg.Error):
                deed(random)
    finally:
        stage.ending.set()


def _moments(deeds: Sequence[Deed], random: Random, start: float) -> Iterator[tuple[float, Callable[[Random], None]]]:
    coming = [(start + every * random.random(), nth) for nth, (every, _) in enumerate(deeds)]
    heapq.heapify(coming)
    while True:
        moment, nth = coming[0]
        every, deed = deeds[nth]
        heapq.heapreplace(coming, (moment + every * random.uniform(0.5, 1.5), nth))
        yield moment, deed


class Machine:
    """Processes die, Redis forgets, PostgreSQL crashes."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def deeds(self) -> list[Deed]:
        return [
            (0.5, lambda _: self.stage.troupe.tend()),
            (3.5, self.kill_a_worker),
            (20, self.kill_a_beat),
            (30, lambda random: self.stage.troupe.replace(f"worker-{random.randint(1, 2)}")),
            (30, self.flush),
            (60, self.restart_redis),
            (75, self.restart_postgres),
            (75, self.kill_a_backend),
        ]

    def kill_a_worker(self, random: Random) -> None:
        names = ["worker-1", "worker-2"]
        random.shuffle(names)
        any(map(self.stage.troupe.kill, names))

    def kill_a_beat(self, random: Random) -> None:
        self.stage.troupe.kill(f"beat-{random.randint(1, 2)}")

    def flush(self, _: Random) -> None:
        self.stage.broker.flush()
        self.stage.counts["Redis flushed"] += 1

    def restart_redis(self, random: Random) -> None:
        self.stage.broker.restart(random.uniform(0, 4))
        self.stage.counts["kill -9 redis"] += 1

    def restart_postgres(self, _: Random) -> None:
        self.stage.database.restart()
        self.stage.counts["PostgreSQL restarted"] += 1

    def kill_a_backend(self, _: Random) -> None:
        self.stage.database.kill_backend()
        self.stage.counts["kill -9 postgres backend"] += 1


class Weather:
    """Servers fail, and the timetable changes all the time."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        grounds = stage.grounds
        self.institution = grounds.institution
        self.servers: dict[str, Faults] = {
            "google": grounds.faults,
            "dav": grounds.dav_faults,
            "exchange": grounds.exchange_faults,
        }
        self.added: list[Fault] = []

    def deeds(self) -> list[Deed]:
        return [
            (0.7, self.spoil_a_calendar),
            (4, self.spoil_the_timetable),
            (15, self.spoil_everything),
            (8, lambda _: self.clear()),
            (0.5, self.change_the_timetable),
        ]

    def spoil_a_calendar(self, random: Random) -> None:
        name = random.choice(list(self.servers))
        kind = random.choice(KINDS if random.random() < 0.5 else DONE_AND_NOT_TOLD)
        path = random.choice(WRITING[name])
        self._add(name, Fault(path, kind, random.uniform(0.5, SLOWEST), random.choice((1, 1, 2, 3, 5, 20))))

    def spoil_the_timetable(self, random: Random) -> None:
        kind: Kind = random.choice(
            ("slow", "throttled", "error", "unavailable", "cut_off", "lost", "html", "truncated", "empty")
        )
        self._add("google", Fault("/api/v0/*", kind, random.uniform(0.5, 3), random.choice((1, 3, 20, 50))))

    def spoil_everything(self, random: Random) -> None:
        """One server fails altogether, until the weather clears."""
        self._add(random.choice(list(self.servers)), Fault("*", random.choice(KINDS), random.uniform(0.5, 2), 10_000))

    def clear(self) -> None:
        """Take every fault away, and count by kind how often they were met."""
        left = [fault for faults in self.servers.values() for fault in faults.rules()]
        for faults in self.servers.values():
            faults.clear()
        for fault in self.added:
            self.stage.injected[fault.kind] += fault.times or 0
        for fault in left:
            self.stage.injected[fault.kind] -= fault.times or 0
        self.added.clear()

    def change_the_timetable(self, random: Random) -> None:
        window = self.stage.window()
        someone = random.choice(self.stage.people).person.username
        events = self.institution.timetable(someone, window.start, window.end)
        if not events:
            return
        event = random.choice(events)
        ident = event.id(self.institution.zone)
        start = event.start + (window.end - event.start) * random.random() * 0.5
        start = start.replace(minute=0, second=0, microsecond=0)
        # Days are moved by nobody here: how hours become days is Carillon's rule, and the books do not know it.
        moves = () if event.all_day else ("move", "hours", "hours")
        act = random.choice((*moves, "room", "room", "title", "cancel", "add", "add"))
        self.stage.note(f"timetable: {act} {event.title}", someone)
        with suppress(NotPossibleError, UnknownNameError):
            match act:
                case "move":
                    self.institution.move(ident, start)
                case "hours":
                    self.institution.move(ident, event.start.replace(hour=random.randint(7, 18)))
                case "room":
                    self.institution.change_room(ident, random.choice(self.institution.rooms))
                case "title":
                    self.institution.retitle(ident, f"{event.title.split(' (')[0]} (group {random.randint(1, 99)})")
                case "cancel":
                    self.institution.cancel(ident)
                case "add":
                    self.institution.add(
                        someone, f"Talk {random.randint(1, 9)}", start, room=random.choice(self.institution.rooms)
                    )
            self.stage.counts["timetable changes"] += 1

    def _add(self, name: str, fault: Fault) -> None:
        self.added.append(fault)
        self.stage.note(f"{name}: {fault}")
        self.servers[name].add(fault)
