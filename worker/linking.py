"""A person's way to consent: invited at an address that is good once, sent on to sign in, and back with the answer.

Each step is bound to the one before it: the address is signed and kept as a hash, `state` and a cookie belong to the
opening of it, and the account that consented must be the one that was meant.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from providers._consent import Consent, Issued
from providers.base import NotLinked, ProviderError
from worker import links, modules
from worker.database import transaction
from worker.installation import Installation
from worker.ledger import Synchronization
from worker.link_tables import LinkRequest
from worker.mailbox import TargetError, target
from worker.secret_keys import VARIABLE, Keyring, LostKeyError

LIFETIME = timedelta(minutes=10)
"""How long an address is good, and after it was opened, the answer to it."""

_LONGEST_WORD = 64

_log = logging.getLogger("carillon.links")


class NoConsentError(Exception):
    """The message says why nobody can be asked to consent to this synchronization."""


class LinkRefusedError(Exception):
    """A person's way ends here; the message is for them. `word` is the reason in one word, `return_url` where they came
    from, None if that is not known for sure or there is no such place.
    """

    def __init__(self, word: str, message: str, return_url: str | None = None) -> None:
        super().__init__(message)
        self.word = word
        self.return_url = return_url


@dataclass(frozen=True, slots=True)
class Invitation:
    """The address's path with its query, and until when it is good."""

    path: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the browser goes next, and what it shall remember until it comes back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    browser: str = field(repr=False)


def invite(
    session: Session, installation: Installation, row: Synchronization, return_url: str | None, now: datetime
) -> Invitation:
    """An address at which the synchronization's person can consent. Raises: NoConsentError."""
    if installation.keys is None or links.consent_to(installation, row.tenant_id, row.type) is None:
        raise NoConsentError(
            f"Nobody consents to {row.type} for themselves here: that takes "
            'access = "delegated" in its section of carillon.toml.'
        )
    ticket, expires = secrets.token_urlsafe(32), (now + LIFETIME).replace(microsecond=0)
    whose = {"tenant_id": row.tenant_id, "type": row.type, "account": _account(row), "username": row.user.username}
    session.add(LinkRequest(**whose, return_url=return_url, digest=_digest(ticket), expires_at=expires))
    until = str(int(expires.timestamp()))
    signature = installation.keys.sign(_signed(row.type, ticket, until))
    query = urlencode({"ticket": ticket, "expires": until, "signature": signature})
    return Invitation(f"/link/{row.type}?{query}", expires)


def _account(row: Synchronization) -> str:
    """Raises: NoConsentError."""
    try:
        return cast("modules.Account", target(row.type, row.user.username, row.fields)).account
    except TargetError as error:
        raise NoConsentError(f"{error}: provision the synchronization again.") from error


def check_address(keys: Keyring, kind: str, asked: Mapping[str, str], now: datetime) -> str:
    """The ticket in an address that we signed for this type, and whose time is not over. Raises: LinkRefusedError."""
    ticket, expires, signature = (asked.get(name, "") for name in ("ticket", "expires", "signature"))
    if not keys.signed(_signed(kind, ticket, expires), signature):
        raise LinkRefusedError(
            "unknown", "This address is not one that we gave out; ask for a new one where you came from."
        )
    if now.timestamp() >= int(expires):
        raise _expired()
    return ticket


def open_(installation: Installation, kind: str, ticket: str, redirect_uri: str, now: datetime) -> Opened:
    """The person opens the address of `ticket`, and is to be asked.

    Raises: LinkRefusedError.
    """
    with transaction(installation.engine) as session:
        row = session.scalar(select(LinkRequest).where(LinkRequest.digest == _digest(ticket), LinkRequest.type == kind))
    if row is None or row.opened_at:
        raise _used()
    consent, keys = _consent(installation, row)
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    try:
        question = consent.ask(row.account, redirect_uri, state)
    except ProviderError as error:
        raise _failed(row, str(error)) from error
    values = {"opened_at": now, "expires_at": now + LIFETIME, "kept": keys.seal(question.kept)}
    values |= {"state_digest": _digest(state), "browser_digest": _digest(browser)}
    same = (LinkRequest.id == row.id, LinkRequest.opened_at.is_(None))
    with transaction(installation.engine) as session:
        if session.scalar(update(LinkRequest).where(*same).values(**values).returning(LinkRequest.id)) is None:
            raise _used()
    return Opened(question.url, state, browser)


def close(installation: Installation, kind: str, answer: Mapping[str, str], browser: str, now: datetime) -> str | None:
    """The person is back with an answer. Where they came from, once their consent is stored and runs are under way.

    Raises: LinkRefusedError.
    """
    row = _taken(installation, kind, answer.get("state", ""), browser, now)
    if "code" not in answer:
        raise _not_given(row, answer.get("error", ""))
    consent, keys = _consent(installation, row)
    try:
        issued = consent.redeem(keys.open(row.kept or b""), answer)
    except NotLinked as error:
        _log.warning(_NOT_LINKED, row.type, error)
        raise LinkRefusedError("refused", _HALF, row.return_url) from error
    except ProviderError as error:
        raise _failed(row, str(error)) from error
    except LostKeyError as error:
        raise _failed(row, f"{VARIABLE} lost a key while the person was away.") from error
    if issued.account != row.account:
        _let_go(installation, consent, row.type, issued)
        raise LinkRefusedError("other-account", _OTHER, row.return_url)
    with transaction(installation.engine) as session:
        waiting = links.keep(session, keys, row, issued, now)
    for ident, username, name in waiting:
        installation.queue.synchronize(ident, f"{username} → {name}", urgent=True)
    return row.return_url


_NOT_LINKED = "not linked type=%s reason=%s"
_FAILED = "Signing in did not work; ask for a new address where you came from, or tell those who run this service."
_HALF = "You did not let us do all that is needed, or your answer came too late; ask for a new address."
_OTHER = "Another account consented than the one to be linked; sign out of it, and ask for a new address."


def _taken(installation: Installation, kind: str, state: str, browser: str, now: datetime) -> LinkRequest:
    """The request that this answer belongs to, answered now and never again. Raises: LinkRefusedError."""
    chosen = select(LinkRequest).where(LinkRequest.state_digest == _digest(state), LinkRequest.type == kind)
    with transaction(installation.engine) as session:
        row = session.scalar(chosen.with_for_update())
        if row is None:
            raise LinkRefusedError("unknown", "Nobody was sent away to consent like this; ask for a new address.")
        if not hmac.compare_digest(row.browser_digest or b"", _digest(browser)):
            raise LinkRefusedError(
                "elsewhere", "This was begun in another browser; ask for a new address and stay in one."
            )
        if row.answered_at:
            raise LinkRefusedError("used", "This was answered already; ask for a new address where you came from.")
        if now >= row.expires_at:
            raise _expired()
        kept, row.answered_at, row.kept = row.kept, now, None
        session.flush()
        session.expunge(row)
    tenant = installation.tenants.get(row.tenant_id)
    row.kept = kept
    # Where nobody may be sent any more, nobody is.
    row.return_url = row.return_url if tenant and row.return_url in tenant.settings.link_return_urls else None
    return row


def _consent(installation: Installation, row: LinkRequest) -> tuple[Consent, Keyring]:
    consent = links.consent_to(installation, row.tenant_id, row.type)
    if consent is None or installation.keys is None:
        raise _failed(row, "nobody consents to this type any more.")
    return consent, installation.keys


def _not_given(row: LinkRequest, word: str) -> LinkRefusedError:
    if word in {"access_denied", "consent_required"}:
        said = "You did not consent, so nothing was linked; you can do so any time."
        return LinkRefusedError("refused", said, row.return_url)
    # A browser brought it: anything may stand there.
    told = word if word.isidentifier() and len(word) < _LONGEST_WORD else "neither a code nor a reason"
    return _failed(row, f"The identity provider answered {told} where the person signed in.")


def _failed(row: LinkRequest, reason: str) -> LinkRefusedError:
    """What went wrong is for those who run this, and no person's affair."""
    _log.warning(_NOT_LINKED, row.type, reason)
    return LinkRefusedError("failed", _FAILED, row.return_url if row.answered_at else None)


def _let_go(installation: Installation, consent: Consent, kind: str, issued: Issued) -> None:
    """What somebody else gave us by mistake."""
    if issued.refresh_token is not None:
        with suppress(ProviderError):
            links.withdraw(installation, consent, kind, issued.account, issued.refresh_token)


def _used() -> LinkRefusedError:
    return LinkRefusedError("used", "This address was used already; ask for a new one where you came from.")


def _expired() -> LinkRefusedError:
    return LinkRefusedError("expired", "This address is too old; ask for a new one where you came from.")


def _signed(kind: str, ticket: str, expires: str) -> str:
    return f"{kind}\n{ticket}\n{expires}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
