"""What a fault makes Graph say, of a whole request or of a part of a `$batch`.

See: https://learn.microsoft.com/graph/throttling
"""

from sandbox.faults import Fault
from sandbox.graph_call import Answer, GraphError, refusal

_REFUSED = {
    "throttled": (429, "ApplicationThrottled", "Please retry again later."),
    "busy": (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    "rate_limited": (429, "TooManyRequests", "Too many requests."),
    "error": (500, "ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    "unavailable": (503, "ErrorServerBusy", "The server cannot service this request right now. Try again later."),
    "unavailable_after": (503, "ErrorServerBusy", "The server cannot service this request right now."),
    "full": (507, "ErrorQuotaExceeded", "The mailbox has reached its quota."),
}
UNDONE = _REFUSED.keys() - {"unavailable_after"}
"""The kinds of fault for which nothing is done, and that Graph has words for."""


def refused(fault: Fault) -> Answer | None:
    """None where Graph has no words for it."""
    if fault.kind not in _REFUSED:
        return None
    waits = fault.kind == "throttled" or (fault.kind == "busy" and fault.seconds)
    return refusal(GraphError(*_REFUSED[fault.kind]), {"Retry-After": f"{fault.seconds:.0f}"} if waits else None)
