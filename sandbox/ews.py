"""Exchange Web Services for the sandbox, over the store that `sandbox.exchange` keeps.

Everything is a POST to `ENDPOINT`, where `FaultyWire` spoils whole requests. Parts of requests are spoilt in here and
recorded as parts; a fault's `method` names the operation (`CreateItem`, `FindItem`, ...):

- `/EWS/operations/<mailbox>`: one SOAP operation on a mailbox (its address in lower case, `-` for none). `busy` is a
  SOAP fault ErrorServerBusy in HTTP 500 with BackOffMilliseconds where `seconds` are not 0; `rate_limited` is
  ErrorExceededConnectionCount; `error` is ErrorInternalServerError; `full` is ErrorQuotaExceeded; `unavailable_after`
  is ErrorTimeoutExpired, although the work was done; `truncated` is as `error`, the others are as on the wire.
- `/EWS/items/<mailbox>`: one item of a CreateItem, UpdateItem, DeleteItem or GetItem, answered inside an HTTP 200.
  `busy` is ErrorServerBusy; `throttled` is ErrorInternalServerError with an inner ErrorServerBusy, both with
  BackOffMilliseconds where `seconds` are not 0; `full` is ErrorQuotaExceeded; `unavailable_after` is
  ErrorTimeoutExpired, although the work was done; `lost` leaves the item out of the answer, although the work was done,
  `cut_off` before it is (of an answer with nothing left, the connection is closed); any other kind is
  ErrorInternalServerError.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from sandbox import ews_directory, ews_items, ews_listing
from sandbox.ews_access import Account, Accounts, Caller, caller
from sandbox.ews_call import ITEMS, NOBODY, OPERATIONS, Call, operation_error
from sandbox.ews_contract import Contract
from sandbox.ews_ids import store_id
from sandbox.ews_ntlm import Handshakes
from sandbox.ews_soap import NAMES, EwsError, NotPlayedError, Request, SoapFaultError, answer, fault, parse, written
from sandbox.ews_zones import context
from sandbox.exchange import Exchange
from sandbox.faults import CutOffError, Fault, Faults, Seen, refusal

ENDPOINT = "/EWS/Exchange.asmx"
__all__ = ["ENDPOINT", "ITEMS", "OPERATIONS", "routes"]
_PLAYED: Mapping[str, Callable[[Call], Iterator[etree._Element]]] = {
    "ConvertId": ews_directory.convert_id,
    "CreateItem": ews_items.create_item,
    "DeleteItem": ews_items.delete_item,
    "FindItem": ews_listing.find_item,
    "GetFolder": ews_directory.get_folder,
    "GetItem": ews_items.get_item,
    "ResolveNames": ews_directory.resolve_names,
    "SyncFolderItems": ews_listing.sync_folder_items,
    "UpdateItem": ews_items.update_item,
}
_AS_ON_THE_WIRE = {"throttled", "unavailable", "html", "empty"}


def routes(exchange: Exchange, faults: Faults, accounts: Accounts, contract: Contract | None = None) -> list[Route]:
    """To be mounted at the root of an application whose wire `faults` spoil.

    With a contract, what is outside the schemas is noted in `exchange.violations`, in requests and in answers.
    """
    server = _Server(exchange, faults, accounts, contract, Handshakes(accounts))
    return [Route(ENDPOINT, server.post, methods=["POST"])]


@dataclass(frozen=True, slots=True)
class _Server:
    exchange: Exchange
    faults: Faults
    accounts: Accounts
    contract: Contract | None
    handshakes: Handshakes

    async def post(self, request: HttpRequest) -> Response:
        header = request.headers.get("authorization", "")
        peer = (request.client.host, request.client.port) if request.client else ("", 0)
        account = self.accounts.of(header) or self.handshakes.account(peer, header)
        if account is None:
            return _unauthorized(self.handshakes.challenge(peer, header))
        content = await request.body()
        try:
            call = await run_in_threadpool(self._received, content, account)
            return await self._spoilt(call)
        except SoapFaultError as error:
            return self._fault(error)

    def _received(self, content: bytes, account: Account) -> Call:
        """Raises: SoapFaultError."""
        request = parse(content)
        self._check(request)
        speaking = caller(self.exchange, account, request)
        try:
            zone = context(request)
        except EwsError as error:
            raise SoapFaultError(error.code, str(error)) from error
        return Call(request, speaking, self.faults, _mailbox(speaking, request), zone)

    def _check(self, request: Request) -> None:
        breaches = self.contract.breaches(request.body.getroottree().getroot()) if self.contract else []
        if breaches:
            raise SoapFaultError("ErrorSchemaValidation", f"The request failed schema validation: {breaches[0]}")
        if request.operation not in _PLAYED:
            raise NotPlayedError(request.operation)

    async def _spoilt(self, call: Call) -> Response:
        """The answer, or what a fault makes of it. Raises: SoapFaultError, CutOffError."""
        fault = self.faults.take(call.request.operation, OPERATIONS + call.mailbox)
        status = 0
        try:
            response = await self._answer(call, fault)
            status = response.status_code
        except SoapFaultError:
            status = 500
            raise
        finally:
            self.faults.record(Seen(call.request.operation, OPERATIONS + call.mailbox, status, part=True))
        return response

    async def _answer(self, call: Call, fault: Fault | None) -> Response:
        if fault is None:
            return await run_in_threadpool(self._carried_out, call)
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return await run_in_threadpool(self._carried_out, call)
            case "lost" | "unavailable_after":
                await run_in_threadpool(self._carried_out, call)
        if fault.kind in {"lost", "cut_off"}:
            raise CutOffError
        if fault.kind in _AS_ON_THE_WIRE:
            return refusal(fault)
        raise operation_error(fault)

    def _carried_out(self, call: Call) -> Response:
        """Raises: SoapFaultError, CutOffError."""
        try:
            messages = list(_PLAYED[call.request.operation](call))
        except SoapFaultError:
            raise
        except EwsError as error:
            raise SoapFaultError(error.code, str(error), error.values) from error
        if not messages:
            # Exchange has no words for an answer of which faults left nothing.
            raise CutOffError
        return self._response(answer(call.request.operation, messages), 200)

    def _fault(self, error: SoapFaultError) -> Response:
        if isinstance(error, NotPlayedError) or error.code == "ErrorSchemaValidation":
            self.exchange.violations.append(str(error))
        return self._response(fault(error), 500)

    def _response(self, envelope: etree._Element, status: int) -> Response:
        content = written(envelope)
        if self.contract:
            # What goes out is checked as it is read: a prefix in an attribute's value is one only when written.
            breaches = self.contract.breaches(etree.fromstring(content))
            self.exchange.violations.extend(f"answer: {each}" for each in breaches)
        return Response(content, status, media_type="text/xml; charset=utf-8")


def _mailbox(speaking: Caller, request: Request) -> str:
    """The address by which faults know the mailbox that a request is about."""
    if speaking.impersonated:
        return speaking.impersonated
    named = request.body.find(".//t:Mailbox/t:EmailAddress", NAMES)
    if named is not None and named.text:
        return named.text.lower()
    item = request.body.find(".//t:ItemId", NAMES)
    try:
        holder = None if item is None else speaking.exchange.holder(store_id(item.get("Id", "")))
        return holder or speaking.address()
    except EwsError:
        return NOBODY


def _unauthorized(challenge: str) -> Response:
    response = Response(status_code=401)
    for scheme in (challenge, 'Basic realm="sandbox"', "Bearer"):
        response.headers.append("WWW-Authenticate", scheme)
    return response
