"""When it is time: periods spread evenly, windows that change once a day. Intervals are longer than zero, instants
aware.
"""

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from providers.base import Window

DAY = timedelta(days=1)
JITTER = 0.1
"""How far a period may be shortened or lengthened, as a share of it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_due(now: datetime, interval: timedelta, ident: int) -> datetime:
    """`now` + `interval`, shortened or lengthened by up to JITTER, differently for each `ident` and period, so that
    what was due together drifts apart.
    """
    period = (now - _EPOCH) // interval
    return now + interval * (1 - JITTER + 2 * JITTER * spread(ident, period))


def first_due(now: datetime, interval: timedelta, ident: int) -> datetime:
    """Some moment in `[now, now + interval)`: many synchronizations that are enabled at once start evenly over their
    first period.
    """
    return now + interval * spread(ident)


def resync_due(last_resync: datetime | None, now: datetime, interval: timedelta) -> bool:
    """The calendar was not read back for `interval`, or never."""
    return last_resync is None or now - last_resync >= interval


def window(now: datetime, past: timedelta, future: timedelta, zone: str) -> Window:
    """The local days of `zone` from `past` before today until `future` after it, whole days and today always among
    them.

    Its edges are local midnights, so that it changes once a day; parts of a day count as a day.
    """
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    return Window(_midnight(today - _days(past), local), _midnight(today + _days(future) + DAY, local))


def spread(*seed: int) -> float:
    """A number in [0, 1) that follows from `seed` and looks like chance, the same in every process."""
    digest = blake2b(repr(seed).encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _days(length: timedelta) -> timedelta:
    return -(-length // DAY) * DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
