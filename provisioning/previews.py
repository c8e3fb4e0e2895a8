"""What the calls that show what would go have in common: they ask a calendar while the caller waits."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.exceptions import HTTPException

from providers import base as provider
from provisioning.schemas import milliseconds
from schedules.render import TemplateProblemError
from timetables import base as source

UNREAD = {
    409: "There is nothing to read, or it cannot be read until somebody mends what the message says.",
    503: "The calendar server, the timetable or the database does not answer at the moment.",
}
"""What the errors of such a call mean."""

_FOR_A_PERSON = (
    provider.Unauthorized,
    provider.MailboxGone,
    provider.CalendarGone,
    source.Unauthorized,
    source.PersonUnknown,
    TemplateProblemError,
)
"""What somebody must mend before it can be read; everything else passes."""


@contextmanager
def asking() -> Iterator[None]:
    """A block that asks a calendar or a timetable; what goes wrong there becomes an answer.

    Raises: HTTPException 409 or 503.
    """
    try:
        yield
    except _FOR_A_PERSON as error:
        raise HTTPException(409, str(error)) from error
    except (provider.ProviderError, source.SourceError) as error:
        raise HTTPException(503, str(error), _retry_after(error)) from error


def _retry_after(error: Exception) -> dict[str, str]:
    wait = error.retry_after if isinstance(error, provider.Throttled | source.Throttled) else None
    return {"Retry-After": str(math.ceil(wait.total_seconds()))} if wait else {}


def shown(found: provider.Found) -> dict[str, Any]:
    """An event with what a person needs to recognise it."""
    return {
        "start": milliseconds(found.start),
        "end": milliseconds(found.end),
        "title": found.title,
        "key": found.mark.key,
        "synchronization": found.mark.synchronization,
    }
