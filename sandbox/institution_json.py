"""How the timetable API tells an event: the whole documented field set, as unevenly as real sites fill it."""

from typing import Any
from zoneinfo import ZoneInfo

from sandbox.institution_model import Event, EventType, Room, StudentSet, Teacher
from sandbox.institution_wishes import GroupFilter

Json = dict[str, Any]


def event_json(event: Event, zone: ZoneInfo, keys: frozenset[str], *, filtered: bool, dutch: bool) -> Json:
    """One event; `keys` are the timetables that were asked for, `filtered` whether the person hides it."""
    shape = int(event.activity[:2], 16)
    department = event.course and event.course.department
    meeting = f"https://meet.example.edu/{event.activity[:8].lower()}" if shape % 8 == 0 else None
    return {
        "id": event.id(zone),
        "activityDescription": event.title,
        "moduleCode": event.course.code if event.course else None,
        **_type(event.type, shape, dutch=dutch),
        "startDate": event.start,
        "endDate": event.end,
        "allDay": event.all_day,
        "department": {"id": f"{event.database}!{department.id}", "name": department.name} if department else None,
        "locations": [_room(room) for room in event.rooms],
        "staffMembers": [_named(each, objects=shape & 1) for each in event.staff],
        "studentSets": [_named(each, objects=shape & 2) for each in event.student_sets],
        "students": [],
        "tags": [{"key": tag.lower().replace(" ", ""), "name": tag} for tag in event.tags],
        "notes": event.notes,
        "notes2": "" if shape & 4 else None,
        "notes3": "",
        "conference": meeting is not None,
        "conferenceUrl": meeting,
        "recorded": False,
        "recordingUrl": None,
        "customAttributes": {"language": "nl" if shape & 8 else "en"} if event.course else {},
        "draft": event.draft,
        "filtered": filtered,
        "highlighted": False,
        "enrolled": None,
        "timetableKeys": [key for key in event.timetable_keys() if key in keys],
    }


def _type(kind: EventType | None, shape: int, *, dutch: bool) -> Json:
    """Most sites tell the type in the old form and in the new one, some in either."""
    description = kind and (kind.dutch if dutch else kind.description)
    old = {
        "activityTypeName": kind and kind.id,
        "activityTypeDescription": description,
        "activityTypeColor": kind and kind.color,
    }
    new = {
        "eventType": kind
        and {
            "id": kind.id,
            "description": description,
            "color": kind.color,
            "eventTypeGroup": {"id": kind.group, "description": kind.group},
        }
    }
    return new if shape % 16 == 1 else {**old, **new}


def _named(each: Teacher | StudentSet, *, objects: int) -> str | Json:
    return {"id": each.id, "key": each.key, "name": each.name} if objects else each.name


def _room(room: Room) -> Json:
    return {
        "id": room.id,
        "key": room.key,
        "name": room.name,
        "capacity": room.capacity,
        "examCapacity": room.capacity // 2 or None,
        "url": f"https://rooms.example.edu/{room.key}" if room.building != "LC" else None,
        "bookUrl": None,
        "sipAddress": None,
        "customAttributes": {},
        "avoidConcurrencyLocationIds": [],
    }


def groups_json(groups: dict[str, GroupFilter], *, enabled: bool) -> Json:
    return {
        "filteringEnabled": enabled,
        "eventtypegroups": [
            {
                "id": group,
                "description": group,
                "isFilteredByDefault": False,
                "isFiltered": wish.filtered,
                "isFilteredForSync": wish.for_sync,
            }
            for group, wish in groups.items()
        ],
    }
