"""What an outcome means for the next attempt. All waits and ends stand here.

===========================================  ==================  ===============
what happened                                status              waits
===========================================  ==================  ===============
nothing                                      OK                  the interval
throttled, unavailable, ambiguous            RETRYING            30 s to 1 h
our credentials or rights are refused        UNAUTHORIZED        15 min to 6 h
the person has not consented, or no longer   NOT_LINKED          15 min to 6 h
no such mailbox, or no calendar in it        MAILBOX_NOT_FOUND   15 min to 6 h
the source does not know the person          FAILED              15 min to 6 h
anything else, the first three times         RETRYING            30 s to 2 min
anything else                                FAILED              4 min to 6 h
===========================================  ==================  ===============

Waits double, so that a mailbox that fails for good costs less than 30 attempts a day. Nothing ever ends: what a
person mends is found.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from providers import base as provider
from schedules.due import next_due, spread
from schedules.render import TemplateProblemError
from timetables import base as source

Status = Literal[
    "PENDING",
    "OK",
    "HELD",
    "RETRYING",
    "UNAUTHORIZED",
    "NOT_LINKED",
    "MAILBOX_NOT_FOUND",
    "FAILED",
    "DISABLED",
    "UNLINKING",
]

JITTER = 0.1
"""How much of a wait may be taken off, so that those who failed together come back one after another."""

LONGEST_PAUSE = timedelta(days=1)
"""What a server may ask for at most."""

PATIENCE = 3
"""Failures for no known reason until a person is asked to look."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to record: `failures` in a row with this one, `detail` a sentence for people, empty when all is well."""

    status: Status
    due_at: datetime
    failures: int
    detail: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """Waits that double from `first` to `longest`."""

    first: timedelta
    longest: timedelta

    def wait(self, failures: int, ident: int) -> timedelta:
        """The wait after one more than `failures` in a row; less by up to JITTER, always by the same share for one
        `ident`.
        """
        # A million times any first wait is beyond every longest, and timedelta has an end.
        return min(self.first * (1 << min(failures, 20)), self.longest) * (1 - JITTER * spread(ident))


PASSING = Ladder(timedelta(seconds=30), timedelta(hours=1))
LASTING = Ladder(timedelta(minutes=15), timedelta(hours=6))
UNKNOWN = Ladder(timedelta(seconds=30), timedelta(hours=6))

_KINDS: tuple[tuple[tuple[type[Exception], ...], Status, Ladder], ...] = (
    ((provider.Throttled, provider.Unavailable, provider.Ambiguous), "RETRYING", PASSING),
    ((source.Throttled, source.Unavailable), "RETRYING", PASSING),
    ((provider.NotLinked,), "NOT_LINKED", LASTING),
    ((provider.Unauthorized, source.Unauthorized), "UNAUTHORIZED", LASTING),
    ((provider.MailboxGone, provider.CalendarGone), "MAILBOX_NOT_FOUND", LASTING),
    ((source.PersonUnknown,), "FAILED", LASTING),
)

_SPEAKING = (provider.ProviderError, source.SourceError, TemplateProblemError)


def decide(error: Exception | None, failures: int, now: datetime, interval: timedelta, ident: int) -> Decision:
    """When the next attempt is due and what to show until then; `failures` in a row came before this outcome.

    A `retry_after` is honoured when it is longer than the wait, up to LONGEST_PAUSE.
    """
    if error is None:
        return Decision("OK", next_due(now, interval, ident), 0, "")
    status, ladder = _kind(error, failures)
    wait = max(ladder.wait(failures, ident), _asked(error, ident))
    return Decision(status, now + wait, failures + 1, _detail(error))


def turn(wait: timedelta, ident: int) -> timedelta:
    """`wait` and up to JITTER more, where coming earlier is of no use."""
    return wait * (1 + JITTER * spread(ident))


def _kind(error: Exception, failures: int) -> tuple[Status, Ladder]:
    for classes, status, ladder in _KINDS:
        if isinstance(error, classes):
            return status, ladder
    return "RETRYING" if failures < PATIENCE else "FAILED", UNKNOWN


def _asked(error: Exception, ident: int) -> timedelta:
    """The pause that the server asks for, and up to JITTER more."""
    if not isinstance(error, provider.Throttled | source.Throttled) or error.retry_after is None:
        return timedelta()
    return turn(min(error.retry_after, LONGEST_PAUSE), ident)


def _detail(error: Exception) -> str:
    if isinstance(error, _SPEAKING) and str(error):
        return str(error)
    return f"{type(error).__name__}: this is a defect of Carillon; see the log."
