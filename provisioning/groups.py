"""The groups of a tenant and who belongs to them, as far as the API says so; rules of carillon.toml say the rest."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning.access import Caller, acceptable
from provisioning.errors import Json
from provisioning.paths import SCHEDULES_BASE
from provisioning.places import Confined, Place, Placed, needs, nothing
from provisioning.rights import Right
from schedules.periods import check_name
from worker import groups
from worker.calendars import Parent
from worker.ledger import User


def group_name(group: str) -> str:
    return unquote(group)


def member_name(username: str) -> str:
    return unquote(username)


GroupName = Annotated[str, Depends(group_name)]
Member = Annotated[str, Depends(member_name)]


def listing(at: Placed) -> Response:
    """Every group and how many people belong to it."""
    with at.transaction() as session:
        found = groups.listing(session, at.calling.tenant_id)
    return Json({"groups": [{"name": name, "members": members} for name, members in found]})


def members(at: Placed) -> Response:
    """Who belongs to a group, and whether a rule says so or the API was told."""
    with at.transaction() as session:
        found = groups.members(session, _group(at))
    return Json({"users": [{"username": username, "sources": sources} for username, sources in found]})


def show(at: Placed, username: Member) -> Response:
    """One person who belongs to a group."""
    with at.transaction() as session:
        user_id = _person(session, at.calling, username)
        return Json(_shown(session, _group(at), user_id))


def put(calling: Confined, name: GroupName, username: Member) -> Response:
    """Let a person belong to a group, which is made where there is none."""
    at = Place(calling, (Parent(calling.tenant_id),))
    at.require(Right.TENANT_ADMIN)
    with at.transaction() as session:
        check_name(name)
        user_id = _person(session, calling, username)
        group_id = groups.ensure(session, calling.tenant_id, name)
        new = groups.join(session, group_id, user_id)
        return Json(_shown(session, group_id, user_id), 201 if new else 200)


def delete(at: Placed, username: Member) -> Response:
    """Take back what the API was told; a rule's word stands."""
    with at.transaction() as session:
        user_id = _person(session, at.calling, username)
        said = _shown(session, _group(at), user_id)
        if not groups.leave(session, _group(at), user_id):
            raise HTTPException(409, "A rule of carillon.toml says so; change the rule, or what it goes by.")
        return Json({} if said["sources"] == ["api"] else _shown(session, _group(at), user_id))


def _group(at: Place) -> int:
    if at.parent.group_id is None:
        raise nothing()
    return at.parent.group_id


def _person(session: Session, calling: Caller, username: str) -> int:
    # Locked, or who is deleted at this moment could not be told from who is not there.
    chosen = select(User.id).where(User.tenant_id == calling.tenant_id, User.username == username)
    found = session.scalar(chosen.with_for_update(key_share=True, read=True))
    if found is None:
        raise nothing()
    return found


def _shown(session: Session, group_id: int, user_id: int) -> dict[str, object]:
    found = groups.members(session, group_id, user_id)
    if not found:
        raise nothing()
    return {"username": found[0][0], "sources": found[0][1]}


def router() -> APIRouter:
    made = APIRouter(prefix=f"{SCHEDULES_BASE}/tenants/{{tenant}}/groups", include_in_schema=False)
    made.get("", dependencies=needs(Right.TENANT_ADMIN))(listing)
    made.get("/{group}/users", dependencies=needs(Right.GROUP_ADMIN))(members)
    made.get("/{group}/users/{username}", dependencies=needs(Right.GROUP_ADMIN))(show)
    made.put("/{group}/users/{username}", dependencies=[Depends(acceptable)])(put)
    made.delete("/{group}/users/{username}", dependencies=needs(Right.TENANT_ADMIN))(delete)
    return made
