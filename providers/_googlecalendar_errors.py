"""What the errors of Google, of its libraries and of the wire mean for the caller.

See: https://developers.google.com/workspace/calendar/api/guides/errors
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from google.auth import exceptions as auth
from googleapiclient import errors as google

from providers._causes import is_stranger
from providers._connection import Connection, Meaning, in_doubt
from providers._googlecalendar_wire import SCOPE, NoTokenEndpointError, NoTokenNowError, TokenThrottledError
from providers._retry_after import retry_after
from providers.base import (
    CalendarGone,
    Conflict,
    ContractBroken,
    CredentialRefused,
    MailboxGone,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)

LONG = timedelta(hours=1)
"""After an exhausted quota: Google counts those by the day or longer, and tells no time."""

_BY_REASON: dict[str, tuple[type[ProviderError], str]] = {
    "rateLimitExceeded": (Throttled, "too many requests; the rest follows later"),
    "userRateLimitExceeded": (Throttled, "too many requests for this mailbox; the rest follows later"),
    "quotaExceeded": (Throttled, "a usage limit of this calendar is reached; the rest follows in an hour or later"),
    "dailyLimitExceeded": (Throttled, "the project's quota of the day is used up; ask Google for a larger one"),
    "notACalendarUser": (MailboxGone, "the account has no Google Calendar; switch that service on for it"),
    "accessNotConfigured": (Unauthorized, "switch on the Google Calendar API in the service account's project"),
    "forbiddenForNonOrganizer": (Rejected, "somebody else became the organizer of this event; only they can change it"),
    "requiredAccessLevel": (Unauthorized, "the mailbox may not change this calendar; share it with the right to do so"),
}

_BY_STATUS: dict[int, tuple[type[ProviderError], str]] = {
    400: (Rejected, "it will not take this event as it is"),
    401: (Unauthorized, "it refuses the access token; check the service account"),
    403: (Unauthorized, "the mailbox may not do this; check the service account's scope and the calendar's sharing"),
    404: (CalendarGone, "there is no such calendar; check provisioning_calendarId"),
    409: (Throttled, "other changes of the same moment were in the way; this one follows later"),
    410: (CalendarGone, "the calendar was deleted; check provisioning_calendarId"),
    412: (Conflict, "the event was changed by somebody else"),
    413: (Rejected, "the event is too large"),
    429: (Throttled, "too many requests; the rest follows later"),
}

_NOT_EXPECTED = (ContractBroken, "nobody expects that here; check root_url, and whether a proxy answers in its place")

_LIMIT = re.compile(r"\blimit '([^']+)'")
"""As in «Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service …»."""

_DELEGATE = f"add its client id with the scope {SCOPE} under domain-wide delegation in the Google Admin console"

_GRANTS = {
    "unauthorized_client": _DELEGATE,
    "access_denied": _DELEGATE,
    "invalid_grant": "check that its key is still valid and that this machine's clock is right",
}


def reason_of(error: google.HttpError) -> str:
    """Google's word for what is wrong, like `rateLimitExceeded`; empty when there is none."""
    try:
        word = json.loads(error.content)["error"]["errors"][0]["reason"]
    except (ValueError, LookupError, TypeError):
        return ""
    return word if isinstance(word, str) and word.isidentifier() else ""


def of_project(error: google.HttpError) -> bool:
    """Whether it is the project's quota that is used up, and not that of one user: only Google's sentence tells."""
    try:
        message = json.loads(error.content)["error"]["message"]
    except (ValueError, LookupError, TypeError):
        return False
    limit = _LIMIT.search(message) if isinstance(message, str) else None
    return limit is not None and "user" not in limit[1]


def fault(error: Exception, *, writing: bool) -> ProviderError:
    """What `error`, of a class in FAULTS, means; `writing` tells whether the request was to change something."""
    meaning = next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)
    return meaning(error, writing)


def _refused(error: google.HttpError, writing: bool) -> ProviderError:
    status, reason = int(error.resp.status), reason_of(error)
    said = f"Google answered {status} {reason}".rstrip()
    if status >= requests.codes.server_error:
        return in_doubt(said, writing)
    kind, advice = _BY_REASON.get(reason) or _BY_STATUS.get(status) or _NOT_EXPECTED
    if kind is Throttled:
        everybody = reason == "dailyLimitExceeded" or (reason == "rateLimitExceeded" and of_project(error))
        return Throttled(f"{said}: {advice}.", _retry_after(error, reason), everybody=everybody)
    if kind in {Rejected, Conflict} and not writing:
        return ContractBroken(f"{said} to a question: report this to Carillon's developers.")
    return kind(f"{said}: {advice}.")


def _retry_after(error: google.HttpError, reason: str) -> timedelta | None:
    wait = retry_after(error.resp.get("retry-after"), datetime.now(UTC))
    return LONG if wait is None and reason in {"quotaExceeded", "dailyLimitExceeded"} else wait


def _grant_refused(error: auth.RefreshError, _writing: bool) -> ProviderError:
    answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    word = answer.get("error")
    if word == "invalid_grant" and "user id" in str(answer.get("error_description")).lower():
        return MailboxGone("Google knows no such account (invalid_grant): check provisioning_smtpAddress.")
    if not isinstance(word, str) or not word.isidentifier():
        return ContractBroken(
            "Google's token endpoint gave no token and no reason: check token_uri in the service account's key."
        )
    advice = _GRANTS.get(word, "check the service account")
    return _of_grant(answer)(f"Google refuses the service account ({word}): {advice}.")


def _of_grant(answer: dict[str, Any]) -> type[ProviderError]:
    """Google says `invalid_grant` of a key that it does not take, and of many a person's account."""
    told = str(answer.get("error_description")).lower()
    personal = answer["error"] == "invalid_grant" and not ("jwt" in told or "account not found" in told)
    return Unauthorized if personal else CredentialRefused


def _no_token(error: Exception, _writing: bool) -> ProviderError:
    if is_stranger(error):
        said = "The certificate of Google's token endpoint is not trusted: check ca_file"
        return Unavailable(f"{said}, and token_uri in the service account's key.")
    return Unavailable("Google's token endpoint cannot be reached or is failing: it is asked again later.")


def _token_throttled(error: TokenThrottledError, _writing: bool) -> ProviderError:
    return Throttled("Google's token endpoint asks for fewer requests: the rest follows later.", error.retry_after)


def _no_token_endpoint(_error: Exception, _writing: bool) -> ProviderError:
    return ContractBroken("Google's token endpoint gives no token: check token_uri in the service account's key.")


def _bad_key(_error: Exception, _writing: bool) -> ProviderError:
    return CredentialRefused("The service account's key cannot be used: make a new one in Google Cloud.")


_CONNECTION = Connection(
    lost="The connection to Google broke or timed out",
    unreadable="Google's answer cannot be read",
    untrusted="Google's certificate is not trusted: check root_url and ca_file.",
    unreachable="Google cannot be reached: check root_url, the proxy and this machine's network.",
    strange="Google's answer cannot be read: check root_url, and whether a proxy answers in its place.",
)
FAULTS: dict[type[Exception], Meaning] = {
    **_CONNECTION.faults(),
    google.HttpError: _refused,
    google.BatchError: _CONNECTION.odd,
    google.Error: _CONNECTION.odd,
    auth.RefreshError: _grant_refused,
    auth.TransportError: _no_token,
    auth.TimeoutError: _no_token,
    auth.ResponseError: _no_token_endpoint,
    TokenThrottledError: _token_throttled,
    NoTokenNowError: _no_token,
    NoTokenEndpointError: _no_token_endpoint,
    auth.GoogleAuthError: _bad_key,
}
"""The nearest class counts: {library error: what makes our error of it}."""
