"""What Google's answers to changes mean for each of them, and for the whole call."""

from http import HTTPStatus as Status
from typing import Any

from googleapiclient.errors import HttpError

from providers.base import (
    Ambiguous,
    CalendarGone,
    Change,
    Conflict,
    ContractBroken,
    Delete,
    Done,
    EventGone,
    MailboxGone,
    Outcome,
    Ref,
    Unauthorized,
)


class NotFoundError(EventGone):
    """Google says 404, of an event or of the whole calendar."""


def written(answer: Any) -> Outcome:
    """The outcome of a create or an update that Google answered."""
    match answer:
        case {"id": str(), "etag": str(), "status": "cancelled"}:
            return EventGone("The event was deleted.")  # a patch of a deleted event changes what nobody sees
        case {"id": str(there), "etag": str(version)}:
            return Done(Ref(there, version))
    return Ambiguous("Google's answer to a change cannot be read: the event is looked up before it is sent again.")


def nothing_there(refusal: HttpError) -> EventGone | None:
    """What it says when Google refuses because there is nothing, None for another reason."""
    if refusal.resp.status == Status.NOT_FOUND:
        return NotFoundError("Google knows no such event.")
    return EventGone("The event was deleted.") if refusal.resp.status == Status.GONE else None


def gone(change: Change) -> Outcome:
    """The outcome of a change of an event that is no longer there."""
    return Done() if isinstance(change, Delete) else EventGone("The event was deleted.")


def settled(outcome: Outcome) -> Outcome:
    """Google lets some deleted events lie where they are with a 403: another generation, and so another id, helps."""
    if isinstance(outcome, Unauthorized | CalendarGone | MailboxGone | ContractBroken):
        return Conflict(f"What stands at the id of this event cannot be replaced. {outcome}")
    return outcome
