"""Serves an ASGI application on a loopback port from a thread of this process."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.certificates import Certificate
from sandbox.faults import CutOffError

GRACE_SECONDS = 1
"""Requests that still hang in a `slow` fault at the end are given up after so long."""


@contextmanager
def serve(app: ASGIApp, port: int = 0, certificate: Certificate | None = None) -> Iterator[str]:
    """The base URL under which `app` answers, until the block ends; https with a certificate. Port 0: a free one."""
    # Named as TCP, or asyncio would not set TCP_NODELAY and every answer would wait 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    # A client that is faster than the server's start waits in the backlog instead of being refused.
    listener.listen(2048)
    config = uvicorn.Config(
        app,
        http=_HangsUp,
        log_config=None,
        lifespan="off",
        access_log=False,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        thread.join(timeout=10)
        listener.close()


class _Server(uvicorn.Server):
    """Ends when it is told: uvicorn's own looks ten times a second whether to, and tests start and end thousands."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop, self._told = asyncio.new_event_loop(), asyncio.Event()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.serve(sockets))

    def end(self) -> None:
        """From any thread."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for each in list(state.connections):
            each.shutdown()
        over = time.monotonic() + GRACE_SECONDS
        while (state.connections or state.tasks) and time.monotonic() < over:  # noqa: ASYNC110 - no event tells of them
            await asyncio.sleep(0.002)
        for each in list(state.tasks):
            each.cancel()
        # Those who still hang get no farewell either: over TLS it would wait for the client's, beyond the loop's end.
        await asyncio.gather(*state.tasks, return_exceptions=True)
        for each in list(state.connections):
            each.transport.abort()
        # A transport closes one layer after the other, each in a turn of the loop.
        for _ in range(10):
            await asyncio.sleep(0)


class _HangsUp(H11Protocol):
    """Closes the connection on `CutOffError`: ASGI has no word for that, and uvicorn alone would answer 500."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        app = self.app

        async def hanging_up(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except CutOffError:
                transport.abort()
                while (await receive())["type"] != "http.disconnect":
                    pass

        self.app = hanging_up

    def shutdown(self) -> None:
        """Ends an idle TLS connection at once: its client, idle too, would never answer the farewell."""
        # One whose keep-alive is over is closing already, and a second close() would leave abort() nothing to end.
        if not self.transport.is_closing():
            super().shutdown()
        if self.scheme == "https" and self.transport.is_closing():
            self.transport.abort()
