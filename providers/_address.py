"""Addresses of servers to which a secret may be said."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, HttpUrl

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def safe(url: str) -> str:
    """`url`, if it is one of https, or of http on this machine, and nothing but an address.

    Raises: ValueError, which does not repeat it: a password may stand in it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # What urllib says of a password with a slash or a bracket in it quotes that.
        raise ValueError("must be an address, like https://host.example.org/") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise ValueError("must begin with https:// (http:// only for this machine)")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold no user name, query or fragment")
    return url


def _root(url: str) -> str:
    return safe(str(HttpUrl(url))).rstrip("/") + "/"


Root = Annotated[str, AfterValidator(_root)]
"""Such an address, with a slash at its end."""
