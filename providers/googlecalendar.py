"""Google Calendar, through google-api-python-client and a service account with domain-wide delegation.

Changes travel in batches, one request for up to 50 of them. We choose the ids: Google refuses a second create of the
same event, and keeps a deleted event under its id.

See: https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from googleapiclient.errors import HttpError

from providers._googlecalendar_errors import FAULTS, fault, reason_of
from providers._googlecalendar_payload import PAGE_FIELDS, event_id, filters, to_body, to_found, to_mark, to_patch
from providers._googlecalendar_settings import Settings, Target
from providers._googlecalendar_wire import Wire, service
from providers.base import (
    FIELDS,
    Ambiguous,
    CalendarGone,
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
    MailboxGone,
    Marks,
    Outcome,
    Provider,
    ProviderError,
    Ref,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
    Window,
)

__all__ = ["GoogleCalendar", "Settings", "Target", "connect"]

BATCH = 50
PAGE = 2500
GONE = {404, 410}
MARGIN = timedelta(days=1)
WRITTEN = "id,etag,status"
LOOKED_AT = "id,etag,status,extendedProperties/private"
WRITERS = {"owner", "writer", "writerWithoutPrivateAccess"}


def connect(settings: Settings, target: Target) -> Provider:
    """Makes no request."""
    return GoogleCalendar(settings, target)


class GoogleCalendar:
    """One calendar of one account. See: `providers.base.Provider`."""

    capabilities = Capabilities(batch=BATCH)

    def __init__(self, settings: Settings, target: Target) -> None:
        self._calendar = target.calendar
        self._wire = Wire(settings.timeout, settings.ca_file)
        self._service = service(settings.root_url, settings.speaking_for(target.account, self._wire), self._wire)
        self._events = self._service.events()

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for start in range(0, len(changes), BATCH):
            try:
                outcomes += self._push(changes[start : start + BATCH])
            except ProviderError as error:
                if not outcomes:
                    raise
                # What the earlier batches did must be told, so the rest gets the error as its outcome.
                return outcomes + [_as_outcome(error)] * (len(changes) - len(outcomes))
        return outcomes

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        found = [each for page in self._pages(marks, window) for each in to_found(page, marks)]
        within = [each for each in found if window is None or each.start in window]
        return sorted(within, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        role = self._ask(self._list(maxResults=1, fields="accessRole")).get("accessRole")
        if not isinstance(role, str):
            raise ContractBroken("Google does not say whether the calendar can be written to: check root_url.")
        if role not in WRITERS:
            raise Unauthorized("The mailbox may only read this calendar: share it with the right to change events.")

    def close(self) -> None:
        self._wire.close()

    def _push(self, changes: Sequence[Change]) -> list[Outcome]:
        """One batch; and where something stands in the way, a second one to see what, and a third to put ours there."""
        outcomes = self._carry_out(changes, [self._first_step(change) for change in changes])
        _raise_what_concerns_all(outcomes)
        blocked = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Conflict)]
        if blocked:
            settled = self._settle([changes[place] for place in blocked])
            for place, outcome in zip(blocked, settled, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _settle(self, changes: Sequence[Change]) -> list[Outcome]:
        try:
            looks = self._batch([self._call("get", change, fields=LOOKED_AT) for change in changes], writing=False)
            steps = [self._second_step(change, there) for change, there in zip(changes, looks, strict=True)]
            return [_settled(outcome) for outcome in self._carry_out(changes, steps)]
        except ProviderError as error:
            return [_as_outcome(error)] * len(changes)

    def _carry_out(self, changes: Sequence[Change], steps: Sequence[Any]) -> list[Outcome]:
        """The outcomes of `steps`, each of them a request to send, or an outcome already."""
        outcomes = list(steps)
        places = [place for place, step in enumerate(steps) if not isinstance(step, Outcome)]
        answers = self._batch([steps[place] for place in places], writing=True)
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = self._outcome(changes[place], answer)
        return outcomes

    def _first_step(self, change: Change) -> Any:
        match change:
            case Create(event, mark):
                return self._call("insert", change, body={"id": _id(change), **to_body(event, mark)}, fields=WRITTEN)
            case Update(event, mark, ref, fields):
                body = to_patch(event, mark, fields)
                return self._call("patch", change, ref.version, body=body, fields=WRITTEN) if body else Done(ref)
            case Delete(_, ref):
                return self._call("delete", change, ref.version)

    def _second_step(self, change: Change, there: Any) -> Any:
        """What to do about `there`, the event or the refusal found at the id of a change that met a Conflict."""
        gone = there.resp.status in GONE if isinstance(there, HttpError) else there.get("status") == "cancelled"
        if not isinstance(change, Create):
            if gone:
                return Done() if isinstance(change, Delete) else EventGone("The event was deleted.")
            return Conflict("The event was changed by somebody else.")
        if isinstance(there, HttpError):
            return self._fault(there, writing=False)
        body, version = to_body(change.event, change.mark), there.get("etag")
        if gone:
            return self._call("update", change, version, body={**body, "status": "confirmed"}, fields=WRITTEN)
        if not _is_marked(there, change):
            return Conflict("Something else stands at the id of this event.")
        patch = to_patch(change.event, change.mark, frozenset(FIELDS))
        return self._call("patch", change, version, body=patch, fields=WRITTEN)

    def _outcome(self, change: Change, answer: Any) -> Outcome:
        if isinstance(answer, HttpError):
            if isinstance(change, Create) and reason_of(answer) == "duplicate":
                return Conflict("Something stands at the id of this event.")
            if answer.resp.status in GONE and not isinstance(change, Create):
                return Done() if isinstance(change, Delete) else EventGone("The event was deleted.")
            return self._fault(answer, writing=True)
        if isinstance(change, Delete):
            return Done()
        return _written(answer)

    def _pages(self, marks: Marks, window: Window | None) -> Iterator[dict[str, Any]]:
        # Google reads the ends of all-day events in the calendar's own zone: ask for a day more, and sift here.
        span = {} if window is None else {"timeMin": _utc(window.start - MARGIN), "timeMax": _utc(window.end + MARGIN)}
        options = {"privateExtendedProperty": filters(marks), "maxResults": PAGE, "fields": PAGE_FIELDS, **span}
        token: str | None = None
        used: set[str | None] = set()
        while token not in used:
            used.add(token)
            page = self._ask(self._list(pageToken=token, **options))
            yield page
            token = page.get("nextPageToken")
            if token is None:
                return
        raise ContractBroken("Google's listing leads round in a circle: report this to Carillon's developers.")

    def _list(self, **options: Any) -> Any:
        return self._events.list(calendarId=self._calendar, **options)

    def _call(self, method: str, change: Change, version: str | None = None, **options: Any) -> Any:
        """A request about the event of `change`, for a batch."""
        # No sendUpdates: without it nobody is told, and Google warns that «none» can lose events for some people.
        if method != "insert":
            options["eventId"] = _id(change)
        request = getattr(self._events, method)(calendarId=self._calendar, **options)
        if version is not None:
            request.headers["If-Match"] = version
        return request

    def _ask(self, request: Any) -> dict[str, Any]:
        with self._translated(writing=False):
            answer = request.execute(num_retries=0)
            return dict(answer)

    def _batch(self, requests: Sequence[Any], *, writing: bool) -> list[Any]:
        """What each request was answered, or the HttpError it met; in one HTTP request, or none for none."""
        answers: dict[str, Any] = {}

        def keep(place: str, answer: Any, error: HttpError | None) -> None:
            answers[place] = answer if error is None else error

        batch = self._service.new_batch_http_request(callback=keep)
        for place, request in enumerate(requests):
            batch.add(request, request_id=str(place))
        with self._translated(writing=writing):
            batch.execute()
        return [answers[str(place)] for place in range(len(requests))]

    @contextmanager
    def _translated(self, *, writing: bool) -> Iterator[None]:
        self._wire.written = False
        try:
            yield
        except tuple(FAULTS) as error:
            meaning = self._fault(error, writing=writing)
            # The library sends parts that met a 401 once more; what then goes wrong says nothing of the others.
            if writing and self._wire.written and not isinstance(meaning, Ambiguous):
                raise Ambiguous(f"{meaning} Part of what was sent may have been done.") from error
            raise meaning from error

    def _fault(self, error: Exception, *, writing: bool) -> ProviderError:
        meaning = fault(error, writing=writing)
        if isinstance(meaning, CalendarGone) and self._calendar == "primary":
            return MailboxGone("The account has no Google Calendar: check provisioning_smtpAddress and its services.")
        return meaning


def _id(change: Change) -> str:
    return event_id(change.mark, change.generation) if isinstance(change, Create) else change.ref.id


def _written(answer: Any) -> Outcome:
    match answer:
        case {"id": str(), "etag": str(), "status": "cancelled"}:
            return EventGone("The event was deleted.")  # a patch of a deleted event changes what nobody sees
        case {"id": str(there), "etag": str(version)}:
            return Done(Ref(there, version))
    return Ambiguous("Google's answer to a change cannot be read: the event is looked up before it is sent again.")


def _settled(outcome: Outcome) -> Outcome:
    """Google lets some deleted events lie where they are with a 403: another generation, and so another id, helps."""
    if isinstance(outcome, Unauthorized | CalendarGone | MailboxGone | ContractBroken):
        return Conflict(f"What stands at the id of this event cannot be replaced. {outcome}")
    return outcome


def _as_outcome(error: ProviderError) -> ProviderError:
    """`error` as what became of one change: all that a caller can do about it there is to try again later."""
    return error if isinstance(error, EventError | Throttled | Ambiguous) else Unavailable(str(error))


def _raise_what_concerns_all(outcomes: list[Outcome]) -> None:
    """Raise what no change of this batch could overcome; but what was done, or may have been, must be told."""
    errors = [each for each in outcomes if isinstance(each, Unauthorized | CalendarGone | MailboxGone | ContractBroken)]
    if not errors:
        return
    if not any(isinstance(each, Done | Ambiguous) for each in outcomes):
        raise errors[0]
    outcomes[:] = [_as_outcome(each) if each in errors else each for each in outcomes]


def _is_marked(there: dict[str, Any], change: Change) -> bool:
    try:
        return to_mark(there) == change.mark
    except KeyError:
        return False


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
