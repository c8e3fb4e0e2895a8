"""What Graph's answers to changes mean for each of them, and for the whole call."""

from providers._connection import in_doubt
from providers._o365_errors import Answer, refusal
from providers.base import (
    CalendarGone,
    Change,
    Conflict,
    Create,
    Delete,
    Done,
    EventGone,
    Outcome,
    Ref,
)


class TakenError(Conflict):
    """An event was made with this transaction id before; `existing` is its id, where Microsoft says so."""

    def __init__(self, existing: str | None) -> None:
        super().__init__("Something was made in the place of this event before: look by mark.")
        self.existing = existing


def outcome(change: Change, answer: Answer | None) -> Outcome:
    """What became of `change`, by the answer to its part of a batch; None stands for no answer."""
    if answer is None:
        return in_doubt("Microsoft's answer lacks this event", writing=True)
    if answer.ok:
        return Done() if isinstance(change, Delete) else _written(answer)
    if isinstance(change, Create) and answer.code == "ErrorDuplicateTransactionId":
        return TakenError(_existing(answer))
    meaning = refusal(answer, writing=True)
    return gone(change) if isinstance(meaning, EventGone) else meaning


def gone(change: Change) -> Outcome:
    """The outcome of a change of an event that is no longer there."""
    if isinstance(change, Create):
        return CalendarGone("The account has no calendar: open it once in Outlook.")
    return Done() if isinstance(change, Delete) else EventGone("The event was deleted.")


def _written(answer: Answer) -> Outcome:
    match answer.body:
        case {"id": str(there), "@odata.etag": str(version)}:
            return Done(Ref(there, version))
    return in_doubt("Microsoft's answer to a change cannot be read", writing=True)


def _existing(answer: Answer) -> str | None:
    """See: the reference calls it an annotation of the error; it is not always there."""
    told = answer.body["error"].get("@event.existingEventId")
    return told if isinstance(told, str) and told else None
