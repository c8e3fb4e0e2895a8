"""The periods of a calendar schedule: single ones, a year's public holidays, and when they take place."""

from datetime import date, datetime, time
from typing import Any

from fastapi import APIRouter
from fastapi.requests import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from providers.base import Window
from provisioning.bodies import Document, checked
from provisioning.calendar_schedules import answer
from provisioning.errors import Json
from provisioning.paths import SCHEDULES_BASE
from provisioning.period_schemas import (
    NewPeriod,
    Nothing,
    OccurrenceList,
    PeriodUpdate,
    PublicHolidays,
    ScheduleAnswer,
)
from provisioning.places import LEVELS, PeriodName, Place, Placed, ScheduleName
from provisioning.rights import Right
from provisioning.schedule_calls import CHAPTERS, WITHIN, call
from provisioning.schemas import milliseconds
from schedules.period_changes import added, named, removed, updated
from schedules.period_fields import shown
from schedules.periods import DAY, EARLIEST
from schedules.recurrence import LATEST
from worker import calendars
from worker.calendar_rows import periods_of
from worker.calendar_tables import Level

MOST_DAYS = 400
MOST_OCCURRENCES = 10_000


def add_holidays(at: Placed, name: ScheduleName, body: Document) -> Response:
    """Add the public holidays of a country in a year; a second time adds nothing."""
    given = checked(PublicHolidays, body)
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name, lock=True)
        calendars.add_holidays(session, found, given.country, given.year, **at.clock)
        return Json(answer(session, found), 201)


def occurrences(request: Request, at: Placed, name: ScheduleName) -> Response:
    """When the periods take place, by start. It is of the days `from` to `to`, both included."""
    window = _window(request, at)
    with at.transaction() as session:
        schedule = calendars.find(session, at.parent, name)
        found = calendars.occurrences(session, schedule, at.zone, window, MOST_OCCURRENCES + 1)
    if len(found) > MOST_OCCURRENCES:
        raise HTTPException(400, f"to: there are more than {MOST_OCCURRENCES:,} occurrences; ask for fewer days.")
    said = [
        {"name": period, "start": milliseconds(each.start), "end": milliseconds(each.end), "allDay": each.all_day}
        for period, each in found
    ]
    return Json({"occurrences": said})


def _window(request: Request, at: Place) -> Window:
    first, last = (_day(name, request.query_params.get(name)) for name in ("from", "to"))
    if last < first:
        raise HTTPException(400, "to: before from; both are included.")
    if (last - first).days >= MOST_DAYS:
        raise HTTPException(400, f"to: more than {MOST_DAYS} days; ask for fewer.")
    start, end = (datetime.combine(day, time(), at.zone) for day in (first, last + DAY))
    return Window(start, end)


def _day(name: str, said: str | None) -> date:
    try:
        found = date.fromisoformat(said or "")
    except ValueError:
        found = date.min
    if found.isoformat() != said or not EARLIEST <= found <= LATEST:
        raise HTTPException(400, f"{name}: expected a day from {EARLIEST} to {LATEST}, as yyyy-mm-dd.")
    return found


def create(at: Placed, name: ScheduleName, body: Document) -> Response:
    """Add one period to a schedule."""
    given = checked(NewPeriod, body).period()
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name, lock=True)
        calendars.write(session, found, added(periods_of(session, found.id), given), **at.clock)
    return Json(shown(given), 201)


def show(at: Placed, name: ScheduleName, period: PeriodName) -> Response:
    """One period."""
    with at.transaction() as session:
        periods = periods_of(session, calendars.find(session, at.parent, name).id)
        return Json(shown(named(periods, period)))


def change(at: Placed, name: ScheduleName, period: PeriodName, body: Document) -> Response:
    """Change a period, or rename it; what the body leaves out stays."""
    given = checked(PeriodUpdate, body)
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name, lock=True)
        periods = updated(periods_of(session, found.id), period, given.words(), given.name)
        calendars.write(session, found, periods, **at.clock)
        return Json(shown(named(periods, given.name or period)))


def delete(at: Placed, name: ScheduleName, period: PeriodName) -> Response:
    """Take one period out of a schedule."""
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name, lock=True)
        calendars.write(session, found, removed(periods_of(session, found.id), period), **at.clock)
    return Json({})


def routers() -> list[APIRouter]:
    """The same calls at each level."""
    return [_router(level) for level in LEVELS]


def _router(level: Level) -> APIRouter:
    prefix = f"{SCHEDULES_BASE}{LEVELS[level]}/calendar_schedules/{{schedule}}"
    made = APIRouter(prefix=prefix, tags=[CHAPTERS[level]])
    reader, writer, here = Right.END_USER, Right.GROUP_ADMIN, WITHIN[level]
    new: dict[str, Any] = {"status": 201, "failing": (404, 409)}
    updating = call(change, writer, here, body=PeriodUpdate, model=NewPeriod, failing=(404, 409))
    made.post(
        "/public_holidays",
        **call(add_holidays, writer, here, body=PublicHolidays, model=ScheduleAnswer, **new),
    )(add_holidays)
    made.get("/occurrences", **call(occurrences, reader, here, ("from", "to"), model=OccurrenceList))(occurrences)
    made.post("", **call(create, writer, here, body=NewPeriod, model=NewPeriod, **new))(create)
    made.get("/{period}", **call(show, reader, here, model=NewPeriod))(show)
    made.put("/{period}", **updating)(change)
    # The source document calls it PUT, and its example sends a POST.
    made.post("/{period}", **updating)(change)
    made.delete("/{period}", **call(delete, writer, here, model=Nothing))(delete)
    return made
