"""Who the person is, and which event type groups they want to see."""

import re
from typing import Any
from urllib.parse import urlencode

from sandbox.institution_json import groups_json
from sandbox.institution_model import Person
from sandbox.institution_request import RefusedError, flag
from sandbox.timetable_call import Call

Json = dict[str, Any]
_GROUP_FIELD = re.compile(r"eventTypeGroups\[(?P<group>.+)\]\[(?P<wish>isFiltered|isFilteredForSync)\]")


def user(call: Call) -> Json:
    """The roles with the scope user_read, the feed's address with profile_read."""
    call.needs("username", "user_read")
    answer: Json = {"username": call.person.username}
    if "user_read" in call.caller.scopes:
        answer["roles"] = list(call.person.roles)
    if "profile_read" in call.caller.scopes:
        answer["feedUrl"] = feed_url(str(call.request.base_url), call.person)
    return answer


def feed_url(base: str, person: Person) -> str:
    """Where the person's iCalendar feed is, of the server at `base`; whoever knows it reads it."""
    return f"{base.rstrip('/')}/ical?{urlencode({'eu': person.username, 't': person.feed_token})}"


def groups(call: Call) -> Json:
    return groups_json(call.wishes.groups(), enabled=call.institution.filtering)


def change_groups(call: Call) -> None:
    """A form of fields like `eventTypeGroups[Lecture][isFiltered]=true`; all of them, or none if one is wrong."""
    if not call.institution.filtering:
        raise RefusedError(403, "FilteringDisabled", "Filtering of event types is disabled")
    changes = [_change(field, value) for field, value in call.fields if field != "access_token"]
    known = call.wishes.groups()
    if wrong := {group for group, _ in changes} - known.keys():
        raise RefusedError(404, "NotFound", f"Event type group not found: {min(wrong)}; there are {', '.join(known)}")
    for group, wish in changes:
        call.wishes.filter_group(group, **wish)


def _change(field: str, value: str) -> tuple[str, dict[str, bool]]:
    if not (asked := _GROUP_FIELD.fullmatch(field)) or value.lower() not in {"true", "false"}:
        raise RefusedError(400, "BadParameter", f"Not understood: {field}={value}")
    return asked["group"], {"filtered" if asked["wish"] == "isFiltered" else "for_sync": flag(value)}
