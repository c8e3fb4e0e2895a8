"""Groups and calendar schedules: said to the ledger as the API does, and kept as they were said, for whoever judges."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.term_ics import Term
from worker import calendars, deferring, groups, holds
from worker.calendar_tables import Effect
from worker.calendars import Parent
from worker.database import transaction
from worker.ledger import User

ZONE = ZoneInfo("Europe/Amsterdam")
DAY = timedelta(days=1)
TENANT, GROUP = "the tenant", "the group"
"""Whose a schedule is; else it is a person's, by their username."""


@dataclass(frozen=True)
class Said:
    """A schedule; `times` are start, end and name of what takes place."""

    ident: int
    effect: Effect
    times: tuple


class Year:
    """Of the first instance; the other has none. `schedules` by whose they are and their name; `changes` counts."""

    def __init__(self, campus):
        self.campus = campus
        self.schedules = {}
        self.members = set()
        self.changes = 0

    # What administrators say.

    def put(self, whose, name, effect, periods):
        """Make the schedule, or make another one of it."""
        # Two changes of one schedule are never of the same moment.
        self.campus.pass_time(timedelta(seconds=1))
        self.changes += 1
        given = {"zone": ZONE, "now": self.campus.now, "effect": effect}
        with transaction(self.campus.admin) as session:
            parent = self._parent(session, whose)
            if (whose, name) in self.schedules:
                row = calendars.find(session, parent, name, lock=True)
                calendars.write(session, row, periods, **given)
            else:
                row = calendars.create(session, parent, name, Term(tuple(periods)), **given)
            self.schedules[whose, name] = Said(row.id, effect, tuple(t for each in periods for t in _times(each)))

    def remove(self, whose, name):
        with transaction(self.campus.admin) as session:
            calendars.remove(session, self._parent(session, whose), [name])
        del self.schedules[whose, name]
        self.changes += 1

    def join_or_leave(self, person):
        with transaction(self.campus.admin) as session:
            change = groups.leave if person in self.members else groups.join
            change(session, self._parent(session, GROUP).group_id, self._user(session, person))
        self.members ^= {person}
        self.changes += 1

    def tend(self):
        """What beat does about holds every five minutes."""
        zones = self.campus.installation.zones()
        holds.refresh(self.campus.admin, zones, self.campus.now)
        with transaction(self.campus.admin) as session:
            deferring.free(session, self.campus.now)

    def _parent(self, session, whose):
        tenant = self.campus.tenant_ids[self.campus.instances[0]]
        if whose == TENANT:
            return Parent(tenant)
        if whose == GROUP:
            return Parent(tenant, group_id=groups.ensure(session, tenant, GROUP))
        return Parent(tenant, user_id=self._user(session, whose))

    def _user(self, session, person):
        tenant = self.campus.tenant_ids[self.campus.instances[0]]
        return session.query(User.id).filter_by(tenant_id=tenant, username=person).scalar()

    # What it means.

    def _of(self, effect, instance, person):
        for (whose, _), said in self.schedules.items():
            concerns = whose in {TENANT, person} or (whose == GROUP and person in self.members)
            if instance == self.campus.instances[0] and concerns and said.effect == effect:
                yield said

    def held_until(self, instance, person):
        """The end of what holds this person's calendars now; now, if nothing does."""
        times = sorted(each for said in self._of(Effect.HOLD, instance, person) for each in said.times)
        until = self.campus.now
        for start, end, _ in times:
            if start <= until < end:
                until = end
        return until

    def published(self, instance, person, window):
        """Start, end, place and title of what stands beside this person's timetable, and how often."""
        times = {(said.ident, *each) for said in self._of(Effect.PUBLISH, instance, person) for each in said.times}
        return Counter((start, end, "", title) for _, start, end, title in times if start in window)

    @property
    def last_hold(self):
        """When the last of all holds is over."""
        ends = [end for said in self.schedules.values() if said.effect == Effect.HOLD for _, end, _ in said.times]
        return max(ends, default=self.campus.now)


def _times(period):
    for nth in range(period.recurrence.count if period.recurrence else 1):
        first, last = (day + nth * DAY for day in (period.start_day, period.stop_day))
        if period.start_time is None:
            start, end = first, last + DAY
            yield _moment(start, time()), _moment(end, time()), period.name
        else:
            yield _moment(first, period.start_time), _moment(first, period.stop_time), period.name


def _moment(day, clock):
    return datetime.combine(day, clock, ZONE).astimezone(UTC)
