"""In which form the timetable API answers, JSON or XML, and how each is written.

An answer is made of plain values and moments. In JSON a moment is Unix time in milliseconds, in XML ISO 8601 with the
institution's offset. In XML the element around it all is named as the resource, a value as its JSON name, a list is its
element again and again, and what is null is left out. An item of a nameless list has a name of the resource's.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from lxml import etree

Form = Literal["json", "xml"]
JSON = "application/json"
HTML_TOO = "application/vnd.mytimetable.html+json"
"""JSON, and beside each text in Markdown the same in HTML."""
_FORMS: dict[str, Form] = {JSON: "json", "application/*": "json", "*/*": "json", "application/xml": "xml"}
_JSON_FORMS: dict[str, Form] = {**dict.fromkeys((JSON, HTML_TOO, "application/*", "*/*"), "json")}
_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def preferences(header: str) -> list[str]:
    """What a header like Accept asks for in lower case, the best liked first, without what it refuses.

    See: RFC 9110, 12.4.2.
    """
    asked = []
    for each in header.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        quality = next((float(found[1]) for part in parameters if (found := _QUALITY.fullmatch(part))), 1.0)
        if name and quality:
            asked.append((quality, name))
    return [name for _, name in sorted(asked, key=lambda each: -each[0])]


def form_of(path: str, accept: str, *, xml: bool) -> Form | None:
    """By the ending of the resource's name, else by the header Accept; None, if it has no such form.

    Where nothing is asked for it is JSON. `xml` says whether the resource has that form at all.
    """
    if path.endswith(".xml"):
        return "xml" if xml else None
    if path.endswith(".json") or not accept.strip():
        return "json"
    known = _FORMS if xml else _JSON_FORMS
    return next((known[each] for each in preferences(accept) if each in known), None)


def json_bytes(content: Any) -> bytes:
    return orjson.dumps(content, default=_milliseconds, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def xml_bytes(content: Any, root: str, item: str, zone: ZoneInfo) -> bytes:
    """The elements of an object, or those of a list with each called `item`, in an element `root`."""
    element = etree.Element(root)
    _fill(element, content if isinstance(content, dict) else {item: content}, zone)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")


def _fill(element: etree._Element, content: dict[str, Any], zone: ZoneInfo) -> None:
    for name, value in _pairs(content.items()):
        child = etree.SubElement(element, name)
        if isinstance(value, dict):
            _fill(child, value, zone)
        else:
            child.text = _text(value, zone)


def _pairs(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, value in items:
        yield from ((name, each) for each in (value if isinstance(value, list) else [value]) if each is not None)


def _text(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return str(value).lower()
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
