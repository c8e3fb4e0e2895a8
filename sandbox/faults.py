"""The switch that makes any endpoint slow, failing or cut off, and the record of every request that came in."""

import asyncio
import fnmatch
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal[
    "slow",
    "throttled",
    "rate_limited",
    "error",
    "busy",
    "full",
    "unavailable_after",
    "unavailable",
    "cut_off",
    "lost",
    "html",
    "truncated",
    "empty",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall go wrong at the paths that match `path` (a shell pattern), for `times` requests, or until taken away.

    - `slow`: `seconds` pass before anything is done
    - `throttled`: 429 with `Retry-After: seconds`; `rate_limited`: 403 rateLimitExceeded
    - `error`: 500; `unavailable`: 503; nothing was done in either case
    - `busy`: what the protocol itself says of a server with too much to do, `seconds` the wait it names, 0 for none
    - `full`: the mailbox has no room left, 403 quotaExceeded on the wire; nothing was done
    - `unavailable_after`: 503, although the work was done
    - `lost`: the connection is closed without an answer, although the work was done; `cut_off`: before anything is done
    - `html`, `truncated`, `empty`: 200 with a login page, with half of the true answer, with nothing
    """

    path: str
    kind: Kind
    seconds: float = 1.0
    times: int | None = None
    method: str = "*"


Words = Callable[[Fault], Response]
"""What is answered for a fault that refuses a request."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came in, or one part of a batch (then `part` is true); status 0 is no answer at all."""

    method: str
    path: str
    status: int
    part: bool = False


@dataclass
class Faults:
    """The faults that are switched on and the requests seen so far. Shared between threads."""

    _rules: list[Fault] = field(default_factory=list)
    _seen: list[Seen] = field(default_factory=list)
    _words: dict[str, Words] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Fault]:
        """The faults that are switched on, in the order in which they are looked at."""
        with self._lock:
            return list(self._rules)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that matches, one of its times spent."""
        with self._lock:
            for place, rule in enumerate(self._rules):
                if not (fnmatch.fnmatchcase(path, rule.path) and fnmatch.fnmatchcase(method, rule.method)):
                    continue
                if rule.times is not None:
                    self._rules[place] = replace(rule, times=rule.times - 1)
                    if rule.times <= 1:
                        del self._rules[place]
                return rule
        return None

    def speak(self, path: str, words: Words) -> None:
        """From now on refuse whole requests in these words where the path matches the shell pattern."""
        with self._lock:
            self._words[path] = words

    def words(self, path: str) -> Words:
        with self._lock:
            return next((words for each, words in self._words.items() if fnmatch.fnmatchcase(path, each)), refusal)

    def record(self, seen: Seen) -> None:
        with self._lock:
            self._seen.append(seen)

    def seen(self, path: str = "*", method: str = "*", *, parts: bool = False) -> list[Seen]:
        """The requests so far whose path matches the shell pattern; with `parts`, the parts of batches instead."""
        with self._lock:
            known = list(self._seen)
        return [
            each
            for each in known
            if each.part == parts and fnmatch.fnmatchcase(each.path, path) and fnmatch.fnmatchcase(each.method, method)
        ]

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._seen.clear()


class CutOffError(Exception):
    """Ends a request without an answer; `sandbox.serve` closes the connection."""


class FaultyWire:
    """ASGI middleware: carries out the faults and records the requests.

    The paths under `/sandbox/` are the switch itself: they stay whole and are not recorded.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        fault = self.faults.take(method, path)
        recorded = False

        def record(status: int) -> None:
            nonlocal recorded
            recorded = True
            self.faults.record(Seen(method, path, status))

        async def note(message: Message) -> None:
            # Before it is sent: a client that has its answer must find its request here.
            if message["type"] == "http.response.start":
                record(message["status"])
            await send(message)

        try:
            await self._serve(fault, scope, receive, note)
        finally:
            if not recorded:
                record(0)

    async def _serve(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self.app(scope, receive, send)
            return
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
            return
        if fault.kind == "cut_off":
            raise CutOffError
        if fault.kind in {"unavailable_after", "lost", "truncated"}:
            whole = await _answer_of(self.app, scope, receive)
            await self._spoil(fault, whole, scope, receive, send)
            return
        await self._refuse(fault, scope, receive, send)

    async def _refuse(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        await self.faults.words(scope["path"])(fault)(scope, receive, send)

    async def _spoil(self, fault: Fault, whole: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "lost":
            raise CutOffError
        if fault.kind == "unavailable_after":
            await self._refuse(fault, scope, receive, send)
            return
        body = b"".join(message.get("body", b"") for message in whole[1:])
        headers = [pair for pair in whole[0]["headers"] if pair[0].lower() != b"content-length"]
        await send({**whole[0], "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2]})


def refusal(fault: Fault) -> JSONResponse:
    """The answer of a fault for which nothing was done, in the words that Google's and the timetable's clients read."""
    status, reason, headers = {
        "throttled": (429, "rateLimitExceeded", {"Retry-After": f"{fault.seconds:.0f}"}),
        "rate_limited": (403, "rateLimitExceeded", {}),
        "error": (500, "backendError", {}),
        "busy": (503, "serverBusy", {"Retry-After": f"{fault.seconds:.0f}"} if fault.seconds else {}),
        "full": (403, "quotaExceeded", {}),
        "unavailable": (503, "backendError", {}),
        "unavailable_after": (503, "backendError", {}),
        "html": (200, "html", {"Content-Type": "text/html"}),
        "empty": (200, "empty", {}),
    }[fault.kind]
    if fault.kind == "html":
        return _Raw(b"<!doctype html><title>Sign in</title><p>Please sign in.</p>", status, headers)
    if fault.kind == "empty":
        return _Raw(b"", status, {"Content-Type": "application/json"})
    message = f"The sandbox was told to fail: {fault.kind}"
    google = {"code": status, "message": message, "errors": [{"domain": "usageLimits", "reason": reason}]}
    timetable = {"errorType": reason, "errorMessage": message, "status": "error"}
    return JSONResponse({"error": google, **timetable}, status, headers)


class _Raw(JSONResponse):
    def render(self, content: bytes) -> bytes:
        return content


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages
