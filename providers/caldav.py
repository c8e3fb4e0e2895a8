"""CalDAV calendars: one object for each event, in a collection that stands at a known address.

A change is a request of its own, and most are one: a create is a PUT that must not find anything (`If-None-Match: *`),
an update of what we wrote is a PUT of the whole event that must find our version (`If-Match`), a delete likewise.
Whatever a person may have touched is read first, so that all they added is put back.

See: RFC 4791, 5.3 (creating), 5.3.4 (entity tags), 7.8 (calendar-query).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus as Status
from urllib.parse import quote, urlsplit

import icalendar
import requests

from providers import _caldav_ical as ical
from providers._caldav_settings import Settings, Target, origin
from providers._caldav_wire import Account, Unanswered, Wire, is_event_name, version
from providers._caldav_xml import Answer, NotThereError, answers, listing_query, rights_query
from providers.base import (
    FIELDS,
    Ambiguous,
    CalendarGone,
    Capabilities,
    Change,
    Conflict,
    Create,
    Delete,
    Done,
    EventError,
    EventGone,
    Found,
    Marks,
    Outcome,
    ProviderError,
    Ref,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
    Window,
)

__all__ = ["Calendar", "Settings", "Target", "connect"]

_STORED = frozenset({Status.OK, Status.CREATED, Status.NO_CONTENT})
_ABSENT = frozenset({Status.NOT_FOUND, Status.GONE})
_REMOVED = frozenset({Status.OK, Status.ACCEPTED, Status.NO_CONTENT}) | _ABSENT
_READ = frozenset({Status.OK}) | _ABSENT
_LISTED = frozenset({Status.MULTI_STATUS})
_WRITE_RIGHTS = frozenset({"all", "write", "write-content"})


def connect(settings: Settings, target: Target) -> "Calendar":
    """The target's calendar. Makes no request.

    Raises: Unauthorized, when `provisioning_calendarUrl` points to a host that our password is not meant for.
    """
    address = target.calendar_url or settings.url.replace("{mailbox}", quote(target.account, safe="@"))
    if origin(address) != origin(settings.url):
        host = urlsplit(settings.url).netloc
        raise Unauthorized(f"provisioning_calendarUrl must be an address at {host}: our password goes nowhere else.")
    username = settings.username.replace("{mailbox}", target.account)
    password = settings.password.get_secret_value()
    everybodys = "{mailbox}" not in settings.username
    return Calendar(Wire(address, Account(username, password, settings.timeout, settings.ca_file, everybodys)))


@dataclass(frozen=True, slots=True)
class _Stored:
    """An event as the server has it, and the value of `If-Match` that keeps it from changing under us."""

    calendar: icalendar.Calendar
    version: str


class Calendar:
    """One collection. See `providers.base.Provider` for what its calls promise.

    A push is many requests. What ends it is raised only at its first change, before anything was done. Later it becomes
    the value of its change (`Unavailable`, where the contract knows no such value: the next call will raise it), and so
    do the changes after it, which were not sent. A write without an answer is always a value, `Ambiguous`, for that one
    event alone is in doubt.
    """

    capabilities = Capabilities(batch=20)

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._seen = False

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self._seen = False
        for change in changes:
            try:
                outcomes.append(self._outcome(change))
            except ProviderError as error:
                if not outcomes and not isinstance(error, Ambiguous):
                    raise
                return outcomes + _cut_short(error, len(changes) - len(outcomes))
        return outcomes

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        response = self._wire.send("REPORT", awaited=_LISTED, body=listing_query(_conditions(marks)), Depth="1")
        try:
            listed = [found for each in answers(response.content) if (found := _found(each, marks)) is not None]
        except ValueError as error:
            raise self._wire.broken("gave a listing that is not whole") from error
        inside = (each for each in listed if window is None or each.start in window)
        return sorted(inside, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        response = self._wire.send("PROPFIND", awaited=_LISTED, body=rights_query(), Depth="0")
        try:
            (answer,) = answers(response.content)
        except NotThereError as error:
            raise CalendarGone(f"{self._wire.host} has no calendar at this address: make it, or correct it.") from error
        except ValueError as error:
            raise self._wire.broken("does not describe the calendar") from error
        if "calendar" not in (answer.names("resourcetype") or ()):
            raise CalendarGone(f"{self._wire.host} has no calendar at this address: make it, or correct it.")
        components = answer.names("supported-calendar-component-set")
        if components is not None and "VEVENT" not in components:
            raise CalendarGone(f"{self._wire.host} takes no events in this calendar: give the address of another one.")
        # A server without access control tells no rights at all.
        rights = answer.names("current-user-privilege-set", "d:privilege/*")
        if rights is not None and not rights & _WRITE_RIGHTS:
            raise Unauthorized(f"{self._wire.host} lets our account only read this calendar: let it write there.")

    def close(self) -> None:
        self._wire.close()

    def _outcome(self, change: Change) -> Outcome:
        """What became of one change; raises what the changes after it would meet as well."""
        try:
            if isinstance(change, Create):
                return self._create(change)
            return self._update(change) if isinstance(change, Update) else self._delete(change)
        except Unanswered:
            raise
        except (EventError, Ambiguous) as error:
            return error

    def _create(self, change: Create) -> Done:
        uid = ical.uid(change.mark, change.generation)
        name = f"{uid}.ics"
        try:
            return self._put(name, ical.render(change.event, change.mark, uid, datetime.now(UTC)), If_None_Match="*")
        except Conflict as conflict:
            stored = self._read(name)
            if stored is None:
                raise
            if ical.mark_of(stored.calendar) != change.mark:
                raise Conflict("Something else stands where the event should go: give it another id.") from conflict
            return self._merge(name, stored, change, FIELDS)

    def _update(self, change: Update) -> Done:
        ref = change.ref
        if ref.version is not None and not change.merge and ical.is_ours(ref.id):
            return self._replace(change, ref.version)
        stored = self._read(ref.id)
        if stored is None:
            raise self._gone()
        if ref.version not in {None, stored.version}:
            raise Conflict("Somebody changed the event: read it again.")
        _refuse_foreign(stored, change)
        return self._merge(ref.id, stored, change, change.fields)

    def _replace(self, change: Update, version: str) -> Done:
        """Put the whole event in the place of the one we wrote: no need to read it."""
        body = ical.render(change.event, change.mark, change.ref.id.removesuffix(".ics"), datetime.now(UTC))
        try:
            return self._put(change.ref.id, body, If_Match=version)
        except (Conflict, CalendarGone) as refusal:
            # The same answer, 412, for an event that changed and for one that is gone; some servers say 404 of that.
            if self._read(change.ref.id) is None:
                raise self._gone() from refusal
            raise

    def _merge(self, name: str, stored: _Stored, change: Create | Update, fields: Iterable[str]) -> Done:
        if ical.has_guests(stored.calendar):
            raise Rejected(
                "Somebody invited guests to the event, whom a change would notify: take it out of their hands."
            )
        merged = ical.merge(stored.calendar, change.event, change.mark, fields, datetime.now(UTC))
        return self._put(name, merged, If_Match=stored.version)

    def _delete(self, change: Delete) -> Done:
        ref, expected = change.ref, change.ref.version
        if expected is None:
            stored = self._read(ref.id)
            if stored is None:
                self._gone()
                return Done()
            _refuse_foreign(stored, change)
            expected = stored.version
        try:
            response = self._wire.send("DELETE", ref.id, awaited=_REMOVED, If_Match=expected)
        except Conflict:
            if self._read(ref.id) is not None:
                raise
            self._gone()
            return Done()
        if response.status_code in _ABSENT:
            self._gone()
        elif _says_nothing(response) and self._read(ref.id) is not None:
            raise self._wire.not_done("DELETE")
        return Done()

    def _gone(self) -> EventGone:
        """The word for a missing event, once we know that it is not the calendar that is missing: asked once a push.

        Raises: as `check`.
        """
        if not self._seen:
            self.check()
        self._seen = True
        return EventGone("The event is no longer in the calendar: make it anew, or let it go.")

    def _put(self, name: str, body: bytes, **condition: str) -> Done:
        """Store it under `name`.

        A server that stores another text than ours gives no ETag, and one asked for afterwards could be that of
        somebody else's edit: then the version is None, and the next update reads before it writes.
        """
        response = self._wire.send("PUT", name, awaited=_STORED, body=body, **condition)
        if _says_nothing(response):
            stored = self._read(name)
            if stored is None or stored.version == condition.get("If_Match") != "*":
                raise self._wire.not_done("PUT")
        self._seen = True
        return Done(Ref(name, version(response.headers.get("ETag"))))

    def _read(self, name: str) -> _Stored | None:
        """The event as it is now, None where it is gone."""
        response = self._wire.send("GET", name, awaited=_READ)
        if response.status_code in _ABSENT:
            return None
        try:
            return _Stored(ical.parse(response.content), version(response.headers.get("ETag")) or "*")
        except ValueError as error:
            raise Conflict("Something that is no event stands in the event's place: look by mark.") from error


def _cut_short(error: ProviderError, count: int) -> list[Outcome]:
    """The value of the change that ended the call, and those of the changes after it, which were not sent."""
    if isinstance(error, Ambiguous):
        said = f"Not sent, because the change before it got no answer: {error}"
        rest: Outcome = Unavailable(said, everybody=error.everybody)
        return [error, *[rest] * (count - 1)]
    told: Outcome = error if isinstance(error, Throttled | Unavailable) else Unavailable(f"Not done: {error}")
    return [told] * count


def _says_nothing(response: requests.Response) -> bool:
    """Whether it is worth a look: 200, and not a word. What stands between us and a server may say that of anything."""
    return response.status_code == Status.OK and not response.content and "ETag" not in response.headers


def _refuse_foreign(stored: _Stored, change: Update | Delete) -> None:
    mark = ical.mark_of(stored.calendar)
    if mark is None or mark.instance != change.mark.instance:
        raise Conflict("The event in that place does not carry our mark: look by mark.")


def _conditions(marks: Marks) -> dict[str, str]:
    wanted = {ical.INSTANCE: marks.instance, ical.SYNCHRONIZATION: marks.synchronization}
    return {name: ical.encoded(value) for name, value in wanted.items() if value is not None}


def _found(answer: Answer, marks: Marks) -> Found | None:
    """None for what a server lists without our asking: its text match is a substring, and some know none."""
    text, etag = answer.text("calendar-data"), version(answer.text("getetag"))
    # Somebody else's event is not parsed: its faults are no concern of ours.
    if ical.INSTANCE not in text.upper():
        return None
    if not is_event_name(answer.name):
        raise ValueError("an event without a name")
    calendar = ical.parse(text)
    mark = ical.mark_of(calendar)
    if mark is None or mark.instance != marks.instance or marks.synchronization not in {None, mark.synchronization}:
        return None
    return ical.found(calendar, mark, Ref(answer.name, etag))
