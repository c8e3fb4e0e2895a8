"""Connect Daily (MH Software), through its REST API for events and its iCalendar export.

The API has no batches and no listing, its events no properties and no version. So our mark is a line in an event's
text, which names the event's guid, chosen by us; a version is a hash of the event; every change reads the event first,
and writes back all that it does not change. What the server notices itself, 409, is read again.

See: the manual's page «Event CRUD API»; docs/connect-daily.md.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from providers._connectdaily_errors import Forbidden, Overtaken, calendar_gone
from providers._connectdaily_mark import guid, lines
from providers._connectdaily_payload import Body, changed, first_day, found, made, recurs, released, version
from providers._connectdaily_settings import Settings, Target
from providers._connectdaily_wire import Wire, by_guid
from providers._outcomes import in_batches
from providers.base import (
    FIELDS,
    Ambiguous,
    Capabilities,
    Change,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    Done,
    EventError,
    EventGone,
    Found,
    Mark,
    Marks,
    Outcome,
    Ref,
    Unauthorized,
    Update,
    Window,
)

__all__ = ["Calendar", "Settings", "Target", "connect"]

_T = TypeVar("_T")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_UID = re.compile(r"^UID:(\S+)", re.MULTILINE)


def connect(settings: Settings, target: Target) -> "Calendar":
    """The target's calendar. Makes no request.

    Raises: Unauthorized, when the calendar of the settings is named as somebody's own: it would have two names.
    """
    if target.calendar_id == settings.calendar_id:
        raise Unauthorized("provisioning_calendarId names the calendar of the settings: leave it out.")
    wire = Wire(settings.url, settings.user_id, settings.token.get_secret_value(), settings.timeout, settings.ca_file)
    return Calendar(wire, target.calendar_id or settings.calendar_id, settings)


class Calendar:
    """One calendar. See `providers.base.Provider` for what its calls promise.

    A push is several requests for each change. A write without an answer leaves that one event in doubt; what concerns
    the whole calendar is raised at the first change, and afterwards is the outcome of all that were not sent.
    """

    capabilities = Capabilities(batch=20)

    def __init__(self, wire: Wire, calendar_id: int, settings: Settings) -> None:
        self._wire = wire
        self._id = calendar_id
        self._layout = settings.layout
        self._seen = False

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        self._seen = False
        return in_batches(changes, 1, lambda one: [self._outcome(one[0])])

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        self._look_anew()
        listed = lines(self._wire.export(self._id))
        guids = {each.guid for each in listed if _asked(each.mark, marks)}
        there = [each for guid in sorted(guids) if (each := self._found(guid, marks)) is not None]
        inside = (each for each in there if window is None or each.start in window)
        return sorted(inside, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        self._look_anew()
        sample = self._sample()
        lacking = [name for name in self._layout.names.values() if name and sample is not None and name not in sample]
        if lacking:
            raise ContractBroken(f"{self._wire.host} has events without the field {lacking[0]}: correct fields.")

    def close(self) -> None:
        self._wire.close()

    def _outcome(self, change: Change) -> Outcome:
        """What became of one change; raises what the changes after it would meet as well."""
        try:
            return _again_if_overtaken(lambda: self._carry_out(change))
        except Forbidden:
            self._look()
            raise
        except (EventError, Ambiguous) as error:
            return error

    def _carry_out(self, change: Change) -> Done:
        if isinstance(change, Create):
            return self._create(change)
        there = self._read(change.ref.id)
        if there is None:
            self._look()
            if isinstance(change, Delete):
                return Done()
            raise EventGone("The event is no longer in the calendar: make it anew, or let it go.")
        if change.ref.version not in {None, version(there)}:
            raise Conflict("Somebody changed the event: read it again.")
        line = self._layout.line(there)
        if line is None or line.mark.instance != change.mark.instance:
            raise Conflict("The event in that place does not carry our mark: look by mark.")
        return self._delete(there) if isinstance(change, Delete) else self._write(there, change, change.fields)

    def _create(self, change: Create) -> Done:
        own = guid(change.mark, change.generation, self._id)
        there = self._anywhere(own)
        if there is None:
            return self._make(own, made(change.event, change.mark, own, self._id, self._layout))
        line = self._layout.line(there)
        if line is None or line.mark != change.mark or not self._is_here(there):
            raise Conflict("Something else stands where the event should go: give it another id.")
        return self._write(there, change, frozenset(FIELDS))

    def _make(self, own: str, body: Body) -> Done:
        there = self._wire.create(body)
        line = self._layout.line(there)
        if line is None or line.guid != own:
            # Nobody would ever find it again.
            self._wire.delete(_number(there))
            raise ContractBroken(f"{self._wire.host} does not keep our guid and our line in the text: correct fields.")
        self._seen = True
        return Done(Ref(own, version(there)))

    def _write(self, there: Body, change: Create | Update, fields: frozenset[str]) -> Done:
        if not recurs(there):
            return self._replace(there, changed(there, change.event, change.mark, fields, self._layout))
        one = self._fork(there)
        if one is None:
            self._release(there)
            raise EventGone("Somebody made a series of the event and left its day out: make it anew, or let it go.")
        # It becomes ours before the series, whose line it has, ceases to be.
        own = released(one, str(there["itemguid"]), self._layout)
        done = self._replace(one, changed(own, change.event, change.mark, fields | {"mark"}, self._layout))
        self._release(there)
        return done

    def _delete(self, there: Body) -> Done:
        if recurs(there):
            one = self._fork(there)
            if one is not None:
                self._remove(one)
            self._release(there)
        else:
            self._remove(there)
        return Done()

    def _remove(self, there: Body) -> None:
        if not self._wire.delete(_number(there)):
            self._look_anew()  # it was there a moment ago, and so may the whole site have been

    def _replace(self, there: Body, body: Body) -> Done:
        now = there if body == there else self._wire.replace(_number(there), body)
        if now is None:
            raise EventGone("The event is no longer in the calendar: make it anew, or let it go.")
        self._seen = True
        return Done(Ref(str(now["itemguid"]), version(now)))

    def _fork(self, series: Body) -> Body | None:
        """The one date of ours of what somebody made a series, as an event of its own; None: the series has it not."""
        try:
            day = first_day(series)
        except ValueError as error:
            raise Conflict("Somebody made a series of the event that cannot be read: look by mark.") from error
        number = self._wire.fork(_number(series), day)
        one = None if number is None else self._wire.event(number)
        if one is not None and one["itemguid"] == series["itemguid"]:
            # The manual does not say that a clone has a guid of its own; without one nobody could tell the two apart.
            self._remove(one)
            return None
        return one

    def _release(self, series: Body) -> None:
        """Leave a series to whoever made it one: without our mark nobody touches it again."""
        own = str(series["itemguid"])

        def strip() -> None:
            there = self._read(own)
            if there is not None:
                self._replace(there, released(there, own, self._layout))

        _again_if_overtaken(strip)

    def _read(self, own: str) -> Body | None:
        """The event in our calendar; what somebody moved to another one is gone from here."""
        try:
            there = self._anywhere(own)
            if there is None:
                # So says a site that is just being restarted of every event: it has to show the calendar in between.
                self._look_anew()
                there = self._anywhere(own)
        except Conflict:
            return None
        return there if there is not None and self._is_here(there) else None

    def _anywhere(self, own: str) -> Body | None:
        """The event in whatever calendar. Raises: Conflict, when it is in one that we may not see."""
        try:
            return self._wire.event(by_guid(own))
        except Forbidden as error:
            # Or our account is refused, or the calendar: the looks tell. A guid that nobody has is a 404 to whoever
            # may use the API at all.
            self._look_anew()
            self._wire.event(by_guid(_NOBODY))
            raise Conflict("Somebody moved the event to where we may not see it: give it another id.") from error

    def _found(self, own: str, marks: Marks) -> Found | None:
        """The event that a line in the listing names, unless it is gone, or says otherwise itself."""
        there = self._read(own)
        if there is None:
            return None
        try:
            line = self._layout.line(there)
            if line is None or not _asked(line.mark, marks):
                return None
            return found(there, line, self._layout)
        except ValueError as error:
            raise self._wire.broken("gave an event that cannot be read") from error

    def _sample(self) -> Body | None:
        """An event of the calendar, one of ours if there is any; None where none can be read."""
        text = self._wire.export(self._id, whole=False)
        guids = [each.guid for each in lines(text)] or _UID.findall(text)
        with suppress(Forbidden):  # it may be a person's private one
            return self._wire.event(by_guid(guids[0])) if guids else None
        return None

    def _is_here(self, there: Body) -> bool:
        return str(there.get("calendar_id")) == str(self._id)

    def _look_anew(self) -> None:
        self._seen = False
        self._look()

    def _look(self) -> None:
        """Return if the account sees the calendar; asked once a push. Raises: as `find`."""
        if not self._seen and str(self._id) not in self._wire.calendars():
            raise calendar_gone(self._wire.host)
        self._seen = True


def _again_if_overtaken(act: Callable[[], _T]) -> _T:
    """Where somebody was faster, what they left decides; at a second time it is a conflict."""
    try:
        return act()
    except Overtaken:
        return act()


def _number(there: Body) -> str:
    return str(there["cal_item_id"])


def _asked(mark: Mark, marks: Marks) -> bool:
    return mark.instance == marks.instance and marks.synchronization in {None, mark.synchronization}
