"""What stands in a path: one form for every way of writing it, and usernames, types and ids out of it."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Path
from fastapi.requests import Request
from starlette.exceptions import HTTPException

from provisioning.calls import NAME
from provisioning.schemas import LARGEST_ID

BASE = "/api/v0"
SCHEDULES_BASE = "/api/v1"
NOTIFICATIONS_BASE = f"{BASE}/notifications/calendars"
ICS = ".ics"
SUFFIXES = (".json", ".xml")


def canonical(raw: bytes) -> tuple[str, str]:
    """The path with every segment decoded once and encoded anew, and the suffix of its last one, without it.

    A segment stays encoded, so that a username with a slash in it (`%2F`) remains one segment for the router.

    Raises: ValueError if a segment is not UTF-8 or holds control characters.
    """
    segments = _segments(raw.decode("ascii"))
    last = segments[-1]
    suffix = next((suffix for suffix in SUFFIXES if last.endswith(suffix) and last != suffix), "")
    segments[-1] = last.removesuffix(suffix)
    return "/".join(quote(segment, safe="") for segment in segments), suffix


def canonical_schedule(raw: bytes) -> str:
    """The same of a path to calendar schedules, whose names keep their suffixes; it may end with a slash or without.

    A name that ends in `.ics` is one only before a slash; else that suffix asks for iCalendar.

    Raises: ValueError, as above.
    """
    encoded = canonical_named(raw)
    if raw.endswith(b"/") and encoded.endswith(ICS):
        return encoded.removesuffix(ICS) + "%2Eics"
    return encoded


def canonical_named(raw: bytes) -> str:
    """The same of a path whose last name keeps whatever it ends in. It may end with a slash or without.

    Raises: ValueError, as above.
    """
    path = raw.decode("ascii").removesuffix("/")
    return "/".join(quote(segment, safe="") for segment in _segments(path))


def _segments(path: str) -> list[str]:
    segments = [unquote(segment, errors="strict") for segment in path.split("/")]
    if any(character < " " or character == "\x7f" for segment in segments for character in segment):
        raise ValueError("control character")
    return segments


def _username_path() -> Any:
    return Path(
        description="Opaque: an e-mail address, `DOMAIN\\user`, a name with spaces. Percent-encode it, slashes too.",
        json_schema_extra=NAME,
    )


def names(request: Request, username: Annotated[str, _username_path()]) -> Sequence[str]:
    """Whom a path that ends in a username can mean: the user of exactly this name, else the one without `.json`."""
    bare = unquote(username)
    return (bare + request.state.suffix, bare) if request.state.suffix else (bare,)


def name(username: Annotated[str, _username_path()]) -> str:
    return unquote(username)


def kind(type: Annotated[str, Path(description="A provider, like `ews`", json_schema_extra=NAME)]) -> str:  # noqa: A002 - the parameter has this name
    return unquote(type)


def ident(id: Annotated[int, Path(ge=0, json_schema_extra={"format": "int64"})]) -> int:  # noqa: A002 - as above
    """Raises: HTTPException 404 for a number that no row can have."""
    if id > LARGEST_ID:
        raise HTTPException(404, "There is nothing with this id.")
    return id


Names = Annotated[Sequence[str], Depends(names)]
Name = Annotated[str, Depends(name)]
Type = Annotated[str, Depends(kind)]
Ident = Annotated[int, Depends(ident)]
