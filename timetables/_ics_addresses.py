"""Connections to addresses of the public internet only, whatever a name resolves to at the moment of connecting.

A name may lead elsewhere the second time it is looked up. So it is looked up once for each connection, and what was
looked at is what is connected to.
"""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from timetables._prompt import Connection, PromptAdapter, TlsConnection
from timetables.base import ContractBroken

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
"""All that is given out of IPv6 for the internet; much of the rest leads into somebody's own network."""
_PROTOCOLS = IPv4Network("192.0.0.0/24")


class PrivateAddressError(ContractBroken):
    """A name leads into a private network."""


class PublicAdapter(PromptAdapter):
    """As `PromptAdapter`, but it connects to no private address. Raises, beside its errors: PrivateAddressError."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def public(address: str) -> bool:
    """Whether it is an address of the public internet, and holds no other in itself that is not."""
    ip = ip_address(address.partition("%")[0])
    within = list(_within(ip))
    reached = ip in _UNICAST or bool(within) if isinstance(ip, IPv6Address) else ip not in _PROTOCOLS
    return reached and all(each.is_global and not each.is_multicast for each in (ip, *within))


def _within(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The addresses that a gateway makes of this one."""
    if isinstance(ip, IPv4Address):
        return
    yield from (each for each in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if each)
    if ip in _NAT64:
        yield IPv4Address(int(ip) & 0xFFFFFFFF)


class _Connection(Connection):
    def _new_conn(self) -> socket.socket:
        # TLS and the request go on with the name; only where to connect is replaced while that is done.
        name = self._dns_host
        failed: NewConnectionError | ConnectTimeoutError = NewConnectionError(self, "the name has no address")
        for address in _addresses(self, name):
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failed = error
            finally:
                self._dns_host = name
        raise failed


class _TlsConnection(_Connection, TlsConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _addresses(connection: HTTPConnection, name: str) -> list[str]:
    """What a name resolves to. One private address among them is reason enough to connect to none."""
    try:
        found = socket.getaddrinfo(name.strip("[]"), connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        problem = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(name, connection, problem) from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(map(public, addresses)):
        raise PrivateAddressError(
            f"{name} is an address of a private network, and no feed is read there: "
            "set allow_private = true in the timetable's section if it is meant."
        )
    return addresses
