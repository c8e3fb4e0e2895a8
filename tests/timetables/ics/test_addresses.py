"""No feed is read in a private network, unless that is meant; and none from a server that cannot prove its name."""

import socket

import pytest
from starlette.responses import Response

from sandbox.certificates import Authority
from sandbox.serve import serve
from timetables import _ics_addresses
from timetables._ics_addresses import public
from timetables.base import ContractBroken, Unavailable

EVENT = ("UID:1", "SUMMARY:Algebra", "DTSTART:20261020T090000", "DTEND:20261020T100000")


def calendar(body):
    return Response(body, media_type="text/calendar")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "64:ff9b:1::a00:1",
        "fec0::1",
        "192.0.0.192",
    ],
)
def test_an_address_of_no_public_network_is_private(address):
    assert not public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_internet_is_public(address):
    assert public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_feed_on_a_private_network_is_refused_before_anything_is_sent(answering, source_at, alice, span, host):
    address, had = answering(calendar(b""))
    source = source_at(address.replace("127.0.0.1", host), allow_private=False)
    for ask in (lambda: source.fetch(alice, *span), source.check):
        with pytest.raises(ContractBroken, match=f"{host} is an address of a private network.*allow_private = true"):
            ask()
    assert had.seen() == []


def test_what_is_looked_at_is_what_is_connected_to(answering, source_at, alice, span, monkeypatch):
    """A name that is public when asked once and private ever after."""
    address, had = answering(calendar(b""))
    port = int(address.rsplit(":", 1)[1])
    asked, connected = [], []

    def resolve(name, *_arguments, **_named):
        asked.append(name)
        found = "192.0.2.1" if name == "192.0.2.1" else ["198.51.100.7", "127.0.0.1"][min(1, asked.count(name) - 1)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    class Refusing(socket.socket):
        def connect(self, where):
            connected.append(where[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(_ics_addresses, "public", lambda each: each != "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Refusing)
    source = source_at("https://rebinding.example", allow_private=False)
    with pytest.raises(Unavailable, match="connection"):
        source.fetch(alice, *span)
    with pytest.raises(ContractBroken, match="private network"):
        source.fetch(alice, *span)
    assert connected == ["198.51.100.7"]
    assert had.seen() == []


def test_where_one_address_of_a_name_keeps_silent_the_next_one_is_tried(source_at, alice, span, monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "9.9.9.9")]
    connected = []

    class Silent(socket.socket):
        def connect(self, where):
            connected.append(where[0])
            raise TimeoutError

    def resolve(name, *_arguments, **_named):
        return [each for each in both if name in {"two.example", each[4][0]}]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Silent)
    with pytest.raises(Unavailable, match="no connection in connect_timeout"):
        source_at("https://two.example", allow_private=False).fetch(alice, *span)
    assert connected == ["8.8.8.8", "9.9.9.9"]


def test_a_name_with_a_private_address_among_others_is_refused(source_at, alice, span, monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: both)
    with pytest.raises(ContractBroken, match="private network"):
        source_at("https://both.example", allow_private=False).fetch(alice, *span)


def test_a_name_that_nobody_knows_is_not_available(source_at, alice, span, monkeypatch):
    def unknown(*_arguments, **_named):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"https://gone\.example/… failed"):
        source_at("https://gone.example", allow_private=False).fetch(alice, *span)


def test_the_public_way_reads_too(answering, source_at, alice, span, written, monkeypatch):  # noqa: PLR0917 - fixtures
    """The check is put out of the way, the connections are those that it guards."""
    address, had = answering(calendar(written(EVENT)))
    monkeypatch.setattr(_ics_addresses, "public", lambda _address: True)
    source = source_at(address, allow_private=False)
    assert len(source.fetch(alice, *span).events) == len(source.fetch(alice, *span).events) == 1
    assert [each.status for each in had.seen()] == [200, 200]


@pytest.fixture
def certified(tmp_path, written):
    """A server over TLS with a certificate for a name, that gives a calendar; its address, and its authority's file."""
    authority = Authority(tmp_path)
    with serve(calendar(written(EVENT)), certificate=authority.server("127.0.0.1")) as address:
        yield address, authority.ca_file


@pytest.mark.parametrize("allow_private", [True, False])
def test_a_certificate_is_checked_on_the_guarded_way_too(certified, source_at, alice, span, monkeypatch, allow_private):  # noqa: PLR0917 - fixtures
    address, ca_file = certified
    monkeypatch.setattr(_ics_addresses, "public", lambda _address: True)
    known = {"allow_private": allow_private}
    assert len(source_at(address, ca_file=ca_file, **known).fetch(alice, *span).events) == 1
    with pytest.raises(Unavailable, match="its certificate is not trusted"):
        source_at(address, **known).fetch(alice, *span)


def test_a_certificate_must_be_for_the_name_and_not_for_where_it_leads(certified, source_at, alice, span, monkeypatch):
    address, ca_file = certified
    port = int(address.rsplit(":", 1)[1])
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(_ics_addresses, "public", lambda _address: True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: here)
    with pytest.raises(Unavailable, match=rf"https://other\.example:{port}/… failed: its certificate"):
        source_at(f"https://other.example:{port}", allow_private=False, ca_file=ca_file).fetch(alice, *span)
