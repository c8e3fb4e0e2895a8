"""Week labels and subscriptions: what is read beside the events."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from starlette.responses import Response

from sandbox.faults import Fault
from schedules.render import DEFAULT_TEMPLATES, Rendering
from timetables._mytimetable_subscriptions import subscribed
from timetables._mytimetable_weeks import labelled, week_labels
from timetables.base import ContractBroken, Person, SourceEvent, Unavailable

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def with_labels(base, source_of):
    return source_of(base, week_labels="SYLLABUS")


def label_of(event):
    return event.attributes.get("week_label")


def json(content):
    return Response(orjson.dumps(content), media_type="application/json")


def test_an_event_has_the_label_of_its_week_in_the_persons_language(with_labels, anna, span):
    events = with_labels.fetch(anna, *span).events
    week = datetime(2026, 11, 9, tzinfo=AMSTERDAM), datetime(2026, 11, 16, tzinfo=AMSTERDAM)
    assert {label_of(event) for event in events if week[0] <= event.start < week[1]} == {"wk 2.1"}
    exams = {label_of(event) for event in events if event.event_type == "exam"}
    dutch = with_labels.fetch(Person(anna.username, "nl"), *span).events
    assert "exams 2" in exams
    assert "tentamens 2" in {label_of(event) for event in dutch if event.event_type == "exam"}


def test_the_events_are_the_same_but_for_the_label(source, with_labels, anna, span):
    def plain(events):
        return [replace(e, attributes={k: v for k, v in e.attributes.items() if k != "week_label"}) for e in events]

    assert plain(with_labels.fetch(anna, *span).events) == plain(source.fetch(anna, *span).events)
    assert {label_of(event) for event in source.fetch(anna, *span).events} == {None}


def test_labels_are_asked_for_where_they_are_set_only(source, with_labels, faults, anna, span):
    source.fetch(anna, *span)
    assert faults.seen("*/weeklabelmaps/*") == []
    with_labels.fetch(anna, *span)
    assert [each.path for each in faults.seen("*/weeklabelmaps/*")] == ["/api/v0/weeklabelmaps/SYLLABUS"]


@pytest.mark.parametrize("etags", [False, True])
def test_unchanged_labels_and_events_are_nothing_new_and_a_changed_event_is(
    with_labels, institution, anna, span, etags
):
    institution.etags = etags
    reading = with_labels.fetch(anna, *span)
    assert len(reading.validator) <= 1000
    assert with_labels.fetch(anna, *span, reading.validator) is None
    institution.add(anna.username, "Talk", span[0])
    changed = with_labels.fetch(anna, *span, reading.validator)
    assert len(changed.events) == len(reading.events) + 1
    assert all(map(label_of, (event for event in changed.events if event.event_type == "lecture")))


def test_changed_labels_alone_are_a_full_reading(answering, source_of, anna, span):
    told = {"text": "one"}
    event = {"startDate": int(datetime(2026, 11, 10, 9, tzinfo=UTC).timestamp() * 1000)}

    def weeks(_request):
        return json({"weeklabels": [{"year": 2026, "week": 46, "description": told["text"]}]})

    answers = {"timetable": json([event]), "eventtypegroups": json({"eventtypegroups": []})}
    base, _ = answering(**answers, **{"weeklabelmaps/X": weeks})
    source = source_of(base, week_labels="X")
    reading = source.fetch(anna, *span)
    assert label_of(reading.events[0]) == "one"
    told["text"] = "two"
    assert label_of(source.fetch(anna, *span, reading.validator).events[0]) == "two"


def test_switching_labels_on_or_off_is_a_full_reading(source, with_labels, anna, span):
    without, labels = (each.fetch(anna, *span).validator for each in (source, with_labels))
    assert with_labels.fetch(anna, *span, without) is not None
    assert source.fetch(anna, *span, labels) is not None


def test_a_map_that_is_not_there_leaves_events_without_labels_and_the_check_says_so(base, source_of, anna, span):
    source = source_of(base, week_labels="GONE")
    assert {label_of(event) for event in source.fetch(anna, *span).events} == {None}
    with pytest.raises(ContractBroken, match="no week labels GONE: correct week_labels"):
        source.check()
    assert "databases 2026/2027" in source_of(base, week_labels="CALENDAR").check()


def test_labels_that_fail_put_the_reading_off(with_labels, faults, anna, span):
    """Without them every title that has one would be written anew, and once more when they are back."""
    faults.add(Fault("/api/v0/weeklabelmaps/*", "error", times=1))
    with pytest.raises(Unavailable, match="weeklabelmaps"):
        with_labels.fetch(anna, *span)
    faults.add(Fault("/api/v0/weeklabelmaps/*", "html", times=1))
    with pytest.raises(ContractBroken):
        with_labels.fetch(anna, *span)
    assert with_labels.fetch(anna, *span).events


@pytest.mark.parametrize("content", [[], "x", None, 3, {"weeklabels": None}, {"weeklabels": "x"}, {"key": "X"}])
def test_what_are_no_week_labels_is_an_error(content):
    with pytest.raises(ContractBroken, match="sent no week labels"):
        week_labels(orjson.dumps(content), "https://x/weeklabelmaps/X")


def test_a_label_without_a_week_or_a_text_is_none():
    good = {"year": 2026, "week": 4, "description": "wk 4"}
    odd = [None, "x", {}, {**good, "week": 5, "description": None}, {**good, "week": "6"}, {**good, "description": " "}]
    assert week_labels(orjson.dumps({"weeklabels": [*odd, good]}), "") == {(2026, 4): "wk 4"}
    assert week_labels(b"{}", "") == {}


def test_the_week_is_that_of_the_start_where_the_clocks_are_the_institutions():
    sunday = datetime(2027, 1, 3, 23, 30, tzinfo=UTC)
    event = SourceEvent(sunday, sunday, attributes={"week_label": "theirs", "phase": "2"})
    labels = {(2026, 53): "old", (2027, 1): "new"}
    assert dict(labelled([event], labels, AMSTERDAM)[0].attributes) == {"week_label": "new", "phase": "2"}
    assert dict(labelled([event], labels, ZoneInfo("UTC"))[0].attributes) == {"week_label": "old", "phase": "2"}
    assert labelled([event], {}, AMSTERDAM) == [event]


def test_a_template_uses_the_label_where_there_is_one(with_labels, institution, anna, span):
    institution.add(anna.username, "Skating", datetime(2026, 12, 26, 10))  # noqa: DTZ001 - local, at Christmas
    subject = ("{{ description }} ({{ attributes.week_label }})", "{{ description }}")
    rendering = Rendering(replace(DEFAULT_TEMPLATES, subject=subject), "Europe/Amsterdam")
    events = with_labels.fetch(anna, *span).events
    titles = {rendering.event(event).title for event in events if event.event_type == "lecture"}
    assert titles
    assert all(title.endswith(")") and " (wk " in title for title in titles)
    assert [rendering.event(event).title for event in events if not label_of(event)] == ["Skating"]


# What timetables a person has


def test_a_check_of_a_person_counts_their_timetables(source, institution, anna):
    assert source.check(anna).endswith("as ROLE_STUDENT, ROLE_MEMBER, with 4 timetables (2 studentset, 2 user).")
    wishes = institution.wishes(anna.username)
    for key in list(wishes.subscriptions()):
        wishes.change(key, enabled=False)
    assert source.check(anna).endswith("4 timetables (2 studentset, 2 user), 4 switched off.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "no timetables"),
        ([{"type": "pos"}], "1 timetable (1 pos)"),
        ([{"key": "2011!module!A B", "enabled": False}, {}], "2 timetables (1 module, 1 other), 1 switched off"),
        ([{"type": None, "key": 3}, {"key": "x"}], "2 timetables (2 other)"),
    ],
)
def test_subscriptions_are_counted_by_type_on_old_sites_too(content, said):
    assert subscribed(orjson.dumps(content), "") == said


@pytest.mark.parametrize("content", [{}, None, "x", [1]])
def test_what_are_no_subscriptions_is_an_error(content):
    with pytest.raises(ContractBroken, match="sent no list of subscriptions"):
        subscribed(orjson.dumps(content), "https://x/subscriptions")
