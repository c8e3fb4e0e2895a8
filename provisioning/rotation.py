"""Tokens whose text changes as they are used, so that one which was overheard is soon worth nothing.

The old text holds until the new one is used for the first time, and not for a time: an answer that was lost, however
late its call is made again, locks nobody out. Whoever uses a text that another one has followed is refused, and so
learns that somebody else has the token.
"""

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from worker.ledger import Token
from worker.notification_tables import RotatingToken


def begin(session: Session, token_id: int) -> None:
    """Let a token rotate."""
    session.add(RotatingToken(token_id=token_id))


def among(session: Session, token_ids: Iterable[int]) -> set[int]:
    """Those of these tokens that rotate."""
    return set(session.scalars(select(RotatingToken.token_id).where(RotatingToken.token_id.in_(token_ids))))


def offer(session: Session, token_id: int, digest: bytes) -> bool:
    """Give a token a new text beside the old one; what was given before and never used is forgotten. Whether it rotates
    at all.
    """
    row = update(RotatingToken).where(RotatingToken.token_id == token_id)
    return session.scalar(row.values(next_digest=digest).returning(RotatingToken.token_id)) is not None


def prove(session: Session, digest: bytes) -> None:
    """If this is the new text of a token, make it the only one."""
    row = update(RotatingToken).where(RotatingToken.next_digest == digest)
    token_id = session.scalar(row.values(next_digest=None).returning(RotatingToken.token_id))
    if token_id is not None:
        session.execute(update(Token).where(Token.id == token_id).values(digest=digest))
