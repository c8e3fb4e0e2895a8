"""What a request to the timetable API says: who asks, on whose behalf, and for which days."""

import re
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.institution import Institution


class RefusedError(Exception):
    """Answered with `status` and the documented error body: `kind` is its errorType."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def authenticate(institution: Institution, request: Request) -> str:
    """The API token, if it is one of the two."""
    token = _header(request, "apiToken")
    if token not in {institution.elevated_token, institution.ordinary_token}:
        raise RefusedError(401, "Unauthorized", "The header apiToken is missing or holds no valid token")
    return token


def username(institution: Institution, request: Request) -> str:
    """Whose timetable is asked for: `requestedAuth`, which takes an elevated token."""
    if authenticate(institution, request) != institution.elevated_token:
        raise RefusedError(403, "Forbidden", "This token has no elevated privileges")
    name = _header(request, "requestedAuth")
    if not name:
        raise RefusedError(401, "Unauthorized", "The header requestedAuth is missing")
    return institution.person(name).username


def _header(request: Request, name: str) -> str:
    """Starlette reads headers as Latin-1; clients send UTF-8."""
    return request.headers.get(name, "").encode("latin-1").decode("utf-8", "replace")


def span(institution: Institution, request: Request) -> tuple[datetime | None, datetime | None]:
    """The parameters startDate and endDate."""
    start, end = (
        moment_of(text, institution) if (text := request.query_params.get(name)) else None
        for name in ("startDate", "endDate")
    )
    return start, end


def moment_of(text: str, institution: Institution) -> datetime:
    """The moment that a date parameter names, in any of the documented forms; local time unless it says otherwise."""
    today = institution.now().astimezone(institution.zone).date()
    try:
        if text in {"today", "tomorrow"}:
            day = today + timedelta(days=text == "tomorrow")
            return datetime.combine(day, time(), institution.zone).astimezone(UTC)
        if re.fullmatch(r"-?\d{9,}", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        # The legacy form has slashes, and a plus sign that nobody quoted arrives as a space.
        moment = datetime.fromisoformat(re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", text.replace("/", "-")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=institution.zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedError(400, "BadParameter", f"Not a date: {text}") from error


def flag(text: str | None) -> bool:
    return text is not None and text.lower() == "true"


def number(request: Request, name: str) -> int:
    """A parameter that counts; 0 when it is absent."""
    text = request.query_params.get(name, "0")
    if not re.fullmatch(r"\d{1,9}", text):
        raise RefusedError(400, "BadParameter", f"Not a number: {name}={text}")
    return int(text)


async def form(request: Request) -> list[tuple[str, str]]:
    """The fields of an `application/x-www-form-urlencoded` body."""
    return parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
