"""Who calls: the token, what it may do, and for which person."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Security
from fastapi.requests import Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning import rights, tokens
from provisioning.rates import Rates
from provisioning.rights import Right
from worker import database
from worker.installation import Installation
from worker.ledger import Token, User
from worker.settings import Tenant

_WHO = {"WWW-Authenticate": 'Bearer realm="carillon"'}
_api_token = APIKeyHeader(
    name="apiToken", scheme_name="apiToken", description="A token of this tenant.", auto_error=False
)
_bearer = HTTPBearer(scheme_name="bearer", description="The same token as a bearer token.", auto_error=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """A call's tenant, and the one person it is limited to: the username of `requestedAuth`, or None for everybody.

    `right` is what it may do with calendar schedules, None for nothing, and `group` the group it is confined to.
    """

    installation: Installation
    clock: Callable[[], datetime]
    tenant_id: int
    person: str | None = None
    right: Right | None = None
    group: str | None = None

    @property
    def tenant(self) -> Tenant:
        return self.installation.tenants[self.tenant_id]

    def transaction(self) -> AbstractContextManager[Session]:
        return database.transaction(self.installation.engine)

    def require(self, username: str) -> None:
        """Raises: HTTPException 403 if the call is limited to somebody else."""
        if self.person not in {None, username}:
            raise HTTPException(
                403, "With requestedAuth a call sees and changes that person only; leave the header out for others."
            )


def acceptable(request: Request) -> None:
    """Raises: HTTPException 406 if JSON is not among what the caller takes."""
    given = ",".join(request.headers.getlist("accept")).lower()
    ranges = [each.strip() for each in given.split(",") if each.strip()]
    if request.state.suffix == ".xml" or (ranges and not any(_takes_json(each) for each in ranges)):
        raise HTTPException(406, "Answers are JSON; ask for application/json, or leave the suffix and Accept out.")


def _takes_json(media_range: str) -> bool:
    kind, *parameters = (part.replace(" ", "") for part in media_range.split(";"))
    # A bare asterisk is what Java's HttpURLConnection sends.
    refused = any(part.startswith("q=") and not part[2:].strip("0.") for part in parameters)
    return kind in {"application/json", "application/*", "*/*", "*"} and not refused


def presented(
    api_token: Annotated[str | None, Security(_api_token)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> str:
    """The token in the headers of the call, as it was sent; empty if there is none."""
    return api_token or (bearer.credentials if bearer else "")


def limited(
    requested_auth: Annotated[
        str | None,
        Header(
            alias="requestedAuth",
            description="With an elevated token: act as this person, who then is all that the call sees and changes.",
        ),
    ] = None,
) -> str | None:
    """Whom the call is limited to. Header values arrive as Latin-1; what is valid UTF-8 was meant as such."""
    if requested_auth is None:
        return None
    try:
        return requested_auth.encode("latin-1").decode()
    except UnicodeDecodeError:
        return requested_auth


Presented = Annotated[str, Depends(presented)]
Limited = Annotated[str | None, Depends(limited)]


def shown(request: Request, text: Presented, person: Limited) -> tuple[Token, str | None]:
    """The token that came with the call, and whom the call is limited to. Raises: HTTPException 401 or 429."""
    if not text:
        raise HTTPException(401, "No token came with the call; send it in the header apiToken.", _WHO)
    return _recognised(request, request.app.state.installation, text), person


Shown = Annotated[tuple[Token, str | None], Depends(shown)]


def caller(request: Request, given: Shown) -> Caller:
    """Who provisions. Raises: HTTPException 401, 403 or 429."""
    if tokens.ROLE_API_PROVISIONING not in given[0].roles:
        raise HTTPException(403, f"The token does not carry {tokens.ROLE_API_PROVISIONING}; make one that does.")
    return acting(request, *given)


def rightful(request: Request, given: Shown) -> Caller:
    """Who calls on calendar schedules. Raises: HTTPException 401, 403 or 429."""
    if rights.of_token(given[0]) is None:
        raise HTTPException(403, "The token has no right to calendar schedules; make one with --right.")
    return acting(request, *given)


def acting(request: Request, token: Token, person: str | None) -> Caller:
    """Who calls with this token. Raises: HTTPException 403."""
    installation: Installation = request.app.state.installation
    _permit(installation, token, person)
    right = rights.of_token(token)
    return Caller(installation, request.app.state.clock, token.tenant_id, person, right, token.group_name)


def _recognised(request: Request, installation: Installation, text: str) -> Token:
    """The token with this text, if it is not used too often. Raises: HTTPException 401 or 429."""
    rates: Rates = request.app.state.rates
    address = request.client.host if request.client else ""
    rates.admit(address, text)
    with database.transaction(installation.engine) as session:
        token = tokens.find(session, text)
    if token is None:
        rates.wrong(address, text)
        raise HTTPException(401, "The token is unknown or revoked; `carillon token create` makes a new one.", _WHO)
    if token.expires_at is not None and token.expires_at <= request.app.state.clock():
        # Who has the whole text of it is no guesser, but a script that shall be told.
        rates.wrong(address, text)
        ended = f"The token expired on {token.expires_at:%Y-%m-%d}; `carillon token create` makes a new one."
        raise HTTPException(401, ended, _WHO)
    rates.call(token.id, text)
    return token


def _permit(installation: Installation, token: Token, person: str | None) -> None:
    if token.tenant_id not in installation.tenants:
        raise HTTPException(403, "The token's tenant is no longer configured; put it back into carillon.toml.")
    if person is None:
        return
    if not token.elevated:
        raise HTTPException(403, "requestedAuth needs an elevated token; make one, or leave the header out.")
    if "\0" in person or not _known(installation, token.tenant_id, person):
        raise HTTPException(403, "requestedAuth names nobody of this tenant; make the user first.")


def _known(installation: Installation, tenant_id: int, person: str) -> bool:
    user = select(User.id).where(User.tenant_id == tenant_id, User.username == person)
    with database.transaction(installation.engine) as session:
        return session.scalar(user) is not None


Calling = Annotated[Caller, Depends(caller)]
Rightful = Annotated[Caller, Depends(rightful)]
