"""The people: they use their calendars, come, go, change their ways, and some lose their timetable for a while."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import requests

from carillon.command import FailedError
from carillon.demo.calendars import Participant
from chaos.stage import Stage
from sandbox.connectdaily_calendars import RefusedError
from sandbox.exchange import StoreError
from sandbox.google_events import GoogleError

MODES = ("UNLINK_ONLY", "DELETE_FUTURE_EVENTS", "DELETE_ALL_EVENTS", "DELETE_ALL_EVENTS", "CLEANUP")
OWN = "Dentist"
EMPTY_SECONDS = 8.0
"""Much shorter than a hold."""
FEW = 5
"""Events that may go from a calendar while its timetable is empty: those that were on their way."""
WAYS = {"ews": "o365", "o365": "ews"}


class Crowd:
    """Everybody of the stage.

    A tenth are left alone, but for their timetable being empty once, for a while. A third change our events in their
    calendars, which only a resync can notice; the calendars of all others must be right without one.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        everybody = list(stage.people)
        Random(f"{seed}/crowd").shuffle(everybody)
        tenth = max(4, len(everybody) // 10)
        self.quiet, self.others = everybody[:tenth], everybody[tenth:]
        self.meddlers = self.others[: len(everybody) // 3]
        half = tenth // 2
        self.leavers, self._well = self.quiet[:half], self.quiet[half:]
        self._empty: list[tuple[float, Participant, set[str]]] = []

    def deeds(self) -> list[tuple[float, Callable[[Random], None]]]:
        return [
            (0.8, self.meddle),
            (1, self.add_own),
            (1.5, self.go),
            (0.8, self.come),
            (4, self.go_another_way),
            (0.5, self.ask_for_a_run),
            (20, self.lose_a_timetable),
            (1, lambda _: self.get_back()),
        ]

    def provision(self) -> None:
        """Everybody has events of their own first, then a synchronization."""
        for someone in self.stage.people:
            for days in (-2, 3):
                self._add_own(someone, datetime.now(UTC).replace(minute=15, second=0, microsecond=0) + timedelta(days))
            self.stage.office.put_user(someone.person.username, someone.person.name)
            self.link(someone)

    def link(self, someone: Participant) -> None:
        office = self.stage.office
        someone.ident = office.put_synchronization(someone.person.username, someone.kind, someone.address)

    def come(self, random: Random) -> None:
        """Link again, while an unlink may still be under way."""
        away = [each for each in self.others if not each.ident]
        if away:
            someone = random.choice(away)
            self.link(someone)
            self.stage.note(f"linked as {someone.ident}", someone.person.username)
            self.stage.counts["links"] += 1

    def go(self, random: Random) -> None:
        someone = random.choice(self.others)
        if someone.ident:
            mode = random.choice(MODES)
            self.stage.note(f"{mode} of {someone.ident}", someone.person.username)
            someone.ident = 0
            self.stage.office.unlink_all(someone.person.username, mode)
            self.stage.counts[f"unlinks {mode}"] += 1

    def go_another_way(self, random: Random) -> None:
        """From EWS to Graph or back, in the middle of whatever is going on."""
        someone = random.choice([each for each in self.others if each.kind in WAYS])
        if someone.ident:
            someone.kind = WAYS[someone.kind]
            self.stage.note(f"to {someone.kind}", someone.person.username)
            self.link(someone)
            self.stage.counts["moves between EWS and Graph"] += 1

    def ask_for_a_run(self, random: Random) -> None:
        someone = random.choice(self.stage.people)
        if someone.ident and someone in self.meddlers:
            self.stage.note("resync", someone.person.username)
            self.stage.office.resync(someone.ident)
        elif someone.ident:
            self.link(someone)

    def meddle(self, random: Random) -> None:
        """Somebody drags an event of ours, or throws it away."""
        someone = random.choice(self.meddlers)
        ours = someone.ours()
        if not ours:
            return
        entry, hours = random.choice(ours), random.randint(-30, 30)
        self.stage.note(
            f"drags {entry.id} from {entry.start} by {hours} hours; away if negative", someone.person.username
        )
        try:
            if hours > 0:
                someone.calendar.drag(entry, timedelta(hours=hours))
            else:
                someone.calendar.throw_away(entry)
        except (KeyError, StoreError, GoogleError, RefusedError, requests.HTTPError):
            return  # it went meanwhile, or lasts whole days
        self.stage.counts["events that people moved or deleted"] += 1

    def add_own(self, random: Random) -> None:
        window = self.stage.window()
        moment = window.start + (window.end - window.start) * random.random()
        self._add_own(random.choice(self.stage.people), moment.replace(second=0, microsecond=0))
        self.stage.counts["events of their own"] += 1

    def _add_own(self, someone: Participant, start: datetime) -> None:
        known = self.stage.foreign.setdefault(someone.person.username, {})
        someone.calendar.add_own(OWN, start)
        known.update(
            {each.id: each.whole for each in someone.calendar.entries() if not each.ours and each.id not in known}
        )

    def lose_a_timetable(self, _: Random) -> None:
        """Somebody's timetable is empty; what stands in the calendar must stay."""
        for someone in self._well[:2]:
            self._well.remove(someone)
            before = {each.id for each in someone.ours() if each.start > datetime.now(UTC)}
            self.enable(someone, enabled=False)
            self._empty.append((time.monotonic() + EMPTY_SECONDS, someone, before))

    def get_back(self, *, all_of_them: bool = False) -> None:
        for entry in list(self._empty):
            until, someone, before = entry
            if all_of_them or time.monotonic() > until:
                gone = before - {each.id for each in someone.ours()}
                self.enable(someone, enabled=True)
                self._empty.remove(entry)
                self.stage.counts["timetables empty for a while"] += 1
                if len(gone) > FEW:
                    said = f"{len(gone)} of {len(before)} events went while its timetable was empty"
                    self.stage.troubles.append(f"synchronization {someone.ident}: {said}")

    def enable(self, someone: Participant, *, enabled: bool) -> None:
        wishes = self.stage.grounds.institution.wishes(someone.person.username)
        for key in wishes.subscriptions():
            wishes.subscribe(key, enabled=enabled)

    def insist(self, work: Callable[[], object]) -> None:
        """Until the API takes it. Raises: FailedError, requests.RequestException, after a minute."""
        deadline = time.monotonic() + 60
        while True:
            try:
                work()
            except (FailedError, requests.RequestException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return
