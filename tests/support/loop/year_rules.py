"""The rules of the state machine for what an institution says beside the timetables: schedules, groups and terms."""

from datetime import time, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from loop.year import GROUP, TENANT, ZONE
from schedules.periods import Period
from schedules.recurrence import Frequency, Recurrence
from worker.calendar_tables import Effect

EFFECTS = st.sampled_from([Effect.PUBLISH, Effect.PUBLISH, Effect.HOLD, Effect.NONE])
WHOSE = st.sampled_from([TENANT, GROUP, 0, 1])
SPANS = [(time(9), time(12)), (time(8), time(17)), None]
PERIODS = st.lists(
    st.tuples(
        st.sampled_from(["Fair", "Exams", "Break"]), st.integers(0, 30), st.sampled_from(SPANS), st.integers(1, 4)
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each[0],
)
TERMS = (None, 40, 70, 100, 150)
"""In how many days a term ends that the window goes on to."""


class YearRules(RuleBasedStateMachine):
    """Beside those of `loop.machine.Loop`."""

    @rule(whose=WHOSE, name=st.sampled_from(["Year", "Faculty"]), effect=EFFECTS, periods=PERIODS)
    def a_schedule_is_put(self, whose, name, effect, periods):
        whose = whose if whose in {TENANT, GROUP} else self.people[whose]
        made = [self._period(effect, *each) for each in periods]
        self.campus.year.put(whose, name, effect, made)

    @rule(
        which=st.integers(0, 30),
        what=st.sampled_from(["schedule goes", "schedule goes", "membership", "membership", "term", "five minutes"]),
    )
    def the_year_changes(self, which, what):
        year = self.campus.year
        match what:
            case "schedule goes" if year.schedules:
                year.remove(*list(year.schedules)[which % len(year.schedules)])
            case "membership":
                year.join_or_leave(self.people[which % 2])
            case "term":
                days = TERMS[which % len(TERMS)]
                year.changes += 1
                self.campus.source.term_ends = days and self._midnight() + timedelta(days=days)
            case "five minutes":
                year.tend()

    def _period(self, effect, name, day, span, times):
        """What is published comes and has been at any time; what holds is at hand."""
        offset = day * 4 - 20 if effect is Effect.PUBLISH else day % 4 - 1
        first = self.campus.now.astimezone(ZONE).date() + timedelta(days=offset)
        # All-day events are told by each kind of server in its own way: see their own tests.
        start, stop = (span or SPANS[0]) if effect is Effect.PUBLISH else span or (None, None)
        again = Recurrence(Frequency.DAILY, count=times) if times > 1 else None
        return Period(name, first, first, start, stop, again)

    def _midnight(self):
        return self.campus.now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
