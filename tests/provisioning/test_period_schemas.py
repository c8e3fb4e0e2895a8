"""The JSON of calendar schedules: the documented bodies, and a sentence that names the field for the others."""

import pytest
from hypothesis import given
from made_periods import periods
from pydantic import ValidationError

from provisioning.errors import sentence
from provisioning.period_schemas import (
    NewPeriod,
    NewSchedule,
    PeriodUpdate,
    PublicHolidays,
    ScheduleNames,
    ScheduleUpdate,
)
from schedules.period_changes import Change, changed
from schedules.period_fields import shown

FULL = {"name": "Period 1", "type": "Full days", "startDay": "2018-05-01", "stopDay": "2018-05-05"}
TIMES = {"type": "Partial days", "startTime": "10:30", "stopTime": "18:30"}
FRIDAYS = {
    "recurWeekly": {
        "recurInterval": 1,
        "Monday": False,
        "Tuesday": False,
        "Wednesday": False,
        "Thursday": False,
        "Friday": True,
        "Saturday": False,
        "Sunday": False,
    },
    "recurForEver": False,
    "recurEndOccurrence": 3,
}
DAILY = {"recurDaily": {"recurInterval": 1}, "recurForEver": True}
EACH_YEAR = {"recurYearlyByDay": {"recurInterval": 1, "dayOfMonth": 1, "month": "May"}, "recurForEver": True}


def refusal(model, given_):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given_)
    return sentence(caught.value)


def recurring(recurrence):
    return FULL | {"recurrence": recurrence}


@given(periods())
def test_every_period_that_is_shown_may_be_sent_back(made):
    assert NewPeriod.model_validate(shown(made)).period() == made


def test_the_documented_schedule_with_periods():
    body = {
        "name": "APIO Test Calendar Schedule",
        "periods": [FULL, FULL | TIMES, FULL | TIMES | {"recurrence": FRIDAYS}],
    }
    made = NewSchedule.model_validate(body)
    assert [shown(each.period()) for each in made.periods] == body["periods"]
    assert made.effect == "none"


def test_the_documented_update_of_a_list():
    body = {
        "name": "APIO Test Calendar Schedule New",
        "periods": [
            {"name": "Period 1", "newName": "Updated Period 1", "startDay": "2018-05-10", "stopDay": "2018-05-20"},
            {"name": "Period 2", "delete": True},
            FULL | TIMES | {"name": "Period 3"},
        ],
    }
    changes = [each.change() for each in ScheduleUpdate.model_validate(body).periods]
    assert changes[0] == Change("Period 1", {"startDay": "2018-05-10", "stopDay": "2018-05-20"}, "Updated Period 1")
    before = [NewPeriod.model_validate(FULL | {"name": f"Period {number}"}).period() for number in (1, 2)]
    assert [each.name for each in changed(before, changes)] == ["Updated Period 1", "Period 3"]


def test_the_documented_update_of_a_period_renames_it():
    given_ = PeriodUpdate.model_validate({"name": "Updated", "startDay": "2018-05-10", "recurrence": FRIDAYS})
    assert (given_.name, given_.words()) == ("Updated", {"startDay": "2018-05-10", "recurrence": FRIDAYS})
    assert PeriodUpdate.model_validate({"recurrence": None}).words() == {"recurrence": None}


def test_the_documented_lists_and_holidays():
    assert ScheduleNames.model_validate({"schedules": [{"name": "A / b"}]}).schedules[0].name == "A / b"
    assert PublicHolidays.model_validate({"country": "BE", "year": 2019, "type": "public"}).year == 2019


@pytest.mark.parametrize("month", ["March", "march", "MARCH", 3])
def test_names_of_days_and_months_are_taken_in_either_case(month):
    by_week = {"recurInterval": 1, "dayOfWeekInMonth": "LAST", "dayOfWeek": "sunday", "month": month}
    found = NewPeriod.model_validate(recurring({"recurYearlyByWeek": by_week, "recurForEver": True}))
    assert shown(found.period())["recurrence"]["recurYearlyByWeek"] == {
        "recurInterval": 1,
        "dayOfWeekInMonth": "Last",
        "dayOfWeek": "Sunday",
        "month": "March",
    }
    weekly = {"recurWeekly": {"recurInterval": 1, "friday": True, "MONDAY": True}, "recurForEver": True}
    assert NewPeriod.model_validate(recurring(weekly)).period().recurrence.weekdays == (0, 4)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "stopDay: missing; it is required; name: missing; it is required."),
        (FULL | {"stopDay": "2018-04-30"}, "stopDay: before startDay; both are included."),
        (FULL | {"type": "Partial days"}, 'startTime: missing; a period of "Partial days" has it.'),
        (FULL | {"startTime": "10:00"}, 'startTime: a period of "Full days" has none'),
        (FULL | TIMES | {"stopTime": "24:00"}, "stopTime: expected HH:MM, from 00:00 to 23:59."),
        (FULL | TIMES | {"stopTime": "9:00"}, "stopTime: expected HH:MM"),
        (FULL | TIMES | {"stopTime": 9}, "stopTime: "),
        (FULL | {"startDay": "20180501"}, "startDay: expected a day of the calendar, as yyyy-mm-dd."),
        (FULL | {"startDay": "2018-02-30"}, "startDay: expected a day of the calendar"),
        (FULL | {"startDay": 20180501}, "startDay: "),
        (FULL | {"type": "full days"}, "type: "),
        (FULL | {"colour": "red"}, "colour: unknown parameter."),
        (FULL | {"name": ""}, "name: "),
        (FULL | {"name": "x" * 256}, "name: "),
        (FULL | {"name": "a\tb"}, "name: expected no control characters, and no spaces at its ends."),
        (FULL | {"name": ".."}, "name: expected a name that can stand in a path"),
        (recurring({**DAILY, **FRIDAYS}), "recurrence: expected exactly one of recurDaily, recurWeekly"),
        (recurring({"recurForEver": True}), "recurrence: expected exactly one of recurDaily"),
        (recurring({**DAILY, "recurEndOccurrence": 3}), "recurrence: expected exactly one end"),
        (recurring({**DAILY, "recurForEver": False}), "recurrence: expected exactly one end"),
        (recurring({**FRIDAYS, "recurEndOccurrence": 0}), "recurrence.recurEndOccurrence: "),
        (recurring({**FRIDAYS, "recurEndOccurrence": 1000}), "recurrence.recurEndOccurrence: "),
        (recurring({**FRIDAYS, "recurEndOccurrence": "3"}), "recurrence.recurEndOccurrence: "),
        (recurring({**FRIDAYS, "recurEndOccurrence": True}), "recurrence.recurEndOccurrence: "),
        (recurring({"recurDaily": {"recurInterval": 0}, "recurForEver": True}), "recurDaily.recurInterval: "),
        (recurring({"recurDaily": {}, "recurForEver": True}), "recurrence.recurDaily.recurInterval: missing"),
        (recurring({"recurDaily": {"recurInterval": 1, "Monday": True}}), "recurDaily.Monday: unknown parameter"),
        (recurring({"recurWeekly": {"recurInterval": 1}, "recurForEver": True}), "recurrence.recurWeekly: expected"),
        (
            recurring({"recurWeekly": {"recurInterval": 1, "Friday": True, "friday": False}, "recurForEver": True}),
            "recurrence.recurWeekly: a day of the week stands there twice",
        ),
        (recurring({"recurDaily": {"recurInterval": 1}, "recurEndDate": "2018-04-30"}), "recurrence.recurEndDate: "),
        (
            recurring({"recurYearlyByDay": {"recurInterval": 1, "dayOfMonth": 31, "month": 4}, "recurForEver": True}),
            "recurrence: there is no such day from startDay on.",
        ),
        (
            recurring({"recurYearlyByDay": {"recurInterval": 1, "dayOfMonth": 32, "month": 4}, "recurForEver": True}),
            "recurrence.recurYearlyByDay.dayOfMonth: ",
        ),
        (
            recurring({"recurYearlyByDay": {"recurInterval": 1, "dayOfMonth": 3, "month": 13}, "recurForEver": True}),
            "recurrence.recurYearlyByDay.month: ",
        ),
    ],
)
def test_a_bad_period_is_refused_with_its_field(body, said):
    assert said in refusal(NewPeriod, body)
    assert refusal(NewSchedule, {"name": "Year", "periods": [FULL, body]}).startswith("periods.1")


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (NewSchedule, {"periods": []}, "name: missing"),
        (NewSchedule, {"name": "Year", "effect": "shout"}, "effect: "),
        (NewSchedule, {"name": "Year", "level": "Group"}, "level: unknown parameter."),
        (ScheduleUpdate, {"periods": [{"name": "A", "delete": "yes"}]}, "periods.0.delete: "),
        (ScheduleUpdate, {"periods": [{"newName": "A"}]}, "periods.0.name: missing"),
        (ScheduleNames, {"schedules": []}, "schedules: "),
        (ScheduleNames, {"schedules": [{"name": "A", "periods": []}]}, "schedules.0.periods: unknown parameter."),
        (PublicHolidays, {"country": "BE", "year": "2019", "type": "public"}, "year: "),
        (PublicHolidays, {"country": "BE", "year": 2019, "type": "school"}, "type: "),
        (PublicHolidays, {"year": 2019, "type": "public"}, "country: missing"),
        (PeriodUpdate, {"newName": "B"}, "newName: unknown parameter."),
    ],
)
def test_another_bad_body_is_refused_with_its_field(model, body, said):
    assert said in refusal(model, body)


def test_a_yearly_period_is_taken_with_its_month_by_name():
    assert shown(NewPeriod.model_validate(recurring(EACH_YEAR)).period())["recurrence"] == EACH_YEAR
