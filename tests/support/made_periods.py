"""Periods and recurrences of every kind, for Hypothesis."""

from datetime import date, time, timedelta

from hypothesis import strategies as st

from schedules.periods import Period
from schedules.recurrence import Frequency, Recurrence, first_day

ZONES = ("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "UTC")
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda name: name == name.strip() and name not in {".", ".."}
)
_WEEKS = st.sampled_from([1, 2, 3, 4, -1])
_WEEKDAY = st.tuples(st.integers(0, 6))
_ENDS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"count": st.integers(1, 40)}),
    st.fixed_dictionaries({"until": st.dates(date(2036, 1, 1), date(2039, 1, 1))}),
)


def _ruled(frequency, **parts):
    return st.fixed_dictionaries({"frequency": st.just(frequency), "interval": st.integers(1, 14), **parts})


_MONTHS, _DAY_OF_MONTH = st.integers(1, 12), st.integers(1, 31)
_RULES = st.one_of(
    _ruled(Frequency.DAILY),
    _ruled(Frequency.WEEKLY, weekdays=st.sets(st.integers(0, 6), min_size=1).map(lambda each: tuple(sorted(each)))),
    _ruled(Frequency.MONTHLY, day=_DAY_OF_MONTH),
    _ruled(Frequency.MONTHLY, weekdays=_WEEKDAY, week=_WEEKS),
    _ruled(Frequency.YEARLY, day=_DAY_OF_MONTH, month=_MONTHS),
    _ruled(Frequency.YEARLY, weekdays=_WEEKDAY, week=_WEEKS, month=_MONTHS),
)
RECURRENCES = st.builds(lambda rule, end: Recurrence(**rule, **end), _RULES, _ENDS)


@st.composite
def periods(draw, recurring=None):
    """A period that can be: `recurring` or not, or either."""
    first = draw(DAYS)
    length = timedelta(draw(st.integers(0, 9)))
    times = draw(
        st.one_of(st.just((None, None)), st.tuples(*[st.builds(time, st.integers(0, 23), st.integers(0, 59))] * 2))
    )
    recurrence = None
    if recurring or (recurring is None and draw(st.booleans())):
        recurrence = draw(RECURRENCES.filter(lambda each: first_day(each, first) is not None))
    return Period(draw(NAMES), first, first + length, *times, recurrence)
