"""Time as EWS writes it: XML's dateTime, with an offset or in a zone that stands elsewhere under Windows' name.

See: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/time-zones-and-ews-in-exchange
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lxml import etree
from tzlocal.windows_tz import win_tz

from sandbox.ews_soap import NAMES, EwsError, Request

_TOO_NEW = {"Alberta Standard Time", "British Columbia Standard Time", "Manitoba Standard Time"}
"""Windows' ids of 2026, which this server has not learnt."""


def clock(windows: str) -> ZoneInfo:
    """The zone of that Windows id. Raises: EwsError."""
    if windows not in win_tz or windows in _TOO_NEW:
        raise EwsError("ErrorTimeZone", "The specified time zone is not valid.")
    return ZoneInfo(win_tz[windows])


def zone_id(definition: etree._Element) -> str:
    """The Windows id that a StartTimeZone, EndTimeZone or TimeZoneDefinition names. Raises: EwsError."""
    windows = definition.get("Id", "")
    clock(windows)
    return windows


def context(request: Request) -> str:
    """The Windows id in the header's TimeZoneContext; UTC without one. Raises: EwsError."""
    if "TimeZoneContext" not in request.header:
        return "UTC"
    (definition,) = request.header["TimeZoneContext"].iterfind("t:TimeZoneDefinition", NAMES)
    return zone_id(definition)


def instant(text: str, windows: str) -> datetime:
    """The moment in UTC; `windows` is the zone of a text without an offset. Raises: EwsError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise EwsError("ErrorInvalidValueForProperty", "The value is not a date and time.") from error
    return moment.replace(tzinfo=moment.tzinfo or clock(windows)).astimezone(UTC)


def spelled(moment: datetime, windows: str) -> str:
    """With `Z` in UTC, else with the offset of that zone."""
    there = moment.astimezone(clock(windows))
    return there.strftime("%Y-%m-%dT%H:%M:%SZ") if windows == "UTC" else there.isoformat(timespec="seconds")


def midnights(start: datetime, end: datetime, start_zone: str, end_zone: str) -> tuple[datetime, datetime]:
    """The whole days around a span: Exchange moves an all-day event's bounds there."""
    first = _midnight(start.astimezone(clock(start_zone)))
    last = end.astimezone(clock(end_zone))
    after = last if last == _midnight(last) and last > first else _midnight(last) + timedelta(days=1)
    return first.astimezone(UTC), after.astimezone(UTC)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def moved(moment: datetime, old: str, new: str) -> datetime:
    """What the clock that stood in `old` shows, read in `new`: so an appointment moves whose zone alone is changed."""
    return moment.astimezone(clock(old)).replace(tzinfo=clock(new)).astimezone(UTC)
