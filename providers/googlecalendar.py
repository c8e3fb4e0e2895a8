"""Google Calendar, through google-api-python-client and a service account with domain-wide delegation, or each
person's own consent.

Changes travel in batches, one request for up to 50 of them. We choose the ids: Google refuses a second create of the
same event, and keeps a deleted event under its id.

See: https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from googleapiclient.errors import HttpError

from providers._consent import Consent, Grant
from providers._googlecalendar_calls import Calls
from providers._googlecalendar_errors import reason_of
from providers._googlecalendar_outcomes import (
    NotFoundError,
    gone,
    nothing_there,
    settled,
    written,
)
from providers._googlecalendar_payload import (
    PAGE_FIELDS,
    Standing,
    event_id,
    filters,
    to_body,
    to_found,
    to_patch,
    to_standing,
)
from providers._googlecalendar_settings import Settings, Target
from providers._outcomes import as_outcome, in_batches, told
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
    EventGone,
    Found,
    Marks,
    Outcome,
    Provider,
    ProviderError,
    Ref,
    Unauthorized,
    Update,
    Window,
)

__all__ = ["GoogleCalendar", "Settings", "Target", "connect", "consent"]

BATCH = 50
PAGE = 2500
MARGIN = timedelta(days=1)
WRITTEN = "id,etag,status"
LOOKED_AT = "id,etag,status,extendedProperties/private"
WRITERS = {"owner", "writer", "writerWithoutPrivateAccess"}


def connect(settings: Settings, target: Target, grant: Grant | None = None) -> Provider:
    """Makes no request. With `grant`, the person's own consent opens the calendar."""
    return GoogleCalendar(Calls(settings, target, grant))


def consent(settings: Settings) -> Consent | None:
    """How a person consents; None where the service account speaks for everybody."""
    return settings.consent if settings.access == "delegated" else None


class GoogleCalendar:
    """One calendar of one account. See: `providers.base.Provider`."""

    capabilities = Capabilities(batch=BATCH)

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        return in_batches(changes, BATCH, self._push)

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        found = [each for page in self._pages(marks, window) for each in to_found(page, marks)]
        within = [each for each in found if window is None or each.start in window]
        return sorted(within, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        role = self._role()
        if not isinstance(role, str):
            raise ContractBroken("Google does not say whether the calendar can be written to: check root_url.")
        if role not in WRITERS:
            raise Unauthorized("The mailbox may only read this calendar: share it with the right to change events.")

    def close(self) -> None:
        self._calls.close()

    def _push(self, changes: Sequence[Change]) -> list[Outcome]:
        """One batch. Before it one to look at what we know no version of; after it, where something stands in the way,
        one to see what, and one to put ours there.
        """
        outcomes = told(self._carry_out(changes, self._first_steps(changes)))
        conflicts = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Conflict)]
        blocked = [place for place in conflicts if not _is_blind(changes[place])]
        if blocked:
            anew = self._settle([changes[place] for place in blocked])
            for place, outcome in zip(blocked, anew, strict=True):
                outcomes[place] = outcome
        return self._without_not_found(changes, outcomes)

    def _first_steps(self, changes: Sequence[Change]) -> list[Any]:
        looks = iter(self._look([change for change in changes if _is_blind(change)]))
        return [self._step_at(each, next(looks)) if _is_blind(each) else self._step(each) for each in changes]

    def _settle(self, changes: Sequence[Change]) -> list[Outcome]:
        try:
            steps = [self._step_at(change, there) for change, there in zip(changes, self._look(changes), strict=True)]
            return [settled(outcome) for outcome in self._carry_out(changes, steps)]
        except ProviderError as error:
            return [as_outcome(error)] * len(changes)

    def _without_not_found(self, changes: Sequence[Change], outcomes: list[Outcome]) -> list[Outcome]:
        """`outcomes` with the word for a missing event where Google said 404, which it says of a calendar too."""
        missing = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, NotFoundError)]
        if missing and not any(isinstance(each, Done | Ambiguous) for each in outcomes):
            self._role()
        for place in missing:
            outcomes[place] = gone(changes[place])
        return outcomes

    def _look(self, changes: Sequence[Change]) -> list[Standing | ProviderError]:
        """What stands at the ids of `changes`, or why that is not known; one request, or none for none."""
        asked = [self._calls.about("get", eventId=_id(change), fields=LOOKED_AT) for change in changes]
        return [self._seen(answer) for answer in self._calls.batch(asked, writing=False)]

    def _seen(self, answer: Any) -> Standing | ProviderError:
        if isinstance(answer, HttpError):
            return nothing_there(answer) or self._calls.fault(answer, writing=False)
        try:
            return to_standing(answer)
        except ContractBroken as error:
            return error

    def _carry_out(self, changes: Sequence[Change], steps: Sequence[Any]) -> list[Outcome]:
        """The outcomes of `steps`, each of them a request to send, or an outcome already."""
        outcomes = list(steps)
        places = [place for place, step in enumerate(steps) if not isinstance(step, Outcome)]
        answers = self._calls.batch([steps[place] for place in places], writing=True)
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = self._outcome(changes[place], answer)
        return outcomes

    def _step(self, change: Change) -> Any:
        if isinstance(change, Create):
            body = {"id": _id(change), **to_body(change.event, change.mark)}
            return self._calls.about("insert", body=body, fields=WRITTEN)
        return self._change(change, change.ref.version)

    def _step_at(self, change: Change, there: Standing | ProviderError) -> Any:
        """What to do where a look found `there`: a request, or an outcome already."""
        if isinstance(change, Create):
            return self._create_at(change, there)
        if isinstance(there, EventGone) or (isinstance(there, Standing) and there.deleted):
            return there if isinstance(there, NotFoundError) else gone(change)
        if change.ref.version is not None:
            return Conflict("The event was changed by somebody else.")
        if isinstance(there, ProviderError):
            return there
        if there.mark is None or there.mark.instance != change.mark.instance:
            return Conflict("The event in that place does not carry our mark: look by mark.")
        return self._change(change, there.version)

    def _create_at(self, change: Create, there: Standing | ProviderError) -> Any:
        if isinstance(there, EventGone):
            return Conflict("What stood at the id of this event is gone again: look by mark.")
        if isinstance(there, ProviderError):
            return there
        if there.deleted:
            body = {**to_body(change.event, change.mark), "status": "confirmed"}
            return self._calls.about("update", there.version, eventId=_id(change), body=body, fields=WRITTEN)
        if there.mark != change.mark:
            return Conflict("Something else stands at the id of this event.")
        body = to_patch(change.event, change.mark, frozenset(FIELDS))
        return self._calls.about("patch", there.version, eventId=_id(change), body=body, fields=WRITTEN)

    def _change(self, change: Update | Delete, version: str | None) -> Any:
        there = change.ref.id
        if isinstance(change, Delete):
            return self._calls.about("delete", version, eventId=there)
        body = to_patch(change.event, change.mark, change.fields)
        if not body:
            return Done(Ref(there, version))
        return self._calls.about("patch", version, eventId=there, body=body, fields=WRITTEN)

    def _outcome(self, change: Change, answer: Any) -> Outcome:
        if not isinstance(answer, HttpError):
            return Done() if isinstance(change, Delete) else written(answer)
        if isinstance(change, Create) and reason_of(answer) == "duplicate":
            return Conflict("Something stands at the id of this event.")
        missing = None if isinstance(change, Create) else nothing_there(answer)
        if missing is None:
            return self._calls.fault(answer, writing=True)
        return missing if isinstance(missing, NotFoundError) else gone(change)

    def _pages(self, marks: Marks, window: Window | None) -> Iterator[dict[str, Any]]:
        # Google reads the ends of all-day events in the calendar's own zone: ask for a day more, and sift here.
        span = {} if window is None else {"timeMin": _utc(window.start - MARGIN), "timeMax": _utc(window.end + MARGIN)}
        options = {"privateExtendedProperty": filters(marks), "maxResults": PAGE, "fields": PAGE_FIELDS, **span}
        token: str | None = None
        used: set[str | None] = set()
        while token not in used:
            used.add(token)
            page = self._calls.page(pageToken=token, **options)
            yield page
            token = page.get("nextPageToken")
            if token is None:
                return
        raise ContractBroken("Google's listing leads round in a circle: report this to Carillon's developers.")

    def _role(self) -> Any:
        """What the mailbox may do with the calendar, in Google's word. Raises: as `find`."""
        return self._calls.page(maxResults=1, fields="accessRole").get("accessRole")


def _id(change: Change) -> str:
    return event_id(change.mark, change.generation) if isinstance(change, Create) else change.ref.id


def _is_blind(change: Change) -> bool:
    """Whether it would hit whatever stands there: then we look first."""
    return not isinstance(change, Create) and change.ref.version is None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
