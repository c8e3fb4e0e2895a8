"""The groups of a tenant and who belongs to them, as far as the API says so; rules of carillon.toml say the rest."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path
from fastapi.requests import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning.access import Caller, acceptable
from provisioning.calls import NAME, success
from provisioning.errors import Json
from provisioning.paths import SCHEDULES_BASE
from provisioning.places import Confined, Place, Placed, asked, nothing
from provisioning.rights import Right
from provisioning.schedule_calls import WITHIN, call
from schedules.periods import check_name
from worker import groups
from worker.calendar_tables import Level, MembershipSource
from worker.calendars import Parent
from worker.ledger import User


class GroupEntry(BaseModel):
    name: str
    members: int


class GroupList(BaseModel):
    groups: list[GroupEntry]


class Member(BaseModel):
    username: str
    sources: list[MembershipSource] = Field(description="Who says so")


class MemberList(BaseModel):
    users: list[Member]


class StillMember(BaseModel):
    """Empty for who belongs to the group no longer."""

    username: str | None = None
    sources: list[MembershipSource] | None = Field(default=None, description="Who says so still")


def member_name(username: Annotated[str, Path(description="Percent-encode it.", json_schema_extra=NAME)]) -> str:
    return unquote(username)


MemberName = Annotated[str, Depends(member_name)]


def tenant(calling: Confined) -> Place:
    """The place of a group that may not be there yet. Raises: HTTPException 401, 403, 404 or 429."""
    at = Place(calling, (Parent(calling.tenant_id),))
    at.require(Right.TENANT_ADMIN)
    return at


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


def show(at: Placed, username: MemberName) -> Response:
    """One person who belongs to a group."""
    with at.transaction() as session:
        user_id = _person(session, at.calling, username)
        return Json(_shown(session, _group(at), user_id))


def put(request: Request, at: Annotated[Place, Depends(tenant)], username: MemberName) -> Response:
    """Let a person belong to a group, which is made where there is none."""
    name = unquote(request.path_params["group"])
    with at.transaction() as session:
        check_name(name)
        user_id = _person(session, at.calling, username)
        group_id = groups.ensure(session, at.calling.tenant_id, name)
        new = groups.join(session, group_id, user_id)
        return Json(_shown(session, group_id, user_id), 201 if new else 200)


def delete(at: Placed, username: MemberName) -> Response:
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
    made = APIRouter(prefix=f"{SCHEDULES_BASE}/tenants/{{tenant}}/groups", tags=["Groups"])
    admin, own, above, here = Right.TENANT_ADMIN, Right.GROUP_ADMIN, WITHIN[Level.TENANT], WITHIN[Level.GROUP]
    said = call(put, admin, here, model=Member)
    said["dependencies"] = [Depends(tenant), Depends(asked()), Depends(acceptable)]
    said["responses"] |= success(Member, 201, "New.")
    made.get("", **call(listing, admin, above, model=GroupList))(listing)
    made.get("/{group}/users", **call(members, own, here, model=MemberList))(members)
    made.get("/{group}/users/{username}", **call(show, own, here, model=Member))(show)
    made.put("/{group}/users/{username}", **said)(put)
    made.delete("/{group}/users/{username}", **call(delete, admin, here, model=StillMember, failing=(404, 409)))(delete)
    return made
