"""Notification calendars: they warn of credentials that end, in the calendar of whoever has to renew them.

See: the API for calendars of mytoken, whose calls these are.
"""

from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path
from fastapi.requests import Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from provisioning.access import acceptable
from provisioning.bodies import CALENDAR, Fields, checked
from provisioning.calls import NAME, Responses, errors, nothing, notification_body, success
from provisioning.errors import Json
from provisioning.notification_schemas import CalendarAnswer, CalendarList, NewCalendar, NewSubscription, TokenAnswer
from provisioning.notifying import Changer, Reader, Sender
from provisioning.paths import NOTIFICATIONS_BASE
from provisioning.schemas import ErrorBody
from schedules import expiry_ics
from worker import database, notifications
from worker.installation import Installation
from worker.notification_tables import NotificationCalendar
from worker.notifications import SECRET_LENGTH, Warned

CALENDARS = "/calendars"
"""Where what people subscribe to is. Its secret is the only key."""
_UNCHANGED = 304


def calendar_name(name: Annotated[str, Path(description="Of the calendar", json_schema_extra=NAME)]) -> str:
    return unquote(name)


Name = Annotated[str, Depends(calendar_name)]
Secret = Annotated[
    str,
    Path(description="32 random characters", json_schema_extra={"pattern": f"^[A-Za-z0-9]{{{SECRET_LENGTH}}}$"}),
]


def listing(request: Request, by: Reader) -> Response:
    """Every notification calendar of the tenant, with its address and what it warns of."""
    with by.transaction() as session:
        found = notifications.listing(session, by.calling.installation, by.calling.tenant_id)
    return Json({"calendars": [_shown(request, each) for each in found]})


def create(request: Request, by: Sender, body: Fields) -> Response:
    """Make a notification calendar, which warns of nothing yet."""
    given = checked(NewCalendar, body)
    with by.transaction() as session:
        made = notifications.create(session, by.calling.tenant_id, given.name)
        return Json(_shown(request, Warned(made, ())) | by.token_update(session), 201)


def show(request: Request, by: Reader, name: Name) -> Response:
    """The way to a notification calendar's address, for whoever knows its name."""
    with by.transaction() as session:
        found = notifications.find(session, by.calling.tenant_id, name)
    return RedirectResponse(_address(request, found), 302, {"Cache-Control": "no-store"})


def add(request: Request, by: Sender, name: Name, body: Fields) -> Response:
    """Let a notification calendar warn of a credential. A second time replaces the comment."""
    given = checked(NewSubscription, body)
    calling = by.calling
    with by.transaction() as session:
        found = notifications.find(session, calling.tenant_id, name)
        asked = (session, calling.installation)
        notifications.subscribe(*asked, found, given.mom_id, comment=given.comment or "", now=calling.clock())
        [told] = notifications.warned(*asked, calling.tenant_id, [found])
        return Json(_shown(request, told) | by.token_update(session))


def delete(by: Changer, name: Name) -> Response:
    """Delete a notification calendar. Its address leads nowhere from then on."""
    with by.transaction() as session:
        notifications.remove(session, by.calling.tenant_id, name)
        said = by.token_update(session)
    return Json(said) if said else Response(status_code=204)


def ics(request: Request, secret: Secret) -> Response:
    """What a notification calendar says now, as iCalendar. Its address is all that is asked for."""
    content = _content(request, secret)
    tag = f'"{sha256(content).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=_UNCHANGED, headers=headers)
    return Response(content, media_type=CALENDAR, headers=headers)


def _content(request: Request, secret: str) -> bytes:
    installation: Installation = request.app.state.installation
    with database.transaction(installation.engine) as session:
        found = notifications.at(session, secret)
        if found is None or found.tenant_id not in installation.tenants:
            raise HTTPException(404, "There is no calendar at this address; perhaps it was deleted.")
        [told] = notifications.warned(session, installation, found.tenant_id, [found])
    return expiry_ics.render(found.name, told.expiries, request.app.state.clock())


def _known(headers: list[str], tag: str) -> bool:
    """Whether the caller has this already. See: RFC 9110, 13.1.2."""
    given = {each.strip().removeprefix("W/") for header in headers for each in header.split(",")}
    return not given.isdisjoint({"*", tag})


def _shown(request: Request, told: Warned) -> dict[str, Any]:
    said = {"name": told.calendar.name, "ics_path": _address(request, told.calendar)}
    return said | ({"subscribed_tokens": [each.uid for each in told.expiries]} if told.expiries else {})


def _address(request: Request, calendar: NotificationCalendar) -> str:
    installation: Installation = request.app.state.installation
    root = installation.settings.api.public_url or str(request.base_url).rstrip("/")
    return f"{root}{CALENDARS}/{calendar.secret}"


_REFUSED = {403: "The token lacks the capability, or requestedAuth came with the call."}
_NO_CALENDAR = {404: "There is no notification calendar of this name."}
_THERE: Responses = {302: {"description": "Its address stands in the header Location."}}
_MADE = "Made. `token_update` is there if the token rotates."
_NOT_THEIRS = {
    403: "The token lacks the capability, requestedAuth came with the call, or the credential is not theirs."
}


def router() -> APIRouter:
    made = APIRouter(tags=["Notification calendars"])
    base, named, json = NOTIFICATIONS_BASE, f"{NOTIFICATIONS_BASE}/{{name}}", [Depends(acceptable)]
    made.get(base, dependencies=json, responses=success(CalendarList) | errors(said=_REFUSED))(listing)
    made.post(
        base,
        dependencies=json,
        status_code=201,
        responses=success(CalendarAnswer, 201, _MADE)
        | errors(body=True, said=_REFUSED | {409: "There is one of this name."}),
        openapi_extra=notification_body(new=True),
    )(create)
    made.get(
        named,
        status_code=302,
        response_class=RedirectResponse,
        responses=_THERE | errors(said=_REFUSED | _NO_CALENDAR),
    )(show)
    made.post(
        named,
        dependencies=json,
        responses=success(CalendarAnswer) | errors(body=True, said=_NOT_THEIRS | _NO_CALENDAR),
        openapi_extra=notification_body(new=False),
    )(add)
    made.delete(
        named,
        dependencies=json,
        status_code=204,
        responses=nothing("Deleted.")
        | success(TokenAnswer, description="Deleted, and the token is another one now.")
        | errors(said=_REFUSED | _NO_CALENDAR),
    )(delete)
    _subscribed(made)
    return made


def _subscribed(made: APIRouter) -> None:
    path = f"{CALENDARS}/{{secret}}"
    told: Responses = {200: {"description": "The calendar.", "content": {CALENDAR: {"schema": {"type": "string"}}}}}
    unchanged: Responses = {304: {"description": "What `If-None-Match` names is what it would say."}}
    lost = success(ErrorBody, 404, "There is no calendar at this address.")
    away = success(ErrorBody, 503, "The database does not answer at the moment.")
    made.get(path, response_class=Response, responses=told | unchanged | lost | away)(ics)
    made.head(path, include_in_schema=False)(ics)
