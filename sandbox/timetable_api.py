"""The timetable API of an institution, under `/api/v0`: what MyTimetable's documentation says, in JSON."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.institution import Institution
from sandbox.institution_json import event_json, groups_json, subscription_json, user_json
from sandbox.institution_model import Event, UnknownNameError
from sandbox.institution_request import RefusedError, authenticate, flag, form, number, span, username
from sandbox.institution_year import label

BASE = "/api/v0"
_GROUP_FIELD = re.compile(r"eventTypeGroups\[(?P<group>.+)\]\[(?P<wish>isFiltered|isFilteredForSync)\]")
_Endpoint = Callable[[Request], Awaitable[Any]]


def routes(institution: Institution) -> list[Route]:
    """The resources; each also answers with `.json` behind its name, and refuses XML."""
    api = _Api(institution)
    resources: list[tuple[str, str, _Endpoint]] = [
        ("GET", "/timetable", api.timetable),
        ("GET", "/timetables", api.timetables),
        ("GET", "/timetables/{key}", api.timetable_by_key),
        ("GET", "/user", api.user),
        ("GET", "/eventtypegroups", api.groups),
        ("PATCH", "/eventtypegroups", api.change_groups),
        ("GET", "/databasedetails", api.databases),
        ("GET", "/subscriptions", api.subscriptions),
        ("POST", "/subscriptions/{key}", api.subscribe),
        ("PUT", "/subscriptions/{key}", api.switch),
        ("DELETE", "/subscriptions/{key}", api.unsubscribe),
    ]
    return [
        Route(f"{BASE}{path}{suffix}", _answering(endpoint, institution), methods=[method])
        for method, path, endpoint in resources
        for suffix in (".json", ".xml", "")
    ]


def _answering(endpoint: _Endpoint, institution: Institution) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint's answer in JSON, None as 204, and its errors as the documented body."""

    async def answer(request: Request) -> Response:
        try:
            _only_json(request)
            content = await endpoint(request)
        except RefusedError as refused:
            return error_response(refused.status, refused.kind, str(refused))
        except UnknownNameError as unknown:
            return error_response(404, "NotFound", str(unknown))
        if content is None:
            return Response(status_code=204)
        return _tagged(request, orjson.dumps(content), etags=institution.etags)

    return answer


def _only_json(request: Request) -> None:
    accept = request.headers.get("Accept", "*/*")
    wants_xml = "xml" in accept and "json" not in accept and "*/*" not in accept
    if request.url.path.endswith(".xml") or (wants_xml and not request.url.path.endswith(".json")):
        raise RefusedError(406, "NotAcceptable", "The sandbox speaks JSON only")


def _tagged(request: Request, body: bytes, *, etags: bool) -> Response:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag} if etags else {}
    if etags and request.method == "GET" and etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def error_response(status: int, kind: str, message: str) -> Response:
    """An error as the documentation shows it."""
    body = {"errorType": kind, "errorMessage": message, "status": "error"}
    return Response(orjson.dumps(body), status, media_type="application/json")


class _Api:
    """One method for each resource, from a request to what is answered in JSON."""

    def __init__(self, institution: Institution) -> None:
        self.institution = institution

    async def timetable(self, request: Request) -> list[dict[str, Any]]:
        name, (kinds, resources) = username(self.institution, request), _kinds(request)
        start, end = span(self.institution, request)
        events = self.institution.timetable(name, start, end, kinds, exclude_resources=resources)
        subscriptions = self.institution.wishes(name).subscriptions(kinds, exclude_resources=resources)
        keys = frozenset(key for key, enabled in subscriptions.items() if enabled)
        return self._events(request, events, keys, name)

    async def timetable_by_key(self, request: Request) -> list[dict[str, Any]]:
        authenticate(self.institution, request)
        key = request.path_params["key"]
        return self._events(
            request, self.institution.events_in(key, *span(self.institution, request)), frozenset({key})
        )

    def _events(
        self, request: Request, events: list[Event], keys: frozenset[str], name: str | None = None
    ) -> list[dict[str, Any]]:
        hides = self.institution.wishes(name).hides if name is not None else lambda _event: False
        dutch = request.headers.get("Accept-Language", "").lower().startswith("nl")
        return [
            event_json(event, self.institution.zone, keys, filtered=hides(event), dutch=dutch)
            for event in events[: number(request, "limit") or None]
        ]

    async def timetables(self, request: Request) -> dict[str, Any]:
        authenticate(self.institution, request)
        asked = request.query_params
        if "type" not in asked:
            raise RefusedError(400, "MissingParameter", "The parameter type is required")
        offset, limit = number(request, "offset"), number(request, "limit")
        found = self.institution.timetables(asked["type"], asked.get("d"), asked.get("q", ""))
        some = found[offset:][: limit or None]
        return {"timetable": [{"description": each.description, "value": each.key} for each in some]}

    async def user(self, request: Request) -> dict[str, Any]:
        return user_json(self.institution.person(username(self.institution, request)))

    async def groups(self, request: Request) -> dict[str, Any]:
        wishes = self.institution.wishes(username(self.institution, request))
        return groups_json(wishes.groups(), enabled=self.institution.filtering)

    async def change_groups(self, request: Request) -> None:
        """A form of fields like `eventTypeGroups[Lecture][isFiltered]=true`."""
        name = username(self.institution, request)
        if not self.institution.filtering:
            raise RefusedError(403, "FilteringDisabled", "Filtering of event types is disabled")
        for field, value in await form(request):
            if not (asked := _GROUP_FIELD.fullmatch(field)):
                raise RefusedError(400, "BadParameter", f"Not understood: {field}")
            wish = "filtered" if asked["wish"] == "isFiltered" else "for_sync"
            self.institution.filter_group(name, asked["group"], **{wish: flag(value)})

    async def databases(self, request: Request) -> dict[str, Any]:
        authenticate(self.institution, request)
        return {"databases": [{"key": each, "label": label(each)} for each in self.institution.databases]}

    async def subscriptions(self, request: Request) -> list[dict[str, Any]]:
        wishes, (kinds, resources) = self.institution.wishes(username(self.institution, request)), _kinds(request)
        return [
            subscription_json(key, self.institution.describe(key), enabled=enabled)
            for key, enabled in wishes.subscriptions(kinds, exclude_resources=resources).items()
        ]

    async def subscribe(self, request: Request) -> None:
        self.institution.subscribe(username(self.institution, request), request.path_params["key"])

    async def switch(self, request: Request) -> None:
        name = username(self.institution, request)
        state = dict(await form(request)).get("state", request.query_params.get("state"))
        self.institution.subscribe(name, request.path_params["key"], enabled=flag(state))

    async def unsubscribe(self, request: Request) -> None:
        self.institution.unsubscribe(username(self.institution, request), request.path_params["key"])


def _kinds(request: Request) -> tuple[list[str], bool]:
    """The kinds of timetable asked for, none meaning all, and whether rooms are to be left out."""
    return request.query_params.getlist("type"), flag(request.query_params.get("excludeResourceTimetables"))
