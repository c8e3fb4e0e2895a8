"""What a call that fails answers: `{"errorType", "errorMessage", "status"}`, the framework's own refusals included.

Calls raise `HTTPException(status, sentence)`. The `errorType` follows from the status: a program need not know more.
"""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhaustedError
from starlette.exceptions import HTTPException
from starlette.routing import Match

TYPES = {
    400: "validation_failed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "content_too_large",
    415: "unsupported_media_type",
    422: "unprocessable_content",
    429: "too_many_requests",
    500: "internal_error",
    503: "service_unavailable",
}
_UNSAID = {
    404: "There is nothing at this path; /docs lists every call.",
    405: "This path does not take that method; the header Allow names those it takes.",
}
_LONGEST_NAME = 100
_MOST_PROBLEMS = 10
_RETRY_AFTER = 5
"""Seconds a caller is asked to wait for a database that is away: about what a restart takes."""

_log = logging.getLogger("carillon.api")


class Json(Response):
    """JSON that no cache between us and the caller may keep: it is about people."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(content, status_code, {"Cache-Control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def answer(status: int, message: str, headers: dict[str, str] | None = None) -> Json:
    """The body of an error."""
    kind = TYPES.get(status, "error")
    return Json({"errorType": kind, "errorMessage": message, "status": "error"}, status, headers)


def sentence(problem: ValidationError | RequestValidationError) -> str:
    """All that a validation found, each with the parameter's name and what was expected; values are not repeated."""
    said = [_problem(each) for each in problem.errors()[:_MOST_PROBLEMS]]
    return "; ".join(said) + "."


def _problem(error: Any) -> str:
    place = [quoted(str(part)) for part in error["loc"] if part not in {"query", "path", "header"}]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        message = "missing; it is required"
    if error["type"] == "extra_forbidden":
        message = "unknown parameter"
    if error["type"] == "model_type":
        message = "expected an object, a name for every value"
    return ": ".join([*([".".join(place)] if place else []), message])


def quoted(name: str) -> str:
    """A parameter's name as an error may repeat it: whole, if a line bears it."""
    return name if len(name) <= _LONGEST_NAME and name.isprintable() else "(a name that cannot be shown)"


def install(app: FastAPI) -> None:
    """Give `app` these answers for everything that can go wrong in a call."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    for away in (OperationalError, InterfaceError, PoolExhaustedError):
        app.add_exception_handler(away, _away)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone; Starlette's signature is wider
    headers = dict(error.headers or {})
    message = error.detail
    if message == HTTPStatus(error.status_code).phrase:
        message = _UNSAID.get(error.status_code, message)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods(request))}
    return answer(error.status_code, message, headers)


def _methods(request: Request) -> list[str]:
    """Every method of the path asked for; the framework names those of the first route that it came upon."""
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        if context.matches(request.scope)[0] is not Match.NONE:
            methods |= context.methods or set()
    return sorted(methods)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    return answer(400, sentence(error))


async def _away(_: Request, error: Exception) -> Response:
    _log.warning("database away reason=%s", type(error).__name__)
    message = "The database does not answer at the moment; nothing was changed. Try again in a few seconds."
    return answer(503, message, {"Retry-After": str(_RETRY_AFTER)})
