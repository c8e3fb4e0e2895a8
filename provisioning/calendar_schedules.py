"""The calendar schedules of a tenant, a group or a person: lists and single ones, in JSON and as iCalendar."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.requests import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from provisioning.bodies import CALENDAR, Calendar, Document, checked
from provisioning.errors import Json
from provisioning.paths import ICS, SCHEDULES_BASE
from provisioning.period_schemas import (
    NewSchedule,
    Nothing,
    ScheduleAnswer,
    ScheduleList,
    ScheduleListing,
    ScheduleNames,
    ScheduleUpdate,
)
from provisioning.places import LEVELS, Place, Placed, ScheduleName
from provisioning.rights import Right
from provisioning.schedule_calls import CHAPTERS, WITHIN, call, giving_icalendar, taking_icalendar
from schedules.period_changes import changed
from schedules.period_fields import shown
from schedules.periods import check_name
from schedules.term_ics import Term, parse, render
from worker import calendars
from worker.calendar_rows import periods_of
from worker.calendar_tables import CalendarSchedule, Level

_BOOLEANS = {"true": True, "false": False}


def listing(request: Request, at: Placed, body: Document) -> Response:
    """The name of every schedule; with `allLevels` those of the levels above too."""
    every = _all_levels(request.query_params.get("allLevels"), body)
    if every:
        at.require(Right.GROUP_ADMIN)
    with at.transaction() as session:
        found = calendars.listing(session, at.parents if every else at.parents[:1])
    entries = [{"name": name, "level": level} if every else {"name": name} for name, level in found]
    return Json({"schedules": entries})


def _all_levels(asked: str | None, body: dict[str, Any]) -> bool:
    """From the query or the body. Raises: HTTPException 400."""
    said = checked(ScheduleListing, body).all_levels
    if asked is None:
        return said
    # In either case: Python's clients write True.
    wanted = _BOOLEANS.get(asked.lower())
    if wanted is None:
        raise HTTPException(400, "allLevels: expected true or false.")
    if body and wanted != said:
        raise HTTPException(400, "allLevels: the query and the body differ; give it once.")
    return wanted


def create(at: Placed, body: Document) -> Response:
    """Make a schedule, with its periods if there are any."""
    given = checked(NewSchedule, body)
    term = Term(tuple(each.period() for each in given.periods))
    with at.transaction() as session:
        made = calendars.create(session, at.parent, given.name, term, effect=given.effect, **at.clock)
        return Json(answer(session, made), 201)


def show(request: Request, at: Placed, name: ScheduleName) -> Response:
    """One schedule with the names of its periods. With `expand=periods` they are told whole."""
    expand = request.query_params.get("expand")
    if expand not in {None, "periods"}:
        raise HTTPException(400, "expand: expected periods.")
    with at.transaction() as session:
        return Json(answer(session, calendars.find(session, at.parent, name), whole=expand is not None))


def change(at: Placed, name: ScheduleName, body: Document) -> Response:
    """Rename a schedule, give it another effect, change its periods; all or nothing."""
    given = checked(ScheduleUpdate, body)
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name, lock=True)
        if given.periods or given.effect:
            periods = changed(periods_of(session, found.id), [each.change() for each in given.periods])
            calendars.write(session, found, periods, effect=given.effect, **at.clock)
        if given.name is not None:
            calendars.rename(session, found, given.name, at.calling.clock())
        return Json(answer(session, found))


def delete(at: Placed, body: Document) -> Response:
    """Delete several schedules: all of them, or none."""
    return _removed(at, [each.name for each in checked(ScheduleNames, body).schedules])


def delete_one(at: Placed, name: ScheduleName) -> Response:
    """Delete one schedule with its periods."""
    return _removed(at, [name])


def _removed(at: Place, names: Sequence[str]) -> Response:
    with at.transaction() as session:
        calendars.remove(session, at.parent, names)
    return Json({})


def export(at: Placed, name: ScheduleName) -> Response:
    """The schedule as an iCalendar object."""
    with at.transaction() as session:
        found = calendars.find(session, at.parent, name)
        term = Term(periods_of(session, found.id), tuple(found.kept))
        seed = f"{at.calling.tenant.settings.instance} {found.id}"
    content = render(name, term, seed=seed, **at.clock)
    return Response(content, media_type=CALENDAR, headers={"Cache-Control": "no-store"})


def take_over(at: Placed, name: ScheduleName, body: Calendar) -> Response:
    """Make a schedule of an iCalendar object, or replace all periods of one."""
    with at.transaction() as session:
        check_name(name)
        term = parse(body, at.zone)
        found, made = calendars.replace(session, at.parent, name, term, **at.clock)
        return Json(answer(session, found), 201 if made else 200)


def answer(session: Session, schedule: CalendarSchedule, *, whole: bool = False) -> dict[str, Any]:
    """What the API says of a schedule."""
    periods = periods_of(session, schedule.id)
    said = [shown(each) if whole else {"name": each.name} for each in periods]
    return {"name": schedule.name, "effect": schedule.effect, "periods": said}


def routers() -> list[APIRouter]:
    """The same calls at each level."""
    return [_router(level) for level in LEVELS]


def _router(level: Level) -> APIRouter:
    made = APIRouter(prefix=f"{SCHEDULES_BASE}{LEVELS[level]}/calendar_schedules", tags=[CHAPTERS[level]])
    reader, writer, here = Right.END_USER, Right.GROUP_ADMIN, WITHIN[level]
    changed_one: dict[str, Any] = {"model": ScheduleAnswer, "failing": (404, 409)}
    made.get("", **call(listing, reader, here, ("allLevels",), model=ScheduleList))(listing)
    made.post("", **call(create, writer, here, body=NewSchedule, status=201, **changed_one))(create)
    made.delete("", **call(delete, writer, here, body=ScheduleNames, model=Nothing))(delete)
    made.get("/{schedule}" + ICS, **giving_icalendar(export, reader, here))(export)
    made.put("/{schedule}" + ICS, **taking_icalendar(take_over, writer, here, ScheduleAnswer))(take_over)
    made.get("/{schedule}", **call(show, reader, here, ("expand",), model=ScheduleAnswer))(show)
    made.put("/{schedule}", **call(change, writer, here, body=ScheduleUpdate, **changed_one))(change)
    made.delete("/{schedule}", **call(delete_one, writer, here, model=Nothing))(delete_one)
    return made
