"""The list of a mailbox's categories and their colours.

See: https://learn.microsoft.com/graph/api/resources/outlookcategory
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.exchange import Calendar
from sandbox.graph_call import GraphError

COLOURS = {"none", *(f"preset{number}" for number in range(25))}


def listing(calendar: Calendar, base: str) -> dict[str, Any]:
    """All of them, on one page."""
    context = f"{base}/$metadata#Collection(outlookCategory)"
    return {"@odata.context": context, "value": [_shown(name, colour) for name, colour in calendar.colours.items()]}


def add(calendar: Calendar, body: Mapping[str, Any]) -> dict[str, Any]:
    """Raises: GraphError."""
    name, colour = body.get("displayName"), body.get("color", "none")
    if not isinstance(name, str) or not name or colour not in COLOURS or body.keys() - {"displayName", "color"}:
        raise GraphError(400, "RequestBodyRead", "A category needs a displayName and takes a color and nothing else.")
    if name.casefold() in {each.casefold() for each in calendar.colours}:
        # Microsoft says that names must be unique, and not with which words another is refused.
        raise GraphError(409, "ErrorItemExists", "The category already exists.")
    calendar.colours[name] = colour
    return _shown(name, colour)


def _shown(name: str, colour: str) -> dict[str, Any]:
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, name)), "displayName": name, "color": colour}
