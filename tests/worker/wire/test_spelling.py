"""What differs only in spelling, order or season is no change: another reading and a look find nothing to do."""

import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from term import lecture, milliseconds

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(zone, *moment):
    return datetime(*moment, tzinfo=zone)


def lasting(start, end, ident, **other):
    return lecture(start, ident, endDate=milliseconds(end), **other)


@pytest.mark.case("peers", 12)
def test_events_of_odd_lengths_stand_as_each_calendar_can_show_them(term):
    start = local(AMSTERDAM, 2026, 10, 20, 9)
    minute = timedelta(minutes=1)
    odd = [
        lasting(start, start, "no length", title="a"),
        lasting(start, start - HOUR, "ends before it starts", title="b"),
        lasting(start, start + 3 * DAY, "three days and nights", title="c"),
        lasting(start.replace(hour=23), start.replace(hour=23) + 3 * HOUR, "over midnight", title="d"),
        lasting(start.replace(hour=0), start.replace(hour=0) + DAY, "a day", title="e", allDay=True),
        lasting(local(AMSTERDAM, 2026, 10, 24), local(AMSTERDAM, 2026, 10, 27), "winter", title="f", allDay=True),
        lasting(start, start, "a day of no length", title="g", allDay=True),
        lasting(start, start - HOUR, "a day that ends before it starts", title="h", allDay=True),
    ]
    someone = term.person(*odd)
    assert someone.run().created == len(odd)
    there = {each.title: (each.start, each.end) for each in someone.box.mailbox.listing().values()}
    begun, tuesday = start.astimezone(UTC), date(2026, 10, 20)
    assert there == {
        "a": (begun, begun + minute),
        "b": (begun, begun + minute),
        "c": (begun, begun + 3 * DAY),
        "d": (begun + 14 * HOUR, begun + 17 * HOUR),
        "e": (tuesday, tuesday + DAY),
        "f": (date(2026, 10, 24), date(2026, 10, 27)),
        "g": (tuesday, tuesday + DAY),
        "h": (tuesday, tuesday + DAY),
    }
    assert someone.at_rest()


@pytest.mark.case("peers", 13)
@pytest.mark.parametrize("named", [True, False])
def test_two_lectures_that_are_alike_in_everything_stay_two_and_keep_apart(term, named):
    start = term.now + DAY
    twins = [lecture(start, f"id-{nth}" if named else "") for nth in range(2)]
    someone = term.person(*twins)
    assert someone.run().created == 2
    first = someone.box.standing().keys()
    assert someone.starts() == [(start, "Room 1")] * 2
    assert someone.at_rest()
    someone.tell(twins[1], twins[0] | {"locations": [{"name": "Room 9"}]})
    report = someone.run()
    assert (report.created, report.updated, report.deleted) == (0, 1, 0)
    assert someone.starts() == [(start, "Room 1"), (start, "Room 9")]
    assert someone.box.standing().keys() == first
    assert someone.at_rest()
    someone.tell(twins[0])
    assert someone.run().deleted == 1
    assert someone.starts() == [(start, "Room 1")]
    assert someone.box.standing().keys() < first
    assert someone.at_rest()


ACCENTS = "Algèbre <b>linéaire</b> &amp; «more» 🎻"
LINK = "<p>Bring <a href='https://x.example'>this</a>;&nbsp;\\n</p>"
SIGNS = 'a, b; c: d \\ e "f" ^n %0A =20'
ON_A_LINE = {
    "spaces": ("Algebra  and more ", " Algebra\tand\u00a0more"),
    "accents": (ACCENTS, unicodedata.normalize("NFD", ACCENTS)),
    "signs": (f" {SIGNS}", f"{SIGNS} "),
    "unseen": ("Bell\u0007 and mark\ufeff", "Bell and mark"),
}
"""Two ways to write each text, which say the same."""
ON_LINES = {
    **{name: both for name, both in ON_A_LINE.items() if name != "spaces"},
    "line ends": ("First\r\nsecond\r\n\r\n\r\n\r\nthird  \r\n", "First \nsecond\r\rthird"),
    "HTML": (f"{LINK}\r\n", LINK),
    "length": ("x" * 9_000, "x" * 9_100),
}


def spelt(term, way):
    """Days of which every event holds something odd, in one of two ways to write it."""
    start = term.now + DAY + timedelta(seconds=17)
    titles, notes = ([both[way] for both in texts.values()] for texts in (ON_A_LINE, ON_LINES))
    events = [
        lecture(start + DAY * nth, ident and f"{ident} {nth}", title=title, room=title, notes=notes[nth], tags=notes)
        for nth, title in enumerate(titles)
        for ident in ("id", "")
    ]
    events += [lecture(start + DAY * nth, f"note {nth}", notes=note) for nth, note in enumerate(notes)]
    events += [lecture(start, "part of a second", startDate=milliseconds(start) + (0, 999)[way])]
    return events if way == 0 else events[::-1]


@pytest.mark.case("peers", 14)
def test_another_spelling_is_no_operation(term):
    someone = term.person(*spelt(term, 0))
    assert someone.run().created == 2 * len(ON_A_LINE) + len(ON_LINES) + 1
    before = someone.versions()
    term.wire.forget()
    someone.tell(*spelt(term, 1))
    idle = [someone.run(), someone.resync()]
    assert [(each.created, each.updated, each.deleted) for each in idle] == [(0, 0, 0)] * 2
    assert term.changes() == 0
    assert someone.versions() == before
    assert someone.at_rest()


def around(zone, days):
    """Events that begin with each of these local days, and half an hour before they end."""
    for day in days:
        midnight = local(zone, day.year, day.month, day.day).astimezone(UTC)
        late = local(zone, day.year, day.month, day.day, 23, 30).astimezone(UTC)
        yield lecture(midnight, f"{day} early")
        yield lecture(late, f"{day} late")


def each_hour(change):
    """The hours around a change of the clocks, named and not; some share their local time."""
    for hour in range(-3, 4):
        yield lecture(change + HOUR * hour / 2, f"hour {hour}", title="Night")
        yield lecture(change + HOUR * hour / 2, title="Nameless night")


AUTUMN, SPRING = datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)
# Sixty days after this one a year ends.
AMERICA = datetime(2026, 11, 1, 6, tzinfo=UTC)
# Clocks go back by half an hour only.
LORD_HOWE = datetime(2027, 4, 3, 15, tzinfo=UTC)
CHANGES = [
    *((kind, "Europe/Amsterdam", AUTUMN) for kind in ("caldav", "connectdaily", "ews", "googlecalendar", "o365")),
    *((kind, "Europe/Amsterdam", SPRING) for kind in ("caldav", "o365")),
    *((kind, "America/New_York", AMERICA) for kind in ("ews", "googlecalendar")),
    *((kind, "Australia/Lord_Howe", LORD_HOWE) for kind in ("caldav", "o365")),
]


@pytest.mark.case("peers", 11)
@pytest.mark.case("faults", 11)
@pytest.mark.parametrize(("kind", "zone", "change"), CHANGES)
def test_days_pass_over_a_change_of_the_clocks_and_only_what_comes_into_the_window_is_written(
    open_term, kind, zone, change
):
    term, here = open_term(kind, zone=zone), ZoneInfo(zone)
    term.now = change - timedelta(hours=40)
    today = term.now.astimezone(here).date()
    days = [today + timedelta(days=nth) for nth in (*range(-18, -8), *range(58, 68))]
    someone = term.person(*around(here, days), *each_hour(change))
    # Fourteen days back and sixty ahead, whole ones: 6 days of the first ten, 3 of the last.
    assert someone.run().created == 2 * (6 + 3) + 14
    for _ in range(4):
        term.now += DAY
        before = someone.box.standing()
        someone.told_again()
        report = someone.run()
        assert (report.created, report.updated, report.deleted) == (2, 0, 0)
        assert before.items() <= someone.box.standing().items()
    assert someone.at_rest()
    assert len(someone.starts()) == 2 * (6 + 3) + 14 + 8
