"""Timetables out of MyTimetable, over its API.

See: the vendor's page «MyTimetable API», and docs/timetable-api.md for the resources that are read.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FilePath

from timetables._held import Held, Moment
from timetables._mytimetable_errors import ELSEWHERE
from timetables._mytimetable_events import events, labels, profile, unwished_groups
from timetables._mytimetable_questions import Known, Question, milliseconds
from timetables._mytimetable_settings import BaseUrl, Token
from timetables._mytimetable_subscriptions import subscribed
from timetables._mytimetable_terms import ABSENT, reach, unknown
from timetables._mytimetable_weeks import labelled, week_labels
from timetables._mytimetable_wire import NOTHING, Answer, Version, Wire, databases
from timetables.base import ContractBroken, Person, PersonUnknown, SourceEvent, Timetable

T = TypeVar("T")
Headers = Mapping[str, str | bytes]
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_NO_GROUPS = b'{"filteringEnabled":false}'
"""What a site without /eventtypegroups (before 3.0) would say there."""
_NO_LABELS = b"{}"
"""What stands for a map of week labels that is not there: all of them before 2.7, or the one named in week_labels."""


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Settings(BaseModel):
    """`[tenants.X.timetable]` with `source = "mytimetable"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    urls: Annotated[
        list[BaseUrl],
        Field(
            min_length=1, max_length=8, description="Base URLs of the API, tried in this order; each ends in /api/v0/."
        ),
    ]
    token: Annotated[Token, Field(description="API token with elevated privileges: it reads for everybody.")]
    token_expires: Moment | None = Field(None, description="When the token runs out; it does not tell itself.")
    username_prefix: str = Field("", max_length=100, description="Put before every username, like `DOMAIN\\`.")
    username_postfix: str = Field("", max_length=100, description="Put after every username, like `@example.org`.")
    ca_file: FilePath | None = Field(None, description="PEM file of the authority that signed the site's certificate.")
    week_labels: str = Field(
        "", pattern=r"^[\w.~-]*$", max_length=100, description="Key of the map of week labels to be read."
    )
    terms: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
        BeforeValidator(_several),
        Field(max_length=100, description="Keys or ids of terms that the window does not end inside, or `all`."),
    ] = ()
    connect_timeout: float = Field(1.0, ge=0.1, le=60, description="Seconds to wait for a connection.")
    read_timeout: float = Field(10.0, ge=0.1, le=300, description="Seconds to wait for the next piece of an answer.")
    pool: int = Field(16, ge=1, le=256, description="Connections to one site, and requests under way, in one process.")
    max_bytes: int = Field(20_000_000, ge=10_000, le=500_000_000, description="Longest answer, in bytes once unpacked.")
    max_events: int = Field(20_000, ge=100, le=200_000, description="Most events of one person in one answer.")

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The token, which reads for everybody."""
        return (Held("TIMETABLE_TOKEN", "token", expires=self.token_expires),)


def connect(settings: Settings, zone: str) -> "MyTimetable":
    """The institution's source; `zone` is the IANA zone of times that come without one. Makes no request."""
    return MyTimetable(settings, ZoneInfo(zone))


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the site knows them. The feed's URL holds a secret of theirs."""

    username: str
    roles: tuple[str, ...]
    feed_url: str = field(repr=False)


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
        `validator`, which asked for the same person, locale, start and end. With `terms`, those up to the end of a term
        that `end` is inside.

        Two requests: for the events, and for the event type groups that the person does not want in the calendar; with
        `week_labels` one more for these, and one for `terms`. Raises: SourceError.
        """
        question = Question(self._headers(person), (start, end), self._settings.week_labels, self._settings.terms)
        known = Known.read(validator, question)
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
        roles = ", ".join(self.whoami(person).roles) or "nobody special"
        return f"{presence} It knows {person.username} as {roles}, with {self._subscribed(person)}."

    def _subscribed(self, person: Person) -> str:
        headers = self._headers(person)
        return self._first(lambda base: subscribed(*self._wire.get(f"{base}subscriptions", headers).content()))

    def _presence(self, base: str) -> str:
        answer = databases(self._wire, base, self._credentials())
        told = f"MyTimetable at {base} answers, databases {', '.join(labels(*answer.content())) or 'none'}."
        key, terms = self._settings.week_labels, self._settings.terms
        if key and not week_labels(*self._labels(base, self._credentials(), NOTHING).content()):
            raise ContractBroken(f"{told} It has no week labels {key}: correct week_labels in the timetable's section.")
        if terms and (strange := unknown(*self._terms(base, NOTHING).content(), terms)):
            raise ContractBroken(
                f"{told} It has no term {', '.join(strange)}: correct terms in the timetable's section."
            )
        return told

    def _first(self, ask: Callable[[str], T]) -> T:
        """What the first base URL says at which the API answers at all; the last one's failure if none does."""
        *others, last = self._settings.urls
        for base in others:
            with suppress(*ELSEWHERE):
                return ask(base)
        return ask(last)

    def _reading(self, base: str, question: Question, known: Known) -> Timetable | None:
        if not question.terms:
            return self._read(base, question, known)
        reached = self._reach(base, question, known.reach)
        if reached.digest != known.reach.digest:
            # What answered for another span proves nothing about this one.
            known = Known(known.question)
        further = question.reaching(reached)
        timetable = self._read(base, further, replace(known, reach=reached))
        return replace(timetable, end=further.window[1]) if timetable else None

    def _reach(self, base: str, question: Question, known: Version) -> Version:
        answer = self._terms(base, known)
        if not answer.body:
            return known
        end = reach(*answer.content(), question.terms, question.window, self._zone)
        return Version(answer.version.etag, milliseconds(end))

    def _read(self, base: str, question: Question, known: Known) -> Timetable | None:
        asks = self._asks(base, question)
        versions = known.versions if len(known.versions) == len(asks) else (NOTHING,) * len(asks)
        answers = [ask(version) for ask, version in zip(asks, versions, strict=True)]
        if [each.version.digest for each in answers] == [each.digest for each in versions]:
            return None
        # Where only some are «not modified», their bodies are needed after all.
        whole = [each if each.body else ask(NOTHING) for ask, each in zip(asks, answers, strict=True)]
        now_known = replace(known, versions=tuple(each.version for each in whole))
        return Timetable(self._events(*whole), str(now_known))

    def _asks(self, base: str, question: Question) -> list[Callable[[Version], Answer]]:
        """What is asked, each beside the version of it that is known."""
        asks = [
            partial(self._timetable, base, question.headers, question.span),
            partial(self._groups, base, question.headers),
        ]
        return [*asks, partial(self._labels, base, question.headers)] if question.week_labels else [*asks]

    def _events(self, timetable: Answer, groups: Answer, weeks: Answer | None = None) -> list[SourceEvent]:
        unwished = unwished_groups(*groups.content())
        found = events(*timetable.content(), self._zone, unwished, self._settings.max_events)
        return labelled(found, week_labels(*weeks.content()), self._zone) if weeks else found

    def _timetable(self, base: str, headers: Headers, span: Mapping[str, str], known: Version) -> Answer:
        return self._wire.get(f"{base}timetable", headers, span, known=known)

    def _groups(self, base: str, headers: Headers, known: Version) -> Answer:
        return self._wire.get(f"{base}eventtypegroups", headers, known=known, absent=_NO_GROUPS)

    def _labels(self, base: str, headers: Headers, known: Version) -> Answer:
        where = f"{base}weeklabelmaps/{self._settings.week_labels}"
        return self._wire.get(where, headers, known=known, absent=_NO_LABELS)

    def _terms(self, base: str, known: Version) -> Answer:
        """They are nobody's: what is asked is the same for everybody, and a proxy may know the answer."""
        return self._wire.get(f"{base}terms", self._credentials(), known=known, personal=False, absent=ABSENT)

    def _headers(self, person: Person) -> dict[str, str | bytes]:
        name = f"{self._settings.username_prefix}{person.username}{self._settings.username_postfix}"
        if not name.isprintable() or name != name.strip() or not person.username:
            raise PersonUnknown("No username of MyTimetable is empty or holds control characters; correct the user's.")
        locale = person.locale.replace("_", "-")
        language = {"Accept-Language": locale} if _LOCALE.fullmatch(locale) else {}
        return {**self._credentials(), "requestedAuth": name.encode(), **language}

    def _credentials(self) -> dict[str, str | bytes]:
        return {"apiToken": self._settings.token.get_secret_value(), "Accept": "application/json"}
