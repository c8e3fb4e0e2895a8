"""API tokens: made here, shown once, kept as SHA-256. Of 256 random bits, a plain hash cannot be searched."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from worker.ledger import Token

PREFIX = "carillon_"
"""Lets scanners for leaked secrets recognise a token."""
_BYTES = 32
_MADE_HERE = re.compile(re.escape(PREFIX) + r"[\w-]{43}", re.ASCII)
"""So many letters those bytes make."""

ROLE_API_PROVISIONING = "ROLE_API_PROVISIONING"
ROLES = (ROLE_API_PROVISIONING,)
"""Every role a token can carry."""


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
    text = token or PREFIX + secrets.token_urlsafe(_BYTES)
    values = {"tenant_id": tenant_id, "name": name, "roles": wanted, "elevated": elevated}
    values |= {"access_right": right, "group_name": group}
    statement = insert(Token).values(digest=_digest(text), **values)
    session.execute(statement.on_conflict_do_update(index_elements=[Token.digest], set_=values))
    return text


def find(session: Session, token: str) -> Token | None:
    """The token with this text, unless it was revoked."""
    return session.scalar(select(Token).where(Token.digest == _digest(token), Token.revoked_at.is_(None)))


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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
