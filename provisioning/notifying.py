"""Who calls on notification calendars: a token with the capability, which a POST may carry in its body."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning import tokens
from provisioning.access import Caller, Limited, Presented, Shown, acting, shown
from provisioning.bodies import Fields
from provisioning.tokens import Capability
from worker.ledger import Token
from worker.notifications import (
    CalendarTakenError,
    ForeignCredentialError,
    NeverExpiresError,
    UnknownCalendarError,
)

_SAID: dict[type[Exception], tuple[int, str]] = {
    UnknownCalendarError: (404, "There is no notification calendar of this name."),
    CalendarTakenError: (409, "name: there is a notification calendar of this name; choose another one."),
    ForeignCredentialError: (403, "mom_id: no credential of this tenant has it; GET /api/v1/credentials lists them."),
    NeverExpiresError: (400, "mom_id: no end of this credential is known; name it in carillon.toml if it has one."),
}


@dataclass(frozen=True, slots=True)
class Notifier:
    """A caller, and the token that it came with."""

    calling: Caller
    token_id: int

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """What the block does is done whole, or not at all. Raises: HTTPException 400, 403, 404 or 409."""
        try:
            with self.calling.transaction() as session:
                yield session
        except tuple(_SAID) as error:
            raise HTTPException(*_SAID[type(error)]) from error
        except IntegrityError as error:
            # The calendar went while this was on its way.
            raise HTTPException(*_SAID[UnknownCalendarError]) from error

    def token_update(self, session: Session) -> dict[str, Any]:
        """What an answer says beside its own of a token that rotates: the text to use from now on."""
        text = tokens.rotated(session, self.token_id)
        return {"token_update": {"mytoken": text}} if text else {}


def reader(request: Request, given: Shown) -> Notifier:
    """Who may read. Raises: HTTPException 401, 403 or 429."""
    return _capable(request, *given, Capability.READ_NOTIFY)


def changer(request: Request, given: Shown) -> Notifier:
    """Who may change. Raises: HTTPException 401, 403 or 429."""
    return _capable(request, *given, Capability.NOTIFY)


def in_headers(request: Request, text: Presented, person: Limited) -> tuple[Token, str | None] | None:
    """The token, if one came in a header: a wrong one is refused before the body is read."""
    return shown(request, text, person) if text else None


def sender(
    request: Request,
    given: Annotated[tuple[Token, str | None] | None, Depends(in_headers)],
    person: Limited,
    body: Fields,
) -> Notifier:
    """Who may change, by a header or else by `mytoken` in the body. Raises: HTTPException 400, 401, 403 or 429."""
    if given is None:
        text = (body or {}).get("mytoken")
        given = shown(request, text if isinstance(text, str) else "", person)
    return _capable(request, *given, Capability.NOTIFY)


def _capable(request: Request, token: Token, person: str | None, wanted: Capability) -> Notifier:
    if not {wanted, Capability.NOTIFY} & {*token.capabilities}:
        raise HTTPException(403, f"The token lacks the capability {wanted}; make one with --capability.")
    calling = acting(request, token, person)
    if person is not None:
        raise HTTPException(403, "Notification calendars are the tenant's own; leave the header requestedAuth out.")
    return Notifier(calling, token.id)


Reader = Annotated[Notifier, Depends(reader)]
Changer = Annotated[Notifier, Depends(changer)]
Sender = Annotated[Notifier, Depends(sender)]
