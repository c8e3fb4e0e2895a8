"""What Graph does, verb by verb.

See: https://learn.microsoft.com/graph/api/resources/event
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from sandbox import graph_categories, graph_events, graph_listing, graph_properties, graph_times
from sandbox.exchange import Calendar, Exchange, Item
from sandbox.graph_call import Answer, Call, GraphError


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be carried out: of whom, and of which event, if of one. `longest_page` is in events; `deltas`
    tells how often all delta links were forgotten.
    """

    call: Call
    exchange: Exchange
    calendar: Calendar
    mailbox: str
    event_id: str
    longest_page: int
    deltas: int

    def item(self) -> Item:
        """Raises: GraphError, StoreError."""
        item_id = graph_properties.store_id(self.event_id)
        if item_id not in self.calendar and self.exchange.holder(item_id):
            raise GraphError(404, "ErrorInvalidMailboxItemId", "Item doesn't belong to the targeted mailbox.")
        return self.calendar.item(item_id)

    def body(self) -> dict[str, Any]:
        """Raises: GraphError."""
        if not isinstance(self.call.body, dict):
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.")
        return self.call.body

    def version(self) -> str | None:
        """The change key that the event must have, None for any."""
        return graph_properties.change_key(self.call.headers.get("if-match"))

    def told(self, item: Item, status: int) -> Answer:
        """The answer that tells one event. Raises: GraphError."""
        event = graph_listing.one_event(self.call, item, self.mailbox)
        context = f"{self.call.base}/$metadata#users('{quote(self.mailbox)}')/calendar/events/$entity"
        return Answer(status, {"@odata.context": context, **event}, {"ETag": event["@odata.etag"]})


Verb = Callable[[Asked], Answer]


def describe(asked: Asked) -> Answer:
    """The calendar."""
    query = graph_listing.check_query(asked.call, {"$select"})
    told = {
        "id": graph_properties.graph_id(asked.calendar.id),
        "name": "Calendar",
        "color": "auto",
        "changeKey": f"{asked.calendar.revision:08}",
        "isDefaultCalendar": True,
        "isRemovable": False,
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "owner": {"name": asked.mailbox, "address": asked.mailbox},
    }
    names = set(filter(None, query.get("$select", "").split(","))) or told.keys()
    return Answer(200, {name: value for name, value in told.items() if name in names | {"id"}})


def events(asked: Asked) -> Answer:
    """A page of all events."""
    return Answer(200, graph_listing.events(asked.call, asked.calendar, asked.mailbox, asked.longest_page))


def view(asked: Asked) -> Answer:
    """A page of the events in a window."""
    return Answer(200, graph_listing.view(asked.call, asked.calendar, asked.mailbox, asked.longest_page))


def delta(asked: Asked) -> Answer:
    """A page of what changed in a window."""
    longest = asked.longest_page
    return Answer(200, graph_listing.delta(asked.call, asked.calendar, asked.mailbox, asked.deltas, longest))


def get(asked: Asked) -> Answer:
    """One event."""
    return asked.told(asked.item(), 200)


def create(asked: Asked) -> Answer:
    """A new event."""
    body = asked.body()
    fields = graph_events.read(body)
    if not fields.keys() >= {"start", "end"}:
        raise GraphError(400, "ErrorInvalidRequest", "An event needs a start and an end.")
    fields["reminder"] = graph_events.reminder(body, graph_events.REMINDER)
    graph_times.check_days(Item("", "", 0, fields["start"], **fields))
    item = asked.calendar.insert(fields)
    asked.exchange.notifications += len(item.attendees)
    return asked.told(item, 201)


def change(asked: Asked) -> Answer:
    """Fields of an event; its other fields and properties stay."""
    body, item = asked.body(), asked.item()
    fields = graph_events.read(body)
    if fields.get("transaction_id", item.transaction_id) != item.transaction_id:
        raise GraphError(400, "ErrorInvalidPropertySet", "The transactionId of an event cannot be changed.")
    fields["reminder"] = graph_events.reminder(body, item.reminder)
    fields["properties"] = {**item.properties, **fields.get("properties", {})}
    graph_times.check_days(replace(item, **fields))
    changed = asked.calendar.change(item.id, fields, asked.version())
    asked.exchange.notifications += len({*item.attendees, *changed.attendees})
    return asked.told(changed, 200)


def delete(asked: Asked) -> Answer:
    """An event goes, and its guests are told."""
    item = asked.item()
    asked.calendar.remove(item.id, asked.version())
    asked.exchange.notifications += len(item.attendees)
    return Answer(204)


def categories(asked: Asked) -> Answer:
    """The mailbox's categories."""
    return Answer(200, graph_categories.listing(asked.calendar, asked.call.base))


def add_category(asked: Asked) -> Answer:
    """A category with its colour."""
    return Answer(201, graph_categories.add(asked.calendar, asked.body()))


PLAYED: dict[tuple[str, bool], tuple[str, dict[str, Verb]]] = {
    ("calendar", False): ("Calendars.ReadWrite", {"GET": describe}),
    ("events", False): ("Calendars.ReadWrite", {"GET": events, "POST": create}),
    ("events", True): ("Calendars.ReadWrite", {"GET": get, "PATCH": change, "DELETE": delete}),
    ("calendarView", False): ("Calendars.ReadWrite", {"GET": view}),
    ("calendarView/delta", False): ("Calendars.ReadWrite", {"GET": delta}),
    ("outlook/masterCategories", False): ("MailboxSettings.ReadWrite", {"GET": categories, "POST": add_category}),
}
"""By what follows the mailbox in the path, and whether an event's id follows that: the application permission that it
takes, and what becomes of each verb.
"""
