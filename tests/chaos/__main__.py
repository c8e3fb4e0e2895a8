"""`make chaos`: real processes, real servers, and everything goes wrong at random for some minutes. Then it becomes
quiet, and every calendar must equal its person's timetable.

CHAOS_SEED, CHAOS_MINUTES and CHAOS_PEOPLE may be set. Exits with 1 if an event was lost, doubled or wrong, or one that
is not ours was touched.
"""

import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.books import Verdict
from chaos.calm import come_to_rest, follow, history, part, settle
from chaos.crowd import Crowd
from chaos.processes import descendants, give_up, still_running
from chaos.stage import Stage, stage
from chaos.storm import blow
from sandbox.ews_call import OPERATIONS

CALM_SECONDS = 420
"""A mailbox whose worker died stays taken for two minutes."""
START_SECONDS = 180
HISTORIES = 4
WRITES = {"PUT", "POST", "PATCH", "DELETE", "CreateItem", "UpdateItem", "DeleteItem"}


def main() -> int:
    seed, number = int(os.environ.get("CHAOS_SEED", "1")), int(os.environ.get("CHAOS_PEOPLE", "200"))
    minutes = float(os.environ.get("CHAOS_MINUTES", "5"))
    pids: set[int] = set()
    # Who ends the run early leaves nothing behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bound = minutes * 60 + 4 * CALM_SECONDS + START_SECONDS
    alarm = threading.Timer(bound, _too_long, (bound, pids))
    alarm.daemon = True
    alarm.start()
    # Clients that were killed in the middle of a request are no news.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    console = Console(highlight=False, width=120)
    console.print(f"Seed {seed}, {number} people, {minutes:g} minutes of storm.")
    with (
        tempfile.TemporaryDirectory(prefix="carillon-chaos-", ignore_cleanup_errors=True) as scratch,
        stage(Path(os.environ.get("CHAOS_FOLDER", scratch)), seed, number, pids) as here,
    ):
        right = _run(here, seed, minutes, console)
        family = descendants(os.getpid()) | pids
    left = still_running(family, 10)
    if left:
        console.print(f"Processes were left behind: {sorted(left)}")
        give_up(left)
    return 0 if right and not left else 1


def _run(here: Stage, seed: int, minutes: float, console: Console) -> bool:
    began = time.monotonic()
    crowd = Crowd(here, seed)
    crowd.insist(here.office.synchronizations)
    crowd.provision()
    console.print(f"Provisioned after {time.monotonic() - began:.0f} s; the storm begins.")
    blow(here, crowd, seed, minutes * 60)
    console.print(f"Calm after {time.monotonic() - began:.0f} s.")
    come_to_rest(here, crowd, hurry="CHAOS_HURRY" in os.environ)
    first = _judged(here, "before a resync", follow(here, crowd, CALM_SECONDS), console)
    second = _judged(here, "after a resync", settle(here, CALM_SECONDS), console)
    here.troubles += part(here, crowd, CALM_SECONDS)
    here.counts["seconds"] = round(time.monotonic() - began)
    _tell(here, console)
    return first and second and not here.troubles


def _judged(here: Stage, when: str, verdicts: list[Verdict], console: Console) -> bool:
    """Whether every calendar is as it should be; the first that are not are told of."""
    found = {
        "events": sum(each.stands for each in verdicts),
        "lost": sum(len(each.lost) for each in verdicts),
        "doubled": sum(len(each.doubled) for each in verdicts),
        "left over": sum(len(each.left) for each in verdicts),
        "wrong": sum(len(each.wrong) for each in verdicts),
        "foreign events touched": sum(each.foreign for each in verdicts),
    }
    _table(console, when, found)
    for trouble in here.troubles:
        console.print(trouble, markup=False)
    wrong = [verdict for verdict in verdicts if not verdict.right]
    for each in wrong[:HISTORIES]:
        console.print("\n".join(history(here, each)), markup=False, soft_wrap=True)
    return not wrong


def _tell(here: Stage, console: Console) -> None:
    grounds = here.grounds
    requests = {
        "timetable, Google and Connect Daily": len(grounds.faults.seen()),
        "CalDAV": len(grounds.dav_faults.seen()),
        "EWS and Graph": len(grounds.exchange_faults.seen()),
    }
    requests["events pushed"] = _pushed(here)
    _table(console, "faults met", here.injected)
    _table(console, "what happened", Counter(here.counts) + here.troupe.counts)
    _table(console, "requests", Counter(requests))
    for trouble in here.troubles:
        console.print(trouble, markup=False)
    broken = [*grounds.google.violations, *grounds.exchange.violations]
    for each in broken[:5]:
        console.print(f"outside a server's contract: {each}", markup=False)


def _pushed(here: Stage) -> int:
    """Writes of single events that a server said it had done."""
    grounds = here.grounds
    seen = [*grounds.faults.seen(parts=True), *grounds.dav_faults.seen(), *grounds.faults.seen("/cd/restapi/*")]
    # EWS counts operations and items, both as parts.
    seen += [each for each in grounds.exchange_faults.seen(parts=True) if not each.path.startswith(OPERATIONS)]
    return sum(each.method in WRITES and 200 <= each.status < 300 for each in seen)


def _table(console: Console, title: str, rows: Counter[str] | dict[str, int]) -> None:
    table = Table(box=None, title=title, title_justify="left", show_header=False)
    for name, number in sorted(rows.items()) if isinstance(rows, Counter) else rows.items():
        table.add_row(name, str(number))
    console.print(table)


def _too_long(bound: float, pids: set[int]) -> None:
    sys.stderr.write(f"Not done after {bound:.0f} s: everything is ended.\n")
    give_up(pids)
    os._exit(2)


if __name__ == "__main__":
    sys.exit(main())
