"""When it is time, and for which days. Instants are aware, intervals longer than zero."""

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from providers.base import Window

DAY = timedelta(days=1)
JITTER = 0.1
"""How far a period may be shortened or lengthened, as a share of it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_due(now: datetime, interval: timedelta, ident: int) -> datetime:
    """`now` + `interval`, give or take JITTER of it, another part for each `ident` and period: the load spreads."""
    period = (now - _EPOCH) // interval
    return now + interval * (1 - JITTER + 2 * JITTER * spread(ident, period))


def resync_due(last_resync: datetime, now: datetime, interval: timedelta, ident: int) -> bool:
    """The calendar was not read back for half of `interval` at least and all of it at most, depending on `ident`.

    So those who were linked together are not read back together.
    """
    return now - last_resync >= interval * (1 - spread(ident) / 2)


def window(now: datetime, past: timedelta, future: timedelta, zone: str) -> Window:
    """The local days of `zone` from `past` before today to `future` after it, both and today included.

    Its edges are local midnights, so that it changes once a day; a part of a day counts as a day.
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
