"""The parts of Carillon as processes of their own: started, watched, and ended together."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 20
"""How long a part may take to finish what it has begun."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process to be: its command line, and what it needs in its environment."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class PartEndedError(Exception):
    """The message names the part and where its last words are."""


@dataclass(slots=True)
class Running:
    """Parts that were started."""

    processes: dict[str, subprocess.Popen[bytes]]
    logs: Path

    def check(self) -> None:
        """Raises: PartEndedError, if one of them ended by itself."""
        for name, process in self.processes.items():
            status = process.poll()
            if status is not None:
                log = self.logs / f"{name}.log"
                raise PartEndedError(f"{name} ended with status {status}; its last words are in {log}:\n{_tail(log)}")

    def await_(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until `ready`, at most so long. Raises: PartEndedError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            if ready():
                return True
            time.sleep(0.1)
        return False


@contextmanager
def running(parts: Sequence[Part], logs: Path) -> Iterator[Running]:
    """Start `parts`, each with a log file of its own, and end them in reverse order when the block ends."""
    logs.mkdir(parents=True, exist_ok=True)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for part in parts:
            with (logs / f"{part.name}.log").open("ab") as log:
                # A session of its own, so that Ctrl-C reaches us alone and we end the parts in order.
                processes[part.name] = subprocess.Popen(
                    part.arguments, env=part.environment, stdout=log, stderr=log, start_new_session=True
                )
        yield Running(processes, logs)
    finally:
        for process in reversed(processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in reversed(processes.values()):
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
