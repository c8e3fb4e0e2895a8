"""Answers that have to begin and to end in time, however often a byte of them arrives."""

import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

LONGEST_HEAD_SECONDS = 60
"""For status and headers; the timeouts of the library are for one silence each."""
_PIECE = 65_536


class NoEndError(Exception):
    """An answer that goes on for too long."""


def pieces(response: requests.Response, seconds: float) -> Iterator[bytes]:
    """The body, unpacked, as it arrives; for so long and no longer. Raises: NoEndError."""
    end = time.monotonic() + seconds
    # read1 hands over what has arrived: who sends a byte now and then is noticed too.
    while piece := response.raw.read1(_PIECE, decode_content=True):
        if time.monotonic() > end:
            raise NoEndError
        yield piece


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self._socket = sock

    def begin(self) -> None:
        """Raises: TimeoutError, beside its own."""
        over = threading.Event()
        timer = threading.Timer(LONGEST_HEAD_SECONDS, self._hang_up, [over])
        timer.daemon = True
        timer.start()
        try:
            super().begin()
        finally:
            timer.cancel()
            if over.is_set():
                # To the library a head that ends early is a whole one.
                raise TimeoutError("the head of the answer has no end")

    def _hang_up(self, over: threading.Event) -> None:
        over.set()
        # Without a goodbye of TLS, for which one would wait.
        socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Connection(HTTPConnection):
    response_class = _Answer


class TlsConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = TlsConnection


class PromptAdapter(HTTPAdapter):
    """As `HTTPAdapter`, with such connections."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
