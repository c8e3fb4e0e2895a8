"""Afterwards: everything is well again, everybody runs, and the promise has to hold."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import requests

from carillon.command import FailedError
from carillon.demo.calendars import Participant
from chaos.books import Verdict, foreign, judge, read
from chaos.crowd import Crowd
from chaos.stage import TIMEOUT_SECONDS, Stage

LATE_SECONDS = TIMEOUT_SECONDS + 4.0
"""After which the slowest server has done what it was asked for, whether or not anybody still waits for it."""
AGAIN_SECONDS = 20.0
"""How long an operator waits until they ask once more."""
WELL = "OK"


def come_to_rest(stage: Stage, crowd: Crowd, *, hurry: bool) -> None:
    """Everything is well again, everybody is linked, and some have lost their timetable for good.

    In a `hurry` no lease is waited for: the workers that hold one are killed, and time is said to have passed.
    """
    crowd.get_back(all_of_them=True)
    if hurry:
        stage.troupe.kill_all("worker")
    time.sleep(LATE_SECONDS)
    if hurry:
        stage.database.expire()
    for someone in crowd.leavers:
        if any(each.start > datetime.now(UTC) for each in someone.ours()):
            stage.losing.add(someone.ident)
        crowd.enable(someone, enabled=False)
    for someone in stage.people:
        crowd.insist(partial(crowd.link, someone))


def follow(stage: Stage, crowd: Crowd, seconds: float) -> list[Verdict]:
    """Let everybody run, and judge before anybody asks for a resync: what it would merge must not be there.

    Of those who changed our events themselves only the copies count.
    """
    began, since, held = time.monotonic(), datetime.now(UTC) + timedelta(seconds=LATE_SECONDS), set[int]()

    def followed() -> bool:
        held.update(each["id"] for each in stage.office.synchronizations() if each["status"] == "HELD")
        return stage.database.well(since) == len(stage.people) and stage.office.unfinished() == 0

    _await(stage, seconds, followed, partial(_call, stage, crowd))
    stage.counts["seconds until calm"] = round(time.monotonic() - began)
    _released(stage, crowd, held)
    verdicts = [judge(stage, each) for each in stage.people]
    return [
        Verdict(each.someone, each.stands, doubled=each.doubled) if each.someone in crowd.meddlers else each
        for each in verdicts
    ]


def _call(stage: Stage, crowd: Crowd) -> None:
    """Bring whoever is not well forward: the time until the next attempt passes."""
    stage.database.press()
    ill = {each["id"] for each in stage.office.synchronizations() if each["status"] not in {WELL, "HELD"}}
    for someone in stage.people:
        if someone.ident in ill:
            crowd.link(someone)


def settle(stage: Stage, seconds: float) -> list[Verdict]:
    """Ask for a resync of everybody, and judge."""
    since, asked = datetime.now(UTC), set[int]()
    _await(
        stage, seconds, lambda: stage.database.well(since, looked=True) == len(stage.people), lambda: _ask(stage, asked)
    )
    return [judge(stage, each) for each in stage.people]


def part(stage: Stage, crowd: Crowd, seconds: float) -> list[str]:
    """Unlink some of everybody, each way, and say what is not as it was asked for."""
    modes = ("UNLINK_ONLY", "DELETE_FUTURE_EVENTS", "DELETE_ALL_EVENTS", "CLEANUP")
    now, going = datetime.now(UTC), list(zip(crowd.others, [mode for mode in modes for _ in range(4)], strict=False))
    before = {}
    for someone, mode in going:
        before[someone.ident] = {each.id: each.start for each in someone.ours()}
        crowd.insist(partial(stage.office.unlink_all, someone.person.username, mode))
    _await(stage, seconds, lambda: stage.office.unfinished() == 0, stage.database.press)
    return [trouble for each in going for trouble in _parted(stage, *each, before[each[0].ident], now)]


def _parted(stage: Stage, someone: Participant, mode: str, before: dict[str, datetime], now: datetime) -> list[str]:
    entries = someone.calendar.entries()
    left = {each.id for each in entries if each.ours}
    if mode == "UNLINK_ONLY":
        right = left == before.keys()
    elif mode == "DELETE_FUTURE_EVENTS":
        right = left == {each for each, start in before.items() if start <= now}
    else:
        right = not left
    if foreign(stage, someone, entries):
        return [f"{mode} of synchronization {someone.ident} touched events that are not ours"]
    return [] if right else [f"{mode} of synchronization {someone.ident} left {len(left)} of {len(before)} events"]


def _await(stage: Stage, seconds: float, done: Callable[[], bool], nudge: Callable[[], None]) -> None:
    """Until it is `done`; `nudge` is for what an operator would do now and then, or the clock in some hours."""
    deadline, again = time.monotonic() + seconds, 0.0
    while time.monotonic() < deadline:
        stage.troupe.tend()
        with suppress(FailedError, requests.RequestException, psycopg.Error):
            if time.monotonic() > again:
                nudge()
                again = time.monotonic() + AGAIN_SECONDS
            if done():
                return
        time.sleep(1)
    stage.troubles.append(f"not calm after {seconds:.0f} s: {_states(stage)}")


def _ask(stage: Stage, asked: set[int]) -> None:
    """A resync of everybody at first, then of those that are not well."""
    for each in stage.office.synchronizations():
        if each["status"] != WELL or each["id"] not in asked:
            stage.office.resync(each["id"])
            asked.add(each["id"])


def _states(stage: Stage) -> dict[str, int]:
    counted: dict[str, int] = {}
    for each in stage.office.synchronizations():
        counted[each["status"]] = counted.get(each["status"], 0) + 1
    return counted | {"unlinks under way": stage.office.unfinished()}


def _released(stage: Stage, crowd: Crowd, held: set[int]) -> None:
    """Those whose timetable is empty for good were held first, and then their calendars followed."""
    emptied = {each.ident for each in crowd.leavers if not each.ours()}
    for ident in stage.losing & emptied - held:
        stage.troubles.append(f"synchronization {ident} was not held before it was emptied")
    stage.counts["held, then emptied as confirmed"] = sum(not each.ours() for each in crowd.leavers)


def history(stage: Stage, verdict: Verdict) -> list[str]:
    """What the servers, the ledger and the runs tell of a calendar that is not right."""
    someone, zone = verdict.someone, stage.grounds.institution.zone
    lines = [f"{someone.kind}, synchronization {someone.ident}, {verdict.stands} events"]
    lines += [f"  lost    {each.start:%m-%d %H:%M} {each.title} @ {each.place}" for each in verdict.lost[:3]]
    for name, standing in (("doubled", verdict.doubled), ("left", verdict.left)):
        lines += [f"  {name:7} {each}" for each in standing[:3]]
        for key in [each.key for each in standing[:3]]:
            lines += [f"    beside  {one}" for one in (read(entry, zone) for entry in someone.ours()) if one.key == key]
    lines += [f"  wrong   wanted {one}\n          stands {other}" for one, other in verdict.wrong[:3]]
    diary = (what for whose, what in stage.diary if whose == someone.person.username)
    lines += [f"  {each}" for each in list(diary)[-25:]]
    lines += [f"  foreign {verdict.foreign}"] if verdict.foreign else []
    with suppress(FailedError, requests.RequestException):
        detail = stage.office.synchronization(someone.ident)
        lines.append(f"  {detail['status']} {detail['statusDetail']} {detail['events']}")
        lines += [f"  run {_run(each)}" for each in detail["runs"][:8]]
        unlinks = stage.office._call("GET", "/unlinks", params={"username": someone.person.username})["unlinks"]
        lines += [f"  unlink {each}" for each in unlinks[:8]]
    with psycopg.connect(stage.database.url) as connection:
        keys = [each.key for each in (*verdict.doubled, *verdict.left, *(other for _, other in verdict.wrong))][:3]
        chosen = "SELECT * FROM events WHERE synchronization_id = %s AND key = ANY(%s)"
        lines += [f"  row {row}" for row in connection.execute(chosen, (someone.ident, keys))]
    return lines


def _run(run: dict[str, Any]) -> str:
    began = datetime.fromtimestamp(run["startedAt"] / 1000, UTC)
    did = {name: run[name] for name in ("created", "updated", "deleted", "kept", "failed") if run[name]}
    return f"{began:%H:%M:%S} {run['status']} resync={run['resync']} {did} {run['detail']}"
