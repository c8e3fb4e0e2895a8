"""`events.list`: filters, pages, and what changed since a sync token.

See: https://developers.google.com/workspace/calendar/api/v3/reference/events/list
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.google_events import Event, GoogleError, GoogleEvents

PLAYED = {
    "iCalUID", "maxResults", "orderBy", "pageToken", "privateExtendedProperty", "q", "sharedExtendedProperty",
    "showDeleted", "singleEvents", "syncToken", "timeMax", "timeMin", "updatedMin",
}  # fmt: skip
NOT_WITH_SYNC_TOKEN = PLAYED - {"maxResults", "pageToken", "showDeleted", "singleEvents", "syncToken"}
MOST = 2500


def listing(events: GoogleEvents, params: Mapping[str, Any], oldest_token: int) -> dict[str, Any]:
    """One page. Raises: GoogleError, also for a sync token below `oldest_token`."""
    since = _since(events, params, oldest_token)
    chosen = [event for event in events.since(since) if _matches(events, event, params)]
    if "orderBy" in params:
        chosen.sort(key=_order(events, params))
    start, size = int(params.get("pageToken", "0")), min(params.get("maxResults", 250), MOST)
    page: dict[str, Any] = {"items": chosen[start : start + size]}
    if start + size < len(chosen):
        page["nextPageToken"] = str(start + size)
    elif not NOT_WITH_SYNC_TOKEN & params.keys():
        page["nextSyncToken"] = f"sync-{events.revision}"
    return page


def _since(events: GoogleEvents, params: Mapping[str, Any], oldest_token: int) -> int:
    if "syncToken" not in params:
        return 0
    if NOT_WITH_SYNC_TOKEN & params.keys():
        raise GoogleError(400, "badRequest", "Sync token cannot be used with other search restrictions")
    number = params["syncToken"].removeprefix("sync-")
    if not number.isdecimal() or not oldest_token <= int(number) <= events.revision:
        raise GoogleError(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
    return int(number)


def _order(events: GoogleEvents, params: Mapping[str, Any]) -> Callable[[Event], Any]:
    if params["orderBy"] == "updated":
        return lambda event: event["updated"]
    if not params.get("singleEvents"):
        raise GoogleError(400, "badRequest", "The requested ordering is not available for the particular query.")
    return lambda event: events.span(event)[0]


def _matches(events: GoogleEvents, event: Event, params: Mapping[str, Any]) -> bool:
    return (
        (event["status"] != "cancelled" or params.get("showDeleted") or "syncToken" in params or "updatedMin" in params)
        and all(_has(event, "private", each) for each in params.get("privateExtendedProperty", ()))
        and all(_has(event, "shared", each) for each in params.get("sharedExtendedProperty", ()))
        and params.get("iCalUID") in {None, event["iCalUID"]}
        and _has_text(event, params.get("q", ""))
        and ("updatedMin" not in params or datetime.fromisoformat(event["updated"]) >= params["updatedMin"])
        and _touches(events, event, params.get("timeMin"), params.get("timeMax"))
    )


def _has(event: Event, kind: str, constraint: str) -> bool:
    name, sign, value = constraint.partition("=")
    if not sign:
        raise GoogleError(400, "badRequest", f"Invalid {kind} extended property constraint, it must be name=value")
    return bool(event.get("extendedProperties", {}).get(kind, {}).get(name) == value)


def _has_text(event: Event, text: str) -> bool:
    texts = (str(event.get(name, "")) for name in ("summary", "description", "location"))
    return any(text.lower() in each.lower() for each in texts)


def _touches(events: GoogleEvents, event: Event, earliest: datetime | None, latest: datetime | None) -> bool:
    """Ends after `earliest` and starts before `latest`, each of which may be left open."""
    if earliest and latest and latest <= earliest:
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.")
    start, end = events.span(event)
    return (earliest is None or end > earliest) and (latest is None or start < latest)
