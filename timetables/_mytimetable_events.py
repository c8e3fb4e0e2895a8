"""From what MyTimetable answers to our events: total on every oddity of real sites, and never silent about the rest.

Texts are taken as they are. A field of an unexpected shape gives its name or nothing; an event whose start cannot be
read is an error, for leaving it out would take it from somebody's calendar.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from timetables.base import ContractBroken, Location, SourceEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = ("name", "description", "key", "id")


def parsed(body: bytes, where: str) -> Any:
    """The JSON of an answer. Raises: ContractBroken."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ContractBroken(
            f"GET {where} sent broken or cut-off JSON: look at the site; it will be read again."
        ) from error


def events(body: bytes, where: str, zone: ZoneInfo, unwished: Mapping[str, str], max_events: int) -> list[SourceEvent]:
    """The events of a /timetable answer; those of the `unwished` groups (id to description) are hidden.

    Raises: ContractBroken.
    """
    # Before parsing, which takes seven times the memory of the text.
    if (count := body.count(b'"startDate"')) > max_events:
        raise ContractBroken(
            f"GET {where} sent {count:,} events for one person: look at the subscriptions there, or raise max_events "
            f"= {max_events:,} in the timetable's section."
        )
    listing = parsed(body, where)
    if not isinstance(listing, list):
        raise ContractBroken(f"GET {where} sent no list of events; look whether the site's version is supported.")
    return [_event(raw, f"{where}: event {place}", zone, unwished) for place, raw in enumerate(listing, 1)]


def unwished_groups(body: bytes, where: str) -> dict[str, str]:
    """Id and description of the event type groups that the person does not want in the calendar.

    Raises: ContractBroken.
    """
    content = parsed(body, where)
    if not isinstance(content, dict):
        raise ContractBroken(f"GET {where} sent no event type groups; look whether the site's version is supported.")
    if not _flag(content.get("filteringEnabled", True)):
        return {}
    groups = content.get("eventtypegroups")
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise ContractBroken(f"GET {where} sent no list of groups; look whether the site's version is supported.")
    unwished = [group for group in groups if _flag(group.get("isFilteredForSync"))]
    return {_scalar(group.get("id")): _text(group.get("description")) or _scalar(group.get("id")) for group in unwished}


def labels(body: bytes, where: str) -> list[str]:
    """What the databases of a /databasedetails or /databases answer are called. Raises: ContractBroken."""
    content = parsed(body, where)
    databases = content.get("databases", content.get("database")) if isinstance(content, dict) else None
    if not isinstance(databases, list):
        raise ContractBroken(f"GET {where} sent no list of databases; check urls in the timetable's section.")
    return [_field(each, ("label", *_NAMES)) for each in databases]


def profile(body: bytes, where: str) -> tuple[str, tuple[str, ...], str]:
    """Username, roles and feed URL of a /user answer. Raises: ContractBroken."""
    content = parsed(body, where)
    if not isinstance(content, dict):
        raise ContractBroken(f"GET {where} sent no user; look whether the site's version is supported.")
    return _scalar(content.get("username")), _names(content.get("roles")), _scalar(content.get("feedUrl"))


def _event(raw: Any, where: str, zone: ZoneInfo, unwished: Mapping[str, str]) -> SourceEvent:
    if not isinstance(raw, dict):
        raise ContractBroken(f"GET {where} is no object; look whether the site's version is supported.")
    start = moment(raw.get("startDate"), zone)
    end = start if raw.get("endDate") is None else moment(raw.get("endDate"), zone)
    if start is None or end is None:
        raise ContractBroken(f"GET {where} has no start or end that can be read; correct it in the timetable.")
    kind = raw.get("eventType")
    group = kind.get("eventTypeGroup") if isinstance(kind, dict) else None
    return SourceEvent(
        start=start,
        end=end,
        id=_scalar(raw.get("id")),
        all_day=_flag(raw.get("allDay")),
        description=_text(raw.get("activityDescription")),
        module_code=_text(raw.get("moduleCode")),
        event_type=_field(kind, ("id", "name")) or _text(raw.get("activityTypeName")),
        event_type_description=_field(kind, ("description", "name")) or _text(raw.get("activityTypeDescription")),
        locations=tuple([_location(each, name) for each in _list(raw.get("locations")) if (name := _text(each))]),
        staff=_names(raw.get("staffMembers")),
        student_sets=_names(raw.get("studentSets")),
        tags=_names(raw.get("tags")),
        notes=tuple([note for name in ("notes", "notes2", "notes3") if (note := _text(raw.get(name)))]),
        department=_text(raw.get("department")),
        conference_url=_text(raw.get("conferenceUrl")),
        recording_url=_text(raw.get("recordingUrl")),
        hidden=_hidden(raw, _field(group, ("id",)), unwished),
        attributes=_attributes(raw.get("customAttributes")),
    )


def _hidden(raw: dict[str, Any], group: str, unwished: Mapping[str, str]) -> str:
    if _flag(raw.get("draft")):
        return "draft"
    if _flag(raw.get("filtered")):
        return "filtered"
    return f'event type group "{unwished[group]}" is filtered for sync' if group and group in unwished else ""


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A time in milliseconds since 1970 or in ISO 8601; None where it is neither, or no date anybody teaches on.

    A count of seconds would be such a date, in January 1970.
    """
    try:
        if isinstance(value, str) and not re.fullmatch(r"\s*-?\d+(\.0+)?\s*", value):
            local = datetime.fromisoformat(value.strip())
            instant = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            instant = _EPOCH + timedelta(milliseconds=float(value) if isinstance(value, str) else value)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return instant if 1990 <= instant.year < 2200 else None  # noqa: PLR2004 - two years that are no one's business


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _scalar(value: Any) -> str:
    """A text as it is, a number as it is written; anything else is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    return ""


def _field(value: Any, names: tuple[str, ...]) -> str:
    """What an object says first under `names`, or the text itself where there is one instead of an object."""
    if isinstance(value, dict):
        for name in names:
            if said := _scalar(value.get(name)):
                return said
        return ""
    return _scalar(value)


def _text(value: Any) -> str:
    """A text, the name of an object, or those of a list, one a line."""
    if value is None or isinstance(value, str):  # nine in ten
        return value or ""
    return "\n".join(_names(value)) if isinstance(value, list) else _field(value, _NAMES)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _names(value: Any) -> tuple[str, ...]:
    return tuple([name for each in _list(value) if (name := _field(each, _NAMES))])


def _location(value: Any, name: str) -> Location:
    return (
        Location(name, _scalar(value.get("key")), _scalar(value.get("url")))
        if isinstance(value, dict)
        else Location(name)
    )


def _attributes(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: text for name, each in value.items() if (text := _text(each))}
