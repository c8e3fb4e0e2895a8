"""What stands behind the sandbox's Microsoft Graph: who may ask, what is asked, and the errors it ends in."""

import re
from collections.abc import Collection, Mapping

from sandbox import graph_properties
from sandbox.exchange import Exchange, StoreError
from sandbox.graph_call import Answer, Call, Contract, GraphError, NotPlayedError, refusal
from sandbox.graph_listing import LONGEST_PAGE
from sandbox.graph_verbs import PLAYED, Asked
from sandbox.microsoft_tokens import MicrosoftTokens

_ROUTE = re.compile(r"/users/(?P<user>[^/]+)/(?:calendars/(?P<calendar>[^/]+)(?=/|$))?(?P<what>.*)")
_PERMISSIONS = frozenset({"Calendars.ReadWrite", "MailboxSettings.ReadWrite"})
_STATUS = {"ErrorItemNotFound": 404, "ErrorAccessDenied": 403, "MailboxNotEnabledForRESTAPI": 404}


class Graph:
    """The mailboxes of `exchange` for an application that has a token. Shared between threads.

    Requests outside the contract, and those that the sandbox does not play, are refused and told in
    `exchange.violations`; so is an answer outside the contract, which is ours to repair. `batches` holds the number of
    parts of each `$batch`.

    - `roles`: the application permissions that an administrator granted
    - `longest_page`: no page holds more events, whatever is asked for
    - `most_at_once`: how many requests to one mailbox may run at once, Graph's own number being 4, None for any; and
      `seconds`, how long each takes
    - `duplicate_status`, `tells_existing_id`, `conflict_status`: how a transaction id that was used is refused, and a
      stale version; documents and programs do not agree about the first
    """

    def __init__(self, exchange: Exchange, tokens: MicrosoftTokens, contract: Contract | None = None) -> None:
        self.exchange = exchange
        self.tokens = tokens
        self.contract = contract
        self.batches: list[int] = []
        self.roles = set(_PERMISSIONS)
        self.longest_page = LONGEST_PAGE
        self.most_at_once: int | None = None
        self.seconds = 0.0
        self.duplicate_status = 400
        self.tells_existing_id = True
        self.conflict_status = 412
        self._deltas = 0

    def forget_deltas(self) -> None:
        """From now on every delta link given out so far is answered with 410."""
        with self.exchange.lock:
            self._deltas += 1

    def call(self, call: Call) -> Answer:
        """The answer, a refusal if need be."""
        try:
            self.check_token(call.headers)
            answer = self._answer(call)
        except GraphError as error:
            answer = refusal(error)
        self.check_answer(call, answer)
        return answer

    def check_token(self, headers: Mapping[str, str]) -> None:
        """Raises: GraphError."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        if not self.tokens.accepts(token):
            said = "Lifetime validation failed, the token is expired or it is meant for somebody else."
            raise GraphError(401, "InvalidAuthenticationToken", said)

    def check_request(self, call: Call) -> None:
        """Raises: GraphError."""
        found = self.contract.request(call.verb, call.path, call.query, call.body) if self.contract else []
        if found:
            raise NotPlayedError("; ".join(found), "RequestBodyRead")

    def check_answer(self, call: Call, answer: Answer) -> None:
        """Remember if the answer is not one that Microsoft's contract allows."""
        if self.contract:
            found = self.contract.response(call.verb, call.path, answer.status, answer.body)
            self.exchange.violations += [f"the sandbox's answer to {call.verb} {call.path}: {each}" for each in found]

    def violate(self, call: Call, error: GraphError) -> None:
        self.exchange.violations.append(f"{call.verb} {call.path}: {error}")

    def _answer(self, call: Call) -> Answer:
        with self.exchange.lock:
            try:
                self.check_request(call)
                return self._carry_out(call)
            except NotPlayedError as error:
                self.violate(call, error)
                raise
            except StoreError as error:
                raise self._translated(error, call) from error

    def _carry_out(self, call: Call) -> Answer:
        match = _ROUTE.fullmatch(call.path)
        if match is None:
            raise NotPlayedError(f"Resource not found for the segment '{call.path.split('/')[1]}'.")
        what, _, event_id = match["what"].removesuffix("()").partition("events/")
        what = (f"{what}events" if event_id else what).removeprefix("calendar/").lstrip("/") or "calendar"
        role, verbs = PLAYED.get((what, bool(event_id)), ("", {}))
        if call.verb not in verbs:
            raise NotPlayedError(f"the sandbox does not play {call.verb} {call.path}")
        if role not in self._roles(call, match["user"]):
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        calendar = self.exchange.calendar(match["user"])
        if match["calendar"] and graph_properties.store_id(match["calendar"]) != calendar.id:
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        address = self.exchange.primary(match["user"])
        asked = Asked(call, self.exchange, calendar, address, event_id, self.longest_page, self._deltas)
        return verbs[call.verb](asked)

    def _roles(self, call: Call, user: str) -> Collection[str]:
        """What the caller may do with the mailbox of `user`: a person who consented opened their own and no other."""
        person = self.tokens.person(call.headers.get("authorization", "").removeprefix("Bearer "))
        if person is None:
            return self.roles
        scopes = {each.rpartition("/")[2] for each in person.scopes}
        return scopes if user.lower() == person.account else ()

    def _translated(self, error: StoreError, call: Call) -> GraphError:
        if error.code == "ErrorNonExistentMailbox":
            user = call.path.split("/")[2]
            return GraphError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        if error.code == "ErrorDuplicateTransactionId":
            immutable = call.preferences().get("idtype") == "ImmutableId"
            existing = graph_properties.graph_id(error.item_id or "", immutable=immutable)
            extra = {"@event.existingEventId": existing} if self.tells_existing_id else {}
            return GraphError(self.duplicate_status, error.code, str(error), extra)
        if error.code == "ErrorIrresolvableConflict":
            return GraphError(self.conflict_status, error.code, str(error))
        return GraphError(_STATUS.get(error.code, 400), error.code, str(error))
