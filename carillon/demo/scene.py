"""Who takes part in the demo, and what can be seen of them from outside."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from carillon.demo.api import Api
from carillon.demo.calendars import (
    Calendar,
    DailyCalendar,
    DavCalendar,
    ExchangeMailbox,
    GoogleMailbox,
    Participant,
    Place,
    shown,
    timetable,
)
from carillon.playground import DAV_PASSWORD, Playground
from providers.base import Window
from sandbox.dav import Person as DavPerson
from sandbox.institution_model import Person
from schedules.due import window

KINDS = ("caldav", "googlecalendar", "ews", "o365")
PEOPLE_EACH = 4
RARE = "connectdaily"
"""The kind that one person has."""
MOVERS = 2
"""How many more have Exchange through EWS, to be moved to Microsoft Graph."""
FUTURE_DAYS = 60
OWN = "Dentist"
"""What stands in everybody's calendar before Carillon comes, and must stand there untouched to the end."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The stage, the provisioning API, and the people: as many with each kind of calendar, one with a rarer kind, and
    some to be moved.
    """

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
        """How many requests each kind of calendar server has had to write, a batch counting once; of EWS, all."""
        dav, google, exchange = self.grounds.dav_faults, self.grounds.faults, self.grounds.exchange_faults
        return {
            "caldav": len(dav.seen(method="PUT")) + len(dav.seen(method="DELETE")),
            "googlecalendar": len(google.seen("/batch/*")),
            "ews": len(exchange.seen("/EWS/*")),
            "o365": len(exchange.seen("/v1.0/$batch")),
            RARE: sum(len(google.seen("/cd/restapi/*", method)) for method in ("POST", "PUT", "DELETE")),
        }

    def every(self, kind: str) -> Iterator[Participant]:
        return (someone for someone in self.people if someone.kind == kind)

    def firsts(self) -> tuple[Participant, ...]:
        """The first with each kind of calendar."""
        return tuple(next(self.every(kind)) for kind in (*KINDS, RARE))


def cast(grounds: Playground) -> tuple[Participant, ...]:
    """The first students of the university, the first four of them with one kind of calendar each."""
    students = [
        person
        for person in grounds.institution.people
        if person.username == person.mail and "ROLE_STUDENT" in person.roles
    ]
    return tuple(
        Participant(person, kind, calendar(grounds, kind, person))
        for person, kind in zip(students, [*KINDS * PEOPLE_EACH, RARE, *["ews"] * MOVERS], strict=False)
    )


def calendar(grounds: Playground, kind: str, person: Person) -> Calendar:
    """That of a person at the server of a kind, as its owner sees it."""
    zone, address = grounds.institution.zone, person.mail
    if kind == RARE:
        return DailyCalendar(grounds.connectdaily, grounds.calendar_number(person.username))
    if kind == "caldav":
        return DavCalendar(DavPerson(grounds.dav_server_url, address, DAV_PASSWORD), zone)
    if kind == "googlecalendar":
        return GoogleMailbox(grounds.google, address, zone)
    return ExchangeMailbox(grounds.exchange, address)
