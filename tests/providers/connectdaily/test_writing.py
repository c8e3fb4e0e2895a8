"""Connect Daily: what stands in an event."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers._connectdaily_mark import guid
from providers.base import Create, Done, Marks, Ref, Update
from sandbox.connectdaily_events import julian

OURS = Marks("carillon-test")
AMSTERDAM = "Europe/Amsterdam"
CATEGORY = frozenset({"category"})


def test_an_event_says_what_we_write_and_nothing_else(box, put):
    event = box.kept(put())
    assert (event["description"], event["contact_name"], event["rec_type"]) == ("Networks", "Room 1.05", 3)
    assert (event["starting_time"], event["ending_time"]) == ("09:00:00", "11:00:00")
    assert event["starting_date"] == event["ending_date"] == julian(date(2026, 11, 3))
    assert event["calendar_id"] == box.calendar
    untouched = {"contact_info", "add_info_url", "location_id", "resource_id", "reminder", "exceptions"}
    assert not any(event[name] for name in untouched)


def test_the_mark_is_a_hidden_line_at_the_end_of_the_text(box, put):
    ref = put(description="Bring <the> book.\nAnd a pen.")
    assert box.kept(ref)["long_description"] == (
        "Bring &lt;the&gt; book.<br>And a pen."
        f'<span style="display:none">[carillon|carillon-test|17|key-1|UTC|0|{ref.id}]</span>'
    )


def test_what_is_too_long_for_the_site_is_cut(box, lecture, mark, only):
    box.daily.longest = {"description": 80, "contact_name": 128}
    provider = box.open(title_length=80, location_length=128)
    ref = only(Create(lecture(title="t" * 300, location="p" * 300), mark()), provider).ref
    event = box.kept(ref)
    assert event["description"] == "t" * 79 + "…"
    assert event["contact_name"] == "p" * 127 + "…"


def test_a_site_may_have_other_fields(box, lecture, mark, only):
    provider = box.open(fields={"location": "location_name", "start": "from_time"})
    event = box.kept(only(Create(lecture(), mark()), provider).ref)
    assert (event["location_name"], event["contact_name"], event["from_time"]) == ("Room 1.05", None, "09:00:00")


def test_a_place_may_be_left_out(box, lecture, mark, only):
    event = box.kept(only(Create(lecture(), mark()), box.open(fields={"location": ""})).ref)
    assert "Room 1.05" not in str(event)


def test_a_category_gives_the_type_of_event(box, lecture, mark, only):
    provider = box.open(item_type_id=4, item_types={"Exam": 9})
    types = [
        box.kept(only(Create(lecture(category=each), mark(each)), provider).ref)["item_type_id"]
        for each in ("Lecture", "Exam")
    ]
    assert types == [4, 9]
    back = Update(lecture(category="Lecture"), mark("Exam"), Ref(guid(mark("Exam"), 0, box.calendar)), CATEGORY)
    assert box.kept(only(back, provider).ref)["item_type_id"] == 4


def test_a_change_that_changes_nothing_there_is_not_sent(box, lecture, mark, put, only):
    ref = put()
    before = len(box.wire.faults.seen(method="PUT"))
    change = Update(lecture(category="Practical"), mark(), ref, frozenset({"category"}))
    assert only(change) == Done(ref)
    assert len(box.wire.faults.seen(method="PUT")) == before


def test_a_person_keeps_what_they_added(box, lecture, mark, put, only):
    ref = put()
    text = box.kept(ref)["long_description"]
    box.edit(ref, long_description=f"<p>My notes</p>{text}", contact_info="me@example.org", custom="x")
    later = lecture(start=datetime(2026, 11, 5, 9, tzinfo=UTC))
    only(Update(later, mark("new"), Ref(ref.id), frozenset({"time", "mark"}), merge=True))
    event = box.kept(ref)
    assert event["long_description"] == "<p>My notes</p>" + text.replace("|key-1|", "|new|")
    assert (event["contact_info"], event["custom"]) == ("me@example.org", "x")


def test_the_line_is_found_where_an_editor_changed_the_markup_around_it(box, provider, put):
    ref = put()
    line = box.kept(ref)["long_description"].partition("<span")[2].partition(">")[2].removesuffix("</span>")
    box.edit(ref, long_description=f"<div>Bring the book.</div>\n<p>{line}</p>")
    assert [each.ref.id for each in provider.find(OURS)] == [ref.id]


class TestTimes:
    @pytest.mark.parametrize("as_days", [True, False])
    def test_days_are_read_in_both_forms(self, box, provider, lecture, put, as_days):
        box.daily.as_days = as_days
        put()
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (lecture().start, lecture().end)

    def test_an_event_may_go_over_midnight(self, box, lecture, mark, only):
        provider = box.open(time_zone=AMSTERDAM)
        start = datetime(2026, 11, 3, 22, tzinfo=UTC)
        event = lecture(start=start, end=start + timedelta(hours=3))
        kept = box.kept(only(Create(event, mark()), provider).ref)
        assert (kept["starting_time"], kept["ending_time"]) == ("23:00:00", "02:00:00")
        assert kept["ending_date"] == kept["starting_date"] + 1
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (event.start, event.end)

    def test_the_hour_that_the_clock_shows_twice_is_told_apart(self, box, lecture, mark, only):
        provider = box.open(time_zone=AMSTERDAM)
        starts = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
        for start in starts:
            ref = only(Create(lecture(start=start, end=start + timedelta(minutes=15)), mark(f"{start:%H}")), provider)
            assert box.kept(ref.ref)["starting_time"] == "02:30:00"
        assert [each.start for each in provider.find(OURS)] == starts

    def test_without_a_zone_of_the_site_the_events_own_is_meant(self, box, lecture, mark, only):
        provider = box.open(time_zone=None)
        kept = box.kept(only(Create(lecture(zone=AMSTERDAM), mark()), provider).ref)
        assert kept["starting_time"] == "10:00:00"
        assert [each.start for each in provider.find(OURS)] == [lecture().start]

    def test_a_move_by_a_person_is_seen(self, box, provider, put):
        ref = put()
        box.edit(ref, starting_date="2026-11-04", ending_date="2026-11-04", starting_time="13:30:00", ending_time=None)
        (found,) = provider.find(OURS)
        assert found.start == found.end == datetime(2026, 11, 4, 13, 30, tzinfo=UTC)
