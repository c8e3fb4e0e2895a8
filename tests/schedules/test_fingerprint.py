from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import assume, given
from hypothesis import strategies as st

from providers.base import Event
from schedules.fingerprint import FIELDS, changed, fingerprint, forget

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
EVENT = Event(
    "Logic", START, START + timedelta(hours=1), "Europe/Amsterdam", location="A 1", description="x", category="Lecture"
)
MOMENTS = st.integers(0, 10**9).map(lambda seconds: START + timedelta(seconds=seconds))
EVENTS = st.builds(
    Event, st.text(), MOMENTS, MOMENTS, st.sampled_from(["UTC", "Europe/Paris"]), st.booleans(), *[st.text()] * 3
)
OF_EVENT = {name: name for name in ("title", "location", "description", "category")} | dict.fromkeys(
    ("start", "end", "zone", "all_day"), "time"
)


@given(EVENTS, EVENTS, st.sampled_from(sorted(OF_EVENT)))
def test_a_change_of_any_field_is_seen_and_named(before, other, field):
    after = replace(before, **{field: getattr(other, field)})
    assume(after != before)
    assert changed(fingerprint(before), fingerprint(after)) == {OF_EVENT[field]}


@given(EVENTS)
def test_equal_events_have_one_fingerprint(event):
    assert fingerprint(replace(event)) == fingerprint(event)
    assert len(fingerprint(event)) == 40
    assert changed(fingerprint(event), fingerprint(event)) == frozenset()


def test_an_instant_is_the_same_in_every_zone():
    elsewhere = replace(EVENT, start=START.astimezone(timezone(timedelta(hours=2))))
    assert fingerprint(elsewhere) == fingerprint(EVENT)


def test_texts_do_not_run_into_each_other():
    assert fingerprint(replace(EVENT, title="a", location="bc")) != fingerprint(
        replace(EVENT, title="ab", location="c")
    )


def test_an_unknown_content_differs_in_everything():
    assert changed(b"", fingerprint(EVENT)) == set(FIELDS)
    assert changed(fingerprint(EVENT)[:-1], fingerprint(EVENT)) == set(FIELDS)


@given(st.sets(st.sampled_from(FIELDS)))
def test_what_is_forgotten_and_only_that_differs(fields):
    assert changed(forget(fingerprint(EVENT), fields), fingerprint(EVENT)) == fields


def test_a_forgotten_field_differs_even_from_a_digest_of_zeros():
    zeros = bytes(len(fingerprint(EVENT)))
    assert changed(forget(fingerprint(EVENT), {"title"}), zeros) >= {"title"}


def test_what_is_unknown_has_nothing_to_forget():
    assert forget(b"", {"title"}) == b""
