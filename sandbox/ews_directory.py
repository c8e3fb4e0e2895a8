"""What is no item: GetFolder, ResolveNames, ConvertId.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation
"""

from collections.abc import Iterator
from functools import partial

from lxml import etree

from sandbox.ews_call import Call, done_or_refused
from sandbox.ews_ids import converted, folder_id
from sandbox.ews_shapes import rights
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, done, m, t
from sandbox.exchange import Calendar, StoreError

_FOLDERS = {
    "root": ("", "Root", 1),
    "msgfolderroot": ("root", "Top of Information Store", 1),
    "calendar": ("msgfolderroot", "Calendar", 0),
}
"""Of each folder the parent, the name, and how many folders are in it."""
_DEFAULT = {"DisplayName", "TotalCount", "ChildFolderCount"}
_SHAPES = {"Default": _DEFAULT, "AllProperties": _DEFAULT | {"ParentFolderId", "FolderClass", "EffectiveRights"}}


def get_folder(call: Call) -> Iterator[etree._Element]:
    """One message for each folder. Raises: EwsError."""
    for each in call.body.iterfind("m:FolderIds/*", NAMES):
        yield done_or_refused(call, partial(_folder, call, each))


def _folder(call: Call, asked: etree._Element) -> etree._Element:
    name, calendar, _ = call.folder(asked)
    if name not in _FOLDERS:
        raise EwsError("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    fields = call.body.iterfind("m:FolderShape/t:AdditionalProperties/t:FieldURI", NAMES)
    more = {each.get("FieldURI", "").partition(":")[2] for each in fields}
    more |= _SHAPES.get(call.body.findtext("m:FolderShape/t:BaseShape", "", NAMES), set())
    parts = [element for each, element in _described(name, calendar).items() if each in more | {"FolderId"}]
    element = t("CalendarFolder" if name == "calendar" else "Folder", parts)
    return done("GetFolder", [m("Folders", [element])])


def _described(name: str, calendar: Calendar) -> dict[str, etree._Element]:
    """All that a folder has to tell, in the schema's order."""
    parent, title, children = _FOLDERS[name]
    is_calendar = name == "calendar"
    kind, total = ("IPF.Appointment", len(calendar.items())) if is_calendar else ("IPF", 0)
    described = {"FolderId": t("FolderId", Id=folder_id(name, calendar.id), ChangeKey="AQAAAA==")}
    if parent:
        described["ParentFolderId"] = t("ParentFolderId", Id=folder_id(parent, calendar.id), ChangeKey="AQAAAA==")
    return described | {
        "FolderClass": t("FolderClass", kind),
        "DisplayName": t("DisplayName", title),
        "TotalCount": t("TotalCount", str(total)),
        "ChildFolderCount": t("ChildFolderCount", str(children)),
        "EffectiveRights": rights(),
    }


def resolve_names(call: Call) -> Iterator[etree._Element]:
    """The one mailbox with that address; addresses are all the names that people have here. Raises: EwsError."""
    yield done_or_refused(call, lambda: done("ResolveNames", [_resolved(call)]))


def _resolved(call: Call) -> etree._Element:
    asked = call.body.findtext("m:UnresolvedEntry", "", NAMES)
    address = call.exchange.primary(asked.lower().removeprefix("smtp:"))
    try:
        call.exchange.own(address)
    except StoreError as error:
        raise EwsError("ErrorNameResolutionNoResults", "No results were found.") from error
    named = {"Name": address, "EmailAddress": address, "RoutingType": "SMTP", "MailboxType": "Mailbox"}
    resolution = t("Resolution", [t("Mailbox", [t(name, text) for name, text in named.items()])])
    return m("ResolutionSet", [resolution], TotalItemsInView="1", IncludesLastItemInRange="true")


def convert_id(call: Call) -> Iterator[etree._Element]:
    """One message for each id. Raises: EwsError."""
    for each in call.body.iterfind("m:SourceIds/*", NAMES):
        yield done_or_refused(call, partial(_converted, call, each))


def _converted(call: Call, source: etree._Element) -> etree._Element:
    if etree.QName(source).localname != "AlternateId":
        raise NotPlayedError("ids of public folders")
    destination = call.body.get("DestinationFormat", "")
    text = converted(source.get("Id", ""), source.get("Format", ""), destination)
    alternate = m("AlternateId", Format=destination, Id=text, Mailbox=source.get("Mailbox", ""))
    alternate.set("{http://www.w3.org/2001/XMLSchema-instance}type", "t:AlternateIdType")
    return done("ConvertId", [alternate])
