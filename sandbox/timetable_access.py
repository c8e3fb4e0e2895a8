"""Who asks the timetable API, on whose behalf, and what that opens."""

from dataclasses import dataclass

from starlette.requests import Request

from sandbox.institution import Institution
from sandbox.institution_model import Person
from sandbox.institution_request import RefusedError
from sandbox.institution_tokens import SCOPES

_ALL = frozenset(SCOPES)


@dataclass(frozen=True, slots=True)
class Caller:
    """An application with an API token of `roles`, or one that a person has given an OAuth token of `scopes`.

    `person` is whom it asks for, None where it may not say so or does not. An elevated API token has every scope.
    """

    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    person: Person | None = None


def caller(institution: Institution, request: Request) -> Caller:
    """Who asks, by the OAuth token if there is one, else by the API token. Raises: RefusedError, 401."""
    if token := _oauth_token(request):
        grant = institution.grants.get(token)
        if grant is None:
            raise RefusedError(401, "Unauthorized", "The OAuth token is not valid")
        return Caller(scopes=grant.scopes, person=institution.person(grant.username))
    known = institution.api_tokens.get(_header(request, "apiToken"))
    if known is None:
        raise RefusedError(401, "Unauthorized", "The header apiToken is missing or holds no valid token")
    name = _header(request, "requestedAuth")
    if name and not known.elevated:
        raise RefusedError(403, "Forbidden", "This token has no elevated privileges")
    return Caller(known.roles, _ALL if known.elevated else frozenset(), institution.person(name) if name else None)


def person(caller: Caller) -> Person:
    """Whom it is about. Raises: RefusedError."""
    if caller.person:
        return caller.person
    if caller.scopes:
        raise RefusedError(401, "Unauthorized", "The header requestedAuth is missing")
    raise RefusedError(403, "Forbidden", "This token has no elevated privileges")


def _oauth_token(request: Request) -> str:
    """`Authorization: Bearer …`, or the parameter access_token."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else request.query_params.get("access_token", "")


def _header(request: Request, name: str) -> str:
    """Starlette reads headers as Latin-1; clients send UTF-8."""
    return request.headers.get(name, "").encode("latin-1").decode("utf-8", "replace")
