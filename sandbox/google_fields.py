"""Partial answers: the parameter `fields`, like `nextPageToken,items(id,extendedProperties/private)`.

See: https://developers.google.com/workspace/calendar/api/guides/performance#partial
"""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.google_contract import OutsideContractError

Selection = dict[str, "Selection"]
"""The names that are wanted, each with what is wanted below it; nothing below means all of it."""

_TOKEN = re.compile(r"[^,()/]+|[,()/]")


def selection(text: str, known: Mapping[str, Any] | None) -> Selection:
    """What `text` selects among the `known` fields. Raises: OutsideContractError."""
    tokens = _TOKEN.findall(text)
    chosen = _list(tokens, known)
    if tokens:
        raise OutsideContractError(f"Invalid field selection {text}")
    return chosen


def select(value: Any, chosen: Selection) -> Any:
    """Only what is `chosen` of `value`; in a list, of each item."""
    if not chosen or "*" in chosen:
        return value
    if isinstance(value, list):
        return [select(item, chosen) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], below) for name, below in chosen.items() if name in value}


def _list(tokens: list[str], known: Mapping[str, Any] | None) -> Selection:
    chosen: Selection = {}
    while tokens:
        chosen |= _path(tokens, known)
        if not tokens or tokens[0] != ",":
            break
        tokens.pop(0)
    return chosen


def _path(tokens: list[str], known: Mapping[str, Any] | None) -> Selection:
    name = tokens.pop(0)
    if known is not None and name not in known and name != "*":
        raise OutsideContractError(f"Invalid field selection {name}")
    below = None if known is None else known.get(name)
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        return {name: _path(tokens, below) if tokens else {}}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        inner = _list(tokens, below)
        if not tokens or tokens.pop(0) != ")":
            raise OutsideContractError("Invalid field selection: a bracket is missing")
        return {name: inner}
    return {name: {}}
