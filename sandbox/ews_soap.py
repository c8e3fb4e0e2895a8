"""SOAP as Exchange speaks it: what a request asks, and how answers, refusals and faults are written.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
NAMES = {"s": SOAP, "t": TYPES, "m": MESSAGES}
_NEEDS_ITEMS = {"CreateItem", "UpdateItem", "GetItem"}


class EwsError(Exception):
    """A refusal in Exchange's words, for one item or folder; `values` stand in its MessageXml."""

    def __init__(self, code: str, message: str, values: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.values = dict(values or {})


class SoapFaultError(EwsError):
    """A refusal of the whole request."""


class NotPlayedError(SoapFaultError):
    """Exchange may understand it and the sandbox does not: said aloud, and kept in `Exchange.violations`."""

    def __init__(self, what: str) -> None:
        super().__init__("ErrorInvalidRequest", f"The request is invalid: the sandbox does not play {what}.")


@dataclass(frozen=True, slots=True)
class Request:
    """What the envelope holds; `header` has its parts by their names."""

    operation: str
    body: etree._Element
    header: Mapping[str, etree._Element]


def parse(content: bytes) -> Request:
    """Raises: SoapFaultError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        # Exchange says so of a control character, which no XML may hold.
        raise SoapFaultError("ErrorSchemaValidation", f"The request failed schema validation: {error.msg}") from error
    bodies = root.findall("s:Body/*", NAMES)
    if len(bodies) != 1 or etree.QName(bodies[0]).namespace != MESSAGES:
        raise SoapFaultError("ErrorSchemaValidation", "The request failed schema validation: no body with one message.")
    header = {local(each): each for each in root.iterfind("s:Header/*", NAMES)}
    return Request(local(bodies[0]), bodies[0], header)


def local(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def t(name: str, content: Any = None, /, **attributes: str) -> etree._Element:
    """An element of the types' namespace around text, elements or nothing."""
    return _element(TYPES, name, content, attributes)


def m(name: str, content: Any = None, /, **attributes: str) -> etree._Element:
    """An element of the messages' namespace around text, elements or nothing."""
    return _element(MESSAGES, name, content, attributes)


def _element(namespace: str, name: str, content: Any, attributes: Mapping[str, str]) -> etree._Element:
    element = etree.Element(f"{{{namespace}}}{name}", dict(attributes), nsmap=NAMES)
    if isinstance(content, str):
        element.text = content
    elif content is not None:
        element.extend(content)
    return element


def done(operation: str, content: Iterable[etree._Element] = ()) -> etree._Element:
    """The message that one part of the request succeeded."""
    return m(f"{operation}ResponseMessage", [m("ResponseCode", "NoError"), *content], ResponseClass="Success")


def refused(operation: str, error: EwsError) -> etree._Element:
    """The message that one part of the request failed."""
    parts = [m("MessageText", str(error)), m("ResponseCode", error.code), m("DescriptiveLinkKey", "0")]
    if error.values:
        parts.append(m("MessageXml", _values(error)))
    if operation in _NEEDS_ITEMS:
        parts.append(m("Items"))
    if operation == "GetFolder":
        parts.append(m("Folders"))
    return m(f"{operation}ResponseMessage", parts, ResponseClass="Error")


def answer(operation: str, messages: Iterable[etree._Element]) -> etree._Element:
    """The envelope around the messages of one operation."""
    response = m(f"{operation}Response", [m("ResponseMessages", messages)])
    return _envelope(response)


def fault(error: EwsError) -> etree._Element:
    """The envelope around a refusal of the whole request; it goes with HTTP 500."""
    code = etree.Element("faultcode", nsmap={"a": TYPES})
    code.text = f"a:{error.code}"
    text = etree.Element("faultstring")
    text.text = str(error)
    detail = etree.Element("detail")
    for name, said in (("ResponseCode", error.code), ("Message", str(error))):
        etree.SubElement(detail, f"{{{ERRORS}}}{name}", nsmap={"e": ERRORS}).text = said
    if error.values:
        detail.append(t("MessageXml", _values(error)))
    return _envelope(_element(SOAP, "Fault", [code, text, detail], {}))


def _values(error: EwsError) -> list[etree._Element]:
    return [t("Value", text, Name=name) for name, text in error.values.items()]


def _envelope(content: etree._Element) -> etree._Element:
    version = t(
        "ServerVersionInfo", MajorVersion="15", MinorVersion="1", MajorBuildNumber="2507", MinorBuildNumber="39"
    )
    version.set("Version", "V2017_07_11")
    head, body = _element(SOAP, "Header", [version], {}), _element(SOAP, "Body", [content], {})
    return _element(SOAP, "Envelope", [head, body], {})


def written(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
