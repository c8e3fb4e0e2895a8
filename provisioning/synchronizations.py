"""A tenant's synchronizations: made, listed, looked at, paused, run at once."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning import schemas
from provisioning.access import Caller, Calling, acceptable, caller
from provisioning.bodies import Fields, checked
from provisioning.calls import enabling_body, errors, success, synchronization_body
from provisioning.errors import Json
from provisioning.paths import BASE, Ident, Name
from provisioning.schemas import milliseconds
from provisioning.targets import Wish, wish
from provisioning.users import INSERTED, person
from worker import modules
from worker.installation import Installation
from worker.judging import tenant_held
from worker.ledger import Event, Run, Synchronization, Unlink, User
from worker.moving import AT_ONCE, continued, locked, move
from worker.settings import Tenant

LAST_RUNS = 10

# Columns and no objects: a list of 60,000 is one query and little work.
_ITEM = select(
    Synchronization.id,
    User.username,
    Synchronization.type,
    Synchronization.mailbox,
    Synchronization.enabled,
    Synchronization.status,
    Synchronization.last_resync,
    Synchronization.status_detail,
    Synchronization.last_sync,
    Synchronization.due_at,
).join(User, User.id == Synchronization.user_id)


def one(session: Session, calling: Caller, number: int, *, lock: bool = False) -> Synchronization:
    """The synchronization of this tenant; with `lock`, nobody else changes it until the transaction ends.

    Raises: HTTPException 403 or 404.
    """
    chosen = select(Synchronization).where(Synchronization.tenant_id == calling.tenant_id, Synchronization.id == number)
    found = session.scalar(chosen.with_for_update(of=Synchronization) if lock else chosen)
    if found is None:
        raise HTTPException(404, "There is no synchronization with this id; GET /synchronizations lists them.")
    calling.require(found.user.username)
    return found


def listing(calling: Calling, only: Annotated[schemas.SynchronizationFilter, Query()]) -> Response:
    """Every synchronization, by id."""
    chosen = _rows(calling).limit(only.limit).offset(only.offset)
    if only.status is not None:
        chosen = chosen.where(Synchronization.status == only.status)
    if only.type is not None:
        chosen = chosen.where(Synchronization.type == only.type)
    if only.q is not None:
        texts = (User.username, Synchronization.mailbox)
        chosen = chosen.where(or_(*(text.icontains(only.q, autoescape=True) for text in texts)))
    return _listed(calling, chosen)


def of_user(calling: Calling, username: Name) -> Response:
    """Every synchronization of one user, by id."""
    with calling.transaction() as session:
        user = person(session, calling, (username,))
    return _listed(calling, _rows(calling).where(Synchronization.user_id == user.id))


def _rows(calling: Caller) -> Select[*tuple[Any, ...]]:
    chosen = _ITEM.where(Synchronization.tenant_id == calling.tenant_id).order_by(Synchronization.id)
    return chosen if calling.person is None else chosen.where(User.username == calling.person)


def _listed(calling: Caller, chosen: Select[*tuple[Any, ...]]) -> Response:
    with calling.transaction() as session:
        rows = session.execute(chosen).all()
    return Json({"synchronizations": [_item(row) for row in rows]})


def put(calling: Calling, body: Fields) -> Response:
    """Make or update a synchronization. The same user, type and mailbox are the same one; a run begins at once.

    So is one with this mailbox that goes another way into the same store (`ews`, `o365`), or the user's only one of
    the store whose mailbox is not found, which is taken to be renamed: it keeps its id and its events.
    """
    given = checked(schemas.NewSynchronization, body)
    calling.require(given.username)
    wanted = wish(calling.tenant, given, body or {})
    with calling.transaction() as session:
        synchronization, made = _placed(session, calling, wanted)
        unlink = _unfinished_unlink(session, synchronization)
        if unlink is not None:
            synchronization.status_detail = f"Waits until unlink {unlink} of this mailbox is done."
        shown = _shown(session, synchronization)
    if unlink is None and synchronization.enabled:
        _send(calling.installation, shown)
    return Json({"synchronization": shown}, 201 if made else 200)


def _placed(session: Session, calling: Caller, wanted: Wish) -> tuple[Synchronization, bool]:
    """The synchronization as wished, and whether it was made. Of two such calls at once, one makes it."""
    user = locked(session, calling.tenant_id, wanted.username)
    if user is None:
        raise HTTPException(404, "There is no user of this name; PUT /users/{username} makes one.")
    if before := continued(session, user, wanted.type, wanted.mailbox):
        move(before, wanted.type, wanted.mailbox, wanted.fields)
        return before, False
    due = func.clock_timestamp() + AT_ONCE
    key = {"user_id": user.id, "type": wanted.type, "mailbox": wanted.mailbox}
    changed = {"fields": wanted.fields, "due_at": due}
    statement = insert(Synchronization).values(tenant_id=calling.tenant_id, **key, **changed)
    statement = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    synchronization, inserted = session.execute(statement.returning(Synchronization, INSERTED)).one()
    return synchronization, inserted


def _unfinished_unlink(session: Session, synchronization: Synchronization) -> int | None:
    return session.scalar(
        select(func.min(Unlink.id)).where(
            Unlink.tenant_id == synchronization.tenant_id,
            Unlink.type.in_(modules.sharing(synchronization.type)),
            Unlink.mailbox == synchronization.mailbox,
            Unlink.finished_at.is_(None),
        )
    )


def show(calling: Calling, number: Ident) -> Response:
    """One synchronization in detail. With its fields, how many events the ledger knows, and its last runs."""
    with calling.transaction() as session:
        found = one(session, calling, number)
        runs = select(Run).where(Run.synchronization_id == number).order_by(Run.started_at.desc(), Run.id.desc())
        counts = select(Event.state, func.count()).where(Event.synchronization_id == number).group_by(Event.state)
        detail = {
            **_shown(session, found),
            "fields": {f"provisioning_{name}": value for name, value in found.fields.items()},
            "failures": found.failures,
            "held": _held(session, calling.tenant, found),
            "events": dict(session.execute(counts.order_by(Event.state)).all()),
            "runs": [_run(each) for each in session.scalars(runs.limit(LAST_RUNS))],
        }
    return Json({"synchronization": detail})


def _held(session: Session, tenant: Tenant, row: Synchronization) -> dict[str, Any] | None:
    if row.held_since is None or not row.enabled:
        return None
    limits = tenant.settings.guard.limits()
    whole = tenant_held(session, row.tenant_id, limits)
    return {
        "since": milliseconds(row.held_since),
        "going": row.held_going,
        "of": row.held_of,
        "confirmedAt": None if whole else milliseconds(row.held_since + limits.confirm_after),
    }


def patch(calling: Calling, number: Ident, body: Fields) -> Response:
    """Pause or resume. A paused synchronization writes nothing; its events stay."""
    enabled = checked(schemas.Enabling, body).enabled
    return changed(calling, number, _resume if enabled else _pause)


def _pause(session: Session, synchronization: Synchronization) -> bool:
    synchronization.enabled = False
    synchronization.status, synchronization.status_detail = "DISABLED", ""
    session.flush()
    return False


def _resume(session: Session, synchronization: Synchronization) -> bool:
    if synchronization.enabled:
        return False
    synchronization.enabled = True
    synchronization.status = "OK" if synchronization.last_sync else "PENDING"
    return due_at_once(session, synchronization)


def resync(calling: Calling, number: Ident) -> Response:
    """Run at once, whatever the back-off. The run also reads the calendar back."""
    return changed(calling, number, _want_resync, 202)


def _want_resync(session: Session, synchronization: Synchronization) -> bool:
    if not synchronization.enabled:
        raise HTTPException(409, "The synchronization is disabled; PATCH it with enabled=true first.")
    synchronization.resync_asked_at = func.clock_timestamp()
    return due_at_once(session, synchronization)


def changed(
    calling: Caller, number: int, change: Callable[[Session, Synchronization], bool], status: int = 200
) -> Response:
    """Answer with what the synchronization is after `change`, which tells whether a run shall begin at once."""
    with calling.transaction() as session:
        found = one(session, calling, number, lock=True)
        wants_run = change(session, found)
        shown = _shown(session, found)
    if wants_run:
        _send(calling.installation, shown)
    return Json({"synchronization": shown}, status)


def due_at_once(session: Session, synchronization: Synchronization) -> bool:
    """Let the sweep find it, should the message be lost that is sent after this."""
    synchronization.due_at = func.clock_timestamp() + AT_ONCE
    session.flush()
    return True


def _send(installation: Installation, item: Mapping[str, Any]) -> None:
    installation.queue.synchronize(item["id"], f"{item['username']} → {item['type']}", urgent=True)


def _shown(session: Session, synchronization: Synchronization) -> dict[str, Any]:
    """As it stands in the lists, with what this transaction has changed."""
    session.flush()
    return _item(session.execute(_ITEM.where(Synchronization.id == synchronization.id)).one())


def _item(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    number, username, kind, mailbox, enabled, status, last_resync, detail, last_sync, due_at = row
    return {
        "id": number,
        "username": username,
        "type": kind,
        "description": mailbox,
        "enabled": enabled,
        "status": status,
        "lastResync": milliseconds(last_resync),
        "statusDetail": detail,
        "lastSync": milliseconds(last_sync),
        "nextSync": milliseconds(due_at) if enabled else None,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "startedAt": milliseconds(run.started_at),
        "finishedAt": milliseconds(run.finished_at),
        "status": run.status,
        "detail": run.detail,
        "resync": run.resync,
        "created": run.created,
        "updated": run.updated,
        "deleted": run.deleted,
        "kept": run.kept,
        "failed": run.failed,
    }


def router(installation: Installation) -> APIRouter:
    made = APIRouter(prefix=BASE, tags=["Synchronizations"], dependencies=[Depends(acceptable), Depends(caller)])
    item, items = schemas.SynchronizationAnswer, schemas.SynchronizationList
    made.get("/synchronizations", responses=success(items) | errors())(listing)
    made.put(
        "/synchronizations",
        responses=success(item, description="Updated, or moved.")
        | success(item, 201, "Made.")
        | errors(404, body=True),
        openapi_extra=synchronization_body(installation),
    )(put)
    made.get("/synchronizations/{id}", responses=success(schemas.SynchronizationDetailAnswer) | errors(404))(show)
    made.patch(
        "/synchronizations/{id}", responses=success(item) | errors(404, body=True), openapi_extra=enabling_body()
    )(patch)
    made.post(
        "/synchronizations/{id}/resync",
        status_code=202,
        responses=success(item, 202, "The run begins at once.")
        | errors(404, said={409: "The synchronization is disabled."}),
    )(resync)
    made.get("/users/{username}/synchronizations", responses=success(items) | errors(404))(of_user)
    return made
