"""Answers with an end: one that is unpacked without end, or comes byte by byte, would take a worker with it."""

import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

LONGEST_BODY = 200_000_000
"""Bytes, once unpacked: ten times the listing of twenty thousand events."""
LONGEST_SECONDS = 600
"""For a body, however long each silence in it may be."""
_PIECE = 65_536


def bound(session: requests.Session) -> None:
    """From now on an answer comes with its body, and one without end is a requests.ConnectionError."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, _BoundedAdapter())


class _BoundedAdapter(HTTPAdapter):
    def send(self, *arguments: Any, **named: Any) -> requests.Response:
        """Raises: requests.RequestException."""
        response = super().send(*arguments, **named)
        try:
            # As `content` of the library has it, which knows no bounds.
            response._content = b"".join(_pieces(response))  # noqa: SLF001 - there is no other way in
        except urllib3.exceptions.DecodeError as error:
            raise requests.exceptions.ContentDecodingError(error, response=response) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error, response=response) from error
        finally:
            response.close()
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001 - as above
        return response


def _pieces(response: requests.Response) -> Iterator[bytes]:
    end, left = time.monotonic() + LONGEST_SECONDS, LONGEST_BODY
    # read1 hands over what has arrived: who sends a byte now and then is noticed too.
    while piece := response.raw.read1(_PIECE, decode_content=True):
        left -= len(piece)
        if left < 0 or time.monotonic() > end:
            raise urllib3.exceptions.ProtocolError("the answer has no end")
        yield piece
