"""A person's own consent, where an institution gives none for everybody: how it is asked for, renewed and used.

A provider that can live on it exports one thing more, `consent(settings) -> Consent | None`: None where the settings
say otherwise. Its `connect` then takes a `Grant` as third argument, its `Settings` have `access = "delegated"`, and its
`Target` names the account in `account`, which holds no blank, and is what `mailbox` begins with up to one.

See: RFC 6749, 4.1 and 6 (authorization code, refreshing), RFC 7636 (PKCE), RFC 7009 (revocation).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Question:
    """Where to send the person; and what must be kept, secret, until they come back from there."""

    url: str
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a token endpoint gave.

    `refresh_token` is None where the one before goes on, `ends` when it runs out if that is told. `account` is who
    consented, in lower case; a renewal need not say it.
    """

    access_token: str = field(repr=False)
    expires: datetime
    refresh_token: str | None = field(default=None, repr=False)
    ends: datetime | None = None
    account: str = ""


class Consent(Protocol):
    """One application at one identity provider. Shared between threads; nothing is retried, and nothing kept."""

    def ask(self, account: str, redirect_uri: str, state: str) -> Question:
        """The question for `account`, with PKCE; the answer comes to `redirect_uri` and brings `state` back.

        Raises: Throttled, Unavailable, Unauthorized, ContractBroken.
        """
        ...

    def redeem(self, kept: str, answer: Mapping[str, str]) -> Issued:
        """What the code in `answer` is worth; with a refresh token, an account and everything that was asked for.

        Raises: as `ask`, and NotLinked, if this answer gives us nothing.
        """
        ...

    def renew(self, refresh_token: str) -> Issued:
        """Raises: as `ask`, and NotLinked, if the consent is over."""
        ...

    def withdraw(self, refresh_token: str) -> None:
        """Let the refresh token be worth nothing, where the identity provider can be told so. One that is worthless
        already is none the worse.

        Raises: as `ask`.
        """
        ...


class Grant(Protocol):
    """The consent of one person, for the length of a run."""

    def access_token(self) -> str:
        """A token that is good for some minutes. Raises: as `Consent.renew`."""
        ...

    def refused(self, token: str) -> bool:
        """The server takes `token` no longer. Whether it is worth asking with another one at once."""
        ...
