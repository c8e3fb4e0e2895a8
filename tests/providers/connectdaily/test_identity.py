"""Connect Daily: which events are ours, and that all of them are found."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import Response

from providers.base import (
    Conflict,
    ContractBroken,
    Create,
    Delete,
    Done,
    EventGone,
    Marks,
    Ref,
    Unauthorized,
    Unavailable,
    Update,
)
from sandbox.faults import Fault

OURS = Marks("carillon-test")
NEW_TITLE = frozenset({"title"})


@pytest.fixture
def copied(box):
    """The person copies an event, text and all, as the site's form does; the copy's guid."""

    def copy(ref):
        kept = box.kept(ref)
        return box.daily.put(**{**kept, "itemguid": None, "description": "My copy"})["itemguid"]

    return copy


def test_a_copy_that_a_person_made_is_not_ours(box, put, copied, only, mark):
    provider, ref = box.connect(), put()
    copy = copied(ref)
    assert [each.ref for each in provider.find(OURS)] == [ref]
    assert isinstance(only(Delete(mark(), Ref(copy))), Conflict)
    only(Delete(mark(), ref))
    assert provider.find(OURS) == []
    assert [each.title for each in box.listing().values()] == ["My copy"]


def test_what_a_person_moved_to_another_calendar_is_gone_from_ours(box, put, lecture, mark, only):
    ref = put()
    other = box.daily.add_calendar("Another", "11")
    box.edit(ref, calendar_id=other)
    assert box.connect().find(OURS) == []
    assert isinstance(only(Update(lecture(title="New"), mark(), Ref(ref.id), NEW_TITLE)), EventGone)
    assert isinstance(only(Create(lecture(), mark())), Conflict)
    assert only(Delete(mark(), ref)) == Done()
    assert len(box.daily.events(other)) == 1


def test_what_a_person_moved_out_of_our_sight_is_gone_and_concerns_no_other_event(box, put, lecture, mark):
    ref = put()
    box.edit(ref, calendar_id=box.daily.add_calendar("Hidden"))
    changes = [
        Update(lecture(title="New"), mark(), Ref(ref.id), NEW_TITLE),
        Create(lecture(), mark()),
        Delete(mark(), ref),
        Create(lecture(), mark(), 1),
    ]
    outcomes = box.connect().push(changes)
    assert [type(each) for each in outcomes] == [EventGone, Conflict, Done, Done]
    assert [each.ref for each in box.connect().find(OURS)] == [outcomes[-1].ref]


def test_a_copy_of_what_is_out_of_our_sight_is_not_ours(box, put, copied):
    ref = put()
    copied(ref)
    box.edit(ref, calendar_id=box.daily.add_calendar("Hidden"))
    assert box.connect().find(OURS) == []


def test_where_the_whole_api_is_refused_nothing_counts_as_moved(box, put, lecture, mark):
    ref = put()
    box.wire.faults.add(Fault("/cd/restapi/*", "full"))  # a 403
    update = Update(lecture(title="New"), mark(), ref, NEW_TITLE)
    for change in (update, Create(lecture(), mark()), Delete(mark(), ref)):
        with pytest.raises(Unauthorized, match="no right to this"):
            box.connect().push([change])
    with pytest.raises(Unauthorized):
        box.connect().find(OURS)


def test_a_token_that_is_taken_back_amid_a_push_removes_nothing(scripted, mark):
    """What we may not read any more counts as gone only where the account is still let in."""
    absent, refused = Response(status_code=404), Response(status_code=403)
    provider = scripted(absent, absent, refused, calendars=[200, 403])
    outcomes = provider.push([Delete(mark(), Ref("g")), Delete(mark(), Ref("h"))])
    assert [type(each) for each in outcomes] == [Done, Unavailable]


def test_the_same_mark_in_two_calendars_is_two_events(open_connectdaily, lecture, mark):
    one, other = open_connectdaily(), open_connectdaily()
    try:
        assert one.put(lecture(), mark()).id != other.put(lecture(), mark()).id
    finally:
        one.close()
        other.close()


def test_a_description_that_looks_like_our_line_marks_nothing(box, provider, put):
    forged = "[carillon|carillon-test|1|other|UTC|0|{}]"
    ref = put(description=forged.format("00000000-0000-4000-8000-000000000000"))
    (found,) = provider.find(OURS)
    assert found.mark.key == "key-1"
    box.unmark(ref)
    box.edit(ref, long_description=forged.format("00000000-0000-4000-8000-000000000000"))
    assert provider.find(OURS) == []


def test_a_line_within_the_description_gives_way_to_the_true_one(provider, put, only, lecture, mark):
    ref = put()
    text = f"[carillon|carillon-test|1|other|UTC|0|{ref.id}]"
    only(Update(lecture(description=text), mark(), ref, frozenset({"description"})))
    assert [each.mark for each in provider.find(OURS)] == [mark()]


def test_a_site_that_gives_guids_of_its_own_cannot_be_written_to(box, provider, lecture, mark):
    box.daily.own_guids = True
    with pytest.raises(ContractBroken, match="does not keep our guid"):
        provider.push([Create(lecture(), mark())])
    assert box.listing() == {}


def test_all_are_found_however_many_they_are_and_however_long_ago(provider, lecture, mark):
    first = datetime(2025, 1, 6, 9, tzinfo=UTC)
    creates = [Create(lecture(start=first + timedelta(days=7 * n)), mark(f"k{n}")) for n in range(120)]
    assert all(isinstance(each, Done) for each in provider.push(creates))
    assert len(provider.find(OURS)) == 120


BROKEN = [
    {"starting_time": "half past nine"},
    {"starting_time": 570},
    {"starting_time": [9, 30]},
    {"starting_date": None},
    {"starting_date": 1},
]


@pytest.mark.parametrize("fault", BROKEN, ids=str)
def test_an_event_of_ours_that_cannot_be_read_is_not_left_out(scripted, fault):
    line = "[carillon|carillon-test|17|key-1|UTC|0|g1]"
    listing = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDESCRIPTION:{line}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    event = {"itemguid": "g1", "cal_item_id": 1, "calendar_id": 3, "long_description": line}
    event |= {"starting_date": "2026-11-03", "ending_date": "2026-11-03", "description": "Networks"}
    assert len(scripted(Response(listing), event).find(OURS)) == 1
    with pytest.raises(ContractBroken, match="cannot be read"):
        scripted(Response(listing), event | fault).find(OURS)


class TestCheck:
    def test_a_field_that_the_events_lack_is_named(self, box, put):
        put()
        with pytest.raises(ContractBroken, match="without the field starting_tme: correct fields"):
            box.open(fields={"start": "starting_tme"}).check()

    def test_an_event_of_a_person_shows_the_fields_too(self, box, lecture):
        box.foreign(lecture(start=datetime.now(UTC), end=datetime.now(UTC)))
        with pytest.raises(ContractBroken, match="place_name"):
            box.open(fields={"location": "place_name"}).check()

    def test_an_empty_calendar_shows_nothing_and_passes(self, box):
        assert box.open(fields={"location": "place_name"}).check() is None
