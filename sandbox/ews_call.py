"""One operation on its way: what was asked, by whom, and which of its parts a fault shall spoil."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from sandbox.ews_access import Caller, spoken
from sandbox.ews_ids import folder
from sandbox.ews_ids import store_id as read_id
from sandbox.ews_soap import NAMES, EwsError, Request, SoapFaultError, local, refused
from sandbox.exchange import Calendar, Exchange, StoreError
from sandbox.faults import Fault, Faults, Seen

OPERATIONS = "/EWS/operations/"
ITEMS = "/EWS/items/"
_BUSY = "The server cannot service this request right now. Try again later."
NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Call:
    """`mailbox` is the address in lower case that faults know it by; `zone` that of the request, in Windows' words."""

    request: Request
    caller: Caller
    faults: Faults
    mailbox: str
    zone: str

    @property
    def exchange(self) -> Exchange:
        return self.caller.exchange

    @property
    def body(self) -> etree._Element:
        return self.request.body

    def folder(self, asked: etree._Element) -> tuple[str, Calendar, str]:
        """The folder's name, its mailbox's calendar and address, of a FolderId or DistinguishedFolderId.

        Raises: EwsError.
        """
        if local(asked) == "FolderId":
            name, calendar_id = folder(asked.get("Id", ""))
            calendar = self.caller.holding(calendar_id)
            return name, calendar, self.exchange.holder(calendar_id) or NOBODY
        mailbox = asked.findtext("t:Mailbox/t:EmailAddress", None, NAMES)
        return asked.get("Id", ""), self.caller.calendar(mailbox), self.caller.address(mailbox)

    def calendar_of(self, item: etree._Element) -> tuple[Calendar, str]:
        """Where the item of an ItemId lies, and its id in the store. Raises: EwsError."""
        found = read_id(item.get("Id", ""))
        return self.caller.holding(found), found


def each(
    call: Call, parts: Iterable[etree._Element], work: Callable[[etree._Element], etree._Element]
) -> Iterator[etree._Element]:
    """The message of each part, those that a fault spoils in the fault's words."""
    for part in parts:
        message = _answered(call, part, work)
        code = "" if message is None else message.findtext("m:ResponseCode", "", NAMES)
        status = 0 if message is None else 200 if code == "NoError" else 500
        call.faults.record(Seen(call.request.operation, ITEMS + call.mailbox, status, part=True))
        if message is not None:
            yield message


def _answered(
    call: Call, part: etree._Element, work: Callable[[etree._Element], etree._Element]
) -> etree._Element | None:
    fault = call.faults.take(call.request.operation, ITEMS + call.mailbox)
    if fault and fault.kind == "slow":
        time.sleep(fault.seconds)
        fault = None
    if fault is None:
        return done_or_refused(call, lambda: work(part))
    if fault.kind in {"lost", "unavailable_after"}:
        done_or_refused(call, lambda: work(part))
    if fault.kind in {"lost", "cut_off"}:
        return None
    return refused(call.request.operation, item_error(fault))


def done_or_refused(call: Call, work: Callable[[], etree._Element]) -> etree._Element:
    """What `work` answers, or its refusal as a message. Raises: SoapFaultError."""
    try:
        with call.exchange.lock:
            return work()
    except SoapFaultError:
        raise
    except StoreError as error:
        return refused(call.request.operation, spoken(error))
    except EwsError as error:
        return refused(call.request.operation, error)


def back_off(fault: Fault) -> dict[str, str]:
    """What a refusal says of the wait, if anything."""
    return {"BackOffMilliseconds": f"{fault.seconds * 1000:.0f}"} if fault.seconds else {}


def item_error(fault: Fault) -> EwsError:
    """What Exchange says of one item inside an answer that is whole."""
    match fault.kind:
        case "busy":
            return EwsError("ErrorServerBusy", _BUSY, back_off(fault))
        case "throttled":
            inner = {"InnerErrorMessageText": _BUSY, "InnerErrorResponseCode": "ErrorServerBusy"}
            said = "An internal server error occurred. The operation failed."
            return EwsError("ErrorInternalServerError", said, inner | back_off(fault))
    return operation_error(fault)


def operation_error(fault: Fault) -> EwsError:
    """What Exchange says of a whole operation."""
    match fault.kind:
        case "busy":
            return SoapFaultError("ErrorServerBusy", _BUSY, back_off(fault))
        case "rate_limited":
            said = "You have exceeded the available concurrent connections for your account. Try again later."
            return SoapFaultError("ErrorExceededConnectionCount", said)
        case "full":
            return SoapFaultError("ErrorQuotaExceeded", "The user has reached their maximum storage quota.")
        case "unavailable_after":
            return SoapFaultError("ErrorTimeoutExpired", "The request timed out.")
    return SoapFaultError("ErrorInternalServerError", "An internal server error occurred. The operation failed.")
