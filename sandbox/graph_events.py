"""An event as Graph tells it and takes it, and the item that the store keeps.

See: https://learn.microsoft.com/graph/api/resources/event
"""

import hashlib
import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox import graph_properties, graph_times
from sandbox.exchange import Item
from sandbox.graph_call import GraphError, NotPlayedError

REMINDER = 15
"""Minutes before the start, where a program does not say: Exchange reminds of what nobody asked it to."""
SHOWS = {"unknown", "free", "tentative", "busy", "oof", "workingElsewhere"}
PREVIEW = 255

_CONSTANT: dict[str, Any] = {
    "hasAttachments": False,
    "importance": "normal",
    "sensitivity": "normal",
    "isCancelled": False,
    "isOrganizer": True,
    "responseRequested": True,
    "seriesMasterId": None,
    "type": "singleInstance",
    "onlineMeetingUrl": None,
    "isOnlineMeeting": False,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isDraft": False,
}
"""What the store does not keep, and so every event has; another value is not played."""

NAMES = frozenset(_CONSTANT) | {
    *(
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "categories",
        "transactionId",
        "iCalUId",
        "webLink",
    ),
    *("originalStartTimeZone", "originalEndTimeZone", "reminderMinutesBeforeStart", "isReminderOn", "subject"),
    *("bodyPreview", "isAllDay", "showAs", "responseStatus", "body", "start", "end", "location", "locations"),
    *("attendees", "organizer"),
}
"""What can be selected."""


def shown(item: Item, mailbox: str, prefer: Mapping[str, str]) -> dict[str, Any]:
    """The whole event, but for extended properties; `prefer` is what `Call.preferences` tells."""
    zone = graph_times.windows_zone(prefer.get("outlook.timezone", "UTC"))
    told = {
        "@odata.etag": graph_properties.etag(item.change_key),
        "id": graph_properties.graph_id(item.id, immutable=prefer.get("idtype") == "ImmutableId"),
        "lastModifiedDateTime": f"{item.modified:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "changeKey": item.change_key,
        "categories": list(item.categories),
        "originalStartTimeZone": item.start_zone,
        "originalEndTimeZone": item.end_zone,
        "iCalUId": f"040000008200E00074C5B7101A82E008{hashlib.sha256(item.id.encode()).hexdigest().upper()}",
        "reminderMinutesBeforeStart": REMINDER if item.reminder is None else item.reminder,
        "isReminderOn": item.reminder is not None,
        "subject": item.subject,
        "isAllDay": item.all_day,
        "showAs": item.show_as,
        "webLink": f"https://outlook.office365.com/owa/?itemid={graph_properties.graph_id(item.id)}",
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "start": graph_times.shown(item.start, zone, own_zone=item.start_zone, all_day=item.all_day),
        "end": graph_times.shown(item.end, zone, own_zone=item.end_zone, all_day=item.all_day),
        "location": {"displayName": item.location, "locationType": "default"},
        "locations": [{"displayName": item.location, "locationType": "default"}] if item.location else [],
        "attendees": [_attendee(address) for address in item.attendees],
        "organizer": {"emailAddress": {"name": mailbox, "address": mailbox}},
    }
    transaction = {"transactionId": item.transaction_id} if item.transaction_id else {}
    return _CONSTANT | told | transaction | _body(item, prefer)


def read(body: Mapping[str, Any]) -> dict[str, Any]:
    """The store's fields that `body` sets, `reminder` among them as it says. Raises: GraphError."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if name in _READERS:
            fields |= _READERS[name](value)
        elif name not in _CONSTANT:
            raise NotPlayedError(f"The property '{name}' cannot be written to an event.", "RequestBodyRead")
        elif value != _CONSTANT[name]:
            raise NotPlayedError(f"the sandbox does not play '{name}' with this value")
    return fields


def reminder(body: Mapping[str, Any], before: int | None) -> int | None:
    """The minutes after `body` was written to an event that had `before`."""
    on = body.get("isReminderOn", before is not None)
    minutes = body.get("reminderMinutesBeforeStart", REMINDER if before is None else before)
    if not isinstance(on, bool) or not isinstance(minutes, int) or isinstance(minutes, bool):
        raise _wrong("isReminderOn or reminderMinutesBeforeStart")
    return minutes if on else None


def _body(item: Item, prefer: Mapping[str, str]) -> dict[str, Any]:
    plain = re.sub(r"<[^>]*>", "", item.body) if item.html else item.body
    preview = {"bodyPreview": plain[:PREVIEW]}
    if prefer.get("outlook.body-content-type") == "text":
        return {**preview, "body": {"contentType": "text", "content": plain}}
    content = item.body
    if item.body and not item.html:
        content = f'<html><body><div class="PlainText">{html.escape(item.body)}</div></body></html>'.replace(
            "\n", "<br>"
        )
    return {**preview, "body": {"contentType": "html", "content": content}}


def _attendee(address: str) -> dict[str, Any]:
    return {
        "type": "required",
        "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
        "emailAddress": {"name": address, "address": address},
    }


def _wrong(name: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", f"Cannot convert a value of '{name}' to the expected type.")


def _text(field: str, name: str) -> Callable[[Any], dict[str, Any]]:
    def reader(value: Any) -> dict[str, Any]:
        if value is not None and not isinstance(value, str):
            raise _wrong(name)
        return {field: value or ""}

    return reader


def _read_body(value: Any) -> dict[str, Any]:
    kind = value.get("contentType", "text") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind.lower() not in {"text", "html"}:
        raise _wrong("body")
    return {**_text("body", "body")(value.get("content")), "html": kind.lower() == "html"}


def _read_time(field: str) -> Callable[[Any], dict[str, Any]]:
    def reader(value: Any) -> dict[str, Any]:
        moment, zone = graph_times.read(value, field)
        return {field: moment, f"{field}_zone": zone}

    return reader


def _read_all_day(value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _wrong("isAllDay")
    return {"all_day": value}


def _read_location(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong("location")
    return _text("location", "location")(value.get("displayName"))


def _read_locations(value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        raise _wrong("locations")
    return _read_location(value[0] if value else {})


def _read_categories(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong("categories")
    return {"categories": tuple(value)}


def _read_show_as(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or value not in SHOWS:
        raise _wrong("showAs")
    return {"show_as": value}


def _read_attendees(value: Any) -> dict[str, Any]:
    try:
        return {"attendees": tuple(str(each["emailAddress"]["address"]) for each in value)}
    except (TypeError, KeyError) as error:
        raise _wrong("attendees") from error


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "subject": _text("subject", "subject"),
    "body": _read_body,
    "start": _read_time("start"),
    "end": _read_time("end"),
    "isAllDay": _read_all_day,
    "location": _read_location,
    "locations": _read_locations,
    "categories": _read_categories,
    "isReminderOn": lambda _value: {},
    "reminderMinutesBeforeStart": lambda _value: {},
    "showAs": _read_show_as,
    "attendees": _read_attendees,
    "transactionId": _text("transaction_id", "transactionId"),
    "singleValueExtendedProperties": lambda value: {"properties": graph_properties.read(value)},
}
