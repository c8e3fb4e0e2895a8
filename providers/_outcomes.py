"""What errors are to the changes of one push: some end it, others are the outcomes of single changes."""

from collections.abc import Callable, Sequence

from providers.base import (
    Ambiguous,
    CalendarGone,
    Change,
    ContractBroken,
    Done,
    EventError,
    MailboxGone,
    Outcome,
    ProviderError,
    Throttled,
    Unauthorized,
    Unavailable,
)

OF_ALL = (Unauthorized, CalendarGone, MailboxGone, ContractBroken)
"""What no change of the mailbox could overcome."""


def as_outcome(error: ProviderError) -> ProviderError:
    """`error` as what became of one change: all that a caller can do about it there is to try again later."""
    if isinstance(error, EventError | Throttled | Ambiguous):
        return error
    return Unavailable(str(error), everybody=error.everybody)


def told(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """`outcomes` as a push tells them.

    Raises: the first that no change could overcome; but what was done, or may have been, must be told.
    """
    errors = [each for each in outcomes if isinstance(each, OF_ALL)]
    if errors and not any(isinstance(each, Done | Ambiguous) for each in outcomes):
        raise errors[0]
    return [as_outcome(each) if isinstance(each, OF_ALL) else each for each in outcomes]


def in_batches(
    changes: Sequence[Change], size: int, push: Callable[[Sequence[Change]], list[Outcome]]
) -> list[Outcome]:
    """The outcomes of `changes`, of which `push` takes `size` at a time; after a batch that failed none is sent.

    Raises: what the first batch did.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(changes), size):
        try:
            outcomes += push(changes[start : start + size])
        except ProviderError as error:
            if not outcomes:
                raise
            # What the earlier batches did must be told, so the rest gets the error as its outcome.
            return outcomes + [as_outcome(error)] * (len(changes) - len(outcomes))
    return outcomes
