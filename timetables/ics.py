"""Timetables out of iCalendar: feeds at addresses, files in a folder, and the feeds that a MyTimetable site tells of.

See: RFC 5545; RFC 7986.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    field_validator,
    model_validator,
)
from requests.auth import HTTPBasicAuth

from timetables._held import Held, Moment
from timetables._ics_events import count, events
from timetables._ics_feeds import Address, FeedOf, File, of_site, of_template, presence, read
from timetables._ics_texts import checked
from timetables._ics_wire import NOTHING, Bounds, Version, Wire, digest, place
from timetables._mytimetable_wire import Wire as SiteWire
from timetables.base import Person, PersonUnknown, Timetable, Unavailable

_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_MEGABYTE = 1_000_000


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_several)]


class Settings(BaseModel):
    """`[tenants.X.timetable]` with `source = "ics"`: one of `url`, `file` and `feed_of`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Address | None = Field(None, description="A person's feed, with `{username}` in it. May hold a secret.")
    file: File | None = Field(None, description="A person's file, with `{username}` in its name.")
    feed_of: FeedOf | None = Field(None, description="A MyTimetable site that tells the feeds: its `url` and `token`.")
    username: str = Field("", max_length=200, description="Whom we sign in as at `url`, with HTTP's basic method.")
    password: SecretStr | None = Field(None, description="And the password.")
    password_expires: Moment | None = Field(None, description="When the password runs out; it does not tell itself.")
    username_prefix: str = Field("", max_length=100, description="Put before every username.")
    username_postfix: str = Field("", max_length=100, description="Put after every username, like `@example.org`.")
    patterns: dict[str, Patterns] = Field({}, description="Regular expressions by property, for our fields in it.")
    allow_private: bool = Field(default=False, description="Whether feeds may be at addresses of private networks.")
    ca_file: FilePath | None = Field(None, description="PEM file of the authority that signed the certificates.")
    connect_timeout: float = Field(3.0, ge=0.1, le=60, description="Seconds to wait for a connection.")
    read_timeout: float = Field(10.0, ge=0.1, le=300, description="Seconds to wait for the next piece of an answer.")
    timeout: float = Field(60.0, ge=1, le=600, description="Seconds that the body of an answer may take.")
    pool: int = Field(16, ge=1, le=256, description="Requests to a host under way at a time, in one process.")
    max_megabytes: int = Field(20, ge=1, le=500, description="Longest answer, in megabytes once unpacked.")
    max_events: int = Field(20_000, ge=100, le=200_000, description="Most events of one person, series counted out.")

    @field_validator("patterns")
    @classmethod
    def _patterns(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        checked(value)
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(each is not None for each in (self.url, self.file, self.feed_of)) != 1:
            raise ValueError("expected one of url, file and feed_of")
        if bool(self.username) != (self.password is not None) or (self.username and self.url is None):
            raise ValueError("expected username and password together, and beside url")
        return self

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The password, or the site's token."""
        if self.feed_of:
            return (Held("TIMETABLE_TOKEN", "feed_of.token", expires=self.feed_of.token_expires),)
        return (Held("PASSWORD", "password", expires=self.password_expires),) if self.password else ()


def connect(settings: Settings, zone: str) -> "Ics":
    """The institution's source; `zone` is the IANA zone of days, and of times without one. Makes no request."""
    return Ics(settings, ZoneInfo(zone))


class Ics:
    """The feeds of one institution. Shared between threads; keeps connections and nothing else."""

    def __init__(self, settings: Settings, zone: ZoneInfo) -> None:
        self._settings = settings
        self._zone = zone
        self._patterns = checked(settings.patterns)
        self._max_bytes = settings.max_megabytes * _MEGABYTE
        timeout = (settings.connect_timeout, settings.read_timeout)
        self._wire = Wire(
            Bounds(timeout, settings.timeout, self._max_bytes),
            pool=settings.pool,
            ca_file=settings.ca_file,
            allow_private=settings.allow_private,
        )
        self._site = SiteWire(
            pool=settings.pool, sites=1, timeout=timeout, ca_file=settings.ca_file, max_bytes=_MEGABYTE
        )
        held = settings.password
        self._auth = HTTPBasicAuth(settings.username.encode(), held.get_secret_value().encode()) if held else None

    def fetch(self, person: Person, start: datetime, end: datetime, validator: str | None = None) -> Timetable | None:
        """The events of `person` that touch `[start, end)`, or None: nothing changed since the reading that gave
        `validator`, which was for the same person, locale, start, end and settings.

        Raises: SourceError.
        """
        name, headers = self._name(person), _language(person)
        url = self._address(name)
        question = self._question(name, url, headers, start, end)
        known = _known(validator, question)
        answer = self._answer(name, url, headers, known)
        if answer is None or answer[1].digest == known.digest:
            return None
        body, version, where = answer
        found = events(body, where, self._zone, (start, end), self._patterns, self._settings.max_events)
        said = orjson.dumps([question, version.etag, version.modified, version.digest])
        return Timetable(found, said.decode())

    def check(self, person: Person | None = None) -> str:
        """What answers there and, with a person, how many events their feed holds. Raises: SourceError."""
        presence = self._presence()
        if person is None:
            return presence
        name = self._name(person)
        answer = self._answer(name, self._address(name), _language(person), NOTHING)
        number = count(*answer[::2], self._settings.max_events) if answer else 0
        return f"{presence} That of {person.username} holds {number:,} events."

    def _presence(self) -> str:
        if self._settings.file:
            folder = self._settings.file.parent
            if not folder.is_dir():
                raise Unavailable(f"The folder {folder} is not there: make it, or mount it; look at file.")
            return f"iCalendar files are read from {folder}."
        if self._settings.feed_of:
            return presence(self._site, self._settings.feed_of)
        host = place(self._template()).removesuffix("…")
        return f"{host} answers with {self._wire.answers(host)}; iCalendar feeds are read there."

    def _answer(
        self, name: str, url: str, headers: Mapping[str, str], known: Version
    ) -> tuple[bytes, Version, str] | None:
        """What stands in a person's feed, its version and where it was read; None if it is the version we know."""
        if self._settings.file:
            body = read(self._settings.file, name, self._max_bytes)
            return body, Version(digest=digest(body)), f"A file in {self._settings.file.parent}"
        answer = self._wire.get(url, headers, known, self._auth)
        return (*answer, f"GET {place(url)}") if answer else None

    def _address(self, name: str) -> str:
        """Where a person's feed is; empty where it is a file."""
        if self._settings.file:
            return ""
        site = self._settings.feed_of
        return of_site(self._site, site, name) if site else of_template(self._template(), name)

    def _template(self) -> str:
        return self._settings.url.get_secret_value() if self._settings.url else ""

    def _name(self, person: Person) -> str:
        name = f"{self._settings.username_prefix}{person.username}{self._settings.username_postfix}"
        if not name.isprintable() or name != name.strip() or not person.username:
            raise PersonUnknown("No username of a feed is empty or holds control characters; correct the user's.")
        return name

    def _question(self, name: str, url: str, headers: Mapping[str, str], start: datetime, end: datetime) -> str:
        """The digest of what is asked and where, and of how an answer is read: one to another question proves nothing.

        The settings keep their secrets to themselves, the address among them.
        """
        asked = (name, url, sorted(headers.items()), start, end, self._zone.key, self._settings.model_dump_json())
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:32]


def _language(person: Person) -> dict[str, str]:
    locale = person.locale.replace("_", "-")
    return {"Accept-Language": locale} if _LOCALE.fullmatch(locale) else {}


def _known(validator: str | None, question: str) -> Version:
    """What `validator` says, if it is ours and about the same question; else that nothing is known."""
    with suppress(ValueError, TypeError):
        asked, *version = orjson.loads(validator or "")
        if asked == question:
            return Version(*version)
    return NOTHING
