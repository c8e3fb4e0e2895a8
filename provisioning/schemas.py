"""What goes in and what comes out, as models: they check every input, and they are the OpenAPI document's answers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from schedules.retry import Status
from worker.ledger import UnlinkMode

LONGEST_NAME = 255
LONGEST_TEXT = 1_000
LARGEST_ID = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime | None) -> int | None:
    """Epoch milliseconds, as every instant of these answers."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


class UnlinkState(StrEnum):
    """How an unlink is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    DONE = "DONE"


class Shape(BaseModel):
    """Names as the API writes them, and no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, hide_input_in_errors=True)


class ErrorBody(Shape):
    error_type: str = Field(description="snake_case; follows from the status", examples=["validation_failed"])
    error_message: str = Field(description="A sentence that a person can act on")
    status: Literal["error"]


def _username(value: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise ValueError("expected no control characters")
    if value in {".", ".."}:
        raise ValueError("expected a name that can stand in a path, which . and .. cannot")
    return value


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Username = Annotated[Name, AfterValidator(_username)]


class Attribute(Shape):
    name: Name
    values: list[Annotated[str, Field(max_length=LONGEST_TEXT)]]


def _attributes(given: Any) -> Any:
    """`name=value` texts and `{name, values}` objects, in any mixture, as one list with each name once."""
    if not isinstance(given, list):
        return given
    merged: dict[str, list[str]] = {}
    for each in given:
        if isinstance(each, str):
            name, equals, value = each.partition("=")
            if not equals:
                raise ValueError("expected name=value")
            found = Attribute(name=name, values=[value])
        else:
            found = Attribute.model_validate(each)
        merged.setdefault(found.name, []).extend(found.values)
    return [Attribute(name=name, values=values) for name, values in merged.items()] or None


def _distinct(roles: Iterable[str] | None) -> list[str]:
    return list(dict.fromkeys(roles or ()))


def _none_if_empty(value: object) -> object:
    return value or None if isinstance(value, str) else value


class UserFields(Shape):
    """All of a user that a full replacement replaces."""

    display_name: Annotated[Annotated[str, Field(max_length=LONGEST_TEXT)] | None, BeforeValidator(_none_if_empty)] = (
        None
    )
    locale: Annotated[
        Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$")] | None,
        BeforeValidator(_none_if_empty),
    ] = None
    attributes: Annotated[list[Attribute] | None, BeforeValidator(_attributes)] = None
    roles: Annotated[list[Name] | None, AfterValidator(_distinct)] = Field(default=None, validate_default=True)


class NewUser(UserFields):
    username: Username


class ChangedUser(UserFields):
    """`username` may repeat the one in the path: what GET answered can be sent back as it is."""

    username: str | None = None


class User(Shape):
    username: str
    display_name: str | None
    locale: str | None = Field(examples=["nl-NL"])
    attributes: list[Attribute] | None
    roles: list[str]


class UserList(Shape):
    users: list[str]


class NewSynchronization(BaseModel):
    """The `provisioning_*` fields are the provider's to check."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    username: Name
    type: Name


class Enabling(Shape):
    enabled: bool


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("expected no NUL character")
    return text


STORABLE = {"pattern": r"^[^\x00]*$"}
Searched = Annotated[str, AfterValidator(_storable), Field(json_schema_extra=STORABLE)]


class SynchronizationFilter(Shape):
    status: Status | None = Field(None, description="Only those with this status")
    type: Searched | None = Field(None, description="Only those of this type")
    q: Searched | None = Field(None, description="Only those with this in their username or mailbox")
    limit: int | None = Field(None, ge=1, le=1_000_000, description="At most so many")
    offset: int = Field(0, ge=0, le=1_000_000_000, description="Leave out the first so many")


class UnlinkFilter(Shape):
    username: Searched | None = Field(None, description="Only those of this user, who may be gone")
    state: UnlinkState | None = Field(None, description="Only those in this state")
    limit: int = Field(100, ge=1, le=10_000, description="At most so many")
    offset: int = Field(0, ge=0, le=1_000_000_000, description="Leave out the first so many")


class Synchronization(Shape):
    id: int
    username: str
    type: str
    description: str = Field(description="The mailbox")
    enabled: bool
    status: Status
    last_resync: int | None = Field(description="Epoch milliseconds; null before the first full resync")
    status_detail: str = Field(description="A sentence, or nothing")
    last_sync: int | None = Field(description="Epoch milliseconds")
    next_sync: int | None = Field(description="Epoch milliseconds; null when disabled")


class SynchronizationList(Shape):
    synchronizations: list[Synchronization]


class SynchronizationAnswer(Shape):
    synchronization: Synchronization


class Run(Shape):
    started_at: int
    finished_at: int
    status: Status
    detail: str
    resync: bool
    created: int
    updated: int
    deleted: int
    kept: int
    failed: int


class Held(Shape):
    since: int = Field(description="Epoch milliseconds")
    going: int | None = Field(description="Events that would be removed; null if not known any more")
    of: int | None = Field(description="Of how many: of those to come, or of all; null if not known any more")
    confirmed_at: int | None = Field(
        description="Epoch milliseconds, from when on the same timetable passes; null while the whole tenant is held"
    )


class SynchronizationDetail(Synchronization):
    fields: dict[str, str] = Field(description="The provisioning_* fields it was made with")
    failures: int = Field(description="Failed runs since the last good one")
    held: Held | None = Field(description="The plan that waits; null if none does")
    events: dict[str, int] = Field(description="How many events the ledger knows, by state")
    runs: list[Run] = Field(description="The last ten runs that did or said something, newest first")


class SynchronizationDetailAnswer(Shape):
    synchronization: SynchronizationDetail


class Unlink(Shape):
    id: int
    synchronization_id: int
    username: str
    type: str
    description: str = Field(description="The mailbox")
    mode: UnlinkMode
    state: UnlinkState
    found: int = Field(description="Events that were to go")
    removed: int
    remaining: int
    error: str = Field(description="Why the last attempt did not get to the end, or nothing")
    accepted_at: int = Field(description="Epoch milliseconds; the now of DELETE_FUTURE_EVENTS")
    finished_at: int | None = Field(description="Epoch milliseconds")


class UnlinkAnswer(Shape):
    unlink: Unlink


class UnlinkList(Shape):
    unlinks: list[Unlink]


class PreviewedEvent(Shape):
    start: int = Field(description="Epoch milliseconds")
    end: int = Field(description="Epoch milliseconds")
    title: str
    key: str
    synchronization: str = Field(description="The id in the mark; another one under CLEANUP, or of an adopted event")


class ReleasePreview(Shape):
    count: int
    events: list[PreviewedEvent]


class Preview(ReleasePreview):
    unlink_mode: UnlinkMode


class Part(Shape):
    ok: bool
    milliseconds: float | None = Field(description="How long its answer took")


class Beat(Shape):
    ok: bool
    age_seconds: float | None = Field(description="Since the beat's last sign of life; null if there is none")


class Health(Shape):
    status: Literal["ok", "degraded", "down"]
    database: Part
    redis: Part
    beat: Beat
    away: list[str] = Field(description="Types of provider whose server answers no mailbox")
