"""What goes into the calls of notification calendars, and what comes out. The names are mytoken's."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from provisioning.schemas import LONGEST_TEXT, Name, Username

Comment = Annotated[str, Field(max_length=LONGEST_TEXT)]


class _Given(BaseModel):
    """`mytoken` was looked at before."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    mytoken: str | None = None


class NewCalendar(_Given):
    name: Username
    """It stands in a path as a username does, and what holds of one holds of the other."""


class NewSubscription(_Given):
    mom_id: Name
    comment: Comment | None = None


class TokenUpdate(BaseModel):
    mytoken: str = Field(description="The text of the token from now on; the old one ends with its first use.")


class TokenAnswer(BaseModel):
    token_update: TokenUpdate


class CalendarItem(BaseModel):
    name: str
    ics_path: str = Field(description="Where the calendar is. Whoever knows it can read it.")
    subscribed_tokens: list[str] = Field(default=[], description="The credentials that it warns of, if any.")


class CalendarAnswer(CalendarItem):
    token_update: TokenUpdate | None = None


class CalendarList(BaseModel):
    calendars: list[CalendarItem]
