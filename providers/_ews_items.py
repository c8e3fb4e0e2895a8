"""Our event in Exchange's words, and Exchange's item in ours. Pure functions.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendaritem
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from exchangelib import Body, EWSDateTime, EWSTimeZone
from exchangelib.errors import UnknownTimeZone
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.fields import (
    BodyField,
    BooleanField,
    DateTimeField,
    ExtendedPropertyField,
    IntegerField,
    TextField,
    TextListField,
    TimeZoneField,
)
from exchangelib.properties import EWSElement
from exchangelib.util import TNS, create_element

from providers._exchange import (
    CATEGORY,
    ID,
    INSTANCE,
    KEY,
    PROPERTY_SET,
    SYNCHRONIZATION,
    ZONE,
    categories,
    event_id,
    windows_zone,
)
from providers.base import FIELDS, ContractBroken, Create, Delete, Event, Found, Mark, Marks, Ref, Update

NOON = timedelta(hours=12)
UTC_ZONE = EWSTimeZone("UTC")


class _Ours(ExtendedProperty):
    property_set_id = PROPERTY_SET
    property_type = "String"


class _Property(ExtendedPropertyField):
    """One of our named properties. The library wants a class for each, and spells its name anew for every use."""

    def __init__(self, property_name: str) -> None:
        super().__init__(value_cls=_Ours)
        self._attributes = {
            "PropertySetId": PROPERTY_SET,
            "PropertyName": property_name,
            "PropertyType": _Ours.property_type,
        }

    def clean(self, value: str | None, version: Any = None) -> str | None:  # noqa: ARG002  # the library's
        return value

    def field_uri_xml(self) -> Any:
        return create_element("t:ExtendedFieldURI", attrs=self._attributes)


class Entry(EWSElement):
    """A calendar item with what we write or ask for of one, in the schema's order.

    The library's own has 80 fields, and each of them costs time for each event.
    """

    ELEMENT_NAME = "CalendarItem"

    subject = TextField(field_uri="item:Subject")
    body = BodyField(field_uri="item:Body")
    categories = TextListField(field_uri="item:Categories")
    reminder_is_set = BooleanField(field_uri="item:ReminderIsSet")
    reminder_minutes = IntegerField(field_uri="item:ReminderMinutesBeforeStart")
    instance = _Property(INSTANCE)
    synchronization = _Property(SYNCHRONIZATION)
    key = _Property(KEY)
    own_id = _Property(ID)
    zone = _Property(ZONE)
    category = _Property(CATEGORY)
    start = DateTimeField(field_uri="calendar:Start")
    end = DateTimeField(field_uri="calendar:End")
    is_all_day = BooleanField(field_uri="calendar:IsAllDayEvent")
    location = TextField(field_uri="calendar:Location")
    start_zone = TimeZoneField(field_uri="calendar:StartTimeZone")
    end_zone = TimeZoneField(field_uri="calendar:EndTimeZone")


MARKED = ("categories", "instance", "synchronization", "key", "own_id", "category")
"""What `to_standing` reads of an item."""

LISTED = ("subject", "instance", "synchronization", "key", "zone", "start", "end", "is_all_day")
"""What `to_found` reads of an item."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at an item finds; `id` is ours, `category` the one that we gave."""

    ref: Ref
    mark: Mark | None
    id: str
    categories: tuple[str, ...]
    category: str


def to_create(create: Create, reminder: int | None) -> dict[str, Any]:
    """The whole event, by the names in `Entry`. It reminds nobody, unless `reminder` says how many minutes before."""
    told = _values(create.event, create.mark, frozenset(FIELDS), None)
    told |= {"own_id": event_id(create.mark, create.generation), "reminder_is_set": reminder is not None}
    return {name: value for name, value in {**told, "reminder_minutes": reminder}.items() if value is not None}


def to_change(change: Update | Create, there: Standing | None) -> dict[str, Any]:
    """What an update sets, by the names in `Entry`; None takes it away. `there` is needed for a category.

    A create that finds its event changes all of it.
    """
    fields = change.fields if isinstance(change, Update) else frozenset(FIELDS)
    return _values(change.event, change.mark, fields, there)


def to_claim(delete: Delete) -> dict[str, Any]:
    """What changes nothing but the version."""
    return {"synchronization": delete.mark.synchronization}


def _values(event: Event, mark: Mark, fields: frozenset[str], there: Standing | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if "title" in fields:
        told["subject"] = event.title
    if "location" in fields:
        told["location"] = event.location
    if "description" in fields:
        told["body"] = Body(event.description)
    if "category" in fields:
        before, others = (there.category, there.categories) if there else ("", ())
        told["categories"] = categories(others, before, event.category) or None
        told["category"] = event.category or None
    if "time" in fields:
        told |= _times(event)
    if "mark" in fields:
        told |= {"instance": mark.instance, "synchronization": mark.synchronization, "key": mark.key}
    return told


def _times(event: Event) -> dict[str, Any]:
    zone = _as_windows_has(event.zone)
    if event.all_day:
        start, end = (_moment(datetime.combine(day, time()), zone) for day in event.days())
    else:
        start, end = (_moment(each.astimezone(ZoneInfo(zone.key)), zone) for each in (event.start, event.end))
    told = {"zone": event.zone} if event.all_day else {}
    return told | {"start": start, "end": end, "is_all_day": event.all_day, "start_zone": zone, "end_zone": zone}


@cache
def _as_windows_has(zone: str) -> EWSTimeZone:
    """The zone that stands for the Windows id of `zone`; offsets on the wire keep instants exact where they differ."""
    try:
        return EWSTimeZone.from_ms_id(windows_zone(zone))
    except UnknownTimeZone:
        return UTC_ZONE


def _moment(local: datetime, zone: EWSTimeZone) -> EWSDateTime:
    # By hand: the library's own ways forget which of two equal hours is meant.
    clock = (local.year, local.month, local.day, local.hour, local.minute, local.second)
    return EWSDateTime(*clock, tzinfo=zone, fold=local.fold)


def to_ref(item: Any) -> Ref:
    """Raises: ContractBroken."""
    found = item.find(f"{{{TNS}}}ItemId")
    if found is None or not found.get("Id") or not found.get("ChangeKey"):
        raise ContractBroken("Exchange's answer lacks an item's id: check url.")
    return Ref(found.get("Id"), found.get("ChangeKey"))


def to_standing(item: Any) -> Standing:
    """Raises: ContractBroken."""
    named = _properties(item)
    given = tuple(each.text or "" for each in item.findall(f"{{{TNS}}}Categories/{{{TNS}}}String"))
    return Standing(to_ref(item), _mark(named), named.get(ID, ""), given, named.get(CATEGORY, ""))


def to_found(item: Any, marks: Marks) -> Found | None:
    """The event, None for one whose mark only a server that does not mind case takes for `marks`.

    Raises: ContractBroken, when anything is missing or unreadable.
    """
    named = _properties(item)
    mark = _mark(named)
    if mark is None:
        raise ContractBroken("Exchange's listing has what was not asked for: check url.")
    if mark.instance != marks.instance or marks.synchronization not in {None, mark.synchronization}:
        return None
    try:
        start, end = (datetime.fromisoformat(_text(item, name)) for name in ("Start", "End"))
        days = {"true": True, "1": True, "false": False, "0": False}[_text(item, "IsAllDayEvent")]
        start, end = (_midnight(each, named.get(ZONE, "")) if days else _instant(each) for each in (start, end))
    except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ContractBroken("Exchange's listing lacks what was asked for: check url.") from error
    return Found(mark, to_ref(item), start, end, _text(item, "Subject"))


def _properties(item: Any) -> dict[str, str]:
    named = {}
    for each in item.iterfind(f"{{{TNS}}}ExtendedProperty"):
        uri, value = each.find(f"{{{TNS}}}ExtendedFieldURI"), each.find(f"{{{TNS}}}Value")
        if uri is not None and value is not None and uri.get("PropertySetId", "").lower() == PROPERTY_SET:
            named[uri.get("PropertyName", "")] = value.text or ""
    return named


def _mark(named: dict[str, str]) -> Mark | None:
    """None when it is not ours. What is missing of a damaged mark is empty."""
    if INSTANCE not in named:
        return None
    return Mark(named[INSTANCE], named.get(SYNCHRONIZATION, ""), named.get(KEY, ""))


def _text(item: Any, name: str) -> str:
    found = item.find(f"{{{TNS}}}{name}")
    return "" if found is None else found.text or ""


def _instant(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("an instant without an offset")
    return moment.astimezone(UTC)


def _midnight(moment: datetime, zone: str) -> datetime:
    """Exchange keeps the midnight of a zone that Windows knows: ours is that of the zone noted beside the mark."""
    instant = _instant(moment)
    if not zone:
        return instant
    day = (instant.astimezone(ZoneInfo(_as_windows_has(zone).key)) + NOON).date()
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
