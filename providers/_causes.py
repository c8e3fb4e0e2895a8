"""Why a request failed, below what the libraries around it raise."""

import ssl
from collections.abc import Iterator

from urllib3.exceptions import NewConnectionError


def is_stranger(error: BaseException) -> bool:
    """The server's certificate is not one that we trust."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def was_never_sent(error: BaseException) -> bool:
    """No connection came about."""
    return any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[object]:
    """The wire's libraries put a cause into arguments and into `reason`, as well as into the usual chain."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__context__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
