"""Items one by one: CreateItem, GetItem, UpdateItem, DeleteItem.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation
"""

from collections.abc import Iterator

from lxml import etree

from sandbox.ews_call import Call, each
from sandbox.ews_fields import of_change, of_new
from sandbox.ews_shapes import identity, shape, told
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, done, local, m, t
from sandbox.exchange import Item


def create_item(call: Call) -> Iterator[etree._Element]:
    """One message for each item. Raises: EwsError."""
    sends = call.body.get("SendMeetingInvitations")
    where = call.body.find("m:SavedItemFolderId/*", NAMES)

    def create(element: etree._Element) -> etree._Element:
        name, calendar, _ = call.folder(where) if where is not None else ("calendar", call.caller.calendar(), "")
        _check_sends(sends, "ErrorSendMeetingInvitationsRequired")
        if name != "calendar":
            said = "The folder is no calendar."
            raise EwsError("ErrorCannotCreateCalendarItemInNonCalendarFolder", said)
        made = calendar.insert(of_new(element, call.zone))
        _notify(call, sends, made)
        return done("CreateItem", [_identified(made)])

    return each(call, call.body.iterfind("m:Items/*", NAMES), create)


def get_item(call: Call) -> Iterator[etree._Element]:
    """One message for each item. Raises: EwsError."""
    asked = call.body.find("m:ItemShape", NAMES)
    assert asked is not None
    wanted = shape(asked, call.zone)

    def get(element: etree._Element) -> etree._Element:
        _check_plain(element)
        calendar, found = call.calendar_of(element)
        owner = call.exchange.holder(calendar.id) or ""
        return done("GetItem", [m("Items", [told(calendar.item(found), wanted.of(owner, calendar.id))])])

    return each(call, call.body.iterfind("m:ItemIds/*", NAMES), get)


def update_item(call: Call) -> Iterator[etree._Element]:
    """One message for each change. Raises: EwsError."""
    sends, resolution = call.body.get("SendMeetingInvitationsOrCancellations"), call.body.get("ConflictResolution")

    def update(element: etree._Element) -> etree._Element:
        target = element[0]
        _check_plain(target)
        _check_sends(sends, "ErrorSendMeetingInvitationsOrCancellationsRequired")
        change_key = target.get("ChangeKey")
        if change_key is None and resolution != "AlwaysOverwrite":
            raise EwsError("ErrorChangeKeyRequired", "The change key is required for this operation.")
        calendar, found = call.calendar_of(target)
        (updates,) = element.iterfind("t:Updates", NAMES)
        fields = of_change(updates, calendar.item(found), call.zone)
        changed = calendar.change(found, fields, change_key if resolution == "NeverOverwrite" else None)
        _notify(call, sends, changed)
        return done("UpdateItem", [_identified(changed), m("ConflictResults", [t("Count", "0")])])

    return each(call, call.body.iterfind("m:ItemChanges/*", NAMES), update)


def delete_item(call: Call) -> Iterator[etree._Element]:
    """One message for each item. A change key is not looked at: Exchange deletes whatever is there.

    Raises: EwsError.
    """
    sends = call.body.get("SendMeetingCancellations")

    def delete(element: etree._Element) -> etree._Element:
        _check_plain(element)
        _check_sends(sends, "ErrorSendMeetingCancellationsRequired")
        calendar, found = call.calendar_of(element)
        _notify(call, sends, calendar.item(found))
        calendar.remove(found)
        return done("DeleteItem")

    return each(call, call.body.iterfind("m:ItemIds/*", NAMES), delete)


def _check_plain(element: etree._Element) -> None:
    if local(element) != "ItemId":
        raise NotPlayedError(f"an {local(element)}: nothing here recurs")


def _check_sends(sends: str | None, code: str) -> None:
    if sends is None:
        raise EwsError(code, "A calendar item needs to be told who shall be sent what.")


def _notify(call: Call, sends: str | None, item: Item) -> None:
    if sends != "SendToNone":
        call.exchange.notifications += len(item.attendees)


def _identified(item: Item) -> etree._Element:
    return m("Items", [t("CalendarItem", [identity(item)])])
