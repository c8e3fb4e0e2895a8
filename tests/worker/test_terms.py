"""A window that goes on to the end of a term, and what becomes of the events there when the term changes."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.faults import Fault
from schedules.periods import Period
from schedules.term_ics import Term
from timetables import mytimetable
from worker import calendars
from worker.calendar_tables import Effect
from worker.calendars import Parent
from worker.database import transaction
from worker.ledger import UnlinkMode
from worker.trial import explain, trial

ZONE = ZoneInfo("Europe/Amsterdam")
CONFIGURED = datetime(2027, 2, 12, tzinfo=ZONE)
"""Where the window would end: in the first week of block 3."""
LAST = datetime(2027, 4, 10, tzinfo=ZONE)
"""The end of block 3."""


class Terms:
    """A person whose window goes on to the end of block 3."""

    def __init__(self, world):
        self.world, self.engine = world, world.installation.engine
        self.tenant = next(iter(world.installation.tenants))
        self.person = world.people[0]
        self.ident = world.link()
        self.block = next(each.id for each in world.institution.terms() if each.key == "BLOCK3")

    def heed(self, *terms):
        _, settings = self.world.installation.tenants[self.tenant].source
        source = mytimetable.connect(settings.model_copy(update={"terms": terms}), ZONE.key)
        self.world.installation.sources[self.tenant] = source

    def end(self, moment):
        self.world.institution.end_term(self.block, moment)

    def run(self):
        self.world.store.calls.clear()
        self.world.faults.forget()
        report = self.world.run(self.ident)
        return report.outcome, report.created, report.updated, report.deleted

    def wished(self, end=LAST):
        """Starts of what should stand there up to `end`."""
        return [start for start in self.told() if start < end]

    def told(self):
        wishes = self.world.institution.wishes(self.person)
        first = (self.world.now - timedelta(days=14)).astimezone(ZONE).replace(hour=0, minute=0)
        events = self.world.institution.timetable(self.person, first)
        return sorted(e.start for e in events if first <= e.start and not e.draft and not wishes.hides(e))

    def standing(self):
        return sorted(each.event.start for each in self.world.ours().values())

    def lecture(self, after):
        """The id of the first event on or after a day that stands in the calendar."""
        there = set(self.standing())
        events = self.world.institution.timetable(self.person, after)
        return next(each.id(ZONE) for each in events if each.start >= after and each.start in there)

    def empty(self):
        wishes = self.world.institution.wishes(self.person)
        for key in wishes.subscriptions():
            wishes.subscribe(key, enabled=False)


@pytest.fixture
def terms(world):
    made = Terms(world)
    made.heed("BLOCK3")
    return made


def test_a_calendar_is_filled_up_to_the_end_of_the_term(terms):
    outcome, created, *_ = terms.run()
    assert (outcome, created) == ("OK", len(terms.wished()))
    assert terms.standing() == terms.wished()
    assert CONFIGURED < max(terms.standing()) < LAST


@pytest.mark.parametrize("etags", [False, True])
def test_an_unchanged_run_costs_a_request_more_and_the_calendar_server_none(world, terms, etags):
    world.institution.etags = etags
    terms.run()
    assert terms.run() == ("OK", 0, 0, 0)
    assert world.store.calls == []
    asked = {each.path.rpartition("/")[2]: each.status for each in world.faults.seen()}
    assert asked == dict.fromkeys(("terms", "timetable", "eventtypegroups"), 304 if etags else 200)


def test_a_trial_and_an_explanation_have_the_same_window(world, terms):
    planned = trial(world.installation, terms.ident, world.now).plan
    assert planned.window.end == LAST
    assert [wish.start for wish in planned.creates] == terms.wished()
    terms.run()
    assert trial(world.installation, terms.ident, world.now).plan.empty
    told = explain(world.installation, terms.ident, world.now)
    assert sorted(each.reason.event.start for each in told if each.reason.why == "wanted") == terms.standing()


def test_what_is_cancelled_late_in_the_term_goes(world, terms):
    terms.run()
    world.institution.cancel(terms.lecture(CONFIGURED + timedelta(days=30)))
    assert terms.run() == ("OK", 0, 0, 1)
    assert terms.standing() == terms.wished()


def test_a_term_that_ends_earlier_leaves_what_is_behind_it_until_the_window_comes_there(world, terms):
    terms.run()
    before = terms.standing()
    terms.end(datetime(2027, 3, 1, tzinfo=ZONE))
    world.institution.cancel(terms.lecture(datetime(2027, 3, 15, tzinfo=ZONE)))
    assert terms.run() == ("OK", 0, 0, 0)
    world.set(terms.ident, resync_asked_at=world.now)
    assert terms.run() == ("OK", 0, 0, 0)
    assert terms.standing() == before
    world.now += timedelta(days=40)
    outcome, created, _, deleted = terms.run()
    assert (outcome, created, deleted) == ("OK", 0, 1)
    assert [start for start in terms.standing() if start >= world.now] == [
        start for start in terms.wished() if start >= world.now
    ]


def test_a_term_that_is_gone_and_comes_back_writes_nothing(world, terms):
    terms.run()
    before = world.ours()
    terms.end(None)
    assert terms.run() == ("OK", 0, 0, 0)
    terms.end(LAST)
    assert terms.run() == ("OK", 0, 0, 0)
    assert world.ours() == before


def test_a_term_that_goes_on_brings_more_and_nothing_else(terms):
    terms.run()
    later = datetime(2027, 5, 15, tzinfo=ZONE)
    terms.end(later)
    more = len(terms.wished(later)) - len(terms.wished())
    assert more
    assert terms.run() == ("OK", more, 0, 0)
    assert terms.standing() == terms.wished(later)


def test_terms_that_cannot_be_read_put_the_run_off(world, terms):
    terms.run()
    before = world.ours()
    world.faults.add(Fault("/api/v0/terms", "error", times=1))
    world.institution.cancel(terms.lecture(CONFIGURED))
    assert terms.run()[0] == "RETRYING"
    assert "/terms" in world.row(terms.ident).status_detail
    assert world.ours() == before
    assert terms.run() == ("OK", 0, 0, 1)


def test_setting_terms_and_leaving_them_out_again_is_held_by_no_guard(terms):
    terms.heed()
    terms.run()
    assert terms.standing() == terms.wished(CONFIGURED)
    terms.heed("BLOCK3")
    more = len(terms.wished()) - len(terms.wished(CONFIGURED))
    assert terms.run() == ("OK", more, 0, 0)
    terms.heed()
    assert terms.run() == ("OK", 0, 0, 0)
    assert terms.standing() == terms.wished()


@pytest.mark.parametrize("grows", [False, True])
def test_an_empty_timetable_is_held_whether_or_not_the_window_grows_at_the_same_time(world, terms, grows):
    if grows:
        terms.heed()
    terms.run()
    before = world.ours()
    terms.heed("BLOCK3")
    terms.empty()
    assert terms.run()[0] == "HELD"
    assert world.row(terms.ident).held_going == sum(start > world.now for start in terms.standing())
    assert world.ours() == before


def test_a_window_that_shrinks_makes_no_empty_timetable_pass(world, terms):
    """The events behind it are no longer counted, neither as going nor as those that stay."""
    terms.run()
    terms.end(None)
    terms.empty()
    assert terms.run()[0] == "HELD"
    assert world.row(terms.ident).held_of == sum(world.now < start < CONFIGURED for start in terms.standing())


def test_what_a_schedule_publishes_stands_up_to_the_end_of_the_term(world, terms):
    days = [date(2027, 2, 1), date(2027, 3, 20), date(2027, 4, 20)]
    fair = Term(tuple(Period(f"Fair {day}", day, day) for day in days))
    with transaction(terms.engine) as session:
        given = {"zone": ZONE, "now": world.now, "effect": Effect.PUBLISH}
        calendars.create(session, Parent(terms.tenant), "Fairs", fair, **given)
    world.institution.etags = True
    terms.run()
    titles = {each.event.title for each in world.ours().values()}
    assert {title for title in titles if title.startswith("Fair ")} == {"Fair 2027-02-01", "Fair 2027-03-20"}
    assert trial(world.installation, terms.ident, world.now).plan.empty
    assert terms.run() == ("OK", 0, 0, 0)
    assert {each.status for each in world.faults.seen()} == {304}


def test_an_unlink_takes_all_of_it(world, terms):
    terms.run()
    terms.end(None)
    terms.run()
    assert world.carry_out(world.unlink(terms.ident, UnlinkMode.DELETE_ALL_EVENTS)).state == "DONE"
    assert not world.ours()
