"""The chapter of calendar schedules: a hold that defers a push and releases it, and a holiday that comes and goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from carillon.demo.calendars import Entry, Participant
from carillon.demo.scene import Scene
from carillon.demo.telling import Telling
from schedules.holidays import public_holidays
from schedules.periods import Period

GROUP = "Examination board"
COUNTRIES = ("NL", "US", "JP", "IN")
"""In any weeks one of them has a holiday."""
HOLD_MINUTES = 2
"""To the minute, so that a hold lasts for more than one and for at most two."""
SECONDS = 45


def hold_and_publish(scene: Scene, telling: Telling) -> None:
    """While a schedule holds, what changes is not written; a public holiday stands in calendars as long as it is in a
    schedule.
    """
    someone = next(scene.every("caldav"))
    scene.api.join(GROUP, someone.person.username)
    _hold(scene, telling, someone)
    _publish(scene, telling, someone)
    telling.claim("and nobody's own event was touched by it", all(each.untouched() for each in scene.people))


def _hold(scene: Scene, telling: Telling, someone: Participant) -> None:
    institution = scene.grounds.institution
    before = someone.ours()
    scene.api.add_schedule(GROUP, "Marking", "hold", [_now_on(scene)])
    telling.until("calendar held", 1, lambda: _is(scene, someone, "HELD"), SECONDS)
    telling.note(f"What an administrator reads: {scene.detail(someone)['statusDetail']}")
    evening = (datetime.now(UTC) + timedelta(days=4)).replace(hour=18, minute=0, second=0, microsecond=0)
    institution.add(someone.person.username, "Guest lecture", evening, room=institution.rooms[0])
    others = [each for each in scene.people if each is not someone]
    ended = {each.ident: scene.detail(each)["lastSync"] for each in others}
    telling.until("runs of the others", len(others), lambda: _ran(scene, others, ended), SECONDS)
    held = _is(scene, someone, "HELD") and someone.ours() == before and not scene.equal(someone)
    telling.claim("a guest lecture is not written while the schedule holds, though the others' runs go on", held)
    telling.until("calendar that follows", 1, lambda: scene.equal(someone), HOLD_MINUTES * 60 + SECONDS)
    telling.claim("at the hold's end it is written by itself", scene.equal(someone))
    telling.count(created=1)


def _publish(scene: Scene, telling: Telling, someone: Participant) -> None:
    country, holiday = _coming(scene)
    scene.api.add_schedule(GROUP, "Holidays", "publish", [])
    scene.api.add_holidays(GROUP, "Holidays", country, holiday.start_day.year)
    there = telling.until("holiday in the calendar", 1, lambda: len(_standing(someone, holiday)), SECONDS)
    telling.claim(f"{holiday.start_day:%Y-%m-%d}, a public holiday ({country}), is a whole day over CalDAV", there)
    scene.api.remove_schedule(GROUP, "Holidays")
    telling.until("calendar without it", 1, lambda: scene.equal(someone), SECONDS)
    gone = not _standing(someone, holiday) and scene.equal(someone)
    telling.claim("it goes with its schedule, and the timetable stands as it stood", gone)


def _now_on(scene: Scene) -> dict[str, Any]:
    """The time from this minute on, for HOLD_MINUTES."""
    start = datetime.now(scene.grounds.institution.zone)
    days = {"startDay": f"{start:%Y-%m-%d}", "stopDay": f"{start:%Y-%m-%d}"}
    times = {"startTime": f"{start:%H:%M}", "stopTime": f"{start + timedelta(minutes=HOLD_MINUTES):%H:%M}"}
    return {"name": "Quiet", "type": "Partial days", **days, **times}


def _coming(scene: Scene) -> tuple[str, Period]:
    """A holiday of the next weeks, and whose it is."""
    first = datetime.now(scene.grounds.institution.zone).date() + timedelta(days=2)
    last = scene.window().end.date() - timedelta(days=2)
    return next(
        (country, each)
        for country in COUNTRIES
        for year in sorted({first.year, last.year})
        for each in public_holidays(country, year)
        if first <= each.start_day <= last
    )


def _standing(someone: Participant, holiday: Period) -> list[Entry]:
    """The events of ours of that whole day."""
    day = f"DTSTART;VALUE=DATE:{holiday.start_day:%Y%m%d}".encode()
    return [each for each in someone.ours() if day in each.whole]


def _is(scene: Scene, someone: Participant, status: str) -> bool:
    return bool(scene.detail(someone)["status"] == status)


def _ran(scene: Scene, others: list[Participant], ended: dict[int, int]) -> int:
    return sum(scene.detail(each)["lastSync"] > ended[each.ident] for each in others)
