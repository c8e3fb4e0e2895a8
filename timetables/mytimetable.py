"""Timetables out of MyTimetable, over its API.

See: the vendor's page «MyTimetable API»; resources /timetable, /eventtypegroups, /user and /databasedetails.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr

from timetables._mytimetable_errors import ELSEWHERE
from timetables._mytimetable_events import events, labels, profile, unwished_groups
from timetables._mytimetable_wire import NOTHING, Answer, Version, Wire
from timetables.base import Person, PersonUnknown, Timetable

T = TypeVar("T")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_NO_GROUPS = b'{"filteringEnabled":false}'
"""What a site without /eventtypegroups (before 3.0) would say there."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _base_url(text: str) -> str:
    no_address = ValueError("expected the address of the API, like https://timetable.example.org/api/v0/")
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        # What urllib says of a password with a slash or a bracket in it quotes that.
        raise no_address from None
    path = re.fullmatch(r"(/.*)?/api/v\d+/?", url.path)
    if url.scheme not in {"http", "https"} or not host or not path or url.query or url.fragment or "@" in url.netloc:
        raise no_address
    if url.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("must begin with https:// (http:// only for this machine): the token reads for everybody")
    return text.rstrip("/") + "/"


def _token(secret: SecretStr) -> SecretStr:
    token = secret.get_secret_value().strip()
    if not (token and token.isascii() and token.isprintable()):
        raise ValueError("expected the API token, one line of ASCII")
    return SecretStr(token)


class Settings(BaseModel):
    """`[tenants.X.timetable]` with `source = "mytimetable"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    urls: Annotated[
        list[Annotated[str, AfterValidator(_base_url)]],
        Field(
            min_length=1, max_length=8, description="Base URLs of the API, tried in this order; each ends in /api/v0/."
        ),
    ]
    token: Annotated[
        SecretStr,
        AfterValidator(_token),
        Field(description="API token with elevated privileges: it reads for everybody."),
    ]
    username_prefix: str = Field("", max_length=100, description="Put before every username, like `DOMAIN\\`.")
    username_postfix: str = Field("", max_length=100, description="Put after every username, like `@example.org`.")
    ca_file: FilePath | None = Field(None, description="PEM file of the authority that signed the site's certificate.")
    connect_timeout: float = Field(1.0, ge=0.1, le=60, description="Seconds to wait for a connection.")
    read_timeout: float = Field(10.0, ge=0.1, le=300, description="Seconds to wait for the next piece of an answer.")
    pool: int = Field(16, ge=1, le=256, description="Connections to one site, and requests under way, in one process.")
    max_bytes: int = Field(20_000_000, ge=10_000, le=500_000_000, description="Longest answer, in bytes once unpacked.")
    max_events: int = Field(20_000, ge=100, le=200_000, description="Most events of one person in one answer.")


def connect(settings: Settings, zone: str) -> "MyTimetable":
    """The institution's source; `zone` is the IANA zone of times that come without one. Makes no request."""
    return MyTimetable(settings, ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the site knows them. The feed's URL holds a secret of theirs."""

    username: str
    roles: tuple[str, ...]
    feed_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked for one person, and its digest: an answer to another question proves nothing."""

    headers: Mapping[str, str | bytes]
    span: Mapping[str, str]

    def digest(self) -> str:
        asked = {name: value for name, value in self.headers.items() if name != "apiToken"}
        return hashlib.sha256(repr((asked, self.span)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a validator says of an earlier reading: which versions answered which question."""

    question: str
    timetable: Version = NOTHING
    groups: Version = NOTHING

    def __str__(self) -> str:
        versions = [[each.etag, each.digest] for each in (self.timetable, self.groups)]
        return orjson.dumps([self.question, *versions]).decode()

    @classmethod
    def read(cls, validator: str | None, question: str) -> "_Known":
        """What `validator` says, if it is ours and about the same question; else that nothing is known."""
        with suppress(ValueError, TypeError):
            asked, timetable, groups = orjson.loads(validator or "")
            if asked == question:
                return cls(question, Version(*timetable), Version(*groups))
        return cls(question)


class MyTimetable:
    """One institution's site. Shared between threads; keeps connections and nothing else."""

    def __init__(self, settings: Settings, zone: ZoneInfo) -> None:
        self._settings = settings
        self._zone = zone
        self._wire = Wire(
            pool=settings.pool,
            sites=len(settings.urls),
            timeout=(settings.connect_timeout, settings.read_timeout),
            ca_file=settings.ca_file,
            max_bytes=settings.max_bytes,
        )

    def fetch(self, person: Person, start: datetime, end: datetime, validator: str | None = None) -> Timetable | None:
        """The events of `person` that touch `[start, end)`, or None: nothing changed since the reading that gave
        `validator`, which asked for the same person, locale, start and end.

        Two requests: for the events, and for the event type groups that the person does not want in the calendar.
        Raises: SourceError.
        """
        question = _Question(self._headers(person), {"startDate": _milliseconds(start), "endDate": _milliseconds(end)})
        known = _Known.read(validator, question.digest())
        return self._first(lambda base: self._reading(base, question, known))

    def whoami(self, person: Person) -> Profile:
        """The person as the site knows them. Raises: SourceError."""
        headers = self._headers(person)
        return self._first(lambda base: Profile(*profile(*self._wire.get(f"{base}user", headers).content())))

    def check(self, person: Person | None = None) -> str:
        """Which address answers, the databases it has and, with a person, the roles it knows them by.

        Raises: SourceError.
        """
        presence = self._first(self._presence)
        if person is None:
            return presence
        return f"{presence} It knows {person.username} as {', '.join(self.whoami(person).roles) or 'nobody special'}."

    def _presence(self, base: str) -> str:
        answer = self._wire.get(f"{base}databasedetails", self._credentials(), personal=False)
        return f"MyTimetable at {base} answers, databases {', '.join(labels(*answer.content())) or 'none'}."

    def _first(self, ask: Callable[[str], T]) -> T:
        """What the first base URL says at which the API answers at all; the last one's failure if none does."""
        *others, last = self._settings.urls
        for base in others:
            with suppress(*ELSEWHERE):
                return ask(base)
        return ask(last)

    def _reading(self, base: str, question: _Question, known: _Known) -> Timetable | None:
        timetable = self._timetable(base, question, known.timetable)
        groups = self._groups(base, question, known.groups)
        if (timetable.version.digest, groups.version.digest) == (known.timetable.digest, known.groups.digest):
            return None
        # Only one of the two is «not modified»: its body is needed after all.
        timetable = timetable if timetable.body else self._timetable(base, question, NOTHING)
        groups = groups if groups.body else self._groups(base, question, NOTHING)
        found = events(*timetable.content(), self._zone, unwished_groups(*groups.content()), self._settings.max_events)
        return Timetable(found, str(_Known(known.question, timetable.version, groups.version)))

    def _timetable(self, base: str, question: _Question, known: Version) -> Answer:
        return self._wire.get(f"{base}timetable", question.headers, question.span, known=known)

    def _groups(self, base: str, question: _Question, known: Version) -> Answer:
        return self._wire.get(f"{base}eventtypegroups", question.headers, known=known, absent=_NO_GROUPS)

    def _headers(self, person: Person) -> dict[str, str | bytes]:
        name = f"{self._settings.username_prefix}{person.username}{self._settings.username_postfix}"
        if not name.isprintable() or name != name.strip() or not person.username:
            raise PersonUnknown("No username of MyTimetable is empty or holds control characters; correct the user's.")
        locale = person.locale.replace("_", "-")
        language = {"Accept-Language": locale} if _LOCALE.fullmatch(locale) else {}
        return {**self._credentials(), "requestedAuth": name.encode(), **language}

    def _credentials(self) -> dict[str, str | bytes]:
        return {"apiToken": self._settings.token.get_secret_value(), "Accept": "application/json"}


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
