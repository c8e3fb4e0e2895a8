"""Where a call on calendar schedules is made: at a tenant, a group or a person, with the right that the token has.

What a token is not confined to answers 404 in the same words as what is not there, before anything else of the call is
looked at.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from fastapi import Depends, Path
from fastapi.requests import Request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning.access import Caller, Rightful, acceptable
from provisioning.calls import NAME
from provisioning.errors import quoted
from provisioning.rights import Right
from schedules.ics_rules import IcsProblemError
from schedules.period_changes import NameTakenError, UnknownPeriodError
from schedules.periods import PeriodProblemError
from worker import groups
from worker.calendar_tables import Level, Membership
from worker.calendars import Parent, UnknownScheduleError
from worker.ledger import User

LEVELS = {
    Level.TENANT: "/tenants/{tenant}",
    Level.GROUP: "/tenants/{tenant}/groups/{group}",
    Level.USER: "/tenants/{tenant}/groups/{group}/users/{user}",
}


@dataclass(frozen=True, slots=True)
class Place:
    """`parents` are those of the levels from here up: a person, their group, their tenant."""

    calling: Caller
    parents: tuple[Parent, ...]

    @property
    def parent(self) -> Parent:
        return self.parents[0]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.calling.tenant.settings.time_zone)

    @property
    def clock(self) -> dict[str, Any]:
        """What tells a change of periods the time: the tenant's zone, and now."""
        return {"zone": self.zone, "now": self.calling.clock()}

    def require(self, right: Right) -> None:
        """Raises: HTTPException 403."""
        if self.calling.right is None or not self.calling.right.includes(right):
            raise HTTPException(403, f"This needs the right {right}; make a token with it.")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """What the block does is done whole, or not at all. Raises: HTTPException 400, 404 or 409."""
        try:
            with self.calling.transaction() as session:
                yield session
        except (UnknownScheduleError, UnknownPeriodError) as error:
            raise HTTPException(404, str(error)) from error
        except NameTakenError as error:
            raise HTTPException(409, f"name: {error}") from error
        except PeriodProblemError as error:
            raise HTTPException(400, f"{error}.") from error
        except IcsProblemError as error:
            raise HTTPException(400, str(error)) from error
        except IntegrityError as error:
            # The person went while this was on its way.
            raise nothing() from error


def nothing() -> HTTPException:
    """The answer to whoever asks for what is not there, or is not theirs."""
    return HTTPException(404, "There is no such tenant, group or person for this token.")


def confined(request: Request, calling: Rightful) -> Caller:
    """The caller, at a tenant and group of theirs, if there is such a group. Raises: HTTPException 403 or 404."""
    group = request.path_params.get("group")
    if unquote(request.path_params["tenant"]) != calling.tenant.key:
        raise nothing()
    if calling.group is not None and (group is None or unquote(group) != calling.group):
        raise nothing()
    if calling.person is not None:
        calling.require(unquote(request.path_params.get("user", "")))
    return calling


Confined = Annotated[Caller, Depends(confined)]


def place(request: Request, calling: Confined) -> Place:
    """Raises: HTTPException 401, 403, 404 or 429."""
    group, user = (request.path_params.get(name) for name in ("group", "user"))
    parents = [Parent(calling.tenant_id)]
    with calling.transaction() as session:
        if group is not None:
            group_id = groups.find(session, calling.tenant_id, unquote(group))
            parents.append(Parent(calling.tenant_id, group_id=_there(group_id)))
            if user is not None:
                user_id = _member(session, calling, _there(group_id), unquote(user))
                parents.append(Parent(calling.tenant_id, user_id=_there(user_id)))
    return Place(calling, tuple(reversed(parents)))


def _there(ident: int | None) -> int:
    if ident is None:
        raise nothing()
    return ident


def _member(session: Session, calling: Caller, group_id: int, username: str) -> int | None:
    chosen = select(User.id).join(Membership, Membership.user_id == User.id).where(Membership.group_id == group_id)
    return session.scalar(chosen.where(User.tenant_id == calling.tenant_id, User.username == username).limit(1))


Placed = Annotated[Place, Depends(place)]


def needs(right: Right, *known: str, json: bool = True) -> list[Any]:
    """What holds before the body is read: the place, the right, the parameters of the query; the answer's kind."""
    return [Depends(_with(right)), Depends(asked(*known)), *([Depends(acceptable)] if json else [])]


def _with(right: Right) -> Callable[[Place], None]:
    def check(at: Placed) -> None:
        at.require(right)

    return check


def asked(*known: str) -> Callable[[Request], None]:
    """What refuses every other parameter of the query."""

    def check(request: Request) -> None:
        names = [name for name, _ in request.query_params.multi_items()]
        if unknown := sorted({*names} - {*known}):
            raise HTTPException(400, f"{quoted(unknown[0])}: unknown parameter; leave it out.")
        if twice := sorted(name for name in names if names.count(name) > 1):
            raise HTTPException(400, f"{twice[0]}: given twice; give it once.")

    return check


_IN_PATH = Path(description="Percent-encode it, slashes too.", json_schema_extra=NAME)


def schedule_name(schedule: Annotated[str, _IN_PATH]) -> str:
    return unquote(schedule)


def period_name(period: Annotated[str, _IN_PATH]) -> str:
    return unquote(period)


ScheduleName = Annotated[str, Depends(schedule_name)]
PeriodName = Annotated[str, Depends(period_name)]
