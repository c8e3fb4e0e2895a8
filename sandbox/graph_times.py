"""Graph's times: a wall clock's time, and the zone the clock stands in.

See: https://learn.microsoft.com/graph/api/resources/datetimetimezone
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win, win_tz

from sandbox.exchange import Item
from sandbox.graph_call import GraphError

# Of the names that IANA knows, Graph documents one for each of Windows' zones, and Europe/Amsterdam is none of them.
_DOCUMENTED = frozenset(win_tz.values())


def windows_zone(name: Any) -> str:
    """The Windows id of a zone that Graph knows. Raises: GraphError."""
    if isinstance(name, str) and name in win_tz:
        return name
    if isinstance(name, str) and name in _DOCUMENTED:
        return tz_win[name]
    said = "A valid TimeZone value must be specified. The following TimeZone value is not supported: "
    raise GraphError(400, "TimeZoneNotSupportedException", f"{said}'{name or ''}'.")


def read(moment: Any, place: str) -> tuple[datetime, str]:
    """The instant, and the Windows id of the zone it is meant in. Raises: GraphError."""
    if not isinstance(moment, Mapping):
        raise GraphError(400, "RequestBodyRead", f"'{place}' must be a dateTimeTimeZone.")
    zone = windows_zone(moment.get("timeZone"))
    wall = parsed(moment.get("dateTime"), place)
    aware = wall if wall.tzinfo else wall.replace(tzinfo=ZoneInfo(win_tz[zone]))
    return _in_utc(aware, place), zone


def parsed(text: Any, place: str) -> datetime:
    """Raises: GraphError."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise GraphError(400, "RequestBodyRead", f"Cannot convert a value of '{place}' to a date and time.") from error


def instant(text: str, place: str) -> datetime:
    """A moment that a query names, in UTC where it does not say otherwise. Raises: GraphError."""
    moment = parsed(text, place)
    return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC), place)


def _in_utc(moment: datetime, place: str) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise GraphError(400, "RequestBodyRead", f"The value of '{place}' is out of range.") from error


def local(moment: datetime, zone: str) -> datetime:
    """`moment` as the clocks of a Windows zone show it, without a zone."""
    return moment.astimezone(ZoneInfo(win_tz.get(zone, "UTC"))).replace(tzinfo=None)


def shown(moment: datetime, zone: str, *, own_zone: str, all_day: bool) -> dict[str, str]:
    """`moment` in `zone`; of an all-day item, midnight whatever the zone.

    See: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/471
    """
    wall = local(moment, own_zone if all_day else zone)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.{wall.microsecond:06}0", "timeZone": zone}


def check_days(item: Item) -> None:
    """That an all-day item covers whole days. Raises: GraphError."""
    if not item.all_day:
        return
    if item.start_zone != item.end_zone:
        raise _property("The start and end of an all-day event must be in the same time zone.")
    for name, moment in (("Start", item.start), ("End", item.end)):
        if local(moment, item.start_zone).time() != time():
            raise _property(f"The Event.{name} property for an all-day event needs to be set to midnight.")
    if item.start == item.end:
        raise _property("The duration of an event marked as All day must be at least 24 hours.")


def _property(message: str) -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", message)
