"""What the parameters of a request to the institution say: dates in every documented form, switches and forms."""

import re
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox.institution import Institution

FORM = "application/x-www-form-urlencoded"


class RefusedError(Exception):
    """Answered with `status` and the documented error body: `kind` is its errorType."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


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


async def form(request: Request) -> list[tuple[str, str]]:
    """The fields of an `application/x-www-form-urlencoded` body; of no body none."""
    body = await request.body()
    if body and request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise RefusedError(415, "UnsupportedMediaType", f"The body must be {FORM}")
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
