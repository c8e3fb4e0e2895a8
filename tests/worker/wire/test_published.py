"""What a calendar schedule publishes, as it stands at each kind of calendar server."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.periods import Period
from schedules.term_ics import Term
from term import lecture
from worker import calendars
from worker.calendar_tables import Effect
from worker.calendars import Parent
from worker.database import transaction

ZONE = ZoneInfo("Europe/Amsterdam")
# The clocks go back in the night to the 25th.
BREAK = Period("Autumn break / herfst", date(2026, 10, 24), date(2026, 10, 26))
FAIR = Period("Careers fair", date(2026, 11, 4), date(2026, 11, 4), time(22), time(1))


def change(term, someone, what):
    """Do something with the schedules of the tenant, some time later."""
    term.now += timedelta(minutes=15)
    with transaction(term.installation.engine) as session:
        what(session, Parent(term.row(someone.ident).tenant_id), {"zone": ZONE, "now": term.now})


def write(*periods):
    def changed(session, parent, clock):
        calendars.write(session, calendars.find(session, parent, "Year", lock=True), periods, **clock)

    return changed


def publish(session, parent, clock):
    calendars.create(session, parent, "Year", Term((BREAK, FAIR)), effect=Effect.PUBLISH, **clock)


def shown(someone):
    """Start and end of each title, as a person's program shows them: a day where it is of whole days."""
    return {each.title: (each.start, each.end) for each in someone.box.mailbox.listing().values()}


def test_whole_days_and_hours_stand_beside_the_timetable_and_go_again(term):
    algebra = lecture(term.now + timedelta(days=1), "1")
    someone = term.person(algebra)
    assert someone.run().created == 1
    before = shown(someone)
    change(term, someone, publish)
    assert someone.run().created == 2
    days, night = (date(2026, 10, 24), date(2026, 10, 27)), datetime(2026, 11, 4, 21, tzinfo=UTC)
    there = shown(someone)
    assert (there[BREAK.name], there[FAIR.name]) == (days, (night, night + timedelta(hours=3)))
    assert someone.at_rest()
    longer = replace(BREAK, stop_day=date(2026, 10, 27))
    change(term, someone, write(longer, FAIR))
    report = someone.run()
    assert (report.created, report.updated, report.deleted) == (0, 1, 0)
    assert shown(someone)[BREAK.name] == (days[0], date(2026, 10, 28))
    assert someone.at_rest()
    change(term, someone, lambda session, parent, _: calendars.remove(session, parent, ["Year"]))
    report = someone.run()
    assert (report.created, report.updated, report.deleted) == (0, 0, 2)
    assert shown(someone) == before
    assert someone.at_rest()


def test_a_schedule_that_was_all_that_stood_goes_as_the_guard_lets_it(term):
    """To the guard it is no other loss than the timetable's: an hour, or a release."""
    someone = term.person()
    change(term, someone, publish)
    assert someone.run().created == 2
    change(term, someone, lambda session, parent, _: calendars.remove(session, parent, ["Year"]))
    assert someone.run().outcome == "HELD"
    assert shown(someone).keys() == {BREAK.name, FAIR.name}
    term.now += timedelta(hours=1)
    assert someone.run().deleted == 2
    assert shown(someone) == {}
