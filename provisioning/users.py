"""The people of a tenant."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy import Boolean, Select, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning import schemas, taking_away
from provisioning.access import Caller, Calling, acceptable, caller
from provisioning.bodies import Fields, OptionalMode, checked
from provisioning.calls import errors, mode_parameter, nothing, success, user_body
from provisioning.errors import Json
from provisioning.paths import BASE, Names
from worker import groups
from worker.ledger import Synchronization, UnlinkMode, User

# An update locks the row it replaces and leaves its number there; a row that was inserted carries none.
INSERTED = literal_column("(xmax = 0)", Boolean)
"""Of a row that was inserted or else updated, which of the two."""


def person(session: Session, calling: Caller, meant: Sequence[str], *, lock: bool = False) -> User:
    """The user; with `lock`, nobody else changes it, or makes a synchronization for it, until the transaction ends.

    Raises: HTTPException 403 or 404.
    """
    username = _meant(session, calling, meant)
    calling.require(username)
    chosen = _named(calling, [username])
    found = session.scalar(chosen.with_for_update() if lock else chosen)
    if found is None:
        raise HTTPException(404, "There is no user of this name; POST or PUT makes one.")
    return found


def _meant(session: Session, calling: Caller, meant: Sequence[str]) -> str:
    if len(meant) == 1:
        return meant[0]
    there = {user.username for user in session.scalars(_named(calling, meant))}
    return next((each for each in meant if each in there), meant[-1])


def _named(calling: Caller, usernames: Sequence[str]) -> Select[User]:
    return select(User).where(User.tenant_id == calling.tenant_id, User.username.in_(usernames))


def listing(calling: Calling) -> Response:
    """The username of everybody, sorted."""
    chosen = select(User.username).where(User.tenant_id == calling.tenant_id).order_by(User.username)
    if calling.person is not None:
        chosen = chosen.where(User.username == calling.person)
    with calling.transaction() as session:
        return Json({"users": session.scalars(chosen).all()})


def show(calling: Calling, meant: Names) -> Response:
    """One user."""
    with calling.transaction() as session:
        return Json(_shown(person(session, calling, meant)))


def post(calling: Calling, body: Fields) -> Response:
    """Make a user."""
    given = checked(schemas.NewUser, body)
    calling.require(given.username)
    values = {"tenant_id": calling.tenant_id, "username": given.username, **_columns(given)}
    with calling.transaction() as session:
        made = session.scalar(insert(User).values(values).on_conflict_do_nothing().returning(User))
        if made is None:
            raise HTTPException(409, "There is a user of this name already; PUT /users/{username} changes it.")
        _follow_rules(session, calling, made)
        return Json(_shown(made), 201)


def put(calling: Calling, meant: Names, body: Fields) -> Response:
    """Make or replace a user. What the body omits is unset; without a body, a user who is there stays unchanged."""
    given = None if body is None else checked(schemas.ChangedUser, body)
    with calling.transaction() as session:
        username = checked(schemas.NewUser, {"username": _meant(session, calling, meant)}).username
        calling.require(username)
        if given is None:
            values = {"tenant_id": calling.tenant_id, "username": username, "roles": []}
            session.execute(insert(User).values(values).on_conflict_do_nothing())
            return Response(status_code=204)
        if given.username not in {None, username}:
            raise HTTPException(400, "username: differs from the one in the path; a user cannot be renamed.")
        user, made = _replaced(session, calling.tenant_id, username, _columns(given))
        _follow_rules(session, calling, user)
        return Json(_shown(user), 201 if made else 200)


def _follow_rules(session: Session, calling: Caller, user: User) -> None:
    groups.follow(session, calling.tenant_id, calling.tenant.settings.groups, user.id)


def _replaced(session: Session, tenant_id: int, username: str, columns: dict[str, Any]) -> tuple[User, bool]:
    """The user as it now is, and whether it was made. Of two such calls at once, one makes it."""
    statement = insert(User).values(tenant_id=tenant_id, username=username, **columns)
    statement = statement.on_conflict_do_update(index_elements=[User.tenant_id, User.username], set_=columns)
    user, inserted = session.execute(statement.returning(User, INSERTED)).one()
    return user, inserted


def delete(calling: Calling, meant: Names, mode: OptionalMode) -> Response:
    """Take a user away. Each synchronization is unlinked first, with UNLINK_ONLY unless another mode is named."""
    with calling.transaction() as session:
        user = person(session, calling, meant, lock=True)
        theirs = select(Synchronization).where(Synchronization.user_id == user.id)
        accepted = taking_away.accept_all(session, theirs, mode or UnlinkMode.UNLINK_ONLY, calling.clock())
        session.delete(user)
    taking_away.send(calling.installation, accepted)
    return Response(status_code=204)


def _columns(given: schemas.UserFields) -> dict[str, Any]:
    attributes = None if given.attributes is None else [each.model_dump() for each in given.attributes]
    return {
        "display_name": given.display_name,
        "locale": given.locale,
        "attributes": attributes,
        "roles": given.roles or [],
    }


def _shown(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "displayName": user.display_name,
        "locale": user.locale,
        "attributes": user.attributes,
        "roles": user.roles,
    }


def router() -> APIRouter:
    made = APIRouter(prefix=BASE, tags=["Users"], dependencies=[Depends(acceptable), Depends(caller)])
    made.get("/users", responses=success(schemas.UserList) | errors())(listing)
    made.get("/users/{username}", responses=success(schemas.User) | errors(404))(show)
    made.post(
        "/users",
        status_code=201,
        responses=success(schemas.User, 201, "Made.") | errors(409, body=True),
        openapi_extra=user_body(new=True),
    )(post)
    made.put(
        "/users/{username}",
        responses=success(schemas.User, description="Replaced.")
        | success(schemas.User, 201, "Made.")
        | nothing("There was no body: made, or already there and unchanged.")
        | errors(body=True),
        openapi_extra=user_body(new=False),
    )(put)
    made.delete(
        "/users/{username}",
        status_code=204,
        responses=errors(404, body=True),
        openapi_extra=mode_parameter(required=False),
    )(delete)
    return made
