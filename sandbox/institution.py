"""A university on one machine: seeded, the same every time, and changed while it runs as a timetabling office would."""

import itertools
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sandbox.institution_build import build
from sandbox.institution_catalogue import Catalogue
from sandbox.institution_events import Events
from sandbox.institution_messages import Messages
from sandbox.institution_model import EVENT_TYPES, Choice, Event, NotPossibleError, Person, Room, UnknownNameError, code
from sandbox.institution_terms import Term, terms
from sandbox.institution_tokens import MESSAGES, ApiToken, Grants
from sandbox.institution_wishes import Wishes, parts
from sandbox.institution_year import academic_year

T = TypeVar("T")


class Institution:
    """People, their timetables, and the changes to them. Shared between threads.

    It is built around `now`: the academic year of that day and the one after it. With `now` given its clock stands
    still, without it the clock runs. With `etags` the timetable API offers ETags, which the vendor does not promise.
    `filtering` may be switched off, as some sites do for event type groups. The tokens open the API: only the elevated
    one may ask on behalf of a person, only the one for messages may change these.
    """

    def __init__(
        self,
        seed: int = 1,
        now: datetime | None = None,
        people: int = 48,
        zone: str = "Europe/Amsterdam",
        *,
        etags: bool = False,
        elevated_token: str = "sandbox-elevated",
        ordinary_token: str = "sandbox-ordinary",
        messages_token: str = "sandbox-messages",
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.etags = etags
        self.filtering = True
        self.elevated_token = elevated_token
        self.api_tokens = {
            elevated_token: ApiToken(elevated=True),
            ordinary_token: ApiToken(),
            messages_token: ApiToken(roles=frozenset({MESSAGES})),
        }
        self.grants = Grants()
        self.messages = Messages()
        self._term_ends: dict[str, datetime | None] = {}
        self._now = now
        self._added = itertools.count(1)
        self.year = academic_year(self.now().astimezone(self.zone).date())
        campus = build(seed, self.year, self.zone, people)
        self._people = {person.username: person for person in campus.people}
        self._rooms = {room.name: room for room in campus.rooms}
        self.catalogue = Catalogue(campus.timetables)
        self._events = Events(self.zone, campus.events)
        self._wishes = {
            name: Wishes(keys, campus.filtered.get(name, frozenset())) for name, keys in campus.subscriptions.items()
        }

    def now(self) -> datetime:
        return self._now or datetime.now(UTC)

    @property
    def databases(self) -> tuple[str, str]:
        """The current academic year's and the next one's."""
        return str(self.year), str(self.year + 1)

    @property
    def people(self) -> tuple[Person, ...]:
        return tuple(self._people.values())

    @property
    def rooms(self) -> tuple[str, ...]:
        """The names of the rooms, as `change_room` takes them."""
        return tuple(self._rooms)

    def person(self, username: str) -> Person:
        return _named(self._people, username, "User")

    def wishes(self, username: str) -> Wishes:
        return _named(self._wishes, username, "User")

    def event(self, event_id: str) -> Event:
        return self._events[event_id]

    def timetable(
        self,
        username: str,
        start: datetime | None = None,
        end: datetime | None = None,
        kinds: Collection[str] = (),
        *,
        exclude_resources: bool = False,
    ) -> list[Event]:
        """The person's events that touch `[start, end)`, sorted by start and end; `kinds` of timetable, or all."""
        subscriptions = self.wishes(username).subscriptions(kinds, exclude_resources=exclude_resources)
        shown = list(parts(subscriptions))
        events = self._events.touching([each.key for each in shown], start, end)
        if any(each.options for each in shown):
            return [event for event in events if any(each.shows(event) for each in shown)]
        return events

    def events_in(self, key: str, start: datetime | None = None, end: datetime | None = None) -> list[Event]:
        """The events of one timetable that touch `[start, end)`, sorted by start and end."""
        return self._events.touching(self.catalogue[key].children or [key], start, end)

    def terms(self, *, dutch: bool = False) -> Iterator[Term]:
        """Of each academic year the whole, with and without its holidays, and its blocks without their breaks."""
        for term in terms(self.databases, self.zone, dutch=dutch):
            end = self._term_ends.get(term.id, term.end)
            if end:
                yield term.until(end)

    def options(self, key: str) -> dict[str, Choice]:
        """What one can take of a timetable, by id and sorted by name: the student sets of a course, else nothing."""
        if self.catalogue[key].kind != "module":
            return {}
        sets = {each.id: each.name for event in self.events_in(key) for each in event.student_sets}
        return {ident: Choice(ident, name) for ident, name in sorted(sets.items(), key=lambda each: each[1])}

    def subscribe(self, username: str, key: str, *, enabled: bool = True, options: Collection[str] = ()) -> None:
        children = self.catalogue[key].children
        self.wishes(username).subscribe(key, enabled=enabled, options=options, children=children)

    def unsubscribe(self, username: str, key: str) -> None:
        self.wishes(username).unsubscribe(key)

    def grant(self, username: str, scopes: list[str]) -> str:
        """A new OAuth token with which the person lets an application read what is theirs."""
        return self.grants.give(self.person(username).username, scopes)

    def filter_group(
        self, username: str, group: str, *, filtered: bool | None = None, for_sync: bool | None = None
    ) -> None:
        """Set a person's wish for an event type group; None leaves that part of it as it is."""
        self.wishes(username).filter_group(group, filtered=filtered, for_sync=for_sync)

    def end_term(self, term_id: str, end: datetime | None = None) -> None:
        """Let a term be over at another time; without one it is there no more."""
        known = {each.id: each for each in terms(self.databases, self.zone, dutch=False)}
        term, over = _named(known, term_id, "Term"), self._utc(end) if end else None
        if over and over <= term.start:
            raise NotPossibleError("A term ends after it begins")
        self._term_ends[term.id] = over

    def move(self, event_id: str, start: datetime) -> str:
        """Give the event another start and the same length. The id, which is another one on another day."""
        event, begins = self._events[event_id], self._utc(start)
        return self._events.change(event_id, start=begins, end=begins + (event.end - event.start))

    def cancel(self, event_id: str) -> None:
        self._events.cancel(event_id)

    def change_room(self, event_id: str, room: str) -> None:
        """Put the event into the room of that name, and no other."""
        self._events.change(event_id, rooms=(self._room(room),))

    def retitle(self, event_id: str, title: str) -> None:
        self._events.change(event_id, title=title)

    def add(
        self,
        username: str,
        title: str,
        start: datetime,
        end: datetime | None = None,
        *,
        room: str | None = None,
        event_type: str = "meeting",
        all_day: bool = False,
        notes: str | None = None,
    ) -> str:
        """A new event for one person, an hour long unless `end` says otherwise. Its id."""
        begins = self._utc(start)
        year = academic_year(begins.astimezone(self.zone).date())
        return self._events.put(
            Event(
                database=str(max(self.year, min(year, self.year + 1))),
                activity=code("added", username, next(self._added)),
                start=begins,
                end=self._utc(end) if end else begins + timedelta(hours=1),
                title=title,
                type=_named(EVENT_TYPES, event_type, "Event type"),
                all_day=all_day,
                rooms=(self._room(room),) if room else (),
                notes=notes,
                personal=(self.person(username).username,),
            )
        )

    def _utc(self, moment: datetime) -> datetime:
        """A time without a zone is local."""
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def _room(self, name: str) -> Room:
        return _named(self._rooms, name, "Room")


def _named(known: dict[str, T], name: str, what: str) -> T:
    try:
        return known[name]
    except KeyError:
        raise UnknownNameError(f"{what} not found: {name}") from None
