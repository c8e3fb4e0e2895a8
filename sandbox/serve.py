"""Serves an ASGI application on a loopback port from a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.certificates import Certificate
from sandbox.faults import CutOffError


@contextmanager
def serve(app: ASGIApp, port: int = 0, certificate: Certificate | None = None) -> Iterator[str]:
    """The base URL under which `app` answers, until the block ends; https with a certificate. Port 0: a free one."""
    # Named as TCP, or asyncio would not set TCP_NODELAY and every answer would wait 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    # A client that is faster than the server's start waits in the backlog instead of being refused.
    listener.listen(2048)
    # Requests that still hang in a `slow` fault are given up after a second.
    config = uvicorn.Config(
        app,
        http=_HangsUp,
        log_config=None,
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=[_run(server, listener)], name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])
    # Those who still hang get no farewell either: over TLS it would wait for the client's, beyond the end of the loop.
    await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
    for each in list(server.server_state.connections):
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
