"""Terms: until when a window goes on that would end inside one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.responses import Response

from sandbox.faults import Fault
from timetables._mytimetable_terms import LONGEST, reach, unknown
from timetables.base import ContractBroken, Unavailable

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(*day):
    return datetime(*day, tzinfo=AMSTERDAM)


def milliseconds(moment):
    return int(moment.timestamp() * 1000)


def term(key, *ranges, ident="2026!1"):
    told = [{"startDate": milliseconds(start), "endDate": milliseconds(end)} for start, end in ranges]
    return {"id": ident, "key": key, "name": "A term", "dateRanges": told}


FIRST = local(2026, 11, 1)


def reached(terms, named, end, start=FIRST):
    return reach(orjson.dumps({"terms": terms}), "", named, (start, end), AMSTERDAM)


def json(content):
    return Response(orjson.dumps(content), media_type="application/json")


@pytest.fixture
def span():
    """It ends inside the second week of block 3, which is over on 10 April 2027."""
    return local(2026, 11, 6), local(2027, 2, 18)


@pytest.fixture
def read(anna, span):
    """What a source says of Anna for the window."""
    return lambda source, validator=None: source.fetch(anna, *span, validator)


@pytest.fixture
def to_the_end(base, source_of):
    return source_of(base, terms=["BLOCK3"])


@pytest.fixture
def end_term(institution):
    """Lets the term with a key end at another time, or be there no more."""

    def ended(key, end):
        institution.end_term(next(each.id for each in institution.terms() if each.key == key), end)

    return ended


# What is read


def test_a_reading_goes_on_to_the_end_of_the_term(read, to_the_end, institution, anna, span):
    reading = read(to_the_end)
    assert reading.end == local(2027, 4, 10)
    true = institution.timetable(anna.username, span[0], local(2027, 4, 10))
    assert [event.id for event in reading.events] == [event.id(institution.zone) for event in true]


@pytest.mark.parametrize(
    ("named", "end"),
    [
        (["BLOCK2"], (2027, 2, 18)),
        (["BLOCK2", "BLOCK3"], (2027, 4, 10)),
        (["All 2026"], (2027, 9, 6)),
        ("all", (2027, 9, 6)),
        (["TermTime!1"], (2027, 9, 6)),
        (["GONE"], (2027, 2, 18)),
    ],
)
def test_terms_are_named_by_key_or_id_or_all_of_them(read, base, source_of, named, end):
    assert read(source_of(base, terms=named)).end == local(*end)


def test_terms_are_asked_for_where_they_are_set_only_and_for_nobody(read, source, to_the_end, faults):
    assert read(source).end is None
    assert faults.seen("*/terms") == []
    read(to_the_end)
    assert len(faults.seen("*/terms")) == 1


def test_terms_are_asked_for_on_behalf_of_nobody(read, answering, source_of):
    asked = []

    def terms(request):
        asked.append(request.headers)
        return json({"terms": []})

    base, _ = answering(timetable=json([]), eventtypegroups=json({"eventtypegroups": []}), terms=terms)
    read(source_of(base, terms="all"))
    assert [("requestedauth" in each, each["apitoken"]) for each in asked] == [(False, "sandbox-elevated")]


@pytest.mark.parametrize("etags", [False, True])
def test_an_unchanged_term_and_timetable_are_nothing_new(read, to_the_end, institution, faults, etags):
    institution.etags = etags
    reading = read(to_the_end)
    assert len(reading.validator) <= 1000
    faults.forget()
    assert read(to_the_end, reading.validator) is None
    (asked,) = faults.seen("*/terms")
    assert (asked.status == 304) is etags
    assert len(faults.seen()) == 3
    late = institution.add("anna.visser@example.edu", "Talk", local(2027, 4, 9, 16))
    changed = read(to_the_end, reading.validator)
    assert late in {event.id for event in changed.events}
    assert changed.end == reading.end
    assert read(to_the_end, changed.validator) is None


@pytest.mark.parametrize("etags", [False, True])
def test_another_end_of_the_term_is_a_full_reading_up_to_there(read, to_the_end, institution, end_term, etags):
    institution.etags = etags
    reading = read(to_the_end)
    for end, seen in ((local(2027, 3, 6), local(2027, 3, 6)), (None, local(2027, 2, 18))):
        end_term("BLOCK3", end)
        changed = read(to_the_end, reading.validator)
        assert changed.end == seen
        assert max(event.start for event in changed.events) < seen
        assert read(to_the_end, changed.validator) is None


def test_another_end_is_told_though_no_event_is_between_the_two(read, answering, source_of):
    told = [term("A", (local(2027, 1, 1), local(2027, *last))) for last in ((3, 1), (3, 8))]
    answers = {"timetable": json([]), "eventtypegroups": json({"eventtypegroups": []})}
    base, _ = answering(**answers, terms=lambda _request: json({"terms": told[:1]}))
    source = source_of(base, terms="A")
    reading = read(source)
    del told[0]
    assert (reading.end, read(source, reading.validator).end) == (local(2027, 3, 1), local(2027, 3, 8))


def test_a_change_of_a_term_that_the_window_does_not_end_inside_is_nothing_new(read, to_the_end, end_term):
    reading = read(to_the_end)
    end_term("BLOCK1", local(2026, 11, 14))
    assert read(to_the_end, reading.validator) is None


def test_switching_terms_on_or_off_or_to_others_is_a_full_reading(read, base, source, to_the_end, source_of):
    without, ours = (read(each).validator for each in (source, to_the_end))
    assert read(to_the_end, without) is not None
    assert read(source, ours) is not None
    assert read(source_of(base, terms=["BLOCK3", "BLOCK4"]), ours) is not None


def test_week_labels_and_terms_go_together(read, base, source_of, institution, faults):
    institution.etags = True
    source = source_of(base, terms="all", week_labels="SYLLABUS")
    reading = read(source)
    assert "wk 3.8" in {event.attributes.get("week_label") for event in reading.events}
    faults.forget()
    assert read(source, reading.validator) is None
    assert len(faults.seen()) == 4


# What goes wrong


@pytest.mark.parametrize(("kind", "error"), [("error", Unavailable), ("html", ContractBroken)])
def test_terms_that_fail_put_the_reading_off(read, to_the_end, faults, kind, error):
    faults.add(Fault("/api/v0/terms", kind, times=1))
    with pytest.raises(error, match="/terms"):
        read(to_the_end)
    assert faults.seen("*/timetable") == []
    assert read(to_the_end).end == local(2027, 4, 10)


def test_a_site_without_terms_is_told_of_and_the_next_address_is_tried(read, answering, base, source_of):
    old, _ = answering(timetable=json([]), eventtypegroups=json({"eventtypegroups": []}))
    with pytest.raises(ContractBroken, match=r"/terms has no terms, as before MyTimetable 3\.4: check urls, or leave"):
        read(source_of(old, terms="all"))
    assert read(source_of(old, base, terms="BLOCK3")).end == local(2027, 4, 10)


def test_the_check_names_terms_that_are_not_there(base, source_of):
    assert "databases 2026/2027" in source_of(base, terms=["BLOCK1", "All 2027"]).check()
    assert "databases 2026/2027" in source_of(base, terms="all").check()
    with pytest.raises(ContractBroken, match="no term BLOCK9, X: correct terms"):
        source_of(base, terms=["BLOCK9", "BLOCK1", "X"]).check()


@pytest.mark.parametrize("content", [[], "x", 3, {}, {"terms": None}, {"terms": {}}, {"terms": [1]}])
def test_what_is_no_list_of_terms_is_an_error(content):
    with pytest.raises(ContractBroken, match="sent no list of terms"):
        unknown(orjson.dumps(content), "https://x/terms", ["all"])


@pytest.mark.parametrize(
    "ranges", [None, "x", [None], [{}], [{"startDate": 1, "endDate": 2}], [{"startDate": "2026-09-01", "endDate": "?"}]]
)
def test_a_named_term_whose_days_cannot_be_read_is_an_error_and_another_one_is_nothing(ranges):
    odd = {**term("ODD"), "dateRanges": ranges}
    good = term("GOOD", (local(2026, 11, 1), local(2027, 3, 1)), ident="2026!2")
    with pytest.raises(ContractBroken, match="term 1 has no dates that can be read"):
        reached([odd, good], ["ODD"], local(2027, 2, 1))
    assert reached([odd, good], ["GOOD"], local(2027, 2, 1)) == local(2027, 3, 1)


@pytest.mark.parametrize("terms", [[""], ["x" * 201], [3], ["x"] * 101, 3])
def test_names_that_no_term_has_are_refused_in_the_settings(source_of, terms):
    with pytest.raises(ValidationError, match="terms"):
        source_of("https://x/api/v0/", terms=terms)


# Until when


def test_holidays_in_a_term_are_part_of_it_and_its_edges_are_not():
    year = term("YEAR", (local(2026, 9, 7), local(2026, 12, 19)), (local(2027, 1, 4), local(2027, 7, 10)))
    for end in (local(2026, 12, 18), local(2026, 12, 25), local(2027, 1, 4), local(2027, 7, 9)):
        assert reached([year], ["YEAR"], end) == local(2027, 7, 10)
    for end in (local(2026, 9, 7), local(2027, 7, 10), local(2027, 7, 11)):
        assert reached([year], ["YEAR"], end, local(2026, 8, 1)) == end


def test_of_several_terms_the_latest_end_counts_and_those_it_leads_into_do_not():
    long = term("A", (local(2026, 11, 1), local(2027, 3, 1)))
    short = term("A", (local(2026, 12, 1), local(2027, 2, 2)), ident="2026!2")
    next_one = term("A", (local(2027, 2, 8), local(2027, 7, 1)), ident="2026!3")
    assert reached([short, long, next_one], ["A"], local(2027, 2, 1)) == local(2027, 3, 1)


def test_a_window_is_whole_days_and_no_longer_than_its_bound():
    minute = term("A", (local(2026, 9, 1), local(2027, 3, 28, 23, 59)))
    assert reached([minute], "A", local(2027, 2, 1)) == local(2027, 3, 29)
    ages = term("A", (local(2000, 1, 1), local(2150, 1, 1)))
    start = local(2026, 11, 1)
    assert reached([ages], "A", local(2027, 2, 1), start) == start + LONGEST == local(2029, 1, 9)
    beyond = start + timedelta(days=1500)
    assert reached([ages], "A", beyond, start) == beyond


def test_a_date_in_words_and_a_term_without_days_are_understood():
    worded = {"id": "w", "dateRanges": [{"startDate": "2026-09-01", "endDate": "2027-03-01T00:00:00+01:00"}]}
    assert reached([worded, {**term("A"), "key": None}], ["all"], local(2027, 2, 1)) == local(2027, 3, 1)


DAYS = st.integers(0, 1200).map(lambda day: datetime(2026, 1, 1, 23, tzinfo=UTC) + timedelta(days=day))
TERMS = st.lists(st.lists(st.tuples(DAYS, DAYS), max_size=3), max_size=4)


@given(TERMS, DAYS, st.integers(0, 400))
def test_it_never_ends_earlier_than_it_would_nor_earlier_a_day_later(drawn, start, length):
    terms = [term("A", *ranges) for ranges in drawn]
    day = timedelta(days=1)
    today = reached(terms, "A", start + day * length, start)
    tomorrow = reached(terms, "A", start + day * (length + 1), start + day)
    assert start + day * length <= today <= tomorrow
