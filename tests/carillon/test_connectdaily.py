"""A person's timetable in Connect Daily: whole runs against the sandbox, as the command line makes them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from sandbox.connectdaily_events import WEEKLY, dates, day_of
from worker import database as databases
from worker.ledger import Synchronization, Tenant, User


@pytest.fixture
def ledger(carillon, database):
    carillon("token", "list")
    engine = databases.engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def linked(ledger):
    """Links a person with a calendar of their own, or with everybody's."""

    def link(username, number=None):
        fields = {"calendarId": str(number)} if number else {}
        mailbox = f"no. {number}" if number else "everybody"
        with Session(ledger) as session, session.begin():
            tenant = session.query(Tenant).one()
            user = User(tenant_id=tenant.id, username=username)
            session.add(user)
            session.flush()
            place = {"type": "connectdaily", "mailbox": mailbox, "fields": fields}
            row = Synchronization(tenant_id=tenant.id, user_id=user.id, **place)
            session.add(row)
            session.flush()
            return row.id

    return link


@pytest.fixture
def look(carillon, ledger):
    """A run that also reads the calendar; what it did."""

    def run(username, ident):
        with Session(ledger) as session, session.begin():
            asked = update(Synchronization).where(Synchronization.id == ident)
            session.execute(asked.values(resync_asked_at=datetime.now(UTC)))
        [done] = carillon("sync", username, as_json=True)["runs"]
        return done["status"], done["created"], done["updated"], done["deleted"]

    return run


def test_a_calendar_is_filled_mended_and_emptied(carillon, grounds, linked, look):
    daily, (person, number) = grounds.connectdaily, (grounds.institution.people[0].username, 2)
    ident = linked(person, number)
    [run] = carillon("sync", person, as_json=True)["runs"]
    assert (run["status"], run["failed"]) == ("OK", 0)
    assert run["created"] == len(daily.events(number)) > 50
    assert look(person, ident) == ("OK", 0, 0, 0)

    renamed, series, *_ = (
        each for each in daily.events(number) if day_of(each["starting_date"]) > datetime.now(UTC).date()
    )
    daily.edit(str(renamed["cal_item_id"]), description="Mine")
    until = day_of(series["starting_date"]) + timedelta(days=14)
    daily.edit(str(series["cal_item_id"]), rec_type=WEEKLY, ending_date=str(until), description="Choir")
    assert look(person, ident) == ("OK", 0, 2, 0)
    after = {each["cal_item_id"]: each for each in daily.events(number)}
    assert after[renamed["cal_item_id"]]["description"] == renamed["description"]
    assert after[series["cal_item_id"]]["description"] == "Choir"
    assert len(list(dates(after[series["cal_item_id"]]))) == 2
    assert len(after) == run["created"] + 1
    assert look(person, ident) == ("OK", 0, 0, 0)

    done = carillon("unlink", str(ident), "--mode", "DELETE_ALL_EVENTS", as_json=True)
    assert (done["state"], done["removed"]) == ("DONE", run["created"])
    assert [each["description"] for each in daily.events(number)] == ["Choir"]


def test_two_people_share_the_calendar_of_the_settings(carillon, grounds, linked, look):
    daily = grounds.connectdaily
    one, other = (each.username for each in grounds.institution.people[1:3])
    idents = {name: linked(name) for name in (one, other)}
    made = {name: carillon("sync", name, as_json=True)["runs"][0]["created"] for name in (one, other)}
    assert len(daily.events(1)) == sum(made.values())
    assert look(one, idents[one]) == look(other, idents[other]) == ("OK", 0, 0, 0)
    carillon("unlink", str(idents[one]), "--mode", "DELETE_ALL_EVENTS")
    assert len(daily.events(1)) == made[other]
    assert look(other, idents[other]) == ("OK", 0, 0, 0)


def test_doctor_says_that_the_calendar_is_there(carillon, grounds, linked):
    linked(grounds.institution.people[3].username, 5)
    said = carillon("doctor", as_json=True, status=1)
    found = {each["what"]: each for each in said["findings"]}
    assert found["sandbox: connectdaily"]["sentence"] == "The calendar of no. 5 can be written to."
