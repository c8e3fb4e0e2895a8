"""Many items at once: FindItem and SyncFolderItems.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation
"""

import base64
import binascii
from collections.abc import Iterator
from functools import partial

from lxml import etree

from sandbox.ews_call import Call, done_or_refused
from sandbox.ews_ids import item_id
from sandbox.ews_restrictions import ordered, predicate
from sandbox.ews_shapes import Shape, shape, told
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, done, m, t
from sandbox.ews_zones import instant
from sandbox.exchange import Calendar, Item

MOST_FOUND = 1000
"""EWSFindCountLimit: larger pages are cut to it."""
MOST_YEARS_VIEWED = 2
_STATE = b"carillon-sync\x00"


def find_item(call: Call) -> Iterator[etree._Element]:
    """One message for each folder. Raises: EwsError."""
    body = call.body
    for name in ("GroupBy", "DistinguishedGroupBy", "QueryString", "FractionalPageItemView", "ContactsView"):
        if body.find(f"m:{name}", NAMES) is not None:
            raise NotPlayedError(name)
    if body.get("Traversal") != "Shallow" or body.find("m:SeekToConditionPageItemView", NAMES) is not None:
        raise NotPlayedError("any traversal but Shallow")
    asked = body.find("m:ItemShape", NAMES)
    assert asked is not None
    wanted = shape(asked, call.zone, found=True)
    for each in body.iterfind("m:ParentFolderIds/*", NAMES):
        yield done_or_refused(call, partial(_found, call, each, wanted))


def _found(call: Call, where: etree._Element, wanted: Shape) -> etree._Element:
    name, calendar, owner = call.folder(where)
    items = _matching(call, calendar) if name == "calendar" else []
    view = call.body.find("m:CalendarView", NAMES)
    if view is not None:
        page, attributes = _viewed(call, items, view)
    else:
        items = ordered(items, call.body.find("m:SortOrder", NAMES))
        page, attributes = _page(items, call.body.find("m:IndexedPageItemView", NAMES))
    listed = [told(each, wanted.of(owner, calendar.id)) for each in page]
    root = m("RootFolder", [t("Items", listed)], TotalItemsInView=str(len(items)), **attributes)
    return done("FindItem", [root])


def _matching(call: Call, calendar: Calendar) -> list[Item]:
    restriction = call.body.find("m:Restriction", NAMES)
    if restriction is None:
        return calendar.items()
    holds = predicate(restriction[0], call.zone)
    return [item for item in calendar.items() if holds(item)]


def _page(items: list[Item], view: etree._Element | None) -> tuple[list[Item], dict[str, str]]:
    most, offset, backwards = MOST_FOUND, 0, False
    if view is not None:
        most, offset = int(view.get("MaxEntriesReturned", MOST_FOUND)), int(view.get("Offset", 0))
        backwards = view.get("BasePoint") == "End"
    if most < 1 or offset < 0:
        raise EwsError("ErrorInvalidPagingMaxRows", "A page holds one entry at least and starts at none below 0.")
    if backwards:
        raise NotPlayedError("pages counted from the end")
    after = min(offset + min(most, MOST_FOUND), len(items))
    last = str(after == len(items)).lower()
    return items[offset:after], {"IndexedPagingOffset": str(after), "IncludesLastItemInRange": last}


def _viewed(call: Call, items: list[Item], view: etree._Element) -> tuple[list[Item], dict[str, str]]:
    if call.body.find("m:Restriction", NAMES) is not None or call.body.find("m:SortOrder", NAMES) is not None:
        raise EwsError("ErrorUnsupportedPathForQuery", "A calendar view takes no restriction and no order.")
    start, end = (instant(view.get(name, ""), call.zone) for name in ("StartDate", "EndDate"))
    if end < start:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
    if (end - start).days > 366 * MOST_YEARS_VIEWED:
        raise EwsError(
            "ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years."
        )
    items[:] = sorted((each for each in items if each.start < end and each.end > start), key=lambda each: each.start)
    most = min(int(view.get("MaxEntriesReturned", MOST_FOUND)), MOST_FOUND)
    return items[:most], {"IncludesLastItemInRange": str(len(items) <= most).lower()}


def sync_folder_items(call: Call) -> Iterator[etree._Element]:
    """What changed since a state. Raises: EwsError."""
    yield done_or_refused(call, lambda: done("SyncFolderItems", _changes(call)))


def _changes(call: Call) -> list[etree._Element]:
    asked, (where,) = call.body.find("m:ItemShape", NAMES), call.body.iterfind("m:SyncFolderId/*", NAMES)
    assert asked is not None
    name, calendar, owner = call.folder(where)
    if name != "calendar":
        raise NotPlayedError("a synchronization of other folders than calendars")
    wanted = shape(asked, call.zone).of(owner, calendar.id)
    since = _revision(call.body.findtext("m:SyncState", "", NAMES), calendar)
    changes = sorted(_listed(calendar, since, wanted), key=lambda change: change[0])
    most = int(call.body.findtext("m:MaxChangesReturned", "512", NAMES))
    page = changes[:most]
    reached = calendar.revision if len(page) == len(changes) else page[-1][0]
    return [
        m("SyncState", base64.b64encode(_STATE + f"{calendar.id}\0{reached}".encode()).decode()),
        m("IncludesLastItemInRange", str(len(page) == len(changes)).lower()),
        m("Changes", [element for _, element in page]),
    ]


def _listed(calendar: Calendar, since: int, wanted: Shape) -> Iterator[tuple[int, etree._Element]]:
    changed, gone = calendar.since(since)
    for item in changed:
        kind = "Create" if item.created > since else "Update"
        yield item.revision, t(kind, [told(item, wanted)])
    if since:
        for each in gone:
            yield calendar.deleted[each], t("Delete", [t("ItemId", Id=item_id(each))])


def _revision(state: str, calendar: Calendar) -> int:
    if not state:
        return 0
    try:
        content = base64.b64decode(state, validate=True)
    except binascii.Error:
        content = b""
    calendar_id, _, revision = content.removeprefix(_STATE).decode(errors="replace").partition("\0")
    if not content.startswith(_STATE) or calendar_id != calendar.id or not revision.isdecimal():
        raise EwsError("ErrorInvalidSyncStateData", "The sync state data is corrupt or otherwise invalid.")
    return int(revision)
