"""What goes wrong between us and a MyTimetable site, in our words."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import orjson
import requests
import urllib3

from timetables.base import ContractBroken, CredentialRefused, PersonUnknown, SourceError, Throttled, Unavailable


class NotTheApiError(ContractBroken):
    """Something else answers at this address: a page for people, a redirect. The next base URL may do better."""


class BusyError(Throttled):
    """The site says when it will be back, with 503. The next base URL may do better."""


FAILURES: dict[type[BaseException], type[SourceError]] = {
    requests.Timeout: Unavailable,
    requests.ConnectionError: Unavailable,
    requests.exceptions.ChunkedEncodingError: Unavailable,
    requests.exceptions.RetryError: Unavailable,
    requests.exceptions.ContentDecodingError: ContractBroken,
    requests.exceptions.InvalidJSONError: ContractBroken,
    requests.exceptions.HTTPError: ContractBroken,
    requests.exceptions.TooManyRedirects: ContractBroken,
    requests.exceptions.URLRequired: ContractBroken,
    requests.exceptions.MissingSchema: ContractBroken,
    requests.exceptions.InvalidSchema: ContractBroken,
    requests.exceptions.InvalidURL: ContractBroken,
    requests.exceptions.InvalidHeader: ContractBroken,
    requests.exceptions.StreamConsumedError: ContractBroken,
    requests.exceptions.UnrewindableBodyError: ContractBroken,
    urllib3.exceptions.DecodeError: ContractBroken,
    urllib3.exceptions.HTTPError: Unavailable,
    OSError: Unavailable,
}
"""What the library raises, in our words: of an error's classes the most special one that stands here counts."""

_HINTS: dict[type[BaseException], str] = {
    requests.exceptions.SSLError: "its certificate is not trusted; name the authority's file in ca_file",
    requests.exceptions.ConnectTimeout: "no connection in connect_timeout; check the address and the firewall",
    requests.exceptions.ReadTimeout: "no answer in read_timeout; it will be tried again",
    urllib3.exceptions.ReadTimeoutError: "no answer in read_timeout; it will be tried again",
    urllib3.exceptions.ProtocolError: "the connection broke off in the middle of the answer",
    urllib3.exceptions.DecodeError: "the compressed answer cannot be unpacked; look at the proxies before it",
    requests.exceptions.ContentDecodingError: "the compressed answer cannot be unpacked; look at the proxies before it",
    requests.exceptions.ChunkedEncodingError: "the connection broke off in the middle of the answer",
    requests.exceptions.ConnectionError: "the connection failed; check the address, and whether the site is up",
}

_REFUSED = (CredentialRefused, "check token in the timetable's section, and that it has elevated privileges")
_BROKEN_SITE = (Unavailable, "the site has a problem of its own; it will be tried again")
_ODD_ANSWER = (ContractBroken, "no timetable API should say so; check urls, and the site's version")
_MEANINGS: dict[int, tuple[type[SourceError], str]] = {
    HTTPStatus.UNAUTHORIZED: _REFUSED,
    HTTPStatus.FORBIDDEN: _REFUSED,
    HTTPStatus.NOT_FOUND: (NotTheApiError, "no timetable API at this address; check urls in the timetable's section"),
    HTTPStatus.REQUEST_TIMEOUT: _BROKEN_SITE,
}
_LONGEST_WAIT = timedelta(days=1)
_SPEAKS_OF_A_USER = re.compile(
    r"\buser(name)?\b[^.]{0,60}\b(not found|unknown|not exist|not known)|\b(unknown|no such) user|user(name)?notfound",
    re.IGNORECASE,
)

ELSEWHERE = (Unavailable, NotTheApiError, BusyError)
"""The failures after which the next base URL is tried."""


def hung_up(error: requests.ConnectionError) -> bool:
    """Whether the other side closed the connection before it said anything."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.exceptions.ProtocolError) and any(
        isinstance(each, ConnectionError) for each in cause.args
    )


def failure(error: BaseException, where: str) -> SourceError:
    """What the library's `error` while reading `where` means."""
    lines = type(error).__mro__
    kind = next((FAILURES[each] for each in lines if each in FAILURES), ContractBroken)
    hint = next((_HINTS[each] for each in lines if each in _HINTS), type(error).__name__)
    return kind(f"GET {where} failed: {hint}.")


def refusal(response: requests.Response, body: bytes, where: str, *, personal: bool) -> SourceError:
    """What an answer other than 200 means; `personal` says that it was asked on behalf of somebody."""
    status = response.status_code
    said = f"GET {where} answered {status}{_error_type(body)}"
    if 300 <= status < 400:  # noqa: PLR2004 - the redirects
        host = urlsplit(response.headers.get("Location", "")).hostname or "the same host"
        return NotTheApiError(f"{said}, a redirect to {host}: check urls in the timetable's section.")
    if personal and 400 <= status < 500 and _about_the_user(status, body):  # noqa: PLR2004 - the client's errors
        return PersonUnknown(f"{said}: no such user; check the username, username_prefix and username_postfix.")
    wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{said}: too many requests; make the interval longer if this lasts.", wait)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None:
        return BusyError(f"{said}: not available for the moment; it will be tried again.", wait)
    kind, advice = _MEANINGS.get(status, _BROKEN_SITE if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _ODD_ANSWER)
    return kind(f"{said}: {advice}.")


def retry_after(text: str | None, now: datetime) -> timedelta | None:
    """What `Retry-After` asks for, in seconds or as a date; at most a day, and None if it cannot be understood.

    See: RFC 9110, 10.2.3.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), _LONGEST_WAIT)


def _about_the_user(status: int, body: bytes) -> bool:
    """Whether the site says that it has no such user: in words, or with a bare 404 that comes from the API itself."""
    if status == HTTPStatus.NOT_FOUND and (not body.strip() or _error_body(body)):
        return True
    return bool(_SPEAKS_OF_A_USER.search(body.decode("utf-8", "replace")))


def _error_body(body: bytes) -> dict[str, object]:
    """The documented `{"errorType", "errorMessage", "status"}`, or nothing where the answer is something else."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) and {"errorType", "errorMessage"} & content.keys() else {}


def _error_type(body: bytes) -> str:
    """The kind of error in brackets; never its message, which may tell of a person."""
    kind = _error_body(body).get("errorType")
    return f" ({kind})" if isinstance(kind, str) and re.fullmatch(r"[A-Za-z][\w.]{0,79}", kind) else ""
