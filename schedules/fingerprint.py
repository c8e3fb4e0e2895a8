"""A hash of everything we would write of an event, field by field; what differs from the recorded one has changed."""

from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b
from struct import pack

from providers.base import Event

FIELDS = ("title", "time", "location", "description", "category")
"""The fields in the order of their digests."""

SIZE = 8
_UNKNOWN = bytes(SIZE)


def fingerprint(event: Event) -> bytes:
    """Eight bytes of BLAKE2b for each of FIELDS, one after another: 40 bytes."""
    time = pack(">dd?", event.start.timestamp(), event.end.timestamp(), event.all_day) + event.zone.encode()
    texts = (_text(event.location), _text(event.description), _text(event.category))
    return b"".join((_text(event.title), blake2b(time, digest_size=SIZE).digest(), *texts))


def changed(known: bytes, wanted: bytes) -> frozenset[str]:
    """The names of the fields that differ: all of them when `known` is empty, which stands for unknown, or odd."""
    if known == wanted:
        return frozenset()
    if len(known) != len(wanted):
        return frozenset(FIELDS)
    blocks = zip(FIELDS, _blocks(known), _blocks(wanted), strict=True)
    return frozenset(name for name, before, after in blocks if before != after or before == _UNKNOWN)


def forget(known: bytes, fields: Collection[str]) -> bytes:
    """`known` with the digests of `fields` made unknown, so that they differ from everything."""
    if len(known) != len(FIELDS) * SIZE:
        return b""
    blocks = zip(FIELDS, _blocks(known), strict=True)
    return b"".join(_UNKNOWN if name in fields else block for name, block in blocks)


def titled(known: bytes, title: str) -> bool:
    """Whether `known` is of an event with this title."""
    return len(known) == len(FIELDS) * SIZE and known[:SIZE] == _text(title)


# The same few texts recur all through a timetable: looking one up takes a tenth of hashing it.
@lru_cache(4_096)
def _text(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=SIZE).digest()


def _blocks(whole: bytes) -> list[bytes]:
    return [whole[place : place + SIZE] for place in range(0, len(whole), SIZE)]
