"""Messages of the institution: as a person is shown them, and for the application that writes them."""

from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt

from sandbox.institution_messages import Message
from sandbox.institution_model import UnknownNameError
from sandbox.institution_tokens import MESSAGES
from sandbox.timetable_call import Call

Json = dict[str, Any]


def shown(call: Call) -> Json:
    call.needs("messages_read")
    roles, now = call.person.roles, call.institution.now()
    return {"messages": [_told(call, each) for each in call.institution.messages.listed() if each.reaches(roles, now)]}


def listed(call: Call) -> Json:
    call.needs_role(MESSAGES)
    found = call.page(call.institution.messages.listed(call.get("q") or ""))
    return {"messages": [_told(call, each) for each in found]}


def write(call: Call) -> Json:
    call.needs_role(MESSAGES)
    call.required("title")
    call.required("body")
    return _told(call, call.institution.messages.add(**_fields(call)))


def single(call: Call) -> Json:
    call.needs_role(MESSAGES)
    return _told(call, call.institution.messages[_ident(call)])


def remove(call: Call) -> None:
    call.needs_role(MESSAGES)
    call.institution.messages.remove(_ident(call))


def edit(call: Call) -> Json:
    call.needs_role(MESSAGES)
    return _told(call, call.institution.messages.change(_ident(call), **_fields(call)))


_READ: dict[str, tuple[str, Callable[[Call, str], Any]]] = {
    "title": ("title", Call.get),
    "body": ("body", Call.get),
    "important": ("important", Call.flag),
    "publicationDate": ("publication", Call.moment),
    "expirationDate": ("expiration", Call.moment),
    "targetRoles": ("roles", lambda call, name: tuple(dict.fromkeys(each for each in call.every(name) if each))),
}
"""Of each field of the form the message's own, and how it is read; an empty one takes away what was set."""


def _fields(call: Call) -> Json:
    """Those that the call names."""
    return {field: read(call, name) for name, (field, read) in _READ.items() if call.every(name)}


def _ident(call: Call) -> int:
    text = call.part("id")
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - nobody writes a billion
        raise UnknownNameError(f"Message not found: {text}")
    return int(text)


def _told(call: Call, message: Message) -> Json:
    told: Json = {
        "id": message.id,
        "title": message.title,
        "body": message.body,
        "important": message.important,
        "publicationDate": message.publication,
        "expirationDate": message.expiration,
        "targetRoles": list(message.roles),
    }
    # Raw HTML in a message stays text: who reads it is somebody else than who wrote it.
    return (
        told | {"bodyHtml": MarkdownIt(options_update={"html": False}).render(message.body).strip()}
        if call.html
        else told
    )
