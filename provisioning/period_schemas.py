"""Calendar schedules and their periods as the API takes and gives them, with exactly the keys of its contract.

Each word has its right shape after these models; what the words of a period mean together is `schedules.periods`' to
say, and what it says names the field as well.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, model_validator

from provisioning.schemas import STORABLE, Shape
from schedules.period_changes import MOST_PERIODS, Change
from schedules.period_fields import MONTHS, WEEKDAYS, read
from schedules.periods import LONGEST_NAME, Period, PeriodProblemError, check_name, checked
from schedules.recurrence import MOST_TIMES
from worker.calendar_tables import Effect, Level


def _name(value: str) -> str:
    try:
        check_name(value)
    except PeriodProblemError as error:
        raise ValueError(error.problem) from error
    return value


def _day(value: str) -> str:
    try:
        right = date.fromisoformat(value).isoformat() == value
    except ValueError:
        right = False
    if not right:
        raise ValueError("expected a day of the calendar, as yyyy-mm-dd")
    return value


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("expected HH:MM, from 00:00 to 23:59")
    return value


def _capital(value: object) -> object:
    return value.capitalize() if isinstance(value, str) else value


def _month(value: object) -> object:
    """A month's name from its number, or from its name in either case."""
    numbers = dict(enumerate(MONTHS, 1))
    return numbers.get(value, value) if type(value) is int else _capital(value)


def _day_names(given: object) -> object:
    """The days of the week in either case."""
    if not isinstance(given, Mapping):
        return given
    found = {_capital(key) if _capital(key) in WEEKDAYS else key: value for key, value in given.items()}
    if len(found) < len(given):
        raise ValueError("a day of the week stands there twice; give it once")
    return found


DAY = {"type": "string", "format": "date"}
"""As it is described; `_day` says it better to whoever errs."""
_CLOCK = {"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_NAME = {"pattern": r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"}
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, json_schema_extra=_NAME), AfterValidator(_name)]
Day = Annotated[
    str,
    AfterValidator(_day),
    Field(examples=["2026-12-24"], description="yyyy-mm-dd, in the tenant's zone", json_schema_extra=DAY),
]
Clock = Annotated[
    str,
    AfterValidator(_clock),
    Field(examples=["10:30"], description="HH:MM, in the tenant's zone", json_schema_extra=_CLOCK),
]
Interval = Annotated[StrictInt, Field(ge=1, le=MOST_TIMES)]
DayOfMonth = Annotated[StrictInt, Field(ge=1, le=31)]
DayOfWeek = Annotated[
    Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], BeforeValidator(_capital)
]
DayOfWeekInMonth = Annotated[Literal["First", "Second", "Third", "Fourth", "Last"], BeforeValidator(_capital)]
Month = Annotated[
    Literal[
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    BeforeValidator(_month),
]
Kind = Literal["Full days", "Partial days"]


class _Rule(Shape):
    recur_interval: Interval


class Daily(_Rule):
    pass


class Weekly(_Rule):
    monday: StrictBool = Field(default=False, alias="Monday")
    tuesday: StrictBool = Field(default=False, alias="Tuesday")
    wednesday: StrictBool = Field(default=False, alias="Wednesday")
    thursday: StrictBool = Field(default=False, alias="Thursday")
    friday: StrictBool = Field(default=False, alias="Friday")
    saturday: StrictBool = Field(default=False, alias="Saturday")
    sunday: StrictBool = Field(default=False, alias="Sunday")


class MonthlyByDay(_Rule):
    day_of_month: DayOfMonth


class MonthlyByWeek(_Rule):
    day_of_week_in_month: DayOfWeekInMonth
    day_of_week: DayOfWeek


class YearlyByDay(_Rule):
    day_of_month: DayOfMonth
    month: Month


class YearlyByWeek(_Rule):
    day_of_week_in_month: DayOfWeekInMonth
    day_of_week: DayOfWeek
    month: Month


class Recurrence(Shape):
    """Exactly one rule and one end; `"recurForEver": false` may stand beside another end."""

    recur_daily: Daily | None = None
    recur_weekly: Annotated[Weekly | None, BeforeValidator(_day_names)] = None
    recur_monthly_by_day: MonthlyByDay | None = None
    recur_monthly_by_week: MonthlyByWeek | None = None
    recur_yearly_by_day: YearlyByDay | None = None
    recur_yearly_by_week: YearlyByWeek | None = None
    recur_for_ever: StrictBool | None = None
    recur_end_date: Day | None = None
    recur_end_occurrence: Interval | None = None


class PeriodFields(Shape):
    """What may be given of a period that is there already; what is not stays as it is."""

    type: Kind | None = None
    start_day: Day | None = None
    stop_day: Annotated[Day | None, Field(description="The last day; it is included")] = None
    start_time: Annotated[Clock | None, Field(description="Of partial days only")] = None
    stop_time: Annotated[
        Clock | None, Field(description="Of partial days only; if not after startTime, of the day after")
    ] = None
    recurrence: Recurrence | None = None

    def words(self) -> dict[str, Any]:
        """Those that were given, as `schedules.period_fields` reads them."""
        outside = {"name", "new_name", "delete"}
        return self.model_dump(by_alias=True, exclude_unset=True, exclude=outside)


class NewPeriod(PeriodFields):
    name: Name
    type: Kind
    start_day: Day
    stop_day: Annotated[Day, Field(description="The last day; it is included")]

    def period(self) -> Period:
        """Raises: PeriodProblemError."""
        return checked(read({**self.words(), "name": self.name}))

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        self.period()
        return self


class PeriodUpdate(PeriodFields):
    """PUT of one period; another `name` renames it."""

    name: Name | None = None


class PeriodChange(PeriodFields):
    """One of the list in a PUT of a schedule: it updates, deletes or makes the period called `name`."""

    name: Name
    new_name: Name | None = None
    delete: StrictBool = False

    def change(self) -> Change:
        return Change(self.name, self.words(), self.new_name, self.delete)


class NewSchedule(Shape):
    name: Name
    periods: list[NewPeriod] = Field(default=[], max_length=MOST_PERIODS)
    effect: Effect = Effect.NONE


class ScheduleUpdate(Shape):
    name: Name | None = Field(default=None, description="Renames it")
    periods: list[PeriodChange] = Field(default=[], max_length=MOST_PERIODS)
    effect: Effect | None = None


class Named(Shape):
    name: Annotated[str, Field(json_schema_extra=STORABLE)]


class Nothing(Shape):
    """An object without a name in it."""


class ScheduleNames(Shape):
    schedules: Annotated[list[Named], Field(min_length=1, max_length=MOST_PERIODS)]


class PublicHolidays(Shape):
    country: str = Field(description="ISO 3166-1 alpha-2", examples=["BE"], max_length=LONGEST_NAME)
    year: StrictInt
    type: Literal["public"]


class ScheduleListing(Shape):
    all_levels: bool = Field(default=False, description="Those of the levels above too, each with its level")


class ScheduleEntry(Named):
    level: Level | None = Field(default=None, description="With allLevels")


class ScheduleList(Shape):
    schedules: list[ScheduleEntry]


class ScheduleAnswer(Named):
    effect: Effect
    periods: list[Named | NewPeriod] = Field(description="Whole ones with ?expand=periods")


class Occurrence(Named):
    start: int = Field(description="Epoch milliseconds")
    end: int = Field(description="Epoch milliseconds; exclusive")
    all_day: bool


class OccurrenceList(Shape):
    occurrences: list[Occurrence]
