"""A request to Microsoft Graph and its answer, as values: the same alone and inside a `$batch`."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is unquoted and follows `/v1.0`, which `base` ends with; names in `headers` are in lower case; `body` is
    JSON, None for none.
    """

    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: Any
    base: str

    def preferences(self) -> dict[str, str]:
        """What the header `Prefer` asks for, names in lower case."""
        pairs = re.findall(r'([\w.-]+)\s*=\s*"?([^",]*)"?', self.headers.get("prefer", ""))
        return {name.lower(): value for name, value in pairs}


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, None for none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class GraphError(Exception):
    """A refusal in Graph's words. `extra` stands in the error beside its code and message."""

    def __init__(self, status: int, code: str, message: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.extra = extra or {}


class NotPlayedError(GraphError):
    """The request is outside Microsoft's contract, or asks for what the sandbox does not play."""

    def __init__(self, message: str, code: str = "BadRequest") -> None:
        super().__init__(400, code, message)


class Contract(Protocol):
    """Microsoft's contract. Both tell what is outside of it, in a sentence each; `path` is that of a `Call`."""

    def request(self, verb: str, path: str, query: list[tuple[str, str]], body: Any) -> list[str]: ...

    def response(self, verb: str, path: str, status: int, body: Any) -> list[str]: ...


def refusal(error: GraphError, headers: Mapping[str, str] | None = None) -> Answer:
    """See: https://learn.microsoft.com/graph/errors"""
    asked, when = str(uuid.uuid4()), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    inner = {"date": when, "request-id": asked, "client-request-id": asked}
    told = {"code": error.code, "message": str(error), **error.extra, "innerError": inner}
    return Answer(error.status, {"error": told}, headers or {})
