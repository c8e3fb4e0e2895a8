"""What Exchange's two protocols share, so that what one of them wrote the other finds: the names of our properties, the
names of time zones, and what becomes of categories.

See: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/properties-and-extended-properties-in-ews-in-exchange
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

from providers.base import Mark

PROPERTY_SET = "4c0a5e67-3d58-4e2c-9a2b-6f1c1b1e8d43"
"""Of all our named properties. It can never change: events that carry it would no longer be ours."""
INSTANCE = "carillonInstance"
SYNCHRONIZATION = "carillonSynchronization"
KEY = "carillonKey"
ID = "carillonId"
"""`event_id`, by which a create finds what an earlier one made. It stays when the mark changes."""
ZONE = "carillonZone"
"""The IANA zone that the days of an all-day event are meant in."""
CATEGORY = "carillonCategory"
"""The category that we gave, to tell it from those that the person gave."""

_OLDER = {
    "Alberta Standard Time": "Mountain Standard Time",
    "British Columbia Standard Time": "Pacific Standard Time",
    "Manitoba Standard Time": "Central Standard Time",
}
"""Windows' ids of 2026, and what the same places had before: a server learns an id years later, or never."""
_LEFT_OUT = {
    "CST6CDT": "America/Chicago",
    "EST5EDT": "America/New_York",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "US/East-Indiana": "America/Indianapolis",
    "Europe/Uzhgorod": "Europe/Kyiv",
    "Europe/Zaporozhye": "Europe/Kyiv",
}
"""IANA zones that the table of Windows' ids lacks, by one that it has."""


def event_id(mark: Mark, generation: int) -> str:
    """64 characters of `[0-9a-f]`, always the same for the same mark and generation."""
    name = "\0".join((mark.instance, mark.synchronization, mark.key, str(generation)))
    return hashlib.sha256(name.encode()).hexdigest()


def windows_zone(zone: str) -> str:
    """The Windows id of an IANA zone, one that old servers know; UTC for a zone that Windows does not know."""
    windows = tz_win.get(_LEFT_OUT.get(zone, zone), "UTC")
    return _OLDER.get(windows, windows)


def spoken(moment: datetime, zone: str) -> tuple[datetime, str]:
    """`moment` as a wall clock shows it, and the Windows id of the zone that clock stands in.

    UTC, where the zone's own clock would not say which instant is meant: in the hour that comes twice, and where
    Windows and IANA do not agree about the zone.
    """
    local = moment.astimezone(ZoneInfo(zone))
    windows = windows_zone(zone)
    theirs = local.replace(tzinfo=ZoneInfo(win_tz.get(windows, "UTC")), fold=0)
    again = theirs.replace(fold=1)
    if theirs.utcoffset() == again.utcoffset() == local.utcoffset():
        return local.replace(tzinfo=None, fold=0), windows
    return moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None), "UTC"


def categories(there: Sequence[str], before: str, now: str) -> list[str]:
    """The categories of an event that had `there`, of which `before` was ours: the person's stay, ours is `now`."""
    theirs = [each for each in there if each not in {before, now}]
    return [now, *theirs] if now else theirs
