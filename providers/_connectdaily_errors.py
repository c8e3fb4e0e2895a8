"""What Connect Daily's refusals and the wire's failures mean for the caller.

See: the manual's pages «Event CRUD API» and «Authenticating API Calls».
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus as Status

import requests
import urllib3

from providers._causes import is_stranger, was_never_sent
from providers._retry_after import retry_after
from providers.base import (
    Ambiguous,
    CalendarGone,
    Conflict,
    ContractBroken,
    CredentialRefused,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)


class Forbidden(Unauthorized):
    """403 to a call about an event: for a wrong token, a missing right or a missing calendar, it does not say which."""


class Overtaken(Conflict):
    """409: somebody changed the event between our reading it and our writing it."""


Verdict = tuple[type[ProviderError], type[ProviderError], str]
"""Our error for a call that reads, the one for a call that writes, and a sentence that begins with the host."""

NEVER_SENT: Verdict = (Unavailable, Unavailable, "cannot be reached: see that it runs and that url is right")
NO_ANSWER: Verdict = (Unavailable, Ambiguous, "took the call and gave no whole answer: see that it runs well")
UNTRUSTED: Verdict = (Unavailable, Unavailable, "has a certificate that is not trusted: correct url, or give ca_file")
OUR_BUG: Verdict = (ContractBroken, ContractBroken, "could not be asked because of its address: correct url")

LIBRARY_ERRORS: Mapping[type[Exception], Verdict] = {
    requests.ConnectTimeout: NEVER_SENT,
    requests.exceptions.ProxyError: NEVER_SENT,
    requests.exceptions.InvalidURL: OUR_BUG,
    requests.exceptions.InvalidSchema: OUR_BUG,
    requests.exceptions.MissingSchema: OUR_BUG,
    requests.exceptions.URLRequired: OUR_BUG,
    requests.exceptions.InvalidHeader: OUR_BUG,
    requests.exceptions.InvalidJSONError: OUR_BUG,
    requests.exceptions.UnrewindableBodyError: OUR_BUG,
    requests.RequestException: NO_ANSWER,
    urllib3.exceptions.NewConnectionError: NEVER_SENT,
    urllib3.exceptions.LocationValueError: OUR_BUG,
    urllib3.exceptions.HTTPError: NO_ANSWER,
    UnicodeError: OUR_BUG,
    OSError: (Unavailable, Unavailable, "could not be asked: see that the file that ca_file names can be read"),
}
"""By the class or its nearest base: also what requests lets through of urllib3, of an odd host and a lost ca_file."""

STATUSES: Mapping[int, Verdict] = {
    Status.UNAUTHORIZED: (CredentialRefused, CredentialRefused, "refuses our account: correct user_id and token"),
    Status.FORBIDDEN: (Forbidden, Forbidden, "gives our account no right to this: let it write to the calendar"),
    Status.NOT_FOUND: (ContractBroken, ContractBroken, "has no such service: correct url, or update Connect Daily"),
    Status.METHOD_NOT_ALLOWED: (ContractBroken, ContractBroken, "has another service there: correct url"),
    Status.REQUEST_TIMEOUT: (Unavailable, Unavailable, "waited too long for our call: see to the network between us"),
    Status.CONFLICT: (ContractBroken, Overtaken, "had this event changed by somebody else meanwhile: read it again"),
    Status.TOO_MANY_REQUESTS: (Throttled, Throttled, "asks for fewer calls: wait"),
    Status.INTERNAL_SERVER_ERROR: (Unavailable, Ambiguous, "failed within: see its log"),
    Status.BAD_GATEWAY: (Unavailable, Ambiguous, "does not answer its gateway: see that it runs"),
    Status.SERVICE_UNAVAILABLE: (Unavailable, Ambiguous, "is not available: see that it runs"),
    Status.GATEWAY_TIMEOUT: (Unavailable, Ambiguous, "does not answer its gateway in time: see that it runs well"),
}
_OTHER_STATUSES: Mapping[int, Verdict] = {
    3: (ContractBroken, ContractBroken, "sends us on to another address: give that one as url"),
    4: (ContractBroken, Rejected, "will not take this event as it is: see its log"),
    5: (Unavailable, Ambiguous, "failed within: see its log"),
}
_UNEXPECTED: Verdict = (ContractBroken, Ambiguous, "answers as no Connect Daily does: correct url")
_NOBODY_THERE = frozenset({Status.BAD_GATEWAY, Status.SERVICE_UNAVAILABLE, Status.GATEWAY_TIMEOUT})
"""Answers in the place of the server: they speak of all its calendars."""
_SAID: Verdict = (
    ContractBroken,
    Rejected,
    "will not take this event, maybe for its type or for another event at that time: see its log",
)
_LISTLESS = "lists no such calendar for our account: make it, let the account see it, or correct its number"


def of_library(error: Exception) -> Verdict:
    if is_stranger(error):
        return UNTRUSTED
    if was_never_sent(error):
        return NEVER_SENT
    return next(LIBRARY_ERRORS[each] for each in type(error).__mro__ if each in LIBRARY_ERRORS)


def failed(host: str, error: Exception, *, writing: bool) -> ProviderError:
    """What an error of the libraries, of a class in LIBRARY_ERRORS, means."""
    return _made(host, of_library(error), writing=writing, everybody=True)


def refused(host: str, response: requests.Response, *, writing: bool) -> ProviderError:
    """What an answer means that is not the awaited one. What it says in words is for nobody but its own log."""
    status = response.status_code
    after = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    if status == Status.SERVICE_UNAVAILABLE and after is not None:
        return Throttled(f"{host} asks us to come back later: wait ({status}).", after)
    verdict = STATUSES.get(status) or _OTHER_STATUSES.get(status // 100, _UNEXPECTED)
    if says_error(response) and status in {Status.OK, Status.CREATED, Status.INTERNAL_SERVER_ERROR}:
        verdict = _SAID if writing else STATUSES[Status.INTERNAL_SERVER_ERROR]
    error = _made(host, verdict, f" ({status})", writing=writing, everybody=status in _NOBODY_THERE)
    if isinstance(error, Throttled):
        error.retry_after = after
    return error


def locked_out(host: str) -> CredentialRefused:
    """What a 403 means where no right is needed."""
    return CredentialRefused(f"{host} refuses our account: correct user_id and token ({Status.FORBIDDEN}).")


def says_error(response: requests.Response) -> bool:
    """Whether the server says in its own words that it did not do it, which it may say with a 200."""
    try:
        said = response.json()
    except ValueError:
        return False
    word = said.get("error") if isinstance(said, dict) else None
    return isinstance(word, int | str) and word not in {0, "0", ""}


def calendar_gone(host: str) -> CalendarGone:
    return CalendarGone(f"{host} {_LISTLESS}.")


def _made(host: str, verdict: Verdict, answer: str = "", *, writing: bool, everybody: bool) -> ProviderError:
    read, write, sentence = verdict
    error = (write if writing else read)(f"{host} {sentence}{answer}.")
    error.everybody = everybody and isinstance(error, Unavailable | Ambiguous)
    return error
