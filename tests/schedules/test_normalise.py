import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Event
from schedules.normalise import LINE, TEXT, line, paragraphs, span

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TEXTS = st.text(st.characters(codec=None), max_size=400) | st.text(" \t\r\n\x0b\x85\u2028ae\u0301.", max_size=60)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
ZONES = st.sampled_from(
    ["Europe/Amsterdam", "UTC", "Asia/Beirut", "Africa/Cairo", "America/St_Johns", "Asia/Kathmandu"]
)


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text):
    assert line(line(text)) == line(text)
    assert paragraphs(paragraphs(text)) == paragraphs(text)


@given(TEXTS)
def test_what_comes_out_can_be_written_anywhere(text):
    for out, allowed in ((line(text), ""), (paragraphs(text), "\n")):
        assert not [
            each for each in out if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} and each not in allowed
        ]
        assert unicodedata.is_normalized("NFC", out)
        assert out == out.strip()
        out.encode()


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x85", "\u2028", "\n"])
def test_every_kind_of_line_end_is_the_same(end):
    assert paragraphs(f"one  {end}two{end}{end}{end}{end}three{end}") == "one\ntwo\n\nthree"
    assert line(f"one{end}two") == "one two"


def test_a_tab_parts_words():
    assert line("one\ttwo") == paragraphs("one\ttwo") == "one two"


def test_no_space_stands_before_the_ellipsis():
    assert line(f"{'x' * 250} {'y' * 250}", 252) == f"{'x' * 250}…"


def test_a_composed_letter_equals_its_parts():
    assert line("Cafe\u0301") == line("Caf\u00e9") == "Caf\u00e9"


def test_half_a_surrogate_pair_is_left_out():
    assert line("a\ud800b") == "ab"


@pytest.mark.parametrize(("normal", "limit"), [(line, LINE), (paragraphs, TEXT)])
def test_only_a_text_that_is_too_long_is_cut(normal, limit):
    assert normal("x" * limit) == "x" * limit
    cut = normal("x" * (limit + 1))
    assert len(cut) == limit
    assert cut.endswith("x…")


@pytest.mark.parametrize("seconds", [0, 30, -3600])
def test_an_event_without_length_lasts_a_minute(seconds):
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert span(start, start + timedelta(seconds=seconds), AMSTERDAM) == (start, start + timedelta(minutes=1))


def test_seconds_are_kept_and_parts_of_them_dropped():
    start = datetime(2026, 11, 23, 9, 0, 7, 999_999, tzinfo=UTC)
    assert span(start, start + timedelta(hours=1), AMSTERDAM) == (
        datetime(2026, 11, 23, 9, 0, 7, tzinfo=UTC),
        datetime(2026, 11, 23, 10, 0, 7, tzinfo=UTC),
    )


@given(MOMENTS, st.timedeltas(timedelta(days=-2), timedelta(days=5)), ZONES, st.booleans())
def test_a_span_is_never_empty_and_normalised_once(start, length, zone, all_day):
    first = span(start, start + length, ZoneInfo(zone), all_day=all_day)
    assert first[1] - first[0] >= timedelta(minutes=1)
    assert all(moment.tzinfo is UTC and moment.microsecond == 0 for moment in first)
    assert span(*first, ZoneInfo(zone), all_day=all_day) == first


@given(MOMENTS, st.timedeltas(timedelta(days=-2), timedelta(days=5)), ZONES)
def test_an_all_day_event_covers_whole_local_days(start, length, zone):
    local = ZoneInfo(zone)
    end = start + length
    begin, finish = span(start, end, local, all_day=True)
    first, after = Event("", begin, finish, zone, all_day=True).days()
    assert first == start.astimezone(local).date()
    assert after > first
    assert begin <= start
    assert finish >= end.replace(microsecond=0)


def test_an_all_day_event_from_midnight_to_midnight_stays_one_day_in_the_nights_when_clocks_change():
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM)
        begin, finish = span(midnight, midnight + timedelta(days=1), AMSTERDAM, all_day=True)
        assert finish - begin == timedelta(hours=hours)


def test_a_midnight_that_the_clocks_skip_ends_the_day_before():
    beirut = ZoneInfo("Asia/Beirut")
    skipped = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert skipped.astimezone(beirut).hour == 1
    begin, finish = span(skipped - timedelta(days=1), skipped, beirut, all_day=True)
    assert Event("", begin, finish, "Asia/Beirut", all_day=True).days() == (date(2026, 3, 28), date(2026, 3, 29))
