"""Connect Daily: what a 404 says, which an event that is gone has in common with a site that is being restarted."""

import pytest
from starlette.responses import JSONResponse, Response

from providers import base
from providers._connectdaily_mark import guid
from providers.base import Create, Delete, Done, Marks, Ref, Update

OURS = Marks("carillon-test")
TITLE = frozenset({"title"})
ABSENT = Response(status_code=404)
PAGE = Response("<!doctype html><title>HTTP Status 404", 404, media_type="text/html;charset=utf-8")
"""What Java's servers send with a 404, unless they are told otherwise."""

either = pytest.mark.parametrize("absent", [ABSENT, PAGE], ids=["bare", "page"])


@pytest.fixture
def there(mark):
    """Events of ours as a server gives them, by key."""

    def event(key="key-1", **other):
        own = guid(mark(key), 0, 3)
        text = f"[carillon|carillon-test|17|{key}|UTC|0|{own}]"
        days = {"starting_date": "2026-11-03", "ending_date": "2026-11-03"}
        return {"itemguid": own, "cal_item_id": 7, "calendar_id": 3, "long_description": text, "rec_type": 3} | (
            days | other
        )

    return event


@pytest.fixture(params=["delete", "update"])
def change(request, there, lecture, mark):
    """What is sent about the event of a key."""

    def of(key="key-1"):
        ref = Ref(there(key)["itemguid"])
        return Delete(mark(key), ref) if request.param == "delete" else Update(lecture(), mark(key), ref, TITLE)

    return of


def listing(event):
    return Response(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event['long_description']}\nEND:VEVENT\nEND:VCALENDAR")


@either
def test_an_event_that_is_not_there_may_be_told_of_by_a_page(scripted, there, lecture, mark, absent):
    assert isinstance(scripted(absent, JSONResponse(there(), 201)).push([Create(lecture(), mark())])[0], Done)
    assert scripted(absent).push([Delete(mark(), Ref("g"))]) == [Done()]
    update = Update(lecture(title="New"), mark(), Ref("g"), TITLE)
    assert isinstance(scripted(absent).push([update])[0], base.EventGone)
    assert scripted(listing(there()), absent).find(OURS) == []


@either
def test_a_site_that_is_restarted_amid_a_push_has_lost_no_event(scripted, there, change, absent):
    answers = [there(), Response(status_code=204) if isinstance(change(), Delete) else there(description="New"), absent]
    outcomes = scripted(*answers, calendars=[404]).push([change(), change("key-2")])
    assert [type(each) for each in outcomes] == [Done, base.Unavailable]


@either
def test_a_delete_that_meets_a_restart_is_not_done(scripted, there, mark, absent):
    with pytest.raises(base.ContractBroken):
        scripted(there(), absent, calendars=[404]).push([Delete(mark(), Ref(there()["itemguid"]))])


@either
def test_a_listing_that_meets_a_restart_leaves_nothing_out(scripted, there, absent):
    with pytest.raises(base.ContractBroken):
        scripted(listing(there()), absent, calendars=[200, 404]).find(OURS)
    found = scripted(listing(there()), absent, there()).find(OURS)
    assert [each.ref.id for each in found] == [there()["itemguid"]]


def test_a_series_keeps_our_mark_where_a_fork_is_refused_without_a_word(scripted, there, change):
    """Released, it would keep our date as the person's, and another would be made beside it."""
    series = there(rec_type=1, ending_date="2026-11-24")
    (outcome,) = scripted(series, Response("Bad request", 400), series).push([change()])
    assert isinstance(outcome, base.Rejected)
    assert [method for method, _, _ in scripted.asked] == ["GET", "POST"]
