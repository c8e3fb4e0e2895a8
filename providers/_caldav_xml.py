"""The XML of WebDAV and CalDAV: what we ask, and what a complete answer is.

See: RFC 4918, 9.1 (PROPFIND) and 13 (multistatus); RFC 4791, 7.8 (calendar-query) and 9.7 (filters).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape, quoteattr  # for writing: nothing is parsed with it

from lxml import etree

_NAMES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:caldav"}
_ROOT = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'


class NotThereError(ValueError):
    """A part says that its resource is not there."""


def listing_query(conditions: Mapping[str, str]) -> bytes:
    """A REPORT for the ETag and the whole text of every event whose properties hold these values."""
    filters = "".join(
        f"<c:prop-filter name={quoteattr(name)}><c:text-match>{escape(value)}</c:text-match></c:prop-filter>"
        for name, value in conditions.items()
    )
    events = f'<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">{filters}</c:comp-filter></c:comp-filter>'
    wanted = "<d:prop><d:getetag/><c:calendar-data/></d:prop>"
    return f"<c:calendar-query {_ROOT}>{wanted}<c:filter>{events}</c:filter></c:calendar-query>".encode()


def rights_query() -> bytes:
    """A PROPFIND for what a collection is, what it takes, and what we may do there."""
    wanted = "<d:resourcetype/><d:current-user-privilege-set/><c:supported-calendar-component-set/>"
    return f"<d:propfind {_ROOT}><d:prop>{wanted}</d:prop></d:propfind>".encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """One resource of a multistatus: its name in the collection, and the properties that were found."""

    name: str
    properties: Mapping[str, etree._Element]

    def text(self, name: str) -> str:
        """Raises: ValueError, when the property is lacking or empty."""
        element = self.properties.get(name)
        if element is None or not element.text:
            raise ValueError(f"a part of it has no {name}")
        return element.text

    def names(self, name: str, path: str = "*") -> frozenset[str] | None:
        """The local names of what stands inside a property (of a `comp`, the component), None where it is not told."""
        element = self.properties.get(name)
        if element is None:
            return None
        return frozenset(each.get("name") or etree.QName(each).localname for each in element.iterfind(path, _NAMES))


def answers(content: bytes) -> Iterator[Answer]:
    """The parts of a complete multistatus.

    Raises: ValueError, for anything else.
    See: RFC 4918, 13.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("its XML is cut off or damaged") from error
    if root.tag != f"{{{_NAMES['d']}}}multistatus":
        raise ValueError("its XML is no multistatus")
    for response in root.iterfind("d:response", _NAMES):
        yield _answer(response)


def _answer(response: etree._Element) -> Answer:
    path = urlsplit(response.findtext("d:href", "", _NAMES).strip()).path
    status = response.findtext("d:status", None, _NAMES)
    if status is not None:
        raise (NotThereError if " 404" in status else ValueError)("a part of it is missing")
    properties = {
        str(etree.QName(each).localname): each
        for part in response.iterfind("d:propstat", _NAMES)
        if " 200 " in f"{part.findtext('d:status', '', _NAMES)} "
        for each in part.iterfind("d:prop/*", _NAMES)
    }
    return Answer(unquote(path.rsplit("/", 1)[-1]), properties)
