"""Connect Daily: what becomes of an event of ours that a person made a series."""

from datetime import UTC, date, datetime

import pytest
from starlette.responses import JSONResponse, Response

from providers.base import Ambiguous, Conflict, Create, Delete, Done, EventGone, Marks, Ref, Update
from sandbox.connectdaily_events import WEEKLY, dates, julian
from sandbox.faults import Fault

OURS = Marks("carillon-test")
FIRST = date(2026, 11, 3)
OTHERS = [date(2026, 11, 10), date(2026, 11, 17), date(2026, 11, 24)]
TITLE = frozenset({"title"})


class Series:
    """Our lecture, which takes place every week now."""

    def __init__(self, box, ref):
        self.box, self.ref, self.provider = box, Ref(ref.id), box.connect()
        box.edit(ref, rec_type=WEEKLY, ending_date=str(OTHERS[-1]))

    @property
    def kept(self):
        return self.box.kept(self.ref)

    @property
    def dates(self):
        """Those that it has left."""
        return list(dates(self.kept))

    @property
    def others(self):
        """The titles of the events that take place once, by guid."""
        return {guid: entry.title for guid, entry in self.box.listing().items() if guid != self.ref.id}

    def leave_out(self):
        """The person takes our date out."""
        self.box.edit(self.ref, exceptions=[julian(FIRST)])

    def push(self, change):
        (outcome,) = self.provider.push([change])
        return outcome


@pytest.fixture
def series(box, put):
    return Series(box, put())


def test_it_is_found_at_its_first_date(series):
    (found,) = series.provider.find(OURS)
    assert found.start == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert found.end == datetime(2026, 11, 3, 11, tzinfo=UTC)


def test_an_update_is_of_our_one_date_and_the_others_are_the_persons(series, lecture, mark):
    moved = lecture(title="Moved", start=datetime(2026, 11, 4, 9, tzinfo=UTC))
    done = series.push(Update(moved, mark(), series.ref, frozenset({"title", "time"})))
    assert series.dates == OTHERS
    assert series.kept["description"] == "Networks"
    assert series.others == {done.ref.id: "Moved"}
    assert [(each.mark, each.ref, each.start) for each in series.provider.find(OURS)] == [
        (mark(), done.ref, moved.start)
    ]


def test_what_was_forked_is_updated_like_any_other(series, lecture, mark):
    ref = series.push(Update(lecture(title="Once"), mark(), series.ref, TITLE)).ref
    ref = series.push(Update(lecture(title="Twice"), mark(), ref, TITLE)).ref
    assert series.others == {ref.id: "Twice"}
    assert series.box.kept(ref)["long_description"].count("[carillon|") == 1
    assert series.push(Delete(mark(), ref)) == Done()
    assert series.others == {}


@pytest.mark.parametrize("as_days", [False, True])
def test_a_delete_takes_our_one_date_and_leaves_the_others(series, mark, as_days):
    series.box.daily.as_days = as_days
    assert series.push(Delete(mark(), series.ref)) == Done()
    assert series.dates == OTHERS
    assert series.others == {}
    assert series.provider.find(OURS) == []


def test_a_series_that_is_the_persons_now_is_not_touched_again(series, lecture, mark):
    series.push(Delete(mark(), series.ref))
    before = series.kept
    changes = [
        Delete(mark(), series.ref),
        Update(lecture(title="X"), mark(), series.ref, TITLE),
        Create(lecture(), mark()),
    ]
    assert [type(each) for each in series.provider.push(changes)] == [Conflict] * 3
    assert series.kept == before
    assert series.others == {}


def test_where_the_person_left_our_date_out_nothing_of_ours_remains(series, lecture, mark):
    series.leave_out()
    assert isinstance(series.push(Update(lecture(title="New"), mark(), series.ref, TITLE)), EventGone)
    assert series.dates == OTHERS
    assert series.provider.find(OURS) == []


def test_a_delete_of_a_date_that_was_left_out_is_done(series, mark):
    series.leave_out()
    assert series.push(Delete(mark(), series.ref)) == Done()
    assert series.dates == OTHERS
    assert series.provider.find(OURS) == []


def test_a_stale_version_forks_nothing(box, put, lecture, mark):
    ref = put()
    series = Series(box, ref)
    for change in (Update(lecture(title="New"), mark(), ref, TITLE), Delete(mark(), ref)):
        assert isinstance(series.push(change), Conflict)
    assert series.dates == [FIRST, *OTHERS]
    assert series.others == {}


def test_a_create_finds_its_event_made_a_series(series, lecture, mark):
    done = series.push(Create(lecture(title="As asked"), mark()))
    assert [each.ref for each in series.provider.find(OURS)] == [done.ref]
    assert series.others == {done.ref.id: "As asked"}
    assert series.dates == OTHERS


def test_a_fork_whose_answer_is_lost_stays_behind_and_is_not_ours(series, mark):
    series.box.wire.faults.add(Fault("*/events/*", "lost", times=1, method="POST"))
    assert isinstance(series.push(Delete(mark(), series.ref)), Ambiguous)
    assert series.push(Delete(mark(), series.ref)) == Done()
    assert series.dates == OTHERS
    assert series.provider.find(OURS) == []
    assert list(series.others.values()) == ["Networks"]


def test_a_series_that_is_changed_while_it_is_released_is_released_all_the_same(series, mark, scripted):
    there = series.kept | {"calendar_id": 3, "starting_date": "2026-11-03"}
    one = there | {"itemguid": "one", "cal_item_id": 8, "rec_type": 3}
    overtaken = Response(status_code=409)
    forked = JSONResponse({"error": 0, "message": None, "cal_item_id": 8}, 201)
    script = [
        there,
        forked,
        one,
        Response(status_code=204),
        there,
        overtaken,
        there | {"contact_info": "theirs"},
        there,
    ]
    assert scripted(*script).push([Delete(mark(), series.ref)]) == [Done()]
    assert [method for method, _, _ in scripted.asked] == ["GET", "POST", "GET", "DELETE", "GET", "PUT", "GET", "PUT"]
    assert b"[carillon" not in scripted.asked[-1][2]
    assert b"theirs" in scripted.asked[-1][2]


def test_a_fork_that_shares_the_guid_of_its_series_goes_again(series, lecture, mark, scripted):
    """Whatever is looked up by that guid afterwards is the series, and that is the person's."""
    there = series.kept | {"calendar_id": 3, "starting_date": "2026-11-03"}
    one = there | {"cal_item_id": 8, "rec_type": 3}
    forked = JSONResponse({"error": 0, "message": None, "cal_item_id": 8}, 201)
    provider = scripted(there, forked, one, Response(status_code=204), there)
    (outcome,) = provider.push([Update(lecture(title="New"), mark(), series.ref, TITLE)])
    assert isinstance(outcome, EventGone)
    methods = [method for method, _, _ in scripted.asked]
    assert methods == ["GET", "POST", "GET", "DELETE", "GET", "PUT"]
    assert scripted.asked[3][1].endswith("/8")
    assert b"[carillon" not in scripted.asked[-1][2]
