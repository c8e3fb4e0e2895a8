"""API tokens: made here, shown once, kept as SHA-256. Of 256 random bits, a plain hash cannot be searched."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from provisioning import rotation
from worker.ledger import Token

PREFIX = "carillon_"
"""Lets scanners for leaked secrets recognise a token."""
_BYTES = 32
_MADE_HERE = re.compile(re.escape(PREFIX) + r"[\w-]{43}", re.ASCII)
"""So many letters those bytes make."""

ROLE_API_PROVISIONING = "ROLE_API_PROVISIONING"
ROLES = (ROLE_API_PROVISIONING,)
"""Every role a token can carry."""


class Capability(StrEnum):
    """What a token may do with notification calendars, in mytoken's words. The first includes the second."""

    NOTIFY = "manage_mytokens:notify"
    READ_NOTIFY = "read@manage_mytokens:notify"


class UnknownRoleError(Exception):
    """The message names the role and those there are."""


def create(
    session: Session,
    tenant_id: int,
    name: str,
    roles: Iterable[str] = ROLES,
    *,
    elevated: bool = False,
    token: str | None = None,
    right: str | None = None,
    group: str | None = None,
    expires_at: datetime | None = None,
    capabilities: Iterable[str] = (),
    rotating: bool = False,
) -> str:
    """Make a token and return its text, which is nowhere kept.

    With `token` the text is given (CARILLON_ADMIN_TOKEN); given again, it is the same token with what is asked now.
    One that was revoked stays so. See: `provisioning.rights` for `right` and `group`.

    Raises: UnknownRoleError.
    """
    wanted = list(dict.fromkeys(roles))
    for role in wanted:
        if role not in ROLES:
            raise UnknownRoleError(f'no role is called "{role}"; there are {", ".join(ROLES)}')
    text = token or _text()
    values = {"tenant_id": tenant_id, "name": name, "roles": wanted, "elevated": elevated}
    values |= {"access_right": right, "group_name": group, "expires_at": expires_at}
    values |= {"capabilities": [str(each) for each in dict.fromkeys(capabilities)]}
    statement = insert(Token).values(digest=digest(text), **values)
    made = statement.on_conflict_do_update(index_elements=[Token.digest], set_=values).returning(Token.id)
    ident = session.scalars(made).one()
    if rotating:
        rotation.begin(session, ident)
    return text


def find(session: Session, token: str) -> Token | None:
    """The token with this text, unless it was revoked; its time may be over.

    The text that it was given last is from now on its only one.
    """
    chosen = select(Token).where(Token.digest == digest(token), Token.revoked_at.is_(None))
    found = session.scalar(chosen)
    if found is None:
        rotation.prove(session, digest(token))
        # Looked for again in any case: two calls at once may bring a new text, and one of them proves it.
        found = session.scalar(chosen)
    return found


def rotated(session: Session, token_id: int) -> str | None:
    """The next text of a token that rotates, which is shown this once; None of any other."""
    text = _text()
    return text if rotation.offer(session, token_id, digest(text)) else None


def unguessable(token: str) -> bool:
    """Whether it looks like one that was made here: none of those is found by guessing, however often."""
    return _MADE_HERE.fullmatch(token) is not None


def listed(session: Session, tenant_id: int) -> Sequence[Token]:
    """The tenant's tokens, revoked ones too, oldest first."""
    return session.scalars(select(Token).where(Token.tenant_id == tenant_id).order_by(Token.id)).all()


def revoke(session: Session, tenant_id: int, token_id: int) -> bool:
    """From the next call on, the token is unknown. False if the tenant has no such token, or it was revoked before."""
    statement = (
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.id == token_id, Token.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
        .returning(Token.id)
    )
    return session.scalar(statement) is not None


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _text() -> str:
    return PREFIX + secrets.token_urlsafe(_BYTES)
