"""Restrictions and orders: which items a FindItem means, and in what order.

Strings are compared without regard to their case, as Exchange's store does.
See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/restriction
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from sandbox.ews_properties import extended
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, local
from sandbox.ews_zones import instant
from sandbox.exchange import Item

Predicate = Callable[[Item], bool]
_Value = Callable[[Item], Any]

_FIELDS: Mapping[str, _Value] = {
    "item:Subject": lambda item: item.subject.casefold(),
    "item:ItemClass": lambda _: "ipm.appointment",
    "item:LastModifiedTime": lambda item: item.modified,
    "item:ReminderIsSet": lambda item: item.reminder is not None,
    "calendar:Start": lambda item: item.start,
    "calendar:End": lambda item: item.end,
    "calendar:IsAllDayEvent": lambda item: item.all_day,
    "calendar:Location": lambda item: item.location.casefold(),
}
_TWO_SIDES: Mapping[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": operator.eq,
    "IsNotEqualTo": operator.ne,
    "IsGreaterThan": operator.gt,
    "IsGreaterThanOrEqualTo": operator.ge,
    "IsLessThan": operator.lt,
    "IsLessThanOrEqualTo": operator.le,
}
_MODES: Mapping[str, Callable[[str, str], bool]] = {
    "FullString": operator.eq,
    "Prefixed": str.startswith,
    "Substring": operator.contains,
}


def predicate(expression: etree._Element, zone: str) -> Predicate:
    """What one search expression says of an item; `zone` is that of times without an offset. Raises: EwsError."""
    name = local(expression)
    if name in {"And", "Or"}:
        parts = [predicate(each, zone) for each in expression]
        every = all if name == "And" else any
        return lambda item: every(part(item) for part in parts)
    if name == "Not":
        inner = predicate(expression[0], zone)
        return lambda item: not inner(item)
    if name == "Exists":
        there = _value(expression[0])
        return lambda item: there(item) not in {None, ""}
    if name == "Contains":
        return _contains(expression)
    if name in _TWO_SIDES:
        return _compared(expression, _TWO_SIDES[name], zone)
    raise NotPlayedError(f"the search expression {name}")


def _compared(expression: etree._Element, holds: Callable[[Any, Any], bool], zone: str) -> Predicate:
    left = _value(expression[0])
    other = expression[1][0]
    right = _value(other) if local(other) != "Constant" else None

    def compare(item: Item) -> bool:
        mine = left(item)
        theirs = right(item) if right else _constant(other.get("Value", ""), mine, zone)
        return mine is not None and theirs is not None and holds(mine, theirs)

    return compare


def _constant(text: str, like: Any, zone: str) -> Any:
    """The constant in the type of what it is compared with."""
    if isinstance(like, datetime):
        return instant(text, zone)
    if isinstance(like, bool):
        return text.lower() in {"true", "1"}
    return text.casefold()


def _contains(expression: etree._Element) -> Predicate:
    mode = expression.get("ContainmentMode", "FullString")
    if mode not in _MODES:
        raise NotPlayedError(f"the containment {mode}")
    value, holds = _value(expression[0]), _MODES[mode]
    text = expression.find("t:Constant", NAMES)
    wanted = "" if text is None else text.get("Value", "").casefold()

    def contains(item: Item) -> bool:
        mine = value(item)
        if not isinstance(mine, str | None):
            raise EwsError("ErrorContainsFilterWrongType", "The property to look in is no text.")
        return mine is not None and holds(mine, wanted)

    return contains


def _value(path: etree._Element) -> _Value:
    if local(path) == "ExtendedFieldURI":
        name = extended(path).property
        return lambda item: None if name not in item.properties else item.properties[name].casefold()
    uri = path.get("FieldURI", "")
    if uri not in _FIELDS:
        raise NotPlayedError(f"a search for {uri}")
    return _FIELDS[uri]


def ordered(items: Iterable[Item], order: etree._Element | None) -> list[Item]:
    """As a SortOrder wants it; the latest first without one. Raises: EwsError."""
    result = list(items)
    if order is None:
        return sorted(result, key=lambda item: item.revision, reverse=True)
    for field in reversed(order):
        result.sort(key=_key(_value(field[0])), reverse=field.get("Order") == "Descending")
    return result


def _key(value: _Value) -> Callable[[Item], tuple[bool, Any]]:
    """To sort by: what lacks the property comes first."""
    return lambda item: (value(item) is not None, value(item) or "")
