"""Synchronizations taken away: accepted, previewed, reported."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from sqlalchemy import Select, select
from starlette.exceptions import HTTPException

from provisioning import schemas
from provisioning.access import Calling, acceptable, caller
from provisioning.bodies import Mode
from provisioning.calls import errors, mode_parameter, success
from provisioning.errors import Json
from provisioning.paths import BASE, Ident, Name, Type
from provisioning.previews import UNREAD, asking, shown
from provisioning.schemas import milliseconds
from provisioning.synchronizations import one
from provisioning.taking_away import accept_all, send
from provisioning.users import person
from worker.ledger import Synchronization, Unlink
from worker.unlinks import accept, preview


def delete(calling: Calling, number: Ident, mode: Mode) -> Response:
    """Take one synchronization away. It is recorded and will be carried out; GET /unlinks tells how far it is."""
    with calling.transaction() as session:
        accepted = [accept(session, one(session, calling, number, lock=True), mode, calling.clock())]
    send(calling.installation, accepted)
    return Response(status_code=204)


def delete_of_user(calling: Calling, username: Name, mode: Mode) -> Response:
    """Take all synchronizations of a user away, if there are any."""
    with calling.transaction() as session:
        user = person(session, calling, (username,))
        accepted = accept_all(session, _of(user.id), mode, calling.clock())
    send(calling.installation, accepted)
    return Response(status_code=204)


def delete_of_type(calling: Calling, username: Name, kind: Type, mode: Mode) -> Response:
    """Take a user's synchronizations of one type away."""
    with calling.transaction() as session:
        user = person(session, calling, (username,))
        accepted = accept_all(session, _of(user.id).where(Synchronization.type == kind), mode, calling.clock())
        if not accepted:
            raise HTTPException(422, "The user has no synchronization of this type; GET its synchronizations.")
    send(calling.installation, accepted)
    return Response(status_code=204)


def show_preview(calling: Calling, number: Ident, mode: Mode) -> Response:
    """Exactly what an unlink would remove now. Reads the calendar, changes nothing."""
    with calling.transaction() as session:
        found = one(session, calling, number)
    with asking():
        events = preview(calling.installation, found, mode, calling.clock())
    return Json({"unlinkMode": mode, "count": len(events), "events": [shown(each) for each in events]})


def _of(user_id: int) -> Select[Synchronization]:
    return select(Synchronization).where(Synchronization.user_id == user_id)


def listing(calling: Calling, only: Annotated[schemas.UnlinkFilter, Query()]) -> Response:
    """What was taken away, newest first."""
    chosen = select(Unlink).where(Unlink.tenant_id == calling.tenant_id).order_by(Unlink.id.desc())
    wanted = ((Unlink.username, only.username), (Unlink.username, calling.person), (Unlink.state, only.state))
    for column, value in wanted:
        if value is not None:
            chosen = chosen.where(column == value)
    with calling.transaction() as session:
        found = session.scalars(chosen.limit(only.limit).offset(only.offset)).all()
    return Json({"unlinks": [_report(each) for each in found]})


def show(calling: Calling, number: Ident) -> Response:
    """How far one unlink is."""
    with calling.transaction() as session:
        found = session.scalar(select(Unlink).where(Unlink.tenant_id == calling.tenant_id, Unlink.id == number))
    if found is None:
        raise HTTPException(404, "There is no unlink with this id; GET /unlinks lists them.")
    calling.require(found.username)
    return Json({"unlink": _report(found)})


def _report(unlink: Unlink) -> dict[str, Any]:
    return {
        "id": unlink.id,
        "synchronizationId": unlink.synchronization_id,
        "username": unlink.username,
        "type": unlink.type,
        "description": unlink.mailbox,
        "mode": unlink.mode,
        "state": unlink.state,
        "found": unlink.found,
        "removed": unlink.removed,
        "remaining": unlink.remaining,
        "error": unlink.error,
        "acceptedAt": milliseconds(unlink.accepted_at),
        "finishedAt": milliseconds(unlink.finished_at),
    }


def router() -> APIRouter:
    made = APIRouter(prefix=BASE, tags=["Unlinks"], dependencies=[Depends(acceptable), Depends(caller)])
    mode = mode_parameter(required=True)
    for path, call, statuses in (
        ("/synchronizations/{id}", delete, (404,)),
        ("/users/{username}/synchronizations", delete_of_user, (404,)),
        ("/users/{username}/synchronizations/{type}", delete_of_type, (404, 422)),
    ):
        made.delete(path, status_code=204, responses=errors(*statuses, body=True), openapi_extra=mode)(call)
    made.get(
        "/synchronizations/{id}/unlink-preview",
        responses=success(schemas.Preview) | errors(404, body=True, said=UNREAD),
        openapi_extra=mode,
    )(show_preview)
    made.get("/unlinks", responses=success(schemas.UnlinkList) | errors())(listing)
    made.get("/unlinks/{id}", responses=success(schemas.UnlinkAnswer) | errors(404))(show)
    return made
