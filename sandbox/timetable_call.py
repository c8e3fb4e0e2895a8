"""One request to the timetable API, as its resources look at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from sandbox import timetable_access as access
from sandbox.institution import Institution
from sandbox.institution_model import Person
from sandbox.institution_request import RefusedError, form, moment_of
from sandbox.institution_wishes import Wishes
from sandbox.timetable_formats import HTML_TOO, preferences

_FILTER = "Filter"


@dataclass(frozen=True, slots=True)
class Call:
    """`fields` are those of the URL and of the body. All methods raise RefusedError for what they cannot read."""

    institution: Institution
    request: Request
    caller: access.Caller
    fields: tuple[tuple[str, str], ...]

    @classmethod
    async def of(cls, institution: Institution, request: Request) -> "Call":
        caller = access.caller(institution, request)
        url = parse_qsl(request.url.query, keep_blank_values=True)
        return cls(institution, request, caller, (*url, *await form(request)))

    @property
    def person(self) -> Person:
        """Whom it is about."""
        return access.person(self.caller)

    @property
    def wishes(self) -> Wishes:
        return self.institution.wishes(self.person.username)

    @property
    def dutch(self) -> bool:
        """Whether the best liked language that there is here is Dutch; without any it is English."""
        asked = preferences(self.request.headers.get("Accept-Language", ""))
        return next((each.startswith("nl") for each in asked if each.partition("-")[0] in {"nl", "en"}), False)

    @property
    def html(self) -> bool:
        return HTML_TOO in preferences(self.request.headers.get("Accept", ""))

    @property
    def database(self) -> str:
        """The parameter d, or else the current database."""
        return self.get("d") or self.institution.databases[0]

    @property
    def kinds(self) -> dict[str, Any]:
        """Which subscriptions are asked for, by their kinds, in the words of `Wishes.subscriptions`."""
        return {"kinds": self.every("type"), "exclude_resources": self.flag("excludeResourceTimetables")}

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        return self.moment("startDate"), self.moment("endDate")

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def every(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.every(name)), None)

    def required(self, name: str) -> str:
        if value := self.get(name):
            return value
        raise RefusedError(400, "MissingParameter", f"The parameter {name} is required")

    def filters(self) -> Mapping[str, list[str]]:
        """The values of each parameter like `departmentFilter`, by what stands before `Filter`."""
        names = dict.fromkeys(name for name, _ in self.fields if name.endswith(_FILTER))
        return {name.removesuffix(_FILTER): self.every(name) for name in names}

    def number(self, name: str) -> int:
        """A parameter that counts; 0 when it is absent."""
        text = self.get(name) or "0"
        if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - nobody asks for a billion
            raise RefusedError(400, "BadParameter", f"Not a number: {name}={text}")
        return int(text)

    def flag(self, name: str) -> bool:
        """A switch; off when it is absent."""
        text = (self.get(name) or "false").lower()
        if text not in {"true", "false"}:
            raise RefusedError(400, "BadParameter", f"Neither true nor false: {name}={text}")
        return text == "true"

    def moment(self, name: str) -> datetime | None:
        return moment_of(text, self.institution) if (text := self.get(name)) else None

    def page(self, found: list[Any]) -> list[Any]:
        """What limit and offset leave of a listing."""
        return found[self.number("offset") :][: self.number("limit") or None]

    def needs(self, *scopes: str) -> None:
        """Refuses an OAuth token that has none of these scopes."""
        if self.person and self.caller.scopes.isdisjoint(scopes):
            raise RefusedError(403, "InsufficientScope", f"This takes the scope {' or '.join(scopes)}")

    def needs_role(self, role: str) -> None:
        """Refuses whatever is no API token with this role."""
        if role not in self.caller.roles:
            raise RefusedError(403, "Forbidden", f"This takes an API token with {role}")
