"""Every credential of the caller's tenant: how long each still holds, and why one was refused."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import Field
from starlette.exceptions import HTTPException

from provisioning.access import Calling, acceptable, caller
from provisioning.calls import errors, success
from provisioning.errors import Json
from provisioning.paths import SCHEDULES_BASE
from provisioning.schemas import Shape, milliseconds
from worker import credentials
from worker.credentials import Credential, Kind, State


class CredentialItem(Shape):
    id: str = Field(description="Opaque; stays when the credential is renewed in its place")
    kind: Kind
    name: str = Field(description="Where it stands in carillon.toml, or what a token was called")
    username: str | None = Field(description="Whose it is; null if it is no person's")
    begins: int | None = Field(description="Epoch milliseconds; null if not known")
    expires: int | None = Field(description="Epoch milliseconds; null if not known, or if it never does")
    remaining_days: int | None = Field(description="Whole days until then, below zero after it")
    state: State = Field(description="expiring from 30 days before its end; unknown where no end is known")
    reason: str = Field(description="Why it is refused, word for word; empty if it is not")
    refused_at: int | None = Field(description="Epoch milliseconds")
    last_accepted_at: int | None = Field(
        description="Epoch milliseconds, up to an hour late, runs without news not counted; null if not known"
    )


class CredentialList(Shape):
    credentials: list[CredentialItem]


class CredentialFilter(Shape):
    limit: int | None = Field(None, ge=1, le=1_000_000, description="At most so many")
    offset: int = Field(0, ge=0, le=1_000_000_000, description="Leave out the first so many")


def list_credentials(calling: Calling, only: Annotated[CredentialFilter, Query()]) -> Response:
    """Every credential of the tenant and how it is. It is no person's to see: with requestedAuth it answers 403."""
    if calling.person is not None:
        raise HTTPException(403, "Credentials are the institution's; leave the header requestedAuth out.")
    with calling.transaction() as session:
        whose = (calling.installation, calling.tenant_id)
        found = credentials.of_tenant(session, *whose, offset=only.offset, limit=only.limit)
    now = calling.clock()
    return Json({"credentials": [_shown(each, each.state(now), each.days_left(now)) for each in found]})


def _shown(credential: Credential, state: State, days: int | None) -> dict[str, Any]:
    return {
        "id": credential.id,
        "kind": credential.kind,
        "name": credential.name,
        "username": credential.username,
        "begins": milliseconds(credential.begins),
        "expires": milliseconds(credential.expires),
        "remainingDays": days,
        "state": state,
        "reason": credential.refused,
        "refusedAt": milliseconds(credential.refused_at),
        "lastAcceptedAt": milliseconds(credential.last_accepted_at),
    }


def router() -> APIRouter:
    made = APIRouter(prefix=SCHEDULES_BASE, tags=["Credentials"], dependencies=[Depends(acceptable), Depends(caller)])
    made.get("/credentials", responses=success(CredentialList) | errors())(list_credentials)
    return made
