"""How long a server asks us to wait.

See: RFC 9110, 10.2.3.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)
"""What a longer wait is cut to: a server's slip of the pen shall not keep us away for years."""

_MOST_DIGITS = 9


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that a `Retry-After` asks for, in seconds or until a date; None where it says nothing we can read."""
    text = (value or "").strip()
    if text.isdecimal():
        return min(timedelta(seconds=int(text)), LONGEST) if len(text) <= _MOST_DIGITS else LONGEST
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return min(max(timedelta(0), until.replace(tzinfo=until.tzinfo or UTC) - now), LONGEST)
