"""One CalDAV account over HTTP: requests, and what their answers and failures mean to us.

See: RFC 4918 (WebDAV), RFC 4791 (CalDAV), RFC 9110 for preconditions and `Retry-After`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus as Status
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.auth import HTTPBasicAuth

from providers._bounded import bound
from providers._retry_after import retry_after
from providers.base import (
    Ambiguous,
    CalendarGone,
    Conflict,
    ContractBroken,
    CredentialRefused,
    EventGone,
    ProviderError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)

WRITES = frozenset({"PUT", "DELETE"})
_XML = "application/xml; charset=utf-8"
_CONTENT = {"PUT": "text/calendar; charset=utf-8", "REPORT": _XML, "PROPFIND": _XML}


class Unanswered(Ambiguous):
    """Nobody answered for the calendar server, so the calls that would follow need not be tried."""


Verdict = tuple[type[ProviderError], type[ProviderError], str]
"""Our error for a call that reads, the one for a call that writes, and a sentence that begins with the host."""

_NEVER_SENT: Verdict = (Unavailable, Unavailable, "cannot be reached: see that it runs and that url is right")
_NO_ANSWER: Verdict = (Unavailable, Unanswered, "took the call and gave no whole answer: see that it runs well")
_NOTHING_DONE: Verdict = (
    Unavailable,
    Unavailable,
    "said 200 and did nothing: see what stands between it and this machine",
)
_UNTRUSTED: Verdict = (
    Unavailable,
    Unanswered,
    "failed at TLS: give its authority's certificate as ca_file, or renew it",
)
_OUR_BUG: Verdict = (ContractBroken, ContractBroken, "could not be asked because of its address: correct url")

LIBRARY_ERRORS: Mapping[type[Exception], Verdict] = {
    requests.exceptions.ConnectTimeout: _NEVER_SENT,
    requests.exceptions.ProxyError: _NEVER_SENT,
    requests.exceptions.SSLError: _UNTRUSTED,
    requests.exceptions.ConnectionError: _NO_ANSWER,
    requests.exceptions.Timeout: _NO_ANSWER,
    requests.exceptions.ChunkedEncodingError: _NO_ANSWER,
    requests.exceptions.ContentDecodingError: _NO_ANSWER,
    requests.exceptions.StreamConsumedError: _NO_ANSWER,
    requests.exceptions.RetryError: _NO_ANSWER,
    requests.exceptions.HTTPError: _NO_ANSWER,
    requests.exceptions.TooManyRedirects: _OUR_BUG,
    requests.exceptions.InvalidURL: _OUR_BUG,
    requests.exceptions.InvalidSchema: _OUR_BUG,
    requests.exceptions.MissingSchema: _OUR_BUG,
    requests.exceptions.URLRequired: _OUR_BUG,
    requests.exceptions.InvalidHeader: _OUR_BUG,
    requests.exceptions.InvalidJSONError: _OUR_BUG,
    requests.exceptions.UnrewindableBodyError: _OUR_BUG,
    requests.exceptions.RequestException: _NO_ANSWER,
    urllib3.exceptions.NewConnectionError: _NEVER_SENT,
    urllib3.exceptions.ConnectTimeoutError: _NEVER_SENT,
    urllib3.exceptions.ProxyError: _NEVER_SENT,
    urllib3.exceptions.SSLError: _UNTRUSTED,
    urllib3.exceptions.LocationValueError: _OUR_BUG,
    urllib3.exceptions.HTTPError: _NO_ANSWER,
    UnicodeError: (ContractBroken, ContractBroken, "gave an event an ETag that cannot be sent back: see its log"),
    ValueError: (ContractBroken, ContractBroken, "answers with a redirect that cannot be read: correct the address"),
    OSError: (Unavailable, Unavailable, "could not be asked: see that the file that ca_file names can be read"),
}
"""By the class or its nearest base: also what requests lets through of urllib3, of odd headers and a lost ca_file."""

STATUSES: Mapping[int, Verdict] = {
    Status.UNAUTHORIZED: (Unauthorized, Unauthorized, "refuses our username or password: correct them"),
    Status.FORBIDDEN: (Unauthorized, Unauthorized, "gives our account no right to this: let it write to the calendar"),
    Status.NOT_FOUND: (
        CalendarGone,
        CalendarGone,
        "has no calendar at the given address: make it, or correct the address",
    ),
    Status.GONE: (
        CalendarGone,
        CalendarGone,
        "has no calendar at the given address any more: make it, or correct the address",
    ),
    Status.METHOD_NOT_ALLOWED: (
        ContractBroken,
        ContractBroken,
        "has something else than a calendar there: correct url",
    ),
    Status.REQUEST_TIMEOUT: (Unavailable, Unavailable, "waited too long for our call: see to the network between us"),
    Status.CONFLICT: (
        CalendarGone,
        CalendarGone,
        "has no calendar to put an event into: make it, or correct the address",
    ),
    Status.PRECONDITION_FAILED: (ContractBroken, Conflict, "has another version of this event: read it again"),
    Status.LOCKED: (Unavailable, Conflict, "says that somebody holds a lock on this: read it again later"),
    Status.TOO_MANY_REQUESTS: (Throttled, Throttled, "asks for fewer calls: wait"),
    Status.INTERNAL_SERVER_ERROR: (Unavailable, Ambiguous, "failed within: see its log"),
    Status.NOT_IMPLEMENTED: (ContractBroken, ContractBroken, "does not speak CalDAV: correct url"),
    Status.BAD_GATEWAY: (Unavailable, Unanswered, "does not answer its gateway: see that it runs"),
    Status.SERVICE_UNAVAILABLE: (Unavailable, Unanswered, "is not available: see that it runs"),
    Status.GATEWAY_TIMEOUT: (Unavailable, Unanswered, "does not answer its gateway in time: see that it runs well"),
    # No fault of the event: it is written as soon as there is room.
    Status.INSUFFICIENT_STORAGE: (Unavailable, Unavailable, "has no room left for this person: make room there"),
}
_OTHER_STATUSES: Mapping[int, Verdict] = {
    4: (ContractBroken, Rejected, "will not take this as it is: compare it with the server's limits"),
    5: (Unavailable, Ambiguous, "failed within: see its log"),
}
_NOBODY_THERE = frozenset({Status.BAD_GATEWAY, Status.SERVICE_UNAVAILABLE, Status.GATEWAY_TIMEOUT})
"""Answers in the place of the server: they speak of all its calendars."""
_UNEXPECTED: Verdict = (ContractBroken, ContractBroken, "answers as no CalDAV server does: correct url")
_MOVED: Verdict = (ContractBroken, ContractBroken, "sends us on to another address: give that one as url")

PRECONDITIONS: Mapping[bytes, Verdict] = {
    b"no-uid-conflict": (ContractBroken, Conflict, "has an event with our id in another place: look by mark"),
    b"valid-calendar-data": (ContractBroken, Rejected, "finds fault with the event: see its log"),
    b"valid-calendar-object-resource": (ContractBroken, Rejected, "finds fault with the event: see its log"),
    b"supported-calendar-data": (ContractBroken, Rejected, "does not take iCalendar here: correct url"),
    b"supported-calendar-component": (ContractBroken, Rejected, "takes no events in this calendar: give another one"),
    b"max-resource-size": (ContractBroken, Rejected, "finds the event too large: shorten its description"),
    b"min-date-time": (ContractBroken, Rejected, "takes no events that early: move the window"),
    b"max-date-time": (ContractBroken, Rejected, "takes no events that late: move the window"),
    b"supported-filter": (ContractBroken, ContractBroken, "cannot look for our mark: it is not one we can write to"),
    b"number-of-matches-within-limits": (ContractBroken, ContractBroken, "lists no more events: raise its limit"),
    b"quota-not-exceeded": (Unavailable, Unavailable, "has no room left for this person: make room there"),
}
"""What the body of a refusal may tell. See: RFC 4791, 5.3.2.1 and 7.8; RFC 4331, 6."""
_TELLING = frozenset({Status.FORBIDDEN, Status.CONFLICT, Status.PRECONDITION_FAILED, Status.INSUFFICIENT_STORAGE})


@dataclass(frozen=True, slots=True)
class Account:
    """Whom we are at the server; `timeout` in seconds, for connecting and for each silence. `everybodys` says that all
    mailboxes are reached with this one.
    """

    username: str
    password: str
    timeout: float
    ca_file: Path | None = None
    everybodys: bool = False


class Wire:
    """One collection. `send` gives an answer with one of the awaited statuses, or raises what it means."""

    def __init__(self, collection: str, account: Account) -> None:
        self.collection = collection
        self.host = urlsplit(collection).netloc
        self._timeout = account.timeout
        self._everybodys = account.everybodys
        self._session = requests.Session()
        bound(self._session)
        # Neither a proxy nor a .netrc nor a bundle of the surroundings may come between the settings and the server.
        self._session.trust_env = False
        self._session.verify = str(account.ca_file) if account.ca_file else True
        self._session.auth = HTTPBasicAuth(account.username.encode(), account.password.encode())

    def send(
        self, method: str, name: str = "", *, awaited: frozenset[int], body: bytes = b"", **headers: str
    ) -> requests.Response:
        """Ask once, at the collection or at the event `name` in it; a header `If_Match` goes out as `If-Match`.

        Raises: as `providers.base.Provider.push`, and EventError for a write.
        """
        if method in WRITES and not is_event_name(name):
            raise EventGone("The event's place was never known: look by mark.")  # a DELETE would take the calendar
        url = self.collection + quote(name, safe="@")
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        if body:
            fields["Content-Type"] = _CONTENT[method]
        try:
            response = self._session.request(
                method, url, data=body or None, headers=fields, timeout=self._timeout, allow_redirects=False
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._error(method, verdict(error), "", everybody=True) from error
        if response.status_code not in awaited or _is_page(response):
            raise self._refusal(method, response)
        return response

    def broken(self, what: str) -> ContractBroken:
        return ContractBroken(f"{self.host} {what}: see whether it is the calendar server, and its log.")

    def not_done(self, method: str) -> ProviderError:
        """What it means that a call was answered with success, and nothing came of it."""
        return self._error(method, _NOTHING_DONE, "", everybody=True)

    def close(self) -> None:
        self._session.close()

    def _refusal(self, method: str, response: requests.Response) -> ProviderError:
        if self._everybodys and response.status_code == Status.UNAUTHORIZED:
            # The same sentence to whatever call, for it is remembered until it is another one.
            return CredentialRefused(f"{self.host} {STATUSES[Status.UNAUTHORIZED][-1]} ({response.status_code}).")
        after = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        answer = f" ({response.status_code} to {method})"
        if response.status_code == Status.SERVICE_UNAVAILABLE and after is not None:
            return Throttled(f"{self.host} asks us to come back later: wait{answer}.", after)
        error = self._error(method, _verdict_of(response), answer, everybody=response.status_code in _NOBODY_THERE)
        if isinstance(error, Throttled):
            error.retry_after = after
        return error

    def _error(self, method: str, verdict: Verdict, answer: str, *, everybody: bool) -> ProviderError:
        read, write, sentence = verdict
        meaning = (write if method in WRITES else read)(f"{self.host} {sentence}{answer}.")
        meaning.everybody = everybody and isinstance(meaning, Unavailable | Ambiguous)
        return meaning


def verdict(error: Exception) -> Verdict:
    """What an error of the libraries means to us."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return _NEVER_SENT
    return next(LIBRARY_ERRORS[each] for each in type(error).__mro__ if each in LIBRARY_ERRORS)


def _verdict_of(response: requests.Response) -> Verdict:
    status = response.status_code
    if status in _TELLING:
        for name, told in PRECONDITIONS.items():
            if name in response.content:
                return told
    if response.is_redirect or response.is_permanent_redirect:
        return _MOVED
    return STATUSES.get(status) or _OTHER_STATUSES.get(status // 100, _UNEXPECTED)


def _is_page(response: requests.Response) -> bool:
    """A login page or a captive portal says 200 to anything."""
    return response.status_code == Status.OK and response.headers.get("Content-Type", "").startswith("text/html")


def is_event_name(name: str) -> bool:
    """Whether it leads to something in the collection, and not to the collection itself or above it."""
    return name not in {"", ".", ".."}


def version(etag: str | None) -> str | None:
    """An ETag to compare and to send. Gateways that compress make it weak, and If-Match never matches a weak one."""
    return etag.strip().removeprefix("W/") if etag else None
