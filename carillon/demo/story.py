"""The chapters: people come, nothing happens, the timetable changes, people interfere, people leave."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle

from carillon.demo.api import eventually, moment
from carillon.demo.calendars import Participant, shown
from carillon.demo.scene import KINDS, MOVERS, OWN, RARE, Scene
from carillon.demo.schedules import hold_and_publish
from carillon.demo.telling import Telling
from sandbox.faults import Fault
from sandbox.institution_model import Event

CHANGE_SECONDS = 60
COMING_BACK = 8
EWS_MOST = 4
"""Requests of one run that creates, updates and deletes: a look, and one for each."""
NAMES = {"caldav": "CalDAV", "googlecalendar": "Google", "ews": "EWS", "o365": "Microsoft Graph", RARE: "Connect Daily"}

Row = tuple[str, int, int, int]


def provision(scene: Scene, telling: Telling) -> None:
    """Everybody gets an event of their own first, then a synchronization over HTTP."""
    began = time.monotonic()
    for someone in scene.people:
        person = someone.person
        someone.calendar.add_own(OWN, datetime.now(UTC).replace(minute=15, second=0, microsecond=0) + timedelta(days=3))
        someone.foreign = someone.others()
        scene.api.put_user(person.username, person.name)
        someone.ident = scene.api.put_synchronization(person.username, someone.kind, someone.address)
    telling.note("PUT /api/v0/users/… and PUT /api/v0/synchronizations for each; workers do the rest.")
    telling.until("calendars written", len(scene.people), lambda: _number(scene, "OK"), 90)
    seconds = time.monotonic() - began
    rows = []
    for someone in scene.people:
        runs = scene.detail(someone)["runs"]
        rows.append((someone.name, sum(run["created"] for run in runs), sum(scene.wanted(someone).values())))
        telling.count(created=rows[-1][1])
    telling.table(("Person", "Events written", "In the timetable"), rows)
    spent = ", ".join(f"{number} to {NAMES[kind]}" for kind, number in scene.requests().items())
    telling.note(f"{seconds:.1f} s; requests: {spent}.")
    telling.claim(
        "every calendar, read from its server, equals its person's timetable", all(map(scene.equal, scene.people))
    )
    _still_untouched(scene, telling)


def rest(scene: Scene, telling: Telling) -> None:
    """Runs go on every few seconds and find nothing to do."""
    before, ended = scene.requests(), {each.ident: scene.detail(each)["lastSync"] for each in scene.people}
    telling.until("runs without a change", len(scene.people), lambda: _ran_since(scene, ended))
    telling.claim("a run of an unchanged timetable makes no request to a calendar", scene.requests() == before)


def change(scene: Scene, telling: Telling) -> None:
    """The timetabling office moves, cancels, adds and gives other rooms."""
    since, before = time.time(), scene.requests()
    _reschedule(scene)
    telling.note("Two events are moved, one of them to another day; one is cancelled; one gets another room;")
    telling.note("and the first with each kind of calendar get a guest lecture. Others see what they share with them.")
    goal = len(scene.people)
    telling.until("calendars that follow", goal, lambda: sum(map(scene.equal, scene.people)), CHANGE_SECONDS)
    rows = [_written(scene, someone, since) for someone in scene.people]
    telling.table(("Person", "Created", "Updated", "Deleted"), rows)
    telling.count(created=_sum(rows, 1), updated=_sum(rows, 2), deleted=_sum(rows, 3))
    telling.claim("every calendar follows its timetable", all(map(scene.equal, scene.people)))
    telling.claim("the first saw 1 event created, 3 updated in place and 1 deleted", rows[0][1:] == (1, 3, 1))
    spent = {kind: number - before[kind] for kind, number in scene.requests().items()}
    changed = {kind: _changed(scene, rows, kind) for kind in spent}
    for kind in ("caldav", RARE):
        changes = changed[kind][1]
        telling.claim(f"{changes} change(s) cost {NAMES[kind]} as many writes", spent[kind] == changes > 0)
    for kind in ("googlecalendar", "o365"):
        people = changed[kind][0]
        telling.claim(f"{NAMES[kind]} {spent[kind]}, one batch a person", spent[kind] == people)
    people = changed["ews"][0]
    telling.claim(f"and EWS {spent['ews']}, at most {EWS_MOST} a person", spent["ews"] <= people * EWS_MOST)
    _still_untouched(scene, telling)


def fail(scene: Scene, telling: Telling) -> None:
    """The timetable API answers with a login page, and then with nothing at all."""
    before = {someone.ident: shown(someone.ours(), scene.window()) for someone in scene.people}
    scene.grounds.faults.add(Fault("/api/v0/timetable", "html"))
    telling.until("runs that met a login page", len(scene.people), lambda: _number(scene, "RETRYING"))
    telling.note(f"What an administrator reads: {scene.detail(scene.people[0])['statusDetail']}")
    scene.grounds.faults.clear()
    wishes = [scene.grounds.institution.wishes(someone.person.username) for someone in scene.people]
    switches = [(each, key) for each in wishes for key in each.subscriptions()]
    for each, key in switches:
        each.subscribe(key, enabled=False)
    for someone in scene.people:
        scene.api.resync(someone.ident)
    telling.until("empty timetables held", len(scene.people), lambda: _number(scene, "HELD"))
    telling.note(f"And then: {scene.detail(scene.people[0])['statusDetail']}")
    after = {someone.ident: shown(someone.ours(), scene.window()) for someone in scene.people}
    telling.claim("neither a login page nor an empty timetable deletes anything", before == after)
    for each, key in switches:
        each.subscribe(key)
    telling.until("calendars well again", len(scene.people), lambda: _number(scene, "OK"))
    telling.claim("and everything goes on by itself afterwards", _number(scene, "OK") == len(scene.people))


def interfere(scene: Scene, telling: Telling) -> None:
    """Some people move or delete an event of ours; a resync reads the calendars back and restores them."""
    meddlers = scene.firsts()
    for someone in meddlers:
        coming = [each for each in someone.ours() if each.start > datetime.now(UTC) and each.location]
        first, second = sorted(coming, key=lambda each: (each.start, each.id))[:2]
        someone.calendar.drag(first, timedelta(hours=3))
        someone.calendar.throw_away(second)
    telling.note("One with each kind of calendar drags an event of ours three hours down and throws another away.")
    telling.claim("their calendars no longer equal their timetables", not any(map(scene.equal, meddlers)))
    for someone in meddlers:
        scene.api.resync(someone.ident)
    telling.note("POST /api/v0/synchronizations/{id}/resync for each.")
    telling.until("calendars restored", len(meddlers), lambda: sum(map(scene.equal, meddlers)), CHANGE_SECONDS)
    telling.claim("after a resync they do", all(map(scene.equal, meddlers)))
    _still_untouched(scene, telling)


def migrate(scene: Scene, telling: Telling) -> None:
    """The same mailboxes through Microsoft Graph instead of EWS: nothing in them changes."""
    movers = scene.people[-MOVERS:]
    before, ended = (
        [someone.ours() for someone in movers],
        {each.ident: scene.detail(each)["lastSync"] for each in movers},
    )
    for someone in movers:
        someone.kind = "o365"
        someone.ident = scene.api.put_synchronization(someone.person.username, someone.kind, someone.address)
    telling.note(f"PUT /api/v0/synchronizations with type=o365 for {MOVERS} people who had ews.")
    telling.until("mailboxes adopted", MOVERS, lambda: sum(_adopted(scene, each, ended) for each in movers))
    telling.claim("their synchronizations are the same ones", [each.ident for each in movers] == list(ended))
    telling.claim(
        f"{sum(map(len, before))} events written through EWS were adopted, not one was touched",
        [someone.ours() for someone in movers] == before,
    )
    _still_untouched(scene, telling)


def leave(scene: Scene, telling: Telling) -> None:
    """Each mode of unlinking, at each kind of calendar."""
    rows = []
    for kind in (*KINDS, RARE):
        for someone, mode in zip(scene.every(kind), cycle(_EXPECTED), strict=False):
            rows.append(_unlink(scene, telling, someone, mode))
    telling.table(("Person", "Mode", "Before", "Foretold", "Removed", "Left", "As it should"), rows)
    for mode in _EXPECTED:
        telling.claim(f"{mode} removes exactly what it says", all(row[-1] == "yes" for row in rows if row[1] == mode))
    _still_untouched(scene, telling)


def clean_up(scene: Scene, telling: Telling) -> None:
    """Whoever kept events links again, which adopts them; CLEANUP then takes whatever any synchronization left."""
    rows = []
    for someone in scene.people[:COMING_BACK]:
        left = len(someone.ours())
        someone.ident = scene.api.put_synchronization(someone.person.username, someone.kind, someone.address)
        eventually(partial(_is_ok, scene, someone), 30)
        doubled = not scene.equal(someone)
        row = _unlink(scene, telling, someone, "CLEANUP")
        rows.append((someone.name, left, "no" if not doubled else "YES", row[2], row[4], row[5]))
    telling.table(("Person", "Left behind", "Doubled", "After linking again", "Removed", "Left"), rows)
    telling.claim("linking again adopts what was left behind, and doubles nothing", all(row[2] == "no" for row in rows))
    telling.claim(
        "CLEANUP leaves nothing of ours behind", all(not someone.ours() for someone in scene.people[:COMING_BACK])
    )
    telling.claim("nobody was ever invited or notified", scene.grounds.google.notifications == 0)
    telling.claim("every request kept to Google's published contract", scene.grounds.google.violations == [])
    telling.claim("and nobody was invited through Exchange either", scene.grounds.exchange.notifications == 0)
    _still_untouched(scene, telling)


CHAPTERS: tuple[tuple[str, Callable[[Scene, Telling], None]], ...] = (
    (
        "An administrator provisions nineteen people, with five kinds of calendar",
        provision,
    ),
    ("Nothing changes", rest),
    ("The timetabling office changes its mind", change),
    ("The timetable API fails", fail),
    ("People change our events", interfere),
    ("A schedule keeps a calendar quiet, and another puts a holiday into it", hold_and_publish),
    ("Two mailboxes move from EWS to Microsoft Graph", migrate),
    ("People leave, in each of the four ways", leave),
    ("Some of them come back, and are then cleaned up after", clean_up),
)

_EXPECTED: dict[str, Callable[[int, int], int]] = {
    "UNLINK_ONLY": lambda past, future: past + future,
    "DELETE_FUTURE_EVENTS": lambda past, _future: past,
    "DELETE_ALL_EVENTS": lambda _past, _future: 0,
    "CLEANUP": lambda _past, _future: 0,
}
"""How many of our events shall be left, of those that began before the call and those that did not."""


def _unlink(
    scene: Scene, telling: Telling, someone: Participant, mode: str
) -> tuple[str, str, int, int, int, int, str]:
    before = someone.ours()
    foretold = scene.api.preview(someone.ident, mode)
    scene.api.unlink(someone.ident, mode)
    eventually(lambda: all(each["state"] == "DONE" for each in scene.api.unlinks()), 30)
    done = next(each for each in scene.api.unlinks() if each["synchronizationId"] == someone.ident)
    past = sum(each.start <= moment(done["acceptedAt"]) for each in before)
    left = len(someone.ours())
    telling.count(removed=done["removed"])
    right = left == _EXPECTED[mode](past, len(before) - past) and foretold == done["removed"] == len(before) - left
    return someone.name, mode, len(before), foretold, done["removed"], left, "yes" if right else "NO"


def _reschedule(scene: Scene) -> None:
    institution = scene.grounds.institution
    zone = institution.zone
    moved, put_off, cancelled, elsewhere = _coming(scene, scene.people[0])[:4]
    institution.move(moved.id(zone), moved.start + timedelta(minutes=30))
    institution.move(put_off.id(zone), put_off.start + timedelta(days=1, hours=1))
    institution.cancel(cancelled.id(zone))
    institution.change_room(elsewhere.id(zone), _other_room(scene, elsewhere))
    for someone in scene.firsts():
        evening = elsewhere.start + timedelta(hours=8)
        institution.add(someone.person.username, "Guest lecture", evening, room=institution.rooms[0])


def _written(scene: Scene, someone: Participant, since: float) -> Row:
    """Name, created, updated, deleted: what the runs since then wrote for one person."""
    runs = [run for run in scene.detail(someone)["runs"] if run["startedAt"] >= since * 1000]
    created, updated, deleted = (sum(run[name] for run in runs) for name in ("created", "updated", "deleted"))
    return someone.name, created, updated, deleted


def _changed(scene: Scene, rows: list[Row], kind: str) -> tuple[int, int]:
    """How many people with that kind of calendar had something to change, and how many changes those were."""
    changes = [sum(row[1:]) for row, someone in zip(rows, scene.people, strict=True) if someone.kind == kind]
    return sum(map(bool, changes)), sum(changes)


def _sum(rows: list[Row], place: int) -> int:
    return sum(int(row[place]) for row in rows)


def _adopted(scene: Scene, someone: Participant, ended: dict[int, int]) -> bool:
    """Whether a run through Microsoft Graph ended well since."""
    detail = scene.detail(someone)
    return bool(detail["type"] == "o365" and detail["status"] == "OK" and detail["lastSync"] > ended[someone.ident])


def _is_ok(scene: Scene, someone: Participant) -> bool:
    return bool(scene.detail(someone)["status"] == "OK")


def _number(scene: Scene, status: str) -> int:
    """How many synchronizations have that status."""
    return sum(scene.detail(someone)["status"] == status for someone in scene.people)


def _ran_since(scene: Scene, ended: dict[int, int]) -> int:
    return sum((scene.detail(someone)["lastSync"] or 0) > ended[someone.ident] for someone in scene.people)


def _coming(scene: Scene, someone: Participant) -> list[Event]:
    """The person's lectures from the day after tomorrow on."""
    institution, from_ = scene.grounds.institution, datetime.now(UTC) + timedelta(days=2)
    wishes = institution.wishes(someone.person.username)
    found = institution.timetable(someone.person.username, from_, from_ + timedelta(days=120))
    return [
        event
        for event in found
        if event.start > from_
        and event.rooms
        and event.course
        and not (event.all_day or event.draft or wishes.hides(event))
    ]


def _other_room(scene: Scene, event: Event) -> str:
    return next(room for room in scene.grounds.institution.rooms if room not in {each.name for each in event.rooms})


def _still_untouched(scene: Scene, telling: Telling) -> None:
    telling.claim("nobody's own event was touched", all(someone.untouched() for someone in scene.people))
