"""exchangelib's services, each of which sends one request once and tells what became of every part of it.

The library's own send a request again in another version of the language, up to ten times, when a server finds it
invalid, and again with fewer connections when there are too many; and an error of one item that they do not know loses
what became of the others.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from exchangelib import UTC, EWSTimeZone, services
from exchangelib.account import Identity
from exchangelib.errors import ErrorServerBusy, EWSError, MalformedResponseError, ResponseMessageError, TransportError
from exchangelib.fields import FieldOrder, FieldPath
from exchangelib.folders import Calendar, Root
from exchangelib.items import (
    ID_ONLY,
    NEVER_OVERWRITE,
    SAVE_ONLY,
    SEND_TO_NONE,
    SHALLOW,
    SOFT_DELETE,
    SPECIFIED_OCCURRENCE_ONLY,
)
from exchangelib.properties import DistinguishedFolderId, ItemId, Mailbox
from exchangelib.restriction import Q, Restriction
from exchangelib.services.common import EWSService, folder_ids_element
from exchangelib.util import SOAPNS, TNS, create_element, sanitize_xml
from lxml import etree

from providers._ews_items import Entry
from providers._ews_wire import Wire
from providers.base import Ref

PAGE = 1000
"""As many items as Exchange lists at a time, whatever it is asked for."""


class EntryCalendar(Calendar):
    """The default calendar, searched by what `Entry` has."""

    supported_item_models = (Entry,)


class Person:
    """Whom a request speaks of: what services ask of exchangelib's `Account`, without its search for servers."""

    def __init__(self, address: str, access: str, wire: Wire) -> None:
        self.protocol = wire
        self.version = wire.version
        self.primary_smtp_address = address
        self.access_type = access
        self.identity = Identity(primary_smtp_address=address)
        # Made by hand: the library would ask for both folders, one mailbox of the process after the other.
        mailbox = Mailbox(email_address=address)
        root = Root(account=self, _distinguished_id=DistinguishedFolderId(id="root", mailbox=mailbox))
        self.calendar = EntryCalendar(
            root=root, _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=mailbox)
        )


_exception = EWSService._get_exception  # noqa: SLF001  # wrapped below, and called by the class's own methods


class Once(EWSService):
    """What all services here have in common."""

    ERRORS_TO_CATCH_IN_RESPONSE = EWSError
    WARNINGS_TO_CATCH_IN_RESPONSE = EWSError
    _timezone = UTC

    def ask(self, payload: Any, container: str | None = None) -> list[Any]:
        """For each part of the request its element `container`, or the error it met.

        Raises: EWSError, XMLSyntaxError, and as `Wire.post`.
        """
        # All-day events go from midnight to midnight «of the request or the appointment»: so that is one zone.
        zones = {each.get("Id") for each in payload.iter(f"{{{TNS}}}StartTimeZone")}
        self._timezone = EWSTimeZone.from_ms_id(zones.pop()) if len(zones) == 1 else UTC
        version = self.account.version.api_version
        content = self.protocol.post(self.wrap(payload, api_version=version), self._extra_headers())
        body = _tree(content).find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise MalformedResponseError("no SOAP")
        return [self._part(each, container) for each in self._get_soap_messages(body=body)]

    def _part(self, message: Any, container: str | None) -> Any:
        try:
            return self._get_element_container(message, container)
        except MalformedResponseError as error:
            return error

    @staticmethod
    def _get_exception(code: Any, text: Any, msg_xml: Any = None, rule_errors: Any = None) -> Any:
        """As the library has it, with the wait that a busy server names beside the item."""
        error = _exception(code, text or "", msg_xml, rule_errors)
        if type(error) is TransportError:
            return ResponseMessageError(code)
        if isinstance(error, ErrorServerBusy) and msg_xml is not None:
            for value in msg_xml.iterfind(f"{{{TNS}}}Value"):
                if value.get("Name") == "BackOffMilliseconds":
                    with suppress(TypeError, ValueError):
                        error.back_off = int(value.text) / 1000
        return error


class CreateItem(Once, services.CreateItem):
    def entry(self, told: dict[str, Any]) -> Any:
        """An item as an element. Raises: ValueError, TypeError, when it cannot be said."""
        return Entry(**told).to_xml(self.account.version)

    def create(self, entries: Sequence[Any]) -> list[Any]:
        """Make the items, given as elements; for each the element `Items` that tells its id, or an error."""
        payload = create_element("m:CreateItem", attrs={"SendMeetingInvitations": SEND_TO_NONE})
        folders = folder_ids_element([self.account.calendar], self.account.version, tag="m:SavedItemFolderId")
        items = create_element("m:Items")
        items.extend(entries)
        payload.extend([folders, items])
        return self.ask(payload, self.element_container_name)


class UpdateItem(Once, services.UpdateItem):
    def change(self, ref: Ref, told: dict[str, Any]) -> Any:
        """What an update of one item says, as an element. Raises: ValueError, TypeError, when it cannot be said."""
        change = create_element("t:ItemChange")
        updates = create_element("t:Updates")
        updates.extend(self._update_elems(Entry(**told), list(told)))
        change.extend([ItemId(ref.id, ref.version).to_xml(self.account.version), updates])
        return change

    def update(self, changes: Sequence[Any]) -> list[Any]:
        """Change each item that still has the version it is given with; for each `Items`, or an error."""
        payload = self.get_payload(changes, NEVER_OVERWRITE, SAVE_ONLY, SEND_TO_NONE, suppress_read_receipts=True)
        return self.ask(payload, self.element_container_name)

    def _changes_elem(self, target_changes: Sequence[Any]) -> Any:
        changes = create_element(self.CHANGES_ELEMENT_NAME)
        changes.extend(target_changes)
        return changes


class DeleteItem(Once, services.DeleteItem):
    def delete(self, refs: Iterable[Ref]) -> list[Any]:
        """Remove the items, so that an administrator can get them back; for each an element, or an error."""
        ids = [ItemId(ref.id, ref.version) for ref in refs]
        return self.ask(
            self.get_payload(ids, SOFT_DELETE, SEND_TO_NONE, SPECIFIED_OCCURRENCE_ONLY, suppress_read_receipts=True)
        )


class GetItem(Once, services.GetItem):
    def get(self, ids: Iterable[str], fields: Iterable[str]) -> list[Any]:
        """For each id the element `Items` with the item in it, or an error."""
        payload = self.get_payload([ItemId(each) for each in ids], _paths(fields), ID_ONLY)
        return self.ask(payload, self.element_container_name)


class FindItem(Once, services.FindItem):
    def find(self, wanted: Q, fields: Iterable[str], offset: int) -> Any:
        """One page of the calendar's items that are as `wanted`, by start: the element `RootFolder`, or an error."""
        folders = [self.account.calendar]
        payload = self.get_payload(
            folders=folders,
            additional_fields=_paths(fields),
            restriction=Restriction(wanted, folders=folders, applies_to=Restriction.ITEMS),
            order_fields=[FieldOrder(each) for each in _paths(["start"])],
            query_string=None,
            shape=ID_ONLY,
            depth=SHALLOW,
            calendar_view=None,
            page_size=PAGE,
            offset=offset,
        )
        return self.ask(payload, self.paging_container_name)


class GetFolder(Once, services.GetFolder):
    def rights(self) -> list[Any]:
        """The element `Folders` with the calendar and what may be done with it in it, or an error."""
        right = FieldPath(Calendar.get_field_by_fieldname("effective_rights"))
        return self.ask(self.get_payload([self.account.calendar], [right], ID_ONLY), self.element_container_name)


def _paths(fields: Iterable[str]) -> list[FieldPath]:
    return [FieldPath(Entry.get_field_by_fieldname(each)) for each in fields]


def _tree(content: bytes) -> Any:
    """Exchange passes on what a person typed, and with it signs that no XML may hold.

    The library's own parser mends all it can, and would take half a listing for a whole one.
    """
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return etree.fromstring(sanitize_xml(content), etree.XMLParser(resolve_entities=False, no_network=True))
