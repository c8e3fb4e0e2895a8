"""Access tokens for Microsoft Graph, bought through msal and kept for all runs of a process.

O365 takes its token from a «token backend» of ours. Its own way of renewing one breaks for an application: msal forgets
what has run out, and O365 then asks for a token of no scope. So a token is bought here before O365 looks for it, and is
let go when Graph refuses it.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msal
from O365.utils.token import BaseTokenBackend

from providers._o365_certificate import Certificate
from providers._o365_door import Door, NoTokenEndpointError, NoTokenNowError, refused

MARGIN = timedelta(minutes=5)
"""A token is bought anew so long before it runs out: a run that begins now must get through with it."""

FRESH = timedelta(minutes=1)
"""A token younger than that was not revoked in the meantime."""


class CertificateExpiredError(Exception):
    """The certificate ran out at `expired`: Microsoft would refuse it."""

    def __init__(self, expired: datetime) -> None:
        super().__init__(f"{expired:%Y-%m-%d}")
        self.expired = expired


STUMBLES = (msal.exceptions.MsalError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
"""What msal raises over half an answer."""


def now() -> datetime:
    """The clock of tokens and certificates."""
    return datetime.now(UTC)


def application(client_id: str, credential: Certificate | str, authority: str, door: Door, present: datetime) -> Any:
    """What msal calls an application; to make it takes a request for the directory's endpoints.

    One for each purchase, at the price of a request an hour: msal would remember failures and endpoints.

    Raises: CertificateExpiredError, what `Door` raises, one of STUMBLES.
    """
    if isinstance(credential, Certificate) and credential.expires <= present:
        raise CertificateExpiredError(credential.expires)
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential.credential() if isinstance(credential, Certificate) else credential,
        authority=authority,
        instance_discovery=False,
        http_client=door,
    )


# O365 has no types: as Any, no call of it needs an excuse.
_Backend: Any = BaseTokenBackend


class Tokens(_Backend):  # type: ignore[misc]  # it is Any
    """The application's token, which O365 finds as in any token backend of its own. Shared between threads: who asks
    while another one buys waits for that purchase, and shares it if there was no answer. `clock` gives the present,
    aware.
    """

    def __init__(
        self,
        client_id: str,
        *,
        credential: Certificate | str,
        authority: str,
        scope: str,
        door: Door,
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__()
        self.clock = clock
        self._client_id = client_id
        self._credential = credential
        self._authority = authority
        self._scope = scope
        self._door = door
        self._token: tuple[str, datetime] | None = None
        self._bought_at = datetime.min.replace(tzinfo=UTC)
        self._buying = threading.Lock()
        self._in_vain = 0

    @property
    def has_data(self) -> bool:
        """There always is a token, or a reason why not: O365 need not load one."""
        return True

    def get_access_token(self, *, username: str | None = None) -> dict[str, str]:  # noqa: ARG002  # O365's
        """A token that is good for five minutes or longer, or a new one, however short its life.

        Raises: NoTokenNowError, TokenThrottledError, NoTokenEndpointError, TokenRefusedError, CertificateExpiredError.
        """
        in_vain = self._in_vain
        with self._buying:
            if self._token is None or self._token[1] - self.clock() < MARGIN:
                self._token = None
                if self._in_vain > in_vain:
                    # Sixteen threads that each wait for a timeout of their own would be kept for minutes.
                    raise NoTokenNowError("another one who asked meanwhile got no answer")
                self._token = self._bought()
            secret, expires = self._token
        return {"secret": secret, "expires_on": f"{expires.timestamp():.0f}"}

    def token_is_expired(self, *, username: str | None = None) -> bool:  # noqa: ARG002  # O365's
        """Never, to O365, which would try to renew it for every 403; what a 401 means is decided in the wire."""
        return False

    def forget(self, secret: str) -> bool:
        """Graph refuses the token `secret`: the next one who asks gets another. Whether that is worth a try at once: a
        token that is refused as soon as it is bought will be followed by others of its kind.
        """
        with self._buying:
            if self._token is None or self._token[0] != secret:
                return True
            self._token = None
            return self.clock() - self._bought_at > FRESH

    def _bought(self) -> tuple[str, datetime]:
        began = self.clock()
        try:
            client = application(self._client_id, self._credential, self._authority, self._door, began)
            told = client.acquire_token_for_client([self._scope])
        except NoTokenNowError:
            self._in_vain += 1
            raise
        except STUMBLES as error:
            raise NoTokenEndpointError("an answer that cannot be read") from error
        match told:
            case {"access_token": str(secret), "expires_in": int(seconds)}:
                self._bought_at = began
                return secret, began + timedelta(seconds=seconds)
        raise refused(told or {})
