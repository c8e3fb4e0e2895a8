"""The conditions of a `$filter`, as far as Exchange has them for events.

See: https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-get and
https://learn.microsoft.com/graph/filter-query-parameter
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.exchange import Item, Property
from sandbox.graph_call import GraphError, NotPlayedError
from sandbox.graph_properties import named
from sandbox.graph_times import instant

Condition = Callable[[Item], bool]

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_][\w/]*|\d[\w:.+-]*)|([(),:]))")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {"contains": operator.contains, "startswith": str.startswith}
FIELDS: dict[str, Callable[[Item], Any]] = {
    "subject": lambda item: item.subject.casefold(),
    "start/dateTime": lambda item: item.start,
    "end/dateTime": lambda item: item.end,
    "lastModifiedDateTime": lambda item: item.modified,
    "isAllDay": lambda item: item.all_day,
}
"""What can be filtered and sorted by. An all-day event's times are compared as the instants that they are in its zone,
although they are shown as midnight.
"""
_MOMENTS = {"start/dateTime", "end/dateTime", "lastModifiedDateTime"}


@dataclass
class _Words:
    """The filter in pieces: `kinds` tells for each whether it is a text, a name or a mark."""

    texts: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    place: int = 0

    def peek(self) -> str:
        return self.texts[self.place] if self.place < len(self.texts) and self.kinds[self.place] != "text" else ""

    def name(self) -> str:
        return self._next({"name", "mark"})

    def text(self) -> str:
        return self._next({"text"})

    def value(self) -> str:
        return self._next({"text", "name"})

    def expect(self, *words: str) -> None:
        for word in words:
            if self.name().lower() != word:
                raise _broken(f"expected {word}")

    def _next(self, kinds: set[str]) -> str:
        if self.place >= len(self.texts) or self.kinds[self.place] not in kinds:
            raise _broken("a word is missing or of the wrong kind")
        self.place += 1
        return self.texts[self.place - 1]


@dataclass(frozen=True, slots=True)
class Filter:
    """What must hold of an item, and the fields that are asked about."""

    holds: Condition
    fields: frozenset[str] = frozenset()


def parse(text: str) -> Filter:
    """Raises: GraphError."""
    words = _split(text)
    found = _all(words)
    if words.place < len(words.texts):
        raise _broken("there is something left over")
    return found


def _split(text: str) -> _Words:
    words, place = _Words(), 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _broken("there is a character that does not belong there")
        quoted, name, mark = match.groups()
        words.texts.append(quoted.replace("''", "'") if quoted is not None else name or mark)
        words.kinds.append("text" if quoted is not None else "name" if name else "mark")
        place = match.end()
    return words


def _all(words: _Words) -> Filter:
    parts = [_one(words)]
    while words.peek().lower() == "and":
        words.expect("and")
        parts.append(_one(words))
    if words.peek().lower() in {"or", "not"}:
        raise NotPlayedError("the sandbox does not play 'or' and 'not' between conditions on events")
    return Filter(
        lambda item: all(each.holds(item) for each in parts), frozenset().union(*(each.fields for each in parts))
    )


def _one(words: _Words) -> Filter:
    first = words.name()
    if first == "(":
        inside = _all(words)
        words.expect(")")
        return inside
    if first.lower() == "singlevalueextendedproperties/any":
        return Filter(_property(words))
    if first.lower() in _TEXT:
        return _text_function(words, first.lower())
    return _comparison(words, first)


def _comparison(words: _Words, name: str) -> Filter:
    if name not in FIELDS:
        raise NotPlayedError(f"the sandbox does not play filters on {name}")
    compare, wanted = _operator(words), _value(name, words.value())
    return Filter(lambda item: compare(FIELDS[name](item), wanted), frozenset({name}))


def _value(name: str, text: str) -> Any:
    if name in _MOMENTS:
        return instant(text, name)
    return text == "true" if name == "isAllDay" else text.casefold()


def _text_function(words: _Words, function: str) -> Filter:
    words.expect("(")
    name = words.name()
    words.expect(",")
    wanted = words.text().casefold()
    words.expect(")")
    if name != "subject":
        raise NotPlayedError(f"the sandbox does not play {function} on {name}")
    return Filter(lambda item: _TEXT[function](FIELDS[name](item), wanted), frozenset({name}))


def _property(words: _Words) -> Condition:
    """`(ep: ep/id eq '…' and ep/value eq '…')`: values are compared without regard to case, names are not."""
    words.expect("(")
    variable = words.name().lower()
    words.expect(":", f"{variable}/id", "eq")
    wanted = named(words.text())
    words.expect("and")
    holds = _value_condition(words, variable)
    words.expect(")")
    return lambda item: wanted in item.properties and holds(item.properties[wanted].casefold())


def _value_condition(words: _Words, variable: str) -> Callable[[str], bool]:
    first = words.name().lower()
    if first in _TEXT:
        words.expect("(", f"{variable}/value", ",")
        text = words.text().casefold()
        words.expect(")")
        return lambda value: _TEXT[first](value, text)
    if first != f"{variable}/value":
        raise _broken(f"expected {variable}/value")
    compare = _operator(words)
    if compare not in {operator.eq, operator.ne}:
        raise NotPlayedError("the sandbox does not play an order of extended properties")
    wanted = words.text().casefold()
    return lambda value: compare(value, wanted)


def _operator(words: _Words) -> Callable[[Any, Any], bool]:
    name = words.name().lower()
    if name not in _ORDER:
        raise _broken(f"{name} is no operator")
    return _ORDER[name]


def expanded(text: str) -> list[Property]:
    """The properties of a `$expand`: `singleValueExtendedProperties($filter=id eq '…' or id eq '…')`.

    Raises: GraphError.
    """
    match = re.fullmatch(r"singleValueExtendedProperties\(\$filter=(.*)\)", text)
    if match is None:
        raise NotPlayedError(f"the sandbox does not play $expand={text}")
    words, found = _split(match[1]), []
    while True:
        words.expect("id", "eq")
        found.append(named(words.text()))
        if words.place == len(words.texts):
            return found
        words.expect("or")


def _broken(why: str) -> GraphError:
    return NotPlayedError(f"Invalid filter clause: {why}.", "RequestBroker--ParseUri")
