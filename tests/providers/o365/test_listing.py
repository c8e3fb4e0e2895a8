"""Microsoft 365: what is found."""

import dataclasses
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from providers import _o365_payload, base
from providers._o365_payload import property_id
from providers.base import Create, Mark, Marks, Window
from sandbox.exchange import Property
from sandbox.faults import Fault

EVENTS = "/v1.0/users/alice@example.org/calendar/events"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = Marks("carillon-test", "7")


def test_only_what_carries_the_marks_is_found(provider, calendar, lecture, mark):
    calendar.insert({"subject": "Mine", "start": START, "end": START})
    provider.push(
        [Create(lecture(), mark(0)), Create(lecture(), mark(0, "8")), Create(lecture(), mark(0, "7", "other"))]
    )
    assert [each.mark for each in provider.find(OURS)] == [mark(0)]
    assert {each.mark for each in provider.find(Marks("carillon-test"))} == {mark(0), mark(0, "8")}


def test_marks_that_differ_in_upper_and_lower_case_are_told_apart(provider, calendar, lecture, mark):
    """Graph compares the values of properties whatever their case."""
    provider.push([Create(lecture(), mark(0, instance="Carillon-Test")), Create(lecture(), mark(0))])
    assert [each.mark for each in provider.find(OURS)] == [mark(0)]
    assert len(calendar.items()) == 2


def test_a_window_is_half_open_and_counts_starts(provider, creates):
    provider.push(creates(4))
    window = Window(START + timedelta(hours=1), START + timedelta(hours=3))
    assert [each.mark.key for each in provider.find(OURS, window)] == ["1", "2"]


def test_a_listing_follows_its_pages(provider, graph, faults, creates):
    provider.push(creates(25))
    graph.longest_page = 10
    faults.forget()
    assert [each.mark.key for each in provider.find(OURS)] == [str(number) for number in range(25)]
    assert len(faults.seen(EVENTS)) == 3


def test_a_failing_page_fails_the_listing(provider, graph, faults, creates):
    provider.push(creates(25))
    graph.longest_page = 10
    whole, pages = graph.call, []

    def call(request):
        pages.append(request)
        if len(pages) == 2:
            faults.add(Fault(EVENTS, "truncated"))
        return whole(request)

    graph.call = call
    with pytest.raises(base.ContractBroken):
        provider.find(OURS)
    assert len(pages) == 3


def test_one_filter_names_one_property_and_quotes_its_value(far_side, provider):
    asked = []

    async def answer(request):
        asked.append(request)
        return JSONResponse({"value": []})

    far_side.application = Router(routes=[Route(EVENTS, answer)], default=far_side.application)
    assert provider.find(Marks("it's")) == []
    query = parse_qs(urlsplit(str(asked[0].url)).query)
    wanted = (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{property_id('carillonInstance')}' and ep/value eq 'it''s')"
    )
    assert query["$filter"] == [wanted]
    assert query["$top"] == ["999"]
    assert "+" not in urlsplit(str(asked[0].url)).query, "a plus is no blank to every server"
    assert 'outlook.timezone="UTC"' in asked[0].headers["prefer"]


@pytest.mark.parametrize("link", ["https://elsewhere.example/v1.0/x", "http://127.0.0.1:1/v1.0/x", "//elsewhere/x"])
def test_a_listing_never_takes_the_token_elsewhere(answering, link):
    with pytest.raises(base.ContractBroken, match="root_url"):
        answering({"value": [], "@odata.nextLink": link}).find(OURS)


def test_a_listing_that_leads_round_in_a_circle_is_given_up(answering, far_side):
    link = f"{far_side.url}/v1.0/users/alice@example.org/calendar/events?$skiptoken=1"
    with pytest.raises(base.ContractBroken, match="circle"):
        answering({"value": [], "@odata.nextLink": link}).find(OURS)


def test_an_event_that_is_listed_twice_is_not_taken_for_two(provider, graph, calendar, creates):
    """Pages are counted from the first event: what comes in between them pushes others onto the next one."""
    provider.push(creates(15))
    graph.longest_page = 10
    whole = graph.call

    def call(request):
        answer = whole(request)
        graph.call = whole
        first, *rest = calendar.items()
        calendar._items = {each.id: each for each in (dataclasses.replace(first, id="copy"), first, *rest)}
        return answer

    graph.call = call
    with pytest.raises(base.Unavailable, match="changed while it was read"):
        provider.find(OURS)


def test_a_damaged_mark_is_still_our_instances(provider, calendar, creates):
    provider.push(creates(1))
    [there] = calendar.items()
    properties: dict[Property, str] = {
        each: value for each, value in there.properties.items() if each[1] != "carillonKey"
    }
    calendar.change(there.id, {"properties": properties})
    [found] = provider.find(Marks("carillon-test"))
    assert found.mark == Mark("carillon-test", "7", "")


def _item(**other):
    ours = {"carillonInstance": "carillon-test", "carillonSynchronization": "7", "carillonKey": "k"}
    moment = {"dateTime": "2026-11-23T10:00:00.0000000", "timeZone": "UTC"}
    return {
        "id": "a",
        "@odata.etag": 'W/"1"',
        "subject": "x",
        "isAllDay": False,
        "attendees": [],
        "start": moment,
        "end": moment,
        "singleValueExtendedProperties": [{"id": property_id(name), "value": value} for name, value in ours.items()],
        **other,
    }


def test_the_guid_of_a_property_may_come_in_any_case_and_a_title_may_be_missing():
    item = _item(subject=None)
    for each in item["singleValueExtendedProperties"]:
        each["id"] = each["id"].replace(_o365_payload.PROPERTY_SET, _o365_payload.PROPERTY_SET.upper())
    [found] = _o365_payload.to_found({"value": [item]}, OURS)
    assert (found.mark, found.title) == (Mark("carillon-test", "7", "k"), "")


def test_an_all_day_event_that_was_turned_into_utc_keeps_its_day():
    zone = {"id": property_id("carillonZone"), "value": "Europe/Amsterdam"}
    days = {}
    for hour in ("2026-11-22T23:00:00.0000000", "2026-11-23T00:00:00.0000000"):
        item = _item(isAllDay=True, start={"dateTime": hour, "timeZone": "UTC"})
        item["singleValueExtendedProperties"].append(zone)
        days[hour] = _o365_payload.to_found({"value": [item]}, OURS)[0].start
    assert set(days.values()) == {datetime(2026, 11, 22, 23, tzinfo=UTC)}


@pytest.mark.parametrize(
    "spoil",
    [
        {"value": None},
        {"value": 3},
        {"value": [None]},
        {"value": [{}]},
        {"value": ["id"]},
        {"id": None},
        {"id": 7},
        {"@odata.etag": None},
        {"isAllDay": None},
        {"start": {}},
        {"start": {"dateTime": "soon", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-11-23T10:00:00", "timeZone": "W. Europe Standard Time"}},
        {"start": None},
        {"subject": ...},
        {"subject": 7},
        {"attendees": ...},
        {"singleValueExtendedProperties": None},
        {"singleValueExtendedProperties": []},
        {"singleValueExtendedProperties": 3},
        {"singleValueExtendedProperties": [{"id": property_id("carillonInstance"), "value": "other"}]},
        {"singleValueExtendedProperties": [{"id": property_id("carillonInstance"), "value": 7}]},
        {"@odata.nextLink": 7},
    ],
)
def test_half_a_listing_is_never_a_listing(answering, spoil):
    item = _item() | {name: value for name, value in spoil.items() if name in _item()}
    item = {name: value for name, value in item.items() if value is not ...}
    page = {"value": [item]} | {name: value for name, value in spoil.items() if name not in _item()}
    with pytest.raises(base.ContractBroken):
        answering(page).find(OURS)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttled", base.Throttled),
        ("busy", base.Throttled),
        ("error", base.Unavailable),
        ("unavailable", base.Unavailable),
        ("lost", base.Unavailable),
        ("cut_off", base.Unavailable),
        ("html", base.ContractBroken),
        ("empty", base.ContractBroken),
        ("truncated", base.ContractBroken),
    ],
)
def test_a_listing_is_complete_or_it_raises(provider, faults, kind, error, creates):
    provider.push(creates(3))
    faults.add(Fault(EVENTS, kind, times=1))
    with pytest.raises(error):
        provider.find(OURS)
    assert len(provider.find(OURS)) == 3
