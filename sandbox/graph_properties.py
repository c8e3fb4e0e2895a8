"""Graph's spelling of ids, versions and named properties.

See: https://learn.microsoft.com/graph/api/resources/extended-properties-overview
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.exchange import Property
from sandbox.graph_call import GraphError, NotPlayedError

_USUAL, _IMMUTABLE = "AAMkAD", "AAkALg"
_NAMED = re.compile(r"String \{([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\} Name (.+)")
_TO_URL, _FROM_URL = str.maketrans("+/", "-_"), str.maketrans("-_", "+/")


def graph_id(store_id: str, *, immutable: bool = False) -> str:
    """An item's id as Graph tells it, without and with `Prefer: IdType="ImmutableId"`."""
    return (_IMMUTABLE if immutable else _USUAL) + store_id.translate(_TO_URL)


def store_id(spelt: str) -> str:
    """The other way, from both spellings. Raises: GraphError."""
    if not spelt.startswith((_USUAL, _IMMUTABLE)):
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    return spelt[len(_USUAL) :].translate(_FROM_URL)


def etag(change_key: str) -> str:
    return f'W/"{change_key}"'


def change_key(if_match: str | None) -> str | None:
    """The version that a header `If-Match` names, None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"')


def named(spelt: Any) -> Property:
    """The property behind an id like `String {00020329-0000-0000-c000-000000000046} Name colour`: upper and lower case
    are the same in the GUID and not in the name. Raises: GraphError.
    """
    match = _NAMED.fullmatch(spelt) if isinstance(spelt, str) else None
    if match is None:
        raise NotPlayedError(f"the sandbox does not play extended properties like {spelt}")
    return match[1].lower(), match[2]


def read(body: Any) -> dict[Property, str]:
    """`singleValueExtendedProperties` of a body. Raises: GraphError."""
    if not isinstance(body, list) or not all(isinstance(each, Mapping) for each in body):
        raise GraphError(400, "RequestBodyRead", "singleValueExtendedProperties must be a collection.")
    found = {named(each.get("id")): each.get("value") for each in body}
    if not all(isinstance(value, str) for value in found.values()):
        raise NotPlayedError("the sandbox does not play extended properties whose value is no text")
    return {name: str(value) for name, value in found.items()}


def shown(properties: Mapping[Property, str], asked: Iterable[Property]) -> list[dict[str, str]]:
    """Those of `asked` that are there."""
    return [
        {"id": f"String {{{guid}}} Name {name}", "value": properties[guid, name]}
        for guid, name in asked
        if (guid, name) in properties
    ]
