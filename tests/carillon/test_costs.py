"""What a run costs in requests, counted at the calendar servers."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.institution import Institution
from worker import database as databases
from worker.installation import install
from worker.ledger import Synchronization, User
from worker.settings import load
from worker.synchronize import synchronize

NUMBER = 300
FIRST = {
    "caldav": {"PUT": NUMBER},
    "googlecalendar": {"POST": 6},
    "ews": {"POST": 3},
    "o365": {"POST": 15},
    "connectdaily": {"GET": NUMBER, "POST": NUMBER},
}
LATER = {
    "caldav": {"PUT": 5, "DELETE": 3},
    "googlecalendar": {"POST": 1},
    "ews": {"POST": 2},
    "o365": {"POST": 1},
    "connectdaily": {"GET": 8, "PUT": 5, "DELETE": 3},
}


@pytest.fixture(params=FIRST)
def linked(request, grounds, place, database, redis_url):
    """A person with just 300 events and one kind of calendar: what runs and tells its cost, and the events."""
    institution: Institution = grounds.institution
    person = institution.people[list(FIRST).index(request.param)].username
    wishes = institution.wishes(person)
    for key in wishes.subscriptions():
        wishes.subscribe(key, enabled="!user!" in key)
    tomorrow = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0) + timedelta(days=1)
    events = [institution.add(person, f"Lecture {n}", tomorrow + timedelta(hours=n)) for n in range(NUMBER)]
    installation = install(load(grounds.config), database, redis_url)
    with databases.transaction(installation.engine) as session:
        tenant_id = next(iter(installation.tenants))
        user = User(tenant_id=tenant_id, username=person)
        session.add(user)
        session.flush()
        row = Synchronization(tenant_id=tenant_id, user_id=user.id, **place(request.param, person))
        session.add(row)
        session.flush()
        ident = row.id

    def run():
        for faults in (grounds.faults, grounds.dav_faults, grounds.exchange_faults):
            faults.forget()
        report = synchronize(installation, ident, lambda: datetime.now(UTC))
        seen = grounds.faults.seen("/batch/*") + grounds.faults.seen("/calendar/*") + grounds.dav_faults.seen()
        seen += grounds.faults.seen("/cd/*")
        seen += grounds.exchange_faults.seen("/EWS/*") + grounds.exchange_faults.seen("/v1.0/*")
        return report, Counter(each.method for each in seen)

    yield request.param, run, [institution.event(each) for each in events]
    installation.close()


def test_a_push_costs_what_its_server_allows_at_best(linked, grounds):
    kind, run, events = linked
    report, spent = run()
    assert (report.outcome, report.created) == ("OK", NUMBER)
    assert spent == FIRST[kind]

    report, spent = run()
    assert (report.outcome, report.kept) == ("OK", NUMBER)
    assert spent == {}

    zone = grounds.institution.zone
    for event in events[:5]:
        grounds.institution.change_room(event.id(zone), grounds.institution.rooms[0])
    for event in events[5:8]:
        grounds.institution.cancel(event.id(zone))
    report, spent = run()
    assert (report.created, report.updated, report.deleted) == (0, 5, 3)
    assert spent == LATER[kind]
    assert grounds.google.violations == []
    assert grounds.google.notifications == grounds.exchange.notifications == 0
