"""Named properties as EWS addresses them: by a property set and a name.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/extendedfielduri
"""

from dataclasses import dataclass

from lxml import etree

from sandbox.ews_soap import NAMES, NotPlayedError, t
from sandbox.exchange import Property

_SETS = {
    "Address": "00062004-0000-0000-c000-000000000046",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "Common": "00062008-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Task": "00062003-0000-0000-c000-000000000046",
}
_TYPES = {"Boolean", "CLSID", "Double", "Float", "Integer", "Long", "Short", "String", "SystemTime"}


@dataclass(frozen=True, slots=True)
class Path:
    """`attributes` are those of the request: an answer repeats them as they were."""

    property: Property
    attributes: tuple[tuple[str, str], ...]

    def element(self) -> etree._Element:
        return t("ExtendedFieldURI", **dict(self.attributes))


def extended(path: etree._Element) -> Path:
    """What an ExtendedFieldURI addresses. Raises: NotPlayedError."""
    name = path.get("PropertyName")
    guid = path.get("PropertySetId") or _SETS.get(path.get("DistinguishedPropertySetId", ""))
    if name is None or guid is None or path.get("PropertyType") not in _TYPES:
        raise NotPlayedError("a property without a set and a name, or of several values")
    return Path((guid.lower(), name), tuple((str(key), str(value)) for key, value in path.attrib.items()))


def value(element: etree._Element) -> tuple[Property, str]:
    """What an ExtendedProperty holds. Raises: NotPlayedError."""
    path = extended(element[0])
    text = element.findtext("t:Value", None, NAMES)
    if text is None:
        raise NotPlayedError("a property of several values")
    return path.property, text
