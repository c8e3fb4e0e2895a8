"""A call's input in one shape, form or JSON: `{name: value}`, or None where there was no body at all."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from fastapi import Depends
from fastapi.requests import Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from provisioning.errors import quoted, sentence
from worker.ledger import UnlinkMode

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CALENDAR = "text/calendar"
LARGEST_BODY = 1_000_000
"""Bytes."""
MOST_FIELDS = 10_000
REPEATABLE = {"attributes", "roles"}
"""Parameters that a form may give several times; they are lists in JSON."""


async def fields(request: Request) -> dict[str, Any] | None:
    """Raises: HTTPException 400, 413 or 415."""
    body = await _read(request)
    if not body:
        return None
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"
    if kind.strip() not in {FORM, JSON} or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise HTTPException(415, f"The body must be {FORM} or {JSON}, in UTF-8; name it in the header Content-Type.")
    found = _form(body) if kind.strip() == FORM else _json(body)
    if _holds_nul(found):
        raise HTTPException(400, "The body holds a NUL character; leave it out.")
    return found


async def document(request: Request) -> dict[str, Any]:
    """A body that is JSON where nothing else is said; none is an object without a name.

    Raises: HTTPException 400, 413 or 415.
    """
    body = await _read(request)
    # The source of the calendar schedules API writes its content type in quotation marks.
    kind, _, _ = request.headers.get("content-type", JSON).strip('" ').lower().partition(";")
    if body and kind.strip('" ') != JSON:
        raise HTTPException(415, f"The body must be {JSON}, in UTF-8; name it in the header Content-Type.")
    found = _json(body) if body else {}
    if _holds_nul(found):
        raise HTTPException(400, "The body holds a NUL character; leave it out.")
    return found


async def calendar(request: Request) -> bytes:
    """A body that is an iCalendar object. Raises: HTTPException 400, 413 or 415."""
    body = await _read(request)
    kind, _, _ = request.headers.get("content-type", CALENDAR).lower().partition(";")
    if kind.strip() != CALENDAR:
        raise HTTPException(415, f"The body must be {CALENDAR}, in UTF-8; name it in the header Content-Type.")
    if b"\0" in body:
        raise HTTPException(400, "The body holds a NUL character; leave it out.")
    return body


async def _read(request: Request) -> bytes:
    too_large = HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes; send less in one call.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > LARGEST_BODY:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise too_large
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection ended before the body did.") from error
    return bytes(body)


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        message = f"The body is not a form in UTF-8 of at most {MOST_FIELDS:,} fields; percent-encode every value."
        raise HTTPException(400, message) from error
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in REPEATABLE:
            found.setdefault(name, []).append(value)
        elif found.setdefault(name, value) != value:
            raise HTTPException(400, f"{quoted(name)}: given twice with different values; give it once.")
    return found


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"The body is not JSON (line {error.lineno}, column {error.colno}).") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "The body must be a JSON object, a name for every value.")
    return found


def _holds_nul(value: Any) -> bool:
    """PostgreSQL takes every character but this one."""
    # Without recursion: what is nested deeply may come from anybody.
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str) and "\0" in each:
            return True
    return False


Document = Annotated[dict[str, Any], Depends(document)]
Calendar = Annotated[bytes, Depends(calendar)]
Fields = Annotated[dict[str, Any] | None, Depends(fields)]
Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], given: Mapping[str, Any] | None) -> Model:
    """Raises: HTTPException 400 that names every parameter which is not as it should be."""
    try:
        return model.model_validate(given or {})
    except ValidationError as error:
        raise HTTPException(400, sentence(error)) from error


MODES = ", ".join(UnlinkMode)


def unlink_mode(request: Request, body: Fields) -> UnlinkMode | None:
    """The mode that the query or the body names; None if neither does.

    Raises: HTTPException 400 for anything else than one of the four, and for parameters that would go unnoticed.
    """
    given = [*request.query_params.multi_items(), *(body or {}).items()]
    if unknown := {name for name, _ in given} - {"unlinkMode"}:
        raise HTTPException(400, f"{quoted(min(unknown))}: unknown parameter; unlinkMode is the only one here.")
    values = [value for _, value in given]
    if any(value != values[0] for value in values):
        raise HTTPException(400, "unlinkMode: given twice with different values; give it once.")
    if not values:
        return None
    try:
        return UnlinkMode(values[0])
    except ValueError as error:
        raise HTTPException(400, f"unlinkMode: unknown; expected one of {MODES}.") from error


OptionalMode = Annotated[UnlinkMode | None, Depends(unlink_mode)]


def required_mode(mode: OptionalMode) -> UnlinkMode:
    """Raises: HTTPException 400."""
    if mode is None:
        raise HTTPException(400, f"unlinkMode: missing; expected one of {MODES}.")
    return mode


Mode = Annotated[UnlinkMode, Depends(required_mode)]
