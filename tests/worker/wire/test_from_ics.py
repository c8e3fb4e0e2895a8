"""The same events through MyTimetable and through iCalendar, and an institution that goes over to the other."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from loop.boxes import opener
from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve
from schedules.render import DEFAULT_TEMPLATES, Rendering
from term import NOW, Term, Told, lecture
from worker import database as databases
from worker.installation import install
from worker.ledger import Synchronization, User
from worker.modules import source as source_module
from worker.settings import Settings, Tenant, TenantSettings

ZONE = "Europe/Amsterdam"
IN_TEXTS = {
    "SUMMARY": r"^(?P<module_code>[A-Z]{3}\d+) (?P<description>.+)",
    "DESCRIPTION": [
        r"^Type: (?P<event_type_description>.+)$",
        r"^Staff: (?P<staff>.+)$",
        r"^Groups: (?P<student_sets>.+)$",
        r"^Online: (?P<conference_url>\S+)$",
        r"\n\n(?P<notes>[\s\S]+)",
    ],
}
SAME_IDS = {"UID": r"^(?P<id>.+)@timetable\.example\.edu$"}
# A feed knows no links of rooms.
LINKS = "{% for link in location_links %}\nWhere: {{ link }}\n{% endfor %}\n"
TEMPLATES = replace(DEFAULT_TEMPLATES, description=(DEFAULT_TEMPLATES.description[0].replace(LINKS, ""),))


@pytest.fixture
def institution():
    return Institution(now=NOW)


@pytest.fixture
def site(institution):
    with serve(application(institution, Faults())) as url:
        yield url


@pytest.fixture
def open_tenant(server_of, ledger, redis_url):
    """A term whose tenant reads its timetables from a source with these settings; the others go on in its ledger."""
    with ExitStack() as stack:

        def reading(kind, name, **settings):
            server = server_of(kind)
            module = source_module(name)
            window = {"past": "14d", "future": "60d"}
            own = TenantSettings(name="here", time_zone=ZONE, instance="here", window=window)
            source = (name, module.Settings(**settings))
            tenant = Tenant("here", own, source, {kind: server.settings}, Rendering(TEMPLATES, ZONE))
            installation = install(Settings(None, {"here": tenant}), ledger, redis_url)
            stack.callback(installation.close)
            return Term(kind, server, installation, None, server.wire.faults, "")

        yield reading


def linked(term, username):
    """Somebody of the institution, with an account of another name at the calendars' server."""
    box = opener(term.kind, term.server)()
    (tenant_id,) = term.installation.tenants
    with databases.transaction(term.installation.engine) as session:
        user = session.query(User).filter_by(username=username).one_or_none()
        user = user or User(tenant_id=tenant_id, username=username)
        session.add(user)
        session.flush()
        row = Synchronization(tenant_id=tenant_id, user_id=user.id, type=term.kind, mailbox=box.name, created_at=NOW)
        row.fields = {"smtpAddress": box.name}
        session.add(row)
        session.flush()
        return term.owner(box, row.id)


def goes_over(person, term):
    """The same person, in an installation that reads elsewhere."""
    return replace(person, term=term)


def shown(person):
    """What the owner sees."""
    return sorted(map(repr, person.box.mailbox.listing().values()))


def written(person):
    """The times as they are written, zones and all."""
    fields = ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "CATEGORIES")
    events = person.box.mailbox.person.events().values()
    return sorted(tuple(icalendar.Event({name: each.get(name, "")}).to_ical() for name in fields) for each in events)


def zones(person):
    events = person.box.mailbox.person.events().values()
    return {each["DTSTART"].params.get("TZID", "a day") for each in events}


def mytimetable(url):
    return {"urls": [f"{url}/api/v0/"], "token": "sandbox-elevated"}


def feeds(url, **other):
    site = {"url": f"{url}/api/v0/", "token": "sandbox-elevated"}
    return {"feed_of": site, "allow_private": True, "patterns": IN_TEXTS | SAME_IDS, **other}


def counts(report):
    return report.outcome, report.created, report.updated, report.deleted


@pytest.mark.parametrize("nth", [0, 1, -1])
def test_the_same_person_gets_the_same_calendar_through_either(open_tenant, institution, site, nth):
    username = institution.people[nth].username
    institution.filter_group(username, "Other", for_sync=True)
    start = NOW.replace(day=20, hour=9)
    institution.add(username, "Zero, length; “quoted”\\", start, start, notes="One\r\n\r\ntwo\n")
    institution.add(username, "All day", start.replace(hour=22), start + timedelta(days=1, hours=13), all_day=True)
    one = linked(open_tenant("caldav", "mytimetable", **mytimetable(site)), username)
    other = linked(open_tenant("caldav", "ics", **feeds(site)), username)
    first, second = one.run(), other.run()
    assert first.created == second.created > 30
    assert shown(one) == shown(other)
    assert written(one) == written(other)
    assert zones(one) == zones(other) == {ZONE, "a day"}
    assert one.run().kept == other.run().kept == first.created


@pytest.mark.parametrize("kind", ["caldav", "googlecalendar"])
def test_going_over_to_the_feeds_and_back_writes_nothing(open_tenant, institution, site, kind):
    username = institution.people[0].username
    someone = linked(open_tenant(kind, "mytimetable", **mytimetable(site)), username)
    created = someone.run().created
    before = someone.versions()
    over = goes_over(someone, open_tenant(kind, "ics", **feeds(site)))
    assert counts(over.run()) == ("OK", 0, 0, 0)
    assert over.run().kept == created
    assert counts(goes_over(over, someone.term).run()) == ("OK", 0, 0, 0)
    assert someone.versions() == before


def test_what_changes_in_the_feed_is_one_update(open_tenant, institution, site):
    username = institution.people[0].username
    someone = linked(open_tenant("caldav", "ics", **feeds(site)), username)
    someone.run()
    event = next(each for each in institution.timetable(username, NOW) if each.course and not each.draft)
    institution.move(event.id(institution.zone), event.start + timedelta(minutes=30))
    institution.retitle(event.id(institution.zone), "Another name")
    assert counts(someone.run()) == ("OK", 0, 1, 0)
    coming = next(each for each in institution.timetable(username, event.end) if each.rooms and not each.draft)
    institution.cancel(coming.id(institution.zone))
    assert counts(someone.run()) == ("OK", 0, 0, 1)


# A feed with ids of its own


def feed(events, summary="{title}"):
    calendar = icalendar.Calendar()
    for number, each in enumerate(events):
        made = icalendar.Event()
        made.add("UID", f"another-{number}")
        for name, field in (("DTSTART", "startDate"), ("DTEND", "endDate")):
            made.add(name, datetime.fromtimestamp(each[field] / 1000, UTC))
        made.add("SUMMARY", summary.format(title=each["activityDescription"]))
        made.add("LOCATION", each["locations"][0]["name"])
        made.add("CATEGORIES", ["Lecture"])
        calendar.add_component(made)
    return Response(calendar.to_ical(), media_type="text/calendar")


@pytest.fixture
def two_sources():
    """A server with both: a site, and feeds by username. Its address, what the site tells, and the feeds."""
    told, written = Told(), {}

    async def ical(request):
        return written[request.path_params["name"]]

    with serve(Router([*told.routes(), Route("/ical/{name}.ics", ical)])) as url:
        yield url, told, written


def alike(nth):
    kind = {"id": "Lecture", "description": "Lecture"}
    return lecture(NOW + timedelta(days=nth + 1), f"2026!A{nth % 3}-{nth}", f"Algebra {nth % 3}", eventType=kind)


def test_a_feed_with_other_ids_is_met_by_activity_and_start_and_doubles_nothing(open_tenant, two_sources):
    url, told, written = two_sources
    someone = linked(open_tenant("caldav", "mytimetable", **mytimetable(url)), "alice")
    told.people["alice"] = [alike(nth) for nth in range(30)]
    assert someone.run().created == 30
    before = shown(someone), someone.box.standing().keys()
    written["alice"] = feed(told.people["alice"])
    settings = {"url": f"{url}/ical/{{username}}.ics", "allow_private": True}
    over = goes_over(someone, open_tenant("caldav", "ics", **settings))
    # The mark holds the key, so each event is written once; to its owner it is the same.
    assert counts(over.run()) == ("OK", 0, 30, 0)
    assert (shown(over), over.box.standing().keys()) == before
    assert counts(over.run()) == ("OK", 0, 0, 0)


def test_a_feed_that_has_nothing_in_common_is_held_and_then_takes_the_place_of_all(open_tenant, two_sources):
    url, told, written = two_sources
    someone = linked(open_tenant("caldav", "mytimetable", **mytimetable(url)), "bob")
    told.people["bob"] = [alike(nth) for nth in range(30)]
    someone.run()
    before = shown(someone)
    written["bob"] = feed(told.people["bob"], "Course: {title}")
    settings = {"url": f"{url}/ical/{{username}}.ics", "allow_private": True}
    over = goes_over(someone, open_tenant("caldav", "ics", **settings))
    assert over.run().outcome == "HELD"
    assert shown(over) == before
    over.term.now += timedelta(hours=2)
    assert counts(over.run()) == ("OK", 30, 0, 30)
    assert len(over.box.standing()) == 30
