"""The timetable API of an institution, under `/api/v0`: every resource that MyTimetable's documentation has.

Each also answers with `.json` or `.xml` behind its name.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import (
    timetable_events,
    timetable_lists,
    timetable_messages,
    timetable_people,
    timetable_subscriptions,
    timetable_years,
)
from sandbox.institution import Institution
from sandbox.institution_model import NotPossibleError, UnknownNameError
from sandbox.institution_request import RefusedError
from sandbox.timetable_call import Call
from sandbox.timetable_formats import JSON, Form, form_of, json_bytes, xml_bytes

BASE = "/api/v0"


@dataclass(frozen=True, slots=True)
class Resource:
    """`answer` makes the content, or None for an empty body; `item` is what XML calls an item of a nameless list."""

    method: str
    path: str
    answer: Callable[[Call], Any]
    status: int = 200
    xml: bool = True
    item: str = "item"

    @property
    def root(self) -> str:
        """What XML calls the whole: the last name in the path that is no parameter."""
        return next(part for part in reversed(self.path.split("/")) if not part.startswith("{"))


RESOURCES = (
    Resource("GET", "/timetabletypes", timetable_lists.types),
    Resource("GET", "/timetabletypesdetails", timetable_lists.types_in_detail),
    Resource("GET", "/timetables", timetable_lists.timetables),
    Resource("GET", "/timetables/{key}", timetable_events.single, item="event"),
    Resource("GET", "/timetables/{key}/options", timetable_lists.options),
    Resource("GET", "/timetables/{parent}/{key}/options", timetable_lists.options_of_child),
    Resource("GET", "/timetable", timetable_events.personal, item="event"),
    Resource("GET", "/timetablefilters", timetable_lists.filters),
    Resource("GET", "/subscriptions", timetable_subscriptions.listed, item="subscription"),
    Resource("DELETE", "/subscriptions", timetable_subscriptions.remove_all, 204),
    Resource("POST", "/subscriptions/{key}", timetable_subscriptions.add, 204),
    Resource("DELETE", "/subscriptions/{key}", timetable_subscriptions.remove, 204),
    Resource("PUT", "/subscriptions/{key}", timetable_subscriptions.switch, 204),
    Resource("PUT", "/subscriptions/{key}/options", timetable_subscriptions.choose),
    Resource("DELETE", "/subscriptions/{key}/options", timetable_subscriptions.choose_all, 204),
    Resource("PUT", "/subscriptions/{parent}/{key}", timetable_subscriptions.switch_child, 204),
    Resource("PUT", "/subscriptions/{parent}/{key}/options", timetable_subscriptions.choose_of_child),
    Resource("DELETE", "/subscriptions/{parent}/{key}/options", timetable_subscriptions.choose_all_of_child, 204),
    Resource("GET", "/user", timetable_people.user),
    Resource("GET", "/weeklabels", timetable_years.labels),
    Resource("GET", "/weeklabelmaps", timetable_years.label_maps),
    Resource("GET", "/weeklabelmaps/{key}", timetable_years.label_map),
    Resource("GET", "/databases", timetable_years.databases),
    Resource("GET", "/databasedetails", timetable_years.databases_in_detail),
    Resource("GET", "/eventtypegroups", timetable_people.groups),
    Resource("PATCH", "/eventtypegroups", timetable_people.change_groups, 204),
    Resource("GET", "/terms", timetable_years.all_terms),
    Resource("GET", "/user/messages", timetable_messages.shown, xml=False),
    Resource("GET", "/messages", timetable_messages.listed, xml=False),
    Resource("POST", "/messages", timetable_messages.write, 201, xml=False),
    Resource("GET", "/messages/{id}", timetable_messages.single, xml=False),
    Resource("DELETE", "/messages/{id}", timetable_messages.remove, 204, xml=False),
    Resource("PATCH", "/messages/{id}", timetable_messages.edit, xml=False),
)
"""In the documentation's order, and that of looking them up: `options` of a timetable is no child of that name."""


def routes(institution: Institution) -> list[Route]:
    return [
        Route(f"{BASE}{each.path}{suffix}", _answering(each, institution), methods=[each.method])
        for each in RESOURCES
        for suffix in (".json", ".xml", "")
    ]


def _answering(resource: Resource, institution: Institution) -> Callable[[Request], Awaitable[Response]]:
    """The resource's answer in the form asked for, and its errors as the documented body."""

    async def answer(request: Request) -> Response:
        form = form_of(request.url.path, request.headers.get("Accept", ""), xml=resource.xml)
        if form is None:
            message = "There is JSON and XML" if resource.xml else "There is JSON only"
            return _error(institution, form, 406, "NotAcceptable", message)
        try:
            content = resource.answer(await Call.of(institution, request))
        except RefusedError as refused:
            return _error(institution, form, refused.status, refused.kind, str(refused))
        except UnknownNameError as unknown:
            return _error(institution, form, 404, "NotFound", str(unknown))
        except NotPossibleError as wrong:
            return _error(institution, form, 400, "BadParameter", str(wrong))
        if content is None:
            return Response(status_code=resource.status)
        body = xml_bytes(content, resource.root, resource.item, institution.zone) if form == "xml" else None
        return _tagged(request, resource.status, form, body or json_bytes(content), etags=institution.etags)

    return answer


def _tagged(request: Request, status: int, form: Form, body: bytes, *, etags: bool) -> Response:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag} if etags else {}
    if etags and request.method == "GET" and etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, status, media_type=_media_type(form), headers=headers)


def _error(institution: Institution, form: Form | None, status: int, kind: str, message: str) -> Response:
    """As the documentation shows it."""
    content = {"errorType": kind, "errorMessage": message, "status": "error"}
    body = xml_bytes(content, "error", "item", institution.zone) if form == "xml" else json_bytes(content)
    return Response(body, status, media_type=_media_type(form))


def _media_type(form: Form | None) -> str:
    return "application/xml" if form == "xml" else JSON
