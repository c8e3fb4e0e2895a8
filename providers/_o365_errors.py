"""What the errors of Microsoft, of its libraries and of the wire mean for the caller.

See: https://learn.microsoft.com/graph/errors and https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus as Status
from typing import Any

import requests
from msal.exceptions import MsalError
from O365.connection import TokenExpiredError

from providers._causes import is_stranger
from providers._connection import Connection, Meaning, in_doubt
from providers._o365_door import NoTokenEndpointError, NoTokenNowError, TokenRefusedError, TokenThrottledError
from providers._o365_tokens import CertificateExpiredError
from providers._retry_after import retry_after
from providers.base import (
    Ambiguous,
    CalendarGone,
    Conflict,
    ContractBroken,
    CredentialRefused,
    EventGone,
    MailboxGone,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)

_CODE = re.compile(r"[A-Za-z][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Graph said to a request or to a part of a batch; `body` is its JSON, None for none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def ok(self) -> bool:
        return Status.OK <= self.status < Status.MULTIPLE_CHOICES

    @property
    def code(self) -> str:
        """Microsoft's word for what is wrong, like `ErrorItemNotFound`; empty when there is none."""
        match self.body:
            case {"error": {"code": str(code)}} if _CODE.fullmatch(code):
                return code
        return ""

    @property
    def at_once(self) -> bool:
        """Whether it asks for fewer requests at a time: only Microsoft's sentence tells that from too many in all."""
        match self.body:
            case {"error": {"message": str(said)}}:
                return self.status == Status.TOO_MANY_REQUESTS and "MailboxConcurrency" in said
        return False


_NOT_EXPECTED = (ContractBroken, "nobody expects that here; check root_url, and whether a proxy answers in its place")
_THROTTLED = (Throttled, "too many requests; the rest follows later")
_AT_ONCE = (Throttled, "too many requests at once for this mailbox; lower batch to 4 if it lasts")
_NO_MAILBOX = (MailboxGone, "there is no such account; check provisioning_smtpAddress, which must be its sign-in name")
_NO_LICENSE = (MailboxGone, "the account has no mailbox at Microsoft 365; give it a licence with Exchange Online")
_CHANGED = (Conflict, "the event was changed by somebody else")
_NO_ACCESS = (
    Unauthorized,
    "the application may not open this mailbox; grant it Calendars.ReadWrite, and see that its scope holds the mailbox",
)

_BY_CODE: dict[str, tuple[type[ProviderError], str]] = {
    "ErrorItemNotFound": (EventGone, "the event is no longer there"),
    "ErrorInvalidMailboxItemId": (EventGone, "the event is in another mailbox"),
    "ErrorIrresolvableConflict": _CHANGED,
    "ErrorDuplicateTransactionId": (Conflict, "this event was made before"),
    "ErrorInvalidUser": _NO_MAILBOX,
    "ErrorNonExistentMailbox": _NO_MAILBOX,
    "ResourceNotFound": _NO_MAILBOX,
    "Request_ResourceNotFound": _NO_MAILBOX,
    "MailboxNotEnabledForRESTAPI": _NO_LICENSE,
    "MailboxNotSupportedForRESTAPI": _NO_LICENSE,
    "ErrorFolderNotFound": (CalendarGone, "the account has no calendar; open it once in Outlook"),
    "ErrorAccessDenied": _NO_ACCESS,
    "ApplicationThrottled": _THROTTLED,
    "ErrorQuotaExceeded": (Unavailable, "the mailbox is full; its owner must delete something"),
    "ErrorMailboxMoveInProgress": (Unavailable, "the mailbox is being moved; it is asked again later"),
}

_BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    400: (Rejected, "it will not take this event as it is"),
    401: (Unauthorized, "it refuses the access token; check the app registration"),
    403: _NO_ACCESS,
    404: (MailboxGone, "it knows no such place; check provisioning_smtpAddress and root_url"),
    409: (Conflict, "something was in the way; look by mark"),
    410: (EventGone, "the event is no longer there"),
    412: _CHANGED,
    413: (Rejected, "the event is too large"),
    422: (Rejected, "it will not take this event as it is"),
    424: (Unavailable, "it was not tried; it follows later"),
    429: _THROTTLED,
}

_ADVICE = {
    90002: "there is no such directory; check directory and authority",
    500011: "the directory has no such service; check scope and root_url",
    700016: "the directory has no such application; check client_id and directory",
    700024: "this machine's clock is wrong; set it",
    700027: "it does not know the certificate, or takes it for expired; upload it to the app registration",
    1002012: "check scope",
    7000112: "the application was switched off; switch it on under enterprise applications",
    7000215: "the client secret is wrong; it must be the secret's value, not its id",
    7000222: "the client secret has expired; make a new one",
    7000229: "the application was never consented to in this directory; grant an administrator's consent",
    53003: "a conditional access policy keeps the application out; exclude it",
}


def refusal(answer: Answer, *, writing: bool) -> ProviderError:
    """What an answer that is no success means for one event, or for the mailbox; `writing` tells whether the request
    was to change something.
    """
    said = f"Microsoft answered {answer.status} {answer.code}".rstrip()
    wait = retry_after(_named(answer.headers, "retry-after"), datetime.now(UTC))
    known = _AT_ONCE if answer.at_once else _BY_CODE.get(answer.code)
    if known is None and answer.status >= Status.INTERNAL_SERVER_ERROR:
        return in_doubt(said, writing) if writing or wait is None else Throttled(f"{said}: it is asked later.", wait)
    kind, advice = known or _BY_STATUS.get(answer.status) or _NOT_EXPECTED
    if kind is Throttled:
        return Throttled(f"{said}: {advice}.", wait)
    if kind in {Rejected, Conflict} and not writing:
        return ContractBroken(f"{said} to a question: report this to Carillon's developers.")
    return kind(f"{said}: {advice}.")


def whole_refusal(answer: Answer, *, writing: bool, batch: bool) -> ProviderError:
    """What it means for a whole request. Of a batch the parts have answers of their own: this is no word on an event,
    a mailbox or a calendar. Nor is it where something else than Graph answers.
    """
    meaning = refusal(answer, writing=writing)
    about_one = isinstance(meaning, Rejected | Conflict | EventGone | MailboxGone | CalendarGone)
    if about_one and (batch or not answer.code):
        return ContractBroken(f"Microsoft answered {answer.status} to a whole request: check root_url.")
    if isinstance(meaning, EventGone):
        return CalendarGone("The account has no calendar: open it once in Outlook.")
    meaning.everybody = answer.status >= Status.INTERNAL_SERVER_ERROR and answer.code not in _BY_CODE
    return meaning


def fault(error: Exception, *, writing: bool) -> ProviderError:
    """What `error`, of a class in FAULTS, means; `writing` tells whether the request was to change something."""
    meaning = next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)(error, writing)
    # Nobody answered, or nobody sold a token: another mailbox would fare no better.
    unheard = isinstance(error, OSError | NoTokenNowError)
    meaning.everybody = meaning.everybody or (unheard and isinstance(meaning, Unavailable | Ambiguous))
    return meaning


def _named(headers: Mapping[str, Any], wanted: str) -> str | None:
    return next((str(value) for name, value in headers.items() if name.lower() == wanted), None)


def _no_token(error: Exception, _writing: bool) -> ProviderError:
    if is_stranger(error):
        return Unavailable("The certificate of Microsoft's sign-in is not trusted: check authority and ca_file.")
    return Unavailable("Microsoft's sign-in cannot be reached or is failing: it is asked again later.")


def _token_throttled(error: TokenThrottledError, _writing: bool) -> ProviderError:
    said = "Microsoft's sign-in asks for fewer requests: the rest follows later."
    return Throttled(said, error.retry_after, everybody=True)


def _no_token_endpoint(_error: Exception, _writing: bool) -> ProviderError:
    return ContractBroken("Microsoft's sign-in gives no token: check authority, and whether a proxy answers there.")


def _token_refused(error: TokenRefusedError, _writing: bool) -> ProviderError:
    code = next((each for each in error.codes if each in _ADVICE), None)
    advice = _ADVICE[code] if code else "check directory, client_id and the credential of the app registration"
    said = " ".join([error.word, *(f"AADSTS{each}" for each in error.codes)])
    return CredentialRefused(f"Microsoft refuses the application ({said}): {advice}.")


def _expired(error: CertificateExpiredError, _writing: bool) -> ProviderError:
    return CredentialRefused(
        f"The application's certificate expired on {error.expired:%Y-%m-%d}: make a new one, and upload it."
    )


_CONNECTION = Connection(
    lost="The connection to Microsoft broke or timed out",
    unreadable="Microsoft's answer cannot be read",
    untrusted="Microsoft's certificate is not trusted: check root_url and ca_file.",
    unreachable="Microsoft cannot be reached: check root_url, the proxy and this machine's network.",
    strange="Microsoft's answer cannot be read: check root_url, and whether a proxy answers in its place.",
)
FAULTS: dict[type[Exception], Meaning] = {
    **_CONNECTION.faults(),
    TokenThrottledError: _token_throttled,
    TokenRefusedError: _token_refused,
    CertificateExpiredError: _expired,
    NoTokenNowError: _no_token,
    NoTokenEndpointError: _no_token_endpoint,
    TokenExpiredError: _no_token,
    MsalError: _no_token_endpoint,
    requests.exceptions.ContentDecodingError: _CONNECTION.odd,
    requests.JSONDecodeError: _CONNECTION.odd,
    RuntimeError: _CONNECTION.odd,
}
"""The nearest class counts: {library error: what makes our error of it}."""
