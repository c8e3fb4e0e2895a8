"""One person's consent at Microsoft, through msal, and that person's token in the place of the application's.

See: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from O365.utils.token import BaseTokenBackend

from providers._consent import Grant, Issued, Question
from providers._o365_certificate import Certificate
from providers._o365_door import Door, NoTokenEndpointError, TokenRefusedError, refused
from providers._o365_errors import FAULTS, fault
from providers._o365_tokens import STUMBLES, application, now
from providers.base import ContractBroken, NotLinked

OVER = {"invalid_grant", "interaction_required", "consent_required", "login_required"}
"""What the token endpoint says where only the person can help."""


_FORM = "form_post"


class MicrosoftConsent:
    """See: `providers._consent.Consent`. `permissions` are Graph's words, like `Calendars.ReadWrite`; `resource` is
    Graph's own name, like `https://graph.microsoft.com`.
    """

    def __init__(
        self,
        client_id: str,
        *,
        credential: Certificate | str,
        authority: str,
        resource: str,
        permissions: Collection[str],
        door: Door,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.clock = clock
        self._client_id = client_id
        self._credential = credential
        self._authority = authority
        self._permissions = frozenset(permissions)
        self._scopes = [f"{resource}/{each}" for each in permissions]
        self._door = door

    def ask(self, account: str, redirect_uri: str, state: str) -> Question:
        with _translated():
            client = self._application()
            flow = client.initiate_auth_code_flow(
                self._scopes, redirect_uri=redirect_uri, state=state, login_hint=account, response_mode=_FORM
            )
        # msal warns of any other. But no cookie of ours would come along with a form from elsewhere; a code in an
        # address is of no use to whoever reads it, without that cookie and what is kept here.
        url = str(flow["auth_uri"]).replace(f"response_mode={_FORM}", "response_mode=query")
        return Question(url, json.dumps(flow))

    def redeem(self, kept: str, answer: Mapping[str, str]) -> Issued:
        began = self.clock()
        with _translated():
            told = self._application().acquire_token_by_auth_code_flow(json.loads(kept), dict(answer))
            issued = self._issued(told, began)
        if not issued.account or issued.refresh_token is None:
            raise ContractBroken("Microsoft's sign-in does not say who consented, or until when: check authority.")
        return issued

    def renew(self, refresh_token: str) -> Issued:
        began = self.clock()
        with _translated():
            return self._issued(self._application().acquire_token_by_refresh_token(refresh_token, self._scopes), began)

    def withdraw(self, refresh_token: str) -> None:
        """Microsoft knows no such call: whoever forgets the token has done what can be done."""

    def _application(self) -> Any:
        return application(self._client_id, self._credential, self._authority, self._door, self.clock())

    def _issued(self, told: Any, began: datetime) -> Issued:
        match told:
            case {"access_token": str(secret), "expires_in": int(seconds)}:
                self._check_permissions(told)
                refresh = told.get("refresh_token")
                return Issued(secret, began + timedelta(seconds=seconds), refresh, account=self._account(told))
        raise refused(told or {})

    def _check_permissions(self, told: Mapping[str, Any]) -> None:
        given = {each.rpartition("/")[2] for each in str(told.get("scope", "")).split()}
        if lacking := self._permissions - given:
            said = f"The person's consent lacks {', '.join(sorted(lacking))}"
            raise NotLinked(f"{said}: let them link their calendar again.")

    def _account(self, told: Mapping[str, Any]) -> str:
        """The sign-in name in the id token. It came straight from the token endpoint, over TLS: so its signature need
        not be checked (OpenID Connect Core 1.0, 3.1.3.7).
        """
        claims = told.get("id_token_claims") or {}
        return str(claims.get("preferred_username", "")).lower() if claims.get("aud") == self._client_id else ""


@contextmanager
def _translated() -> Iterator[None]:
    """A block that speaks with Microsoft's sign-in. Raises: as `providers._consent.Consent.renew`."""
    try:
        yield
    except TokenRefusedError as error:
        if error.word in OVER:
            said = " ".join([error.word, *(f"AADSTS{each}" for each in error.codes)])
            raise NotLinked(
                f"The person's consent is over or was taken back ({said}): let them link their calendar again."
            ) from error
        raise fault(error, writing=False) from error
    except STUMBLES as error:
        raise fault(NoTokenEndpointError("an answer that cannot be read"), writing=False) from error
    except tuple(FAULTS) as error:
        raise fault(error, writing=False) from error


# O365 has no types: as Any, no call of it needs an excuse.
_Backend: Any = BaseTokenBackend


class PersonsTokens(_Backend):  # type: ignore[misc]  # it is Any
    """What `Tokens` is for an application, for one person who consented."""

    def __init__(self, grant: Grant) -> None:
        super().__init__()
        self._grant = grant

    @property
    def has_data(self) -> bool:
        """As `Tokens` has it."""
        return True

    def get_access_token(self, *, username: str | None = None) -> dict[str, str]:  # noqa: ARG002  # O365's
        """Raises: as `providers._consent.Grant.access_token`."""
        return {"secret": self._grant.access_token()}

    def token_is_expired(self, *, username: str | None = None) -> bool:  # noqa: ARG002  # O365's
        """As `Tokens` has it."""
        return False

    def forget(self, secret: str) -> bool:
        """Graph refuses the token `secret`. Whether it is worth asking with another one at once."""
        return self._grant.refused(secret)
