"""A domain's accounts at Google and their calendars: for programs, for tests, and for the people of the domain."""

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from sandbox.google_contract import Contract, Method, OutsideContractError
from sandbox.google_events import Event, GoogleError, GoogleEvents
from sandbox.google_fields import select, selection
from sandbox.google_listing import PLAYED, listing
from sandbox.google_tokens import GoogleTokens, Granted

WRITERS = {"owner", "writer", "writerWithoutPrivateAccess"}
WITHOUT_EFFECT = {
    "alt",
    "key",
    "prettyPrint",
    "quotaUser",
    "fields",
    "maxAttendees",
    "sendUpdates",
    "sendNotifications",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API. `path` is unquoted and follows `/calendar/v3/`; names in `headers` are in lower case."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


def _now() -> datetime:
    return datetime.now(UTC)


class GoogleCalendar:
    """What stands behind the sandbox's Google API. Shared between threads.

    `violations` are the requests outside Google's contract, `batches` the number of parts of each batch, and
    `notifications` tells how often a client let somebody be invited or notified.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        zone: str = "Europe/Amsterdam",
        now: Callable[[], datetime] = _now,
        key: RSAPrivateKey | None = None,
    ) -> None:
        """`zone` is that of the calendars; `key` the service account's, made anew when left out."""
        self.contract = Contract()
        self.violations: list[str] = []
        self.batches: list[int] = []
        self.notifications = 0
        self.oldest_sync_token = 0
        self._now = now
        self._zone = zone
        self._calendars: dict[str, GoogleEvents] = {}
        self._roles: dict[tuple[str, str], str] = {}
        self._accounts: set[str] = set()
        self._lock = threading.RLock()
        self.tokens = GoogleTokens(self._accounts, now, key)
        for address in addresses:
            self.add_account(address)

    def service_account(self, base_url: str) -> str:
        """The key, in Google's JSON, of a service account that may speak for everybody; for a sandbox at `base_url`."""
        return self.tokens.key_document(base_url)

    def add_account(self, address: str) -> None:
        self._accounts.add(address.lower())
        self.add_calendar(address, address.lower())

    def remove_account(self, address: str) -> None:
        """The person leaves: no token any more, and no calendar."""
        self._accounts.discard(address.lower())
        self.remove_calendar(address.lower())

    def add_calendar(self, address: str, calendar_id: str, role: str = "owner") -> None:
        """A calendar that `address` sees as `owner`, `writer` or `reader`. The account's own has the address as id."""
        with self._lock:
            self._calendars.setdefault(calendar_id, GoogleEvents(address.lower(), self._zone, self._now))
            self._roles[address.lower(), calendar_id] = role

    def remove_calendar(self, calendar_id: str) -> None:
        with self._lock:
            self._calendars.pop(calendar_id, None)

    def mailbox(self, address: str) -> list[Event]:
        """The live events of an account's own calendar, as the API tells them."""
        with self._lock:
            return self._own(address).live()

    def put_foreign(self, address: str, body: Mapping[str, Any]) -> Event:
        """The person makes an event of their own."""
        with self._lock:
            return copy.deepcopy(self._own(address).insert(body))

    def edit(self, address: str, event_id: str, body: Mapping[str, Any]) -> Event:
        """The person changes fields of an event; null takes one away."""
        with self._lock:
            return copy.deepcopy(self._own(address).patch(event_id, body, None))

    def remove(self, address: str, event_id: str) -> None:
        """The person deletes an event."""
        with self._lock:
            self._own(address).delete(event_id, None)

    def forget_sync_tokens(self) -> None:
        """From now on every sync token given out so far is answered with 410 fullSyncRequired."""
        with self._lock:
            self.oldest_sync_token = 1 + max(calendar.revision for calendar in self._calendars.values())

    def call(self, call: Call) -> Any:
        """What the API answers, None for nothing. Raises: GoogleError."""
        granted = self.tokens.of(call.headers.get("authorization", ""))
        if granted is None:
            raise GoogleError(401, "authError", "Invalid Credentials")
        try:
            method, places = self.contract.method(call.verb, call.path)
            params = self.contract.query(method, call.query)
            body = self.contract.body(method, call.body)
            chosen = selection(params.get("fields", ""), self.contract.fields(method))
            self._check_played(method, params)
        except OutsideContractError as error:
            self.violations.append(f"{call.verb} {call.path}: {error}")
            raise GoogleError(400, "badRequest", str(error)) from error
        if not granted.scopes & method.scopes:
            raise GoogleError(403, "insufficientPermissions", "Insufficient Permission")
        with self._lock:
            answer = self._carry_out(method, granted, places | params, body, call.headers.get("if-match"))
            return copy.deepcopy(select(answer, chosen))

    def _check_played(self, method: Method, params: Mapping[str, Any]) -> None:
        played = WITHOUT_EFFECT | (PLAYED if method.id == "calendar.events.list" else set())
        if method.id not in _READS.keys() | _WRITES.keys() or params.keys() - played:
            raise OutsideContractError(f"the sandbox does not play {method.id} with {sorted(params)}")

    def _carry_out(
        self, method: Method, granted: Granted, params: dict[str, Any], body: Mapping[str, Any], version: str | None
    ) -> Any:
        calendar_id = granted.mailbox if params["calendarId"] == "primary" else params["calendarId"]
        role = self._roles.get((granted.mailbox, calendar_id))
        calendar = self._calendars.get(calendar_id)
        if role is None or calendar is None:
            raise GoogleError(404, "notFound", "Not Found")
        if method.id in _READS:
            return _READS[method.id](self, calendar, params, role)
        if role not in WRITERS:
            raise GoogleError(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        answer = _WRITES[method.id](calendar, params.get("eventId"), body, version)
        self._count_notifications(params, body, answer)
        return answer

    def _count_notifications(self, params: Mapping[str, Any], body: Mapping[str, Any], answer: Any) -> None:
        asked = params.get("sendUpdates") in {"all", "externalOnly"} or params.get("sendNotifications")
        if body.get("attendees") or asked:
            self.notifications += max(1, len((answer or {}).get("attendees", ())))

    def _own(self, address: str) -> GoogleEvents:
        if address.lower() not in self._calendars:
            raise GoogleError(404, "notFound", "Not Found")
        return self._calendars[address.lower()]


def _listed(google: GoogleCalendar, calendar: GoogleEvents, params: Mapping[str, Any], role: str) -> dict[str, Any]:
    head = {
        "kind": "calendar#events",
        "etag": f'"{calendar.revision}"',
        "summary": calendar.owner,
        "timeZone": calendar.zone,
        "accessRole": role,
        "defaultReminders": [{"method": "popup", "minutes": 10}],
    }
    return head | listing(calendar, params, google.oldest_sync_token)


def _describe(_google: GoogleCalendar, calendar: GoogleEvents, params: Mapping[str, Any], _role: str) -> dict[str, Any]:
    return {
        "kind": "calendar#calendar",
        "id": calendar.owner if params["calendarId"] == "primary" else params["calendarId"],
        "summary": calendar.owner,
        "timeZone": calendar.zone,
    }


_READS: dict[str, Callable[[GoogleCalendar, GoogleEvents, Mapping[str, Any], str], Any]] = {
    "calendar.calendars.get": _describe,
    "calendar.events.list": _listed,
    "calendar.events.get": lambda _google, calendar, params, _role: calendar.get(params["eventId"]),
}
_WRITES: dict[str, Callable[[GoogleEvents, Any, Mapping[str, Any], str | None], Any]] = {
    "calendar.events.insert": lambda calendar, _id, body, _version: calendar.insert(body),
    "calendar.events.import": lambda calendar, _id, body, _version: calendar.import_(body),
    "calendar.events.update": GoogleEvents.update,
    "calendar.events.patch": GoogleEvents.patch,
    "calendar.events.delete": lambda calendar, event_id, _body, version: calendar.delete(event_id, version),
}
