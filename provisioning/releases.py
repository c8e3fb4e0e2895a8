"""An operator's word for a synchronization that is held."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning import schemas
from provisioning.access import Calling, acceptable, caller
from provisioning.calls import errors, success
from provisioning.errors import Json
from provisioning.paths import BASE, Ident
from provisioning.previews import UNREAD, asking, shown
from provisioning.synchronizations import changed, due_at_once, one
from worker.ledger import Synchronization
from worker.releasing import NotHeldError, preview, require


def release(calling: Calling, number: Ident) -> Response:
    """Let the held plan pass, however much it takes away. Another timetable than the one held is judged anew."""
    return changed(calling, number, _release, 202)


def _release(session: Session, synchronization: Synchronization) -> bool:
    try:
        require(synchronization)
    except NotHeldError as error:
        raise HTTPException(409, str(error)) from error
    synchronization.released_reading = synchronization.held_reading
    return due_at_once(session, synchronization)


def show_preview(calling: Calling, number: Ident) -> Response:
    """Exactly what a release would remove now. Reads the timetable and the calendar, changes nothing."""
    with calling.transaction() as session:
        found = one(session, calling, number)
    try:
        with asking():
            events = preview(calling.installation, found, calling.clock())
    except NotHeldError as error:
        raise HTTPException(409, str(error)) from error
    return Json({"count": len(events), "events": [shown(each) for each in events]})


def router() -> APIRouter:
    made = APIRouter(prefix=BASE, tags=["Synchronizations"], dependencies=[Depends(acceptable), Depends(caller)])
    made.post(
        "/synchronizations/{id}/release",
        status_code=202,
        responses=success(schemas.SynchronizationAnswer, 202, "The run begins at once.")
        | errors(404, said={409: "The synchronization is not held, or it is disabled."}),
    )(release)
    made.get(
        "/synchronizations/{id}/release-preview",
        responses=success(schemas.ReleasePreview) | errors(404, said=UNREAD),
    )(show_preview)
    return made
