"""The institution's iCalendar feeds, one a person, at `/ical?eu=…&t=…`: what `/user` tells as `feedUrl`.

A feed holds what the person wants in a calendar: no drafts, nothing filtered away. Its events say in texts what the
API says in fields.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import icalendar
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.institution import Institution
from sandbox.institution_json import event_json
from sandbox.institution_model import Event, Person, UnknownNameError

PATH = "/ical"
HOST = "timetable.example.edu"
"""What stands behind the `@` of every UID."""


def routes(institution: Institution) -> list[Route]:
    """The feed of whoever the address is the secret of."""
    return [Route(PATH, _Feeds(institution).answer, methods=["GET"])]


def feed(institution: Institution, person: Person, *, dutch: bool = False) -> bytes:
    """A person's whole feed."""
    calendar = icalendar.Calendar()
    for name, value in (("PRODID", f"-//{HOST}//Sandbox//EN"), ("VERSION", "2.0"), ("METHOD", "PUBLISH")):
        calendar.add(name, value)
    calendar.add("X-WR-CALNAME", f"Timetable of {person.name}")
    if institution.zone.key != "UTC":
        calendar.add_component(_zone(institution.zone.key, institution.year))
    for event in _wished(institution, person.username):
        calendar.add_component(_event(event, institution.zone, dutch=dutch))
    written: bytes = calendar.to_ical()
    return written


class _Feeds:
    """Remembers since when a feed says what it says."""

    def __init__(self, institution: Institution) -> None:
        self._institution = institution
        self._since: dict[str, datetime] = {}

    def answer(self, request: Request) -> Response:
        """Sent again only where it is another one than the reader knows."""
        asked = request.query_params
        try:
            person = self._institution.person(asked.get("eu", ""))
        except UnknownNameError:
            return PlainTextResponse("There is no such feed", 404)
        if not hmac.compare_digest(asked.get("t", "").encode(), person.feed_token.encode()):
            return PlainTextResponse("This is not the address of the feed", 403)
        body = feed(self._institution, person, dutch=request.headers.get("Accept-Language", "").startswith("nl"))
        return self._unless_known(request, body)

    def _unless_known(self, request: Request, body: bytes) -> Response:
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        since = self._since.setdefault(etag, self._institution.now().astimezone(UTC).replace(microsecond=0))
        headers = {"ETag": etag, "Last-Modified": format_datetime(since, usegmt=True), "Cache-Control": "private"}
        if etag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/calendar", headers=headers)


def _wished(institution: Institution, username: str) -> Iterator[Event]:
    wishes = institution.wishes(username)
    groups = {group for group, wish in wishes.groups().items() if wish.for_sync}
    for event in institution.timetable(username):
        unwished = institution.filtering and event.type is not None and event.type.group in groups
        if not (event.draft or wishes.hides(event) or unwished):
            yield event


def _event(event: Event, zone: ZoneInfo, *, dutch: bool) -> icalendar.Event:
    made = icalendar.Event()
    made.add("UID", f"{event.id(zone)}@{HOST}")
    made.add("DTSTAMP", datetime(int(event.database), 1, 1, tzinfo=UTC))
    for name, moment in (("DTSTART", event.start), ("DTEND", event.end)):
        local = moment.astimezone(zone)
        made.add(name, local.date() if event.all_day else local)
    kind = (event.type.dutch if dutch else event.type.description) if event.type else None
    said = {
        "SUMMARY": f"{event.course.code} {event.title}" if event.course else event.title,
        "LOCATION": ", ".join(room.name for room in event.rooms),
        "DESCRIPTION": _description(event, kind, zone),
    }
    for name, text in said.items():
        if text:
            made.add(name, text)
    if kind:
        made.add("CATEGORIES", [kind])
    return made


def _description(event: Event, kind: str | None, zone: ZoneInfo) -> str:
    told = event_json(event, zone, frozenset(), filtered=False, dutch=False)
    lines = {
        "Type": kind,
        "Staff": "; ".join(each.name for each in event.staff),
        "Groups": "; ".join(each.name for each in event.student_sets),
        "Online": told["conferenceUrl"],
    }
    head = "\n".join(f"{name}: {text}" for name, text in lines.items() if text)
    return f"{head}\n\n{event.notes}" if head and event.notes else head or event.notes or ""


@lru_cache(maxsize=8)
def _zone(key: str, year: int) -> icalendar.Timezone:
    first, last = (datetime(each, 1, 1, tzinfo=UTC).date() for each in (year - 1, year + 4))
    return icalendar.Timezone.from_tzinfo(ZoneInfo(key), key, first, last)
