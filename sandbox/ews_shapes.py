"""What a client asks to be told of an item, and the item told in that shape.

See: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/property-sets-and-response-shapes-in-ews-in-exchange
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape
from typing import Any

from lxml import etree, html

from sandbox.ews_ids import folder_id, item_id
from sandbox.ews_properties import Path, extended
from sandbox.ews_soap import NAMES, NotPlayedError, t
from sandbox.ews_zones import spelled
from sandbox.exchange import Item

LONGEST_FOUND = 255
"""FindItem cuts strings after so many characters."""
STATUSES = {
    "free": "Free",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "OOF",
    "workingElsewhere": "WorkingElsewhere",
    "unknown": "NoData",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """`fields` are the URIs that are asked for, `paths` the named properties. A body is told as `body` (HTML, Text, or
    Best for how it is kept), times in `zone` (a Windows id). `found` says that FindItem tells it, which knows no bodies
    and cuts strings.
    """

    fields: frozenset[str]
    paths: tuple[Path, ...] = ()
    body: str = "Best"
    zone: str = "UTC"
    found: bool = False
    owner: str = ""
    calendar_id: str = ""

    def of(self, owner: str, calendar_id: str) -> "Shape":
        """The same for the items of one mailbox."""
        return replace(self, owner=owner, calendar_id=calendar_id)


def shape(asked: etree._Element, zone: str, *, found: bool = False) -> Shape:
    """What an ItemShape asks for. Raises: EwsError."""
    base = asked.findtext("t:BaseShape", "", NAMES)
    fields = {"IdOnly": _ID_ONLY, "Default": _DEFAULT, "AllProperties": frozenset(_FIELDS) - {"item:TextBody"}}.get(
        base
    )
    if fields is None or asked.findtext("t:IncludeMimeContent", "false", NAMES) in {"true", "1"}:
        raise NotPlayedError(f"the shape {base} or MIME content")
    more = {each.get("FieldURI", "") for each in asked.iterfind("t:AdditionalProperties/t:FieldURI", NAMES)}
    paths = tuple(extended(each) for each in asked.iterfind("t:AdditionalProperties/t:ExtendedFieldURI", NAMES))
    indexed = asked.find("t:AdditionalProperties/t:IndexedFieldURI", NAMES) is not None
    if indexed or more - _FIELDS.keys() - ABSENT:
        raise NotPlayedError(f"the properties {sorted(more - _FIELDS.keys() - ABSENT)}")
    return Shape(fields | more, paths, asked.findtext("t:BodyType", "Best", NAMES), zone, found)


def told(item: Item, wanted: Shape) -> etree._Element:
    """The CalendarItem, its elements in the order that the schema demands."""
    asked = [(name, tell) for name, tell in _FIELDS.items() if name in wanted.fields]
    return t("CalendarItem", [each for name, tell in asked for each in _elements(name, tell, item, wanted)])


def identity(item: Item) -> etree._Element:
    return t("ItemId", Id=item_id(item.id), ChangeKey=item.change_key)


_Tell = Callable[[Item, Shape], Any]
"""Text, a truth, a number, a whole element, or None for nothing."""


def _elements(name: str, tell: _Tell, item: Item, wanted: Shape) -> Iterator[etree._Element]:
    if name == _PROPERTIES:
        yield from _properties(item, wanted)
        return
    value = tell(item, wanted)
    if value is None:
        return
    yield value if etree.iselement(value) else t(name.partition(":")[2], _text(value, wanted))


def _text(value: str | bool | int, wanted: Shape) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:LONGEST_FOUND] if wanted.found else str(value)


def _properties(item: Item, wanted: Shape) -> Iterator[etree._Element]:
    for path in wanted.paths:
        value = item.properties.get(path.property)
        if value is not None:
            yield t("ExtendedProperty", [path.element(), t("Value", _text(value, wanted))])


def _body(item: Item, wanted: Shape) -> etree._Element | None:
    if wanted.found:
        return None
    as_html = item.html if wanted.body == "Best" else wanted.body == "HTML"
    return t("Body", _html(item) if as_html else _plain(item), BodyType="HTML" if as_html else "Text")


def _text_body(item: Item, wanted: Shape) -> etree._Element | None:
    return None if wanted.found else t("TextBody", _plain(item), BodyType="Text")


def _html(item: Item) -> str:
    lines = escape(item.body, quote=False).replace("\n", "<br>\n")
    return item.body if item.html else f"<html><body>{lines}</body></html>"


def _plain(item: Item) -> str:
    if not item.html or not item.body.strip():
        return item.body
    return "".join(map(str, html.fromstring(item.body).itertext())).strip()


def _categories(item: Item, _wanted: Shape) -> etree._Element | None:
    return t("Categories", [t("String", each) for each in item.categories]) if item.categories else None


def _attendees(item: Item, wanted: Shape) -> etree._Element | None:
    if wanted.found or not item.attendees:
        return None
    return t("RequiredAttendees", [t("Attendee", [_mailbox(each)]) for each in item.attendees])


def _mailbox(address: str) -> etree._Element:
    return t("Mailbox", [t("Name", address), t("EmailAddress", address), t("RoutingType", "SMTP")])


def _due(item: Item, wanted: Shape) -> str | None:
    return None if item.reminder is None else spelled(item.start, wanted.zone)


_RIGHTS = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read", "ViewPrivateItems")


def rights() -> etree._Element:
    """Whoever may open a mailbox here may do everything in it."""
    return t("EffectiveRights", [t(each, "true") for each in _RIGHTS])


def _lasting(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"P{minutes // 1440}DT{minutes % 1440 // 60}H{minutes % 60}M"


_PROPERTIES = "named properties"
_FIELDS: Mapping[str, _Tell] = {
    "item:ItemId": lambda item, _: identity(item),
    "item:ParentFolderId": lambda _, wanted: t("ParentFolderId", Id=folder_id("calendar", wanted.calendar_id)),
    "item:ItemClass": lambda *_: "IPM.Appointment",
    "item:Subject": lambda item, _: item.subject,
    "item:Sensitivity": lambda *_: "Normal",
    "item:Body": _body,
    "item:Categories": _categories,
    "item:Importance": lambda *_: "Normal",
    "item:ReminderDueBy": _due,
    "item:ReminderIsSet": lambda item, _: item.reminder is not None,
    "item:ReminderMinutesBeforeStart": lambda item, _: item.reminder or 0,
    "item:HasAttachments": lambda *_: False,
    _PROPERTIES: lambda *_: None,
    "item:EffectiveRights": lambda *_: rights(),
    "item:LastModifiedName": lambda _, wanted: wanted.owner,
    "item:LastModifiedTime": lambda item, wanted: spelled(item.modified, wanted.zone),
    "item:TextBody": _text_body,
    "calendar:UID": lambda item, _: f"{item_id(item.id)}@sandbox",
    "calendar:Start": lambda item, wanted: spelled(item.start, wanted.zone),
    "calendar:End": lambda item, wanted: spelled(item.end, wanted.zone),
    "calendar:IsAllDayEvent": lambda item, _: item.all_day,
    "calendar:LegacyFreeBusyStatus": lambda item, _: STATUSES[item.show_as],
    "calendar:Location": lambda item, _: item.location or None,
    "calendar:IsMeeting": lambda item, _: bool(item.attendees),
    "calendar:IsCancelled": lambda *_: False,
    "calendar:IsRecurring": lambda *_: False,
    "calendar:MeetingRequestWasSent": lambda *_: False,
    "calendar:IsResponseRequested": lambda *_: True,
    "calendar:CalendarItemType": lambda *_: "Single",
    "calendar:MyResponseType": lambda *_: "Organizer",
    "calendar:Organizer": lambda _, wanted: t("Organizer", [_mailbox(wanted.owner)]),
    "calendar:RequiredAttendees": _attendees,
    "calendar:Duration": lambda item, _: _lasting(item.end - item.start),
    "calendar:AppointmentSequenceNumber": lambda *_: 0,
    "calendar:AppointmentState": lambda item, _: 1 if item.attendees else 0,
    "calendar:StartTimeZone": lambda item, _: t("StartTimeZone", Id=item.start_zone),
    "calendar:EndTimeZone": lambda item, _: t("EndTimeZone", Id=item.end_zone),
}
"""Every property that the sandbox's items have, in the schema's order."""
_ID_ONLY = frozenset({"item:ItemId", _PROPERTIES})
_DEFAULT = _ID_ONLY | {
    "item:Subject",
    "item:HasAttachments",
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
    "calendar:Location",
    "calendar:CalendarItemType",
    "calendar:Organizer",
    "calendar:IsRecurring",
    "calendar:MyResponseType",
}
_ABSENT_NAMES = """
item: Attachments BlockStatus ConversationId Culture DateTimeCreated DateTimeReceived DateTimeSent DisplayBcc DisplayCc
item: DisplayTo Flag HasBlockedImages IconIndex InReplyTo InternetMessageHeaders IsAssociated IsClutter IsDraft IsFromMe
item: IsResend IsSubmitted IsUnmodified MimeContent PolicyTag ReminderNextTime ResponseObjects Size UniqueBody
item: WebClientEditFormQueryString WebClientReadFormQueryString
calendar: AdjacentMeetingCount AdjacentMeetings AllowNewTimeProposal AppointmentReplyTime ConferenceType
calendar: ConflictingMeetingCount ConflictingMeetings DeletedOccurrences EnhancedLocation FirstOccurrence
calendar: IsOnlineMeeting IsOrganizer LastOccurrence MeetingTimeZone MeetingWorkspaceUrl ModifiedOccurrences NetShowUrl
calendar: OptionalAttendees OriginalStart Recurrence RecurrenceId Resources TimeZone When
"""
ABSENT = {kind + name for kind, *names in map(str.split, _ABSENT_NAMES.strip().splitlines()) for name in names}
"""What an appointment may have in Exchange and never has here: left out of the answer, and nothing to delete."""
