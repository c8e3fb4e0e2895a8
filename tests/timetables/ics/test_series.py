import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from timetables.base import ContractBroken

IN_AMSTERDAM = ";TZID=Europe/Amsterdam"
AUTUMN = "20261025"
SPRING = "20270328"


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def starts(events):
    return [each.start for each in events]


def weekly(rule, *more, start="20261019T090000", zone=IN_AMSTERDAM):
    return ["UID:s", f"DTSTART{zone}:{start}", "DURATION:PT1H", f"RRULE:{rule}", *more]


def slow_clock(monkeypatch):
    """As if 0.15 s had gone each time that one looks, so that the first pass over 50 events is in time."""
    moments = itertools.count()
    monkeypatch.setattr(time, "thread_time", lambda: next(moments) * 0.15)


# What a series means


def test_a_series_keeps_its_hour_when_the_clocks_change(read):
    found = read(weekly("FREQ=WEEKLY;COUNT=3"))
    assert starts(found) == [utc(2026, 10, 19, 7), utc(2026, 10, 26, 8), utc(2026, 11, 2, 8)]
    assert len({each.id for each in found}) == 3


def test_a_series_in_utc_keeps_its_instant_unless_the_file_names_a_zone(read):
    series = weekly("FREQ=WEEKLY;COUNT=2", start="20261019T090000Z", zone="")
    assert starts(read(series)) == [utc(2026, 10, 19, 9), utc(2026, 10, 26, 9)]
    assert starts(read(series, head=["X-WR-TIMEZONE:Europe/Amsterdam"])) == [
        utc(2026, 10, 19, 9),
        utc(2026, 10, 26, 10),
    ]


def test_a_time_without_a_zone_is_the_files_or_else_the_institutions(read):
    event = ["UID:1", "DTSTART:20261020T090000"]
    assert starts(read(event)) == [utc(2026, 10, 20, 7)]
    assert starts(read(event, head=["X-WR-TIMEZONE:America/New_York"])) == [utc(2026, 10, 20, 13)]


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("Europe/Amsterdam", 7),
        ("/freeassociation.sourceforge.net/Europe/Amsterdam", 7),
        ("W. Europe Standard Time", 7),
        ("GMT Standard Time", 8),
        ("Etc/GMT+2", 11),
        ("UTC", 9),
    ],
)
def test_zones_of_the_world_and_of_windows_are_known_by_name(read, zone, hour):
    assert starts(read(["UID:1", f"DTSTART;TZID={zone}:20261020T090000"])) == [utc(2026, 10, 20, hour)]


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        (f"{AUTUMN}T023000", utc(2026, 10, 25, 0, 30)),
        (f"{AUTUMN}T013000", utc(2026, 10, 24, 23, 30)),
        (f"{AUTUMN}T033000", utc(2026, 10, 25, 2, 30)),
        (f"{SPRING}T023000", utc(2027, 3, 28, 1, 30)),
        (f"{SPRING}T013000", utc(2027, 3, 28, 0, 30)),
        (f"{SPRING}T033000", utc(2027, 3, 28, 1, 30)),
    ],
)
def test_an_hour_that_comes_twice_is_the_first_and_one_that_never_comes_is_after_the_gap(read, local, instant):
    assert starts(read(["UID:1", f"DTSTART{IN_AMSTERDAM}:{local}"])) == [instant]


def test_a_day_is_the_institutions_whatever_the_clocks_do(read):
    (event,) = read(["UID:1", f"DTSTART;VALUE=DATE:{AUTUMN}", "DTEND;VALUE=DATE:20261026"])
    assert (event.all_day, event.start, event.end) == (True, utc(2026, 10, 24, 22), utc(2026, 10, 25, 23))
    (event,) = read(["UID:1", f"DTSTART;VALUE=DATE:{SPRING}"])
    assert (event.all_day, event.start, event.end) == (True, utc(2027, 3, 27, 23), utc(2027, 3, 28, 22))


def test_days_in_a_series_stay_days(read):
    found = read(["UID:1", "DTSTART;VALUE=DATE:20261019", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;VALUE=DATE:20261026"])
    assert [(each.all_day, each.start, each.id) for each in found] == [
        (True, utc(2026, 10, 18, 22), "1 20261019"),
        (True, utc(2026, 11, 1, 23), "1 20261102"),
    ]


def test_dates_beside_the_rule_are_added_and_periods_have_their_own_length(read):
    found = read(
        weekly(
            "FREQ=WEEKLY;COUNT=1",
            f"RDATE{IN_AMSTERDAM}:20261021T090000,20261022T090000",
            "RDATE;VALUE=PERIOD:20261023T070000Z/PT3H",
        )
    )
    assert starts(found) == [utc(2026, 10, day, 7) for day in (19, 21, 22, 23)]
    assert [each.end - each.start for each in found] == [timedelta(hours=hours) for hours in (1, 1, 1, 3)]


def test_a_date_that_was_moved_or_cancelled_keeps_its_name_and_takes_the_place_of_its_own(read):
    moved = ["UID:s", f"RECURRENCE-ID{IN_AMSTERDAM}:20261026T090000", f"DTSTART{IN_AMSTERDAM}:20261028T130000"]
    gone = ["UID:s", f"RECURRENCE-ID{IN_AMSTERDAM}:20261102T090000", f"DTSTART{IN_AMSTERDAM}:20261102T090000"]
    found = read(weekly("FREQ=WEEKLY;COUNT=3"), moved, [*gone, "STATUS:CANCELLED"])
    assert [(each.start, each.id, each.hidden) for each in found] == [
        (utc(2026, 10, 19, 7), "s 20261019T070000Z", ""),
        (utc(2026, 10, 28, 12), "s 20261026T080000Z", ""),
        (utc(2026, 11, 2, 8), "s 20261102T080000Z", "cancelled"),
    ]


def test_a_date_moved_into_the_window_from_far_away_is_there(read):
    moved = ["UID:s", f"RECURRENCE-ID{IN_AMSTERDAM}:20280103T090000", f"DTSTART{IN_AMSTERDAM}:20261028T130000"]
    found = read(weekly("FREQ=WEEKLY;BYDAY=MO;UNTIL=20280201T000000Z", start="20270524T090000"), moved)
    assert starts(found) == [utc(2026, 10, 28, 12), utc(2027, 5, 24, 7), utc(2027, 5, 31, 7)]


def test_a_change_of_all_that_follow_gives_each_a_name_of_its_own(read):
    later = [
        "UID:s",
        f"RECURRENCE-ID;RANGE=THISANDFUTURE{IN_AMSTERDAM}:20261026T090000",
        f"DTSTART{IN_AMSTERDAM}:20261026T110000",
        "DURATION:PT2H",
        "SUMMARY:Later",
    ]
    found = read(weekly("FREQ=WEEKLY;COUNT=4"), later)
    assert starts(found) == [utc(2026, 10, 19, 7), *(utc(2026, *day, 10) for day in ((10, 26), (11, 2), (11, 9)))]
    assert [each.description for each in found] == ["", *["Later"] * 3]
    assert len({each.id for each in found}) == 4


@pytest.mark.parametrize(
    ("start", "until", "days"),
    [
        (f"{IN_AMSTERDAM}:20261019T090000", "20261021T070000Z", [19, 20, 21]),
        (f"{IN_AMSTERDAM}:20261019T090000", "20261021T065959Z", [19, 20]),
        (f"{IN_AMSTERDAM}:20261019T090000", "20261021T090000", [19, 20, 21]),
        (f"{IN_AMSTERDAM}:20261019T090000", "20261021", [19, 20, 21]),
        (";TZID=America/New_York:20261019T220000", "20261021T220000", [20, 21, 22]),
        (";TZID=America/New_York:20261019T220000", "20261021", [20, 21, 22]),
        (":20261019T003000", "20261020T223000Z", [18, 19, 20]),
        (";VALUE=DATE:20261019", "20261021", [18, 19, 20]),
        (";VALUE=DATE:20261019", "20261021T000000", [18, 19, 20]),
        (";VALUE=DATE:20261019", "20261020T220000Z", [18, 19, 20]),
    ],
)
def test_a_series_takes_place_until_its_last_day_or_hour_and_then_too(read, start, until, days):
    for rule in (f"FREQ=DAILY;UNTIL={until}", f"UNTIL={until};FREQ=DAILY"):
        found = read(["UID:s", f"DTSTART{start}", f"RRULE:{rule}"])
        assert [each.start.day for each in found] == days


def test_a_date_named_by_its_day_or_its_midnight_is_the_one_of_that_day(read):
    moved = ["UID:s", "RECURRENCE-ID;VALUE=DATE:20261026", f"DTSTART{IN_AMSTERDAM}:20261028T130000"]
    assert [(each.start, each.id) for each in read(weekly("FREQ=WEEKLY;COUNT=2"), moved)] == [
        (utc(2026, 10, 19, 7), "s 20261019T070000Z"),
        (utc(2026, 10, 28, 12), "s 20261026T080000Z"),
    ]
    days = ["UID:s", "DTSTART;VALUE=DATE:20261019", "RRULE:FREQ=DAILY;COUNT=2"]
    for name in ("20261020T000000", "20261019T220000Z"):
        found = read(days, ["UID:s", f"RECURRENCE-ID:{name}", "DTSTART;VALUE=DATE:20261025"])
        assert [each.id for each in found] == ["s 20261019", "s 20261020"]


def test_of_two_changes_of_a_date_the_later_counts_with_its_series_and_without(read):
    changes = [
        ["UID:s", f"SEQUENCE:{nth}", "RECURRENCE-ID:20261019T070000Z", f"DTSTART:202610{day}T090000Z"]
        for nth, day in ((10, 28), (9, 27))
    ]
    for series in ([], [weekly("FREQ=WEEKLY;COUNT=1")]):
        assert starts(read(*series, *changes)) == [utc(2026, 10, 28, 9)]


def test_an_exception_without_its_series_stands_for_itself(read):
    (event,) = read(["UID:s", "RECURRENCE-ID:20261026T080000Z", f"DTSTART{IN_AMSTERDAM}:20261028T130000"])
    assert (event.start, event.id) == (utc(2026, 10, 28, 12), "s 20261026T080000Z")


# Names


def one(uid, start, *more):
    return [f"UID:{uid}", f"DTSTART:{start}Z", "SUMMARY:x", *more]


def test_a_uid_alone_is_the_id_so_that_a_moved_event_keeps_it(read):
    assert [each.id for each in read(one("a", "20261020T090000"))] == ["a"]
    assert [each.id for each in read(one("a", "20261021T100000"))] == ["a"]


def test_different_events_of_one_careless_uid_stay_apart(read):
    found = read(one("a", "20261020T090000"), one("a", "20261021T090000"), one("b", "20261021T090000"))
    assert [each.id for each in found] == ["a 20261020T090000Z", "a 20261021T090000Z", "b"]


def test_the_same_event_twice_has_one_id(read):
    assert [each.id for each in read(one("a", "20261020T090000"), one("a", "20261020T090000", "LOCATION:x"))] == [
        "a"
    ] * 2


def test_of_two_versions_the_later_counts_and_the_other_is_hidden(read):
    found = read(one("a", "20261020T090000", "SEQUENCE:1"), one("a", "20261021T090000", "SEQUENCE:2"))
    assert [(each.id, each.hidden) for each in found] == [("a 20261020T090000Z", "an older version of it"), ("a", "")]


def test_two_series_of_one_uid_are_both_counted_out(read):
    found = read(weekly("FREQ=WEEKLY;COUNT=2"), weekly("FREQ=WEEKLY;COUNT=2", start="20261020T090000"))
    assert len(found) == len({each.id for each in found}) == 4


def test_events_without_a_uid_have_no_id(read):
    found = read(["DTSTART:20261020T090000Z"], ["DTSTART:20261020T090000Z", "RRULE:FREQ=DAILY;COUNT=2"])
    assert [each.id for each in found] == [""] * 3


def test_a_pattern_may_take_the_id_out_of_the_uid(read):
    patterns = {"UID": (r"^(?P<id>.+)@x$",)}
    found = read(one("2026!A-20261020@x", "20261020T090000"), one("plain", "20261021T090000"), patterns=patterns)
    assert [each.id for each in found] == ["2026!A-20261020", "plain"]


# The window and odd lengths


def test_what_touches_the_window_is_there_and_nothing_else(read):
    window = utc(2026, 10, 20), utc(2026, 10, 21)
    inside = {
        "into it": ("20261019T230000", "20261020T010000"),
        "out of it": ("20261020T230000", "20261021T010000"),
        "over it": ("20261001T000000", "20261101T000000"),
        "no length": ("20261020T000000", "20261020T000000"),
        "backwards": ("20261020T100000", "20261020T090000"),
    }
    outside = {
        "before": ("20261019T230000", "20261020T000000"),
        "after": ("20261021T000000", "20261021T010000"),
        "no length before": ("20261019T235959", "20261019T235959"),
    }
    events = [[f"UID:{name}", f"DTSTART:{a}Z", f"DTEND:{b}Z"] for name, (a, b) in {**inside, **outside}.items()]
    assert {each.id for each in read(*events, span=window)} == inside.keys()


def test_a_series_has_in_the_window_what_touches_it(read):
    window = utc(2026, 10, 20), utc(2026, 10, 22)
    nightly = ["UID:n", "DTSTART:20200101T230000Z", "DURATION:PT2H", "RRULE:FREQ=DAILY"]
    assert starts(read(nightly, span=window)) == [utc(2026, 10, 19, 23), utc(2026, 10, 20, 23), utc(2026, 10, 21, 23)]


def test_an_event_that_ends_before_it_starts_keeps_its_start_in_a_series_too(read):
    backwards = ["UID:b", "DTSTART:20261020T100000Z", "DTEND:20261020T090000Z"]
    assert [(each.start, each.end) for each in read(backwards)] == [(utc(2026, 10, 20, 10), utc(2026, 10, 20, 9))]
    assert starts(read([*backwards, "RRULE:FREQ=DAILY;COUNT=2"])) == [utc(2026, 10, 20, 10), utc(2026, 10, 21, 10)]


def test_a_day_with_an_hour_in_it_is_no_whole_day(read):
    (event,) = read(["UID:1", "DTSTART;VALUE=DATE:20261020", "DURATION:PT12H"])
    assert (event.all_day, event.start, event.end) == (False, utc(2026, 10, 19, 22), utc(2026, 10, 20, 10))
    (event,) = read(["UID:1", "DTSTART;VALUE=DATE:20261020", "DTEND:20261020T100000Z"])
    assert (event.all_day, event.end) == (False, utc(2026, 10, 20, 10))
    (event,) = read(["UID:1", "DTSTART;VALUE=DATE:20261020", "DURATION:P2D"])
    assert (event.all_day, event.end) == (True, utc(2026, 10, 21, 22))


# Bounds


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=FORTNIGHTLY",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3",
        "FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60))),
        "FREQ=DAILY;COUNT=x",
        "",
    ],
)
def test_a_rule_that_nobody_could_count_is_refused_with_its_number(read, rule):
    with pytest.raises(ContractBroken, match=r"number 2: its (RRULE|series)"):
        read(one("a", "20261020T090000"), weekly(rule))


def test_too_many_rules_are_refused(read):
    with pytest.raises(ContractBroken, match="more than 3 RRULEs"):
        read(weekly("FREQ=DAILY;COUNT=2", *["RRULE:FREQ=WEEKLY;COUNT=2"] * 3))


def test_a_rule_that_never_comes_true_is_its_first_date_and_costs_no_worker_its_life(read, monkeypatch):
    never = "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30"
    assert starts(read(weekly(never))) == [utc(2026, 10, 19, 7)]
    several = [[f"UID:{nth}", *weekly(never)[1:]] for nth in range(50)]
    slow_clock(monkeypatch)
    with pytest.raises(ContractBroken, match=r"number \d+: those before it took over 10 s to read"):
        read(*several, span=(utc(2030, 1, 1, 0), utc(2030, 2, 1, 0)))


def test_many_series_of_one_uid_take_no_longer_than_others(read, monkeypatch):
    slow_clock(monkeypatch)
    with pytest.raises(ContractBroken, match=r"number \d+: those before it took over 10 s"):
        read(*[weekly("FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30")] * 50, span=(utc(2030, 1, 1, 0), utc(2030, 2, 1, 0)))


def test_a_rule_of_exceptions_is_refused_and_not_left_out(read):
    with pytest.raises(ContractBroken, match="number 1: it has an EXRULE"):
        read(weekly("FREQ=WEEKLY;COUNT=4", "EXRULE:FREQ=WEEKLY;INTERVAL=2"))


def test_events_and_dates_are_counted_before_they_are_kept(read):
    singles = [one(str(nth), "20261020T090000") for nth in range(101)]
    assert len(read(*singles[:100], most=100)) == 100
    with pytest.raises(ContractBroken, match="more than 100 events for one person"):
        read(*singles, most=100)
    with pytest.raises(ContractBroken, match="take place more than 100 times"):
        read(weekly("FREQ=DAILY;COUNT=60"), ["UID:t", *weekly("FREQ=DAILY;COUNT=60")[1:]], most=100)
    long = ["UID:l", "DTSTART:19600101T000000Z", "DTEND:19900101T000000Z", "RRULE:FREQ=DAILY"]
    with pytest.raises(ContractBroken, match="take place more than 100 times"):
        read(long, most=100)


def own_zone(rule):
    standard = ["BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0100", rule]
    daylight = ["BEGIN:DAYLIGHT", "DTSTART:19700401T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0200", "END:DAYLIGHT"]
    return ["BEGIN:VTIMEZONE", "TZID:Odd", *standard, "END:STANDARD", *daylight, "END:VTIMEZONE"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=YEARLY;FREQ=SECONDLY",
        "FREQ=YEARLY;INTERVAL=0",
        "FREQ=YEARLY;BYHOUR=1,2,3",
        "FREQ=YEARLY;BYMONTHDAY=1;BYSECOND=1,2",
        "COUNT=3",
    ],
)
def test_a_zone_whose_clocks_change_without_end_is_refused_and_read_only_if_it_is_used(read, rule):
    zone = own_zone(f"RRULE:{rule}")
    with pytest.raises(ContractBroken, match="its time zone cannot be read"):
        read(["UID:1", "DTSTART;TZID=Odd:20261020T090000"], head=zone)
    assert read(["UID:1", "DTSTART:20261020T090000Z"], head=zone)


def test_a_zone_may_say_at_which_hour_its_clocks_change_each_year(read):
    zone = own_zone("RRULE:FREQ=YEARLY;INTERVAL=1;BYMINUTE=0;BYHOUR=2;BYDAY=-1SU;BYMONTH=9")
    assert starts(read(["UID:1", "DTSTART;TZID=Odd:20261020T090000"], head=zone)) == [utc(2026, 10, 20, 8)]


def test_a_zone_that_is_long_to_read_is_given_up(read, monkeypatch):
    slow_clock(monkeypatch)
    with pytest.raises(ContractBroken, match=r"number \d+: those before it took over 10 s to read"):
        read(*[["DTSTART;TZID=Odd:20261020T090000"]] * 50, head=own_zone("RRULE:FREQ=YEARLY;BYMONTH=9"))


def test_events_that_take_long_to_read_are_given_up_though_none_is_in_the_window(read, monkeypatch):
    slow_clock(monkeypatch)
    with pytest.raises(ContractBroken, match=r"number \d+: those before it took over 10 s to read"):
        read(*[one(str(nth), "20991020T090000") for nth in range(100)], patterns={"SUMMARY": ("(?P<id>.+)",)})
