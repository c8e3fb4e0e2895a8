"""How EWS spells the store's ids: longer than the store, mixed in case, and never to be taken apart by a client."""

import base64
import binascii

from sandbox.ews_soap import EwsError

_ITEM = b"\x00\x01carillon-item\x00"
_FOLDER = b"\x00\x02carillon-folder\x00"
FORMATS = ("EwsId", "EwsLegacyId", "EntryId", "HexEntryId", "StoreId", "OwaId")


def item_id(store_id: str) -> str:
    """EWS's id of the item that has `store_id` in the store."""
    return base64.b64encode(_ITEM + store_id.encode()).decode()


def store_id(ews_id: str) -> str:
    """The store's id of an item. Raises: EwsError."""
    return _read(ews_id, _ITEM)


def folder_id(name: str, calendar_id: str) -> str:
    """Of one of the distinguished folders of the mailbox that has that calendar."""
    return base64.b64encode(_FOLDER + f"{name}\0{calendar_id}".encode()).decode()


def folder(ews_id: str) -> tuple[str, str]:
    """The name of a folder and the id of its mailbox's calendar. Raises: EwsError."""
    name, _, calendar_id = _read(ews_id, _FOLDER).partition("\0")
    return name, calendar_id


def _read(ews_id: str, kind: bytes) -> str:
    try:
        content = base64.b64decode(ews_id, validate=True)
    except binascii.Error as error:
        raise EwsError("ErrorInvalidIdMalformed", "Id is malformed.") from error
    if not content.startswith(kind):
        raise EwsError("ErrorInvalidIdMalformed", "Id is malformed.")
    return content.removeprefix(kind).decode(errors="replace")


def converted(text: str, source: str, destination: str) -> str:
    """An id of an item in another of the `FORMATS`. Raises: EwsError."""
    if source != "HexEntryId":
        plain = text
    else:
        try:
            plain = base64.b64encode(bytes.fromhex(text)).decode()
        except ValueError as error:
            raise EwsError("ErrorInvalidIdMalformed", "Id is malformed.") from error
    store_id(plain)
    return base64.b64decode(plain).hex().upper() if destination == "HexEntryId" else plain
