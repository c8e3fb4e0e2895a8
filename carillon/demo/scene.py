"""Who takes part in the demo, and what can be seen of them from outside."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from carillon.demo.api import Api
from carillon.demo.calendars import (
    Calendar,
    DavCalendar,
    GoogleMailbox,
    Participant,
    Place,
    shown,
    timetable,
)
from carillon.playground import DAV_PASSWORD, Playground
from providers.base import Window
from sandbox.dav import Person as DavPerson
from schedules.due import window

PEOPLE_EACH = 4
FUTURE_DAYS = 60
OWN = "Dentist"
"""What stands in everybody's calendar before Carillon comes, and must stand there untouched to the end."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The stage, the provisioning API, and the people: as many with CalDAV as with Google Calendar."""

    grounds: Playground
    api: Api
    people: tuple[Participant, ...]

    def window(self) -> Window:
        """The days that a run covers."""
        zone = self.grounds.institution.zone.key
        return window(datetime.now(UTC), timedelta(days=14), timedelta(days=FUTURE_DAYS), zone)

    def wanted(self, someone: Participant) -> Counter[Place]:
        return timetable(self.grounds.institution, someone.person.username, self.window())

    def equal(self, someone: Participant) -> bool:
        """Whether the calendar, read from its server, shows exactly the person's timetable."""
        return shown(someone.ours(), self.window()) == self.wanted(someone)

    def detail(self, someone: Participant) -> dict[str, Any]:
        return self.api.synchronization(someone.ident)

    def requests(self) -> dict[str, int]:
        """How many write requests each kind of calendar server has had, a batch counting once."""
        dav, google = self.grounds.dav_faults, self.grounds.faults
        return {
            "caldav": len(dav.seen(method="PUT")) + len(dav.seen(method="DELETE")),
            "googlecalendar": len(google.seen("/batch/*")),
        }

    def every(self, kind: str) -> Iterator[Participant]:
        return (someone for someone in self.people if someone.kind == kind)


def cast(grounds: Playground) -> tuple[Participant, ...]:
    """The first students of the university, half of them with either kind of calendar."""
    students = [
        person
        for person in grounds.institution.people
        if person.username == person.mail and "ROLE_STUDENT" in person.roles
    ]
    return tuple(
        Participant(person, kind, _calendar(grounds, kind, person.mail))
        for person, kind in zip(students, ["caldav", "googlecalendar"] * PEOPLE_EACH, strict=False)
    )


def _calendar(grounds: Playground, kind: str, address: str) -> Calendar:
    zone = grounds.institution.zone
    if kind == "caldav":
        return DavCalendar(DavPerson(grounds.dav_server_url, address, DAV_PASSWORD), zone)
    return GoogleMailbox(grounds.google, address, zone)
