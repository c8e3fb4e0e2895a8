"""What a client writes, told as the store's fields.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendaritem
"""

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from sandbox.ews_properties import extended, value
from sandbox.ews_shapes import ABSENT, STATUSES
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, local
from sandbox.ews_zones import instant, midnights, moved, zone_id
from sandbox.exchange import Item

Fields = dict[str, Any]
USUAL_REMINDER = 15
_ATTENDEES = {"RequiredAttendees", "OptionalAttendees", "Resources"}
_TIMES = {"Start", "End", "IsAllDayEvent", "StartTimeZone", "EndTimeZone"}
_REMINDERS = {"ReminderIsSet", "ReminderMinutesBeforeStart"}
_ONLY = {"ItemClass": "IPM.Appointment", "Sensitivity": "Normal", "Importance": "Normal", "Culture": None}
_ONLY |= {"IsResponseRequested": None, "AllowNewTimeProposal": None, "MeetingTimeZone": None}
"""What the store does not keep, with the value that is as good as none; None for any."""


def of_new(item: etree._Element, zone: str) -> Fields:
    """The fields of a CalendarItem that shall be made; `zone` is the request's. Raises: EwsError."""
    if local(item) != "CalendarItem":
        raise EwsError("ErrorInvalidItemForOperationCreateItem", "Only calendar items are made in a calendar.")
    draft = Draft(None, zone)
    for element in item:
        draft.set(element)
    return draft.fields()


def of_change(updates: etree._Element, item: Item, zone: str) -> Fields:
    """The fields of `item` that shall change. Raises: EwsError."""
    draft = Draft(item, zone)
    for update in updates:
        path = update[0]
        match local(update):
            case "SetItemField":
                draft.set(_child(path, update[1]))
            case "DeleteItemField":
                draft.delete(path)
            case other:
                raise NotPlayedError(other)
    return draft.fields()


def _child(path: etree._Element, item: etree._Element) -> etree._Element:
    """The one element that is to be set, which must be the one that the path names."""
    if len(item) != 1:
        raise EwsError("ErrorIncorrectUpdatePropertyCount", "Each update takes exactly one property.")
    (child,) = item
    if local(path) == "ExtendedFieldURI":
        same = local(child) == "ExtendedProperty" and extended(child[0]).property == extended(path).property
    else:
        same = path.get("FieldURI", "").partition(":")[2] == local(child)
    if not same:
        raise EwsError("ErrorUpdatePropertyMismatch", "The property and its path are not the same.")
    return child


class Draft:
    """What has been asked for so far: of a new item, or of a change to `item`."""

    def __init__(self, item: Item | None, zone: str) -> None:
        self._item = item
        self._zone = zone
        self._fields: Fields = {}
        self._given: dict[str, etree._Element] = {}
        self._properties: dict[tuple[str, str], str] = dict(item.properties) if item else {}

    def set(self, element: etree._Element) -> None:
        """Raises: EwsError."""
        name, text = local(element), element.text or ""
        if name == "ExtendedProperty":
            key, said = value(element)
            self._properties[key] = said
        elif name in _TIMES | _REMINDERS:
            self._given[name] = element
        elif name in _ATTENDEES:
            addresses = [each.text or "" for each in element.iterfind("t:Attendee/t:Mailbox/t:EmailAddress", NAMES)]
            self._fields["attendees"] = (*self._fields.get("attendees", ()), *addresses)
        elif name == "Body":
            self._fields |= {"body": text, "html": element.get("BodyType") == "HTML"}
        elif name in _WRITTEN:
            field, read = _WRITTEN[name]
            self._fields[field] = read(element)
        elif name not in _ONLY or _ONLY[name] not in {None, text}:
            raise NotPlayedError(f"the writing of {name}")

    def delete(self, path: etree._Element) -> None:
        """Raises: EwsError."""
        if local(path) == "ExtendedFieldURI":
            self._properties.pop(extended(path).property, None)
            return
        uri = path.get("FieldURI", "")
        name = uri.partition(":")[2]
        if name in _ATTENDEES:
            self._fields["attendees"] = ()
        elif name in _EMPTY:
            self._fields |= _EMPTY[name]
        elif uri not in ABSENT:
            raise EwsError("ErrorInvalidPropertyDelete", "The property cannot be deleted.")

    def fields(self) -> Fields:
        """Raises: EwsError."""
        fields = {**self._fields, **self._reminder(), "properties": self._properties}
        if self._item is None or self._given.keys() & _TIMES:
            fields |= self._times()
        return fields

    def _reminder(self) -> Fields:
        if self._item is not None and not self._given.keys() & _REMINDERS:
            return {}
        before = USUAL_REMINDER if self._item is None else self._item.reminder
        wanted = _true(self._given["ReminderIsSet"]) if "ReminderIsSet" in self._given else before is not None
        if not wanted:
            return {"reminder": None}
        given = self._given.get("ReminderMinutesBeforeStart")
        return {"reminder": int(given.text or 0) if given is not None else before or USUAL_REMINDER}

    def _times(self) -> Fields:
        zones = {name: self._zone_of(name) for name in ("start", "end")}
        start, end = self._moment("start", zones["start"]), self._moment("end", zones["end"])
        all_day = self._item.all_day if self._item else False
        if "IsAllDayEvent" in self._given:
            all_day = _true(self._given["IsAllDayEvent"])
        if all_day:
            start, end = midnights(start, end, zones["start"], zones["end"])
        return {
            "start": start,
            "end": end,
            "start_zone": zones["start"],
            "end_zone": zones["end"],
            "all_day": all_day,
        }

    def _zone_of(self, name: str) -> str:
        given = self._given.get(f"{name.title()}TimeZone")
        if given is not None:
            return zone_id(given)
        if self._item is not None:
            return str(getattr(self._item, f"{name}_zone"))
        # An end without a zone of its own ends where it started.
        return self._zone_of("start") if name == "end" and "StartTimeZone" in self._given else self._zone

    def _moment(self, name: str, zone: str) -> Any:
        given = self._given.get(name.title())
        if given is not None:
            has_zone = f"{name.title()}TimeZone" in self._given
            return instant(given.text or "", zone if has_zone else self._zone)
        if self._item is None:
            raise NotPlayedError("an appointment without a start and an end")
        return moved(getattr(self._item, name), getattr(self._item, f"{name}_zone"), zone)


def _true(element: etree._Element) -> bool:
    return (element.text or "").strip() in {"true", "1"}


_WRITTEN: Mapping[str, tuple[str, Callable[[etree._Element], Any]]] = {
    "Subject": ("subject", lambda element: element.text or ""),
    "Location": ("location", lambda element: element.text or ""),
    "Categories": ("categories", lambda element: tuple(each.text or "" for each in element)),
    "LegacyFreeBusyStatus": (
        "show_as",
        lambda element: next((ours for ours, theirs in STATUSES.items() if theirs == element.text), "unknown"),
    ),
}
_EMPTY: Mapping[str, Fields] = {
    "Subject": {"subject": ""},
    "Body": {"body": "", "html": False},
    "Location": {"location": ""},
    "Categories": {"categories": ()},
}
