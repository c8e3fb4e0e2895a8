"""Graph's listings of events: chosen, sorted, cut into pages and into fields, and what changed since the last one.

See: https://learn.microsoft.com/graph/api/calendar-list-events and https://learn.microsoft.com/graph/api/event-delta
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sandbox import graph_events, graph_properties
from sandbox.exchange import Calendar, Item, Property
from sandbox.graph_call import Call, GraphError, NotPlayedError
from sandbox.graph_filter import FIELDS, Filter, expanded, parse
from sandbox.graph_times import instant

USUAL_PAGE = 10
LONGEST_PAGE = 1000
_WINDOW = {"startDateTime", "endDateTime"}
_SEEN = frozenset({"seen"})
_STATE = _SEEN | _WINDOW | {"since", "until", "generation"}
_SHAPE = {"$select", "$expand"}
_LISTING = _SHAPE | {"$filter", "$orderby", "$top", "$skip", "$skiptoken"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the events of one call are told: the fields and extended properties asked for, and what `Prefer` says."""

    mailbox: str
    prefer: Mapping[str, str]
    fields: frozenset[str]
    properties: Sequence[Property]

    def __call__(self, item: Item) -> dict[str, Any]:
        whole = graph_events.shown(item, self.mailbox, self.prefer)
        kept = {name: value for name, value in whole.items() if name in self.fields or name in {"id", "@odata.etag"}}
        properties = graph_properties.shown(item.properties, self.properties)
        return kept | ({"singleValueExtendedProperties": properties} if properties else {})


def shape(call: Call, mailbox: str) -> Shape:
    """Raises: GraphError."""
    query = dict(call.query)
    names = frozenset(filter(None, query.get("$select", "").split(",")))
    for name in names - graph_events.NAMES:
        said = f"Could not find a property named '{name}' on type 'Microsoft.OutlookServices.Event'."
        raise GraphError(400, "RequestBroker--ParseUri", said)
    properties = expanded(query["$expand"]) if "$expand" in query else []
    return Shape(mailbox, call.preferences(), names or graph_events.NAMES, properties)


def check_query(call: Call, played: set[str]) -> dict[str, str]:
    """The query's parameters, each given once. Raises: GraphError."""
    query = dict(call.query)
    if len(query) < len(call.query) or query.keys() - played:
        raise NotPlayedError(f"the sandbox does not play {call.verb} {call.path} with {sorted(query)}")
    return query


def one_event(call: Call, item: Item, mailbox: str) -> dict[str, Any]:
    """Raises: GraphError."""
    check_query(call, _SHAPE)
    return shape(call, mailbox)(item)


def events(call: Call, calendar: Calendar, mailbox: str, longest: int) -> dict[str, Any]:
    """A page of all events. Raises: GraphError."""
    return _page(call, check_query(call, _LISTING), calendar.items(), mailbox, longest)


def view(call: Call, calendar: Calendar, mailbox: str, longest: int) -> dict[str, Any]:
    """A page of the events that touch a window. Raises: GraphError."""
    query = check_query(call, _LISTING | _WINDOW)
    inside = _window(query)
    return _page(call, query, [item for item in calendar.items() if inside.holds(item)], mailbox, longest)


def delta(call: Call, calendar: Calendar, mailbox: str, generation: int, longest: int) -> dict[str, Any]:
    """A page of what came, changed or went since a delta link; of all events in the window at first. A link of another
    `generation` is no longer known.

    Raises: GraphError.
    """
    query = check_query(call, _WINDOW | {"$skiptoken", "$deltatoken"})
    state = {"generation": generation} | _state(query, calendar.revision)
    if state["generation"] != generation:
        raise GraphError(410, "SyncStateNotFound", "The sync state generation is not found; start over.")
    answers = _changes(calendar, state, shape(call, mailbox))
    size, begun = min(_number(call.preferences().get("odata.maxpagesize", str(LONGEST_PAGE))), longest), state["seen"]
    page = {"@odata.context": f"{call.base}/$metadata#Collection(event)", "value": answers[begun : begun + size]}
    if begun + size < len(answers):
        return page | {"@odata.nextLink": _link(call, {"$skiptoken": _token(state | {"seen": begun + size})})}
    after = state | {"since": state["until"], "seen": 0}
    return page | {"@odata.deltaLink": _link(call, {"$deltatoken": _token(after)})}


def _state(query: Mapping[str, str], revision: int) -> dict[str, Any]:
    """Of a delta: the window, the revisions between which it tells, and how much of that was told."""
    if "$skiptoken" in query:
        return _opened(query["$skiptoken"], _STATE)
    if "$deltatoken" in query:
        return _opened(query["$deltatoken"], _STATE) | {"until": revision}
    _window(query)
    return {name: query[name] for name in _WINDOW} | {"since": 0, "until": revision, "seen": 0}


def _changes(calendar: Calendar, state: Mapping[str, Any], told: Shape) -> list[dict[str, Any]]:
    changed, gone = calendar.since(state["since"])
    inside = _window(state)
    immutable = told.prefer.get("idtype") == "ImmutableId"
    answers = [told(item) for item in changed if inside.holds(item)]
    if state["since"]:
        left = [item.id for item in changed if not inside.holds(item)]
        spelt = [graph_properties.graph_id(each, immutable=immutable) for each in (*gone, *left)]
        answers += [{"id": each, "@removed": {"reason": "deleted"}} for each in spelt]
    return answers


def _page(call: Call, query: Mapping[str, str], items: Sequence[Item], mailbox: str, longest: int) -> dict[str, Any]:
    condition = parse(query["$filter"]) if "$filter" in query else Filter(lambda _item: True)
    chosen = _sorted([item for item in items if condition.holds(item)], query.get("$orderby", ""), condition)
    size = min(_number(query.get("$top", str(USUAL_PAGE))), longest)
    begun = _opened(query["$skiptoken"])["seen"] if "$skiptoken" in query else _skip(query.get("$skip", "0"))
    told = shape(call, mailbox)
    context = f"{call.base}/$metadata#users('{quote(mailbox)}')/calendar/events"
    page = {"@odata.context": context, "value": [told(item) for item in chosen[begun : begun + size]]}
    if begun + size >= len(chosen):
        return page
    kept = {name: value for name, value in query.items() if name != "$skip"}
    return page | {"@odata.nextLink": _link(call, kept | {"$skiptoken": _token({"seen": begun + size})})}


def _sorted(items: list[Item], orderby: str, condition: Filter) -> list[Item]:
    if not orderby:
        return items
    name, _, direction = orderby.strip().partition(" ")
    if name not in FIELDS or direction not in {"", "asc", "desc"}:
        raise NotPlayedError(f"the sandbox does not play $orderby={orderby}")
    if condition.fields and name not in condition.fields:
        said = "The restriction or sort order is too complex for this operation."
        raise GraphError(400, "InefficientFilter", said)
    return sorted(items, key=FIELDS[name], reverse=direction == "desc")


def _window(query: Mapping[str, str]) -> Filter:
    if not query.keys() >= _WINDOW:
        said = "This request requires a time window: the parameters StartDateTime and EndDateTime."
        raise GraphError(400, "ErrorInvalidParameter", said)
    start, end = (instant(query[name], name) for name in ("startDateTime", "endDateTime"))
    return Filter(lambda item: item.start < end and (item.end > start or item.start == item.end == start))


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_PAGE:
        raise GraphError(400, "ErrorInvalidParameter", f"A page's size must be between 1 and {LONGEST_PAGE}.")
    return int(text)


def _skip(text: str) -> int:
    if not text.isdecimal():
        raise GraphError(400, "ErrorInvalidParameter", "$skip must be a number.")
    return int(text)


def _link(call: Call, query: Mapping[str, str]) -> str:
    return f"{call.base}{quote(call.path)}?{urlencode(query, quote_via=quote)}"


def _token(state: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def _opened(token: str, names: frozenset[str] = _SEEN) -> dict[str, Any]:
    """Raises: GraphError."""
    try:
        state = dict(json.loads(base64.urlsafe_b64decode(token)))
    except (ValueError, TypeError) as error:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The skip or delta token is malformed.") from error
    if not state.keys() >= names:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The skip or delta token belongs to another request.")
    return state
