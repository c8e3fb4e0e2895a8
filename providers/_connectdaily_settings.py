"""What an administrator says about Connect Daily, and what is said of one synchronization with it."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator

from providers._address import safe
from providers._connectdaily_payload import Layout
from providers._held import Held, Moment
from providers._limits import Limited

Ours = Literal["title", "description", "start", "end", "location"]
FIELDS: Mapping[Ours, str] = MappingProxyType(
    {
        "title": "description",
        "description": "long_description",
        "start": "starting_time",
        "end": "ending_time",
        "location": "contact_name",
    }
)
"""What we write, and the field of Connect Daily's events that it goes to where the settings name no other."""
FIXED = frozenset(
    {
        "cal_item_id",
        "itemguid",
        "starting_date",
        "ending_date",
        "exceptions",
        "rec_type",
        "calendar_id",
        "item_type_id",
        "location_id",
        "resource_id",
    }
)
"""Fields that mean the same at every site: numbers and days, and no place for a text."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Number = Annotated[int, Field(ge=1)]


def _address(url: str) -> str:
    return safe(url).rstrip("/") + "/"


def _zone(value: str | None) -> str | None:
    if value is not None and value not in available_timezones():
        raise ValueError('expected an IANA time zone, like "Europe/Amsterdam"')
    return value


def _field_name(value: str) -> str:
    if value and (not _NAME.fullmatch(value) or value in FIXED):
        raise ValueError("must be the name of a field for a text or a time, as an event of the site has it")
    return value


class Settings(Limited):
    """The section `[tenants.X.providers.connectdaily]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_address)] = Field(description="Where Connect Daily is, with its path.")
    user_id: str = Field(pattern=r"^\d{1,18}$", description="The number of the account that we write as.")
    token: SecretStr = Field(description="That account's token, as its export pages show it.")
    token_expires: Moment | None = Field(None, exclude=True, description="When the token will be changed.")
    calendar_id: Number = Field(description="The calendar of whoever is given none of their own.")
    item_type_id: Number | None = Field(None, description="The type of our events; the site decides when left out.")
    item_types: dict[str, Number] = Field({}, description="The types of events by our categories.")
    fields: dict[Ours, Annotated[str, AfterValidator(_field_name)]] = Field(
        {}, description="Where what we write goes to, where the site has other fields."
    )
    time_zone: Annotated[str | None, AfterValidator(_zone)] = Field(
        None, description="The site's zone; that of the tenant when left out."
    )
    title_length: int = Field(80, ge=10, le=10_000, description="Longest title that the site takes.")
    location_length: int = Field(128, ge=10, le=10_000, description="Longest place that the site takes.")
    ca_file: FilePath | None = Field(None, description="Certificates to trust instead of the usual ones, in PEM.")
    timeout: float = Field(30, gt=0, le=300, description="Seconds to connect, and of silence in an answer.")

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-%'-~]+", token.get_secret_value()):
            raise ValueError("must be one word of ASCII without &, as the export pages show it")
        return token

    @model_validator(mode="after")
    def _each_has_a_field(self) -> Self:
        for ours, name in self._names.items():
            if not name and ours != "location":
                raise ValueError(f"fields.{ours} must name a field: only location may go nowhere")
        used = [name for name in self._names.values() if name]
        if len(used) > len(set(used)):
            raise ValueError("fields must not name one field twice, or one text would overwrite the other")
        return self

    @model_validator(mode="after")
    def _each_category_has_a_type(self) -> Self:
        if self.item_types and self.item_type_id is None:
            raise ValueError("item_types needs item_type_id, or an event would keep its type when its category goes")
        return self

    @property
    def credentials(self) -> tuple[Held, ...]:
        """The account's token, which does not tell how long it is good."""
        return (Held("PASSWORD", "token", expires=self.token_expires),)

    @property
    def _names(self) -> dict[str, str]:
        return {str(ours): self.fields.get(ours, usual) for ours, usual in FIELDS.items()}

    @property
    def layout(self) -> Layout:
        """How the site's events are laid out."""
        return Layout(
            names=self._names,
            zone=self.time_zone,
            type_id=self.item_type_id,
            types=self.item_types,
            longest_title=self.title_length,
            longest_location=self.location_length,
        )


class Target(BaseModel):
    """A calendar that is named is a mailbox; so is the one of the settings, which people without share.

    What is done to a mailbox goes by its name: two names for one calendar would let two runs write there at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str
    calendar_id: Number | None = Field(None, alias="calendarId", description="A calendar of the person's own.")

    @property
    def mailbox(self) -> str:
        return "everybody" if self.calendar_id is None else f"no. {self.calendar_id}"
