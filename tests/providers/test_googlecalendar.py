"""Google Calendar over HTTP, against the sandbox's server, which holds each request against Google's own contract."""

import dataclasses
import inspect
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import httplib2
import pytest
import requests
from google.auth import exceptions as auth_errors
from googleapiclient import errors as google_errors
from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route, Router

from providers import base, googlecalendar
from providers._googlecalendar_errors import FAULTS, fault
from providers._googlecalendar_payload import event_id
from providers._googlecalendar_wire import Tokens
from providers.base import Create, Delete, Done, Event, Mark, Marks, Ref, Update, Window
from sandbox import google_calendar
from sandbox.faults import Fault, Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.google_events import GoogleError
from sandbox.google_tokens import make_key
from sandbox.serve import serve

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
BATCH = "/batch/calendar/v3"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
ALL = frozenset(base.FIELDS)
OURS = Marks("carillon-test", "7")


def lecture(number=0, **changes):
    start = START + timedelta(hours=number)
    event = Event(f"Lecture {number}", start, start + timedelta(minutes=45), "Europe/Amsterdam", location="Room 1")
    return dataclasses.replace(event, **changes)


def mark(key, synchronization="7", instance="carillon-test"):
    return Mark(instance, synchronization, str(key))


def creates(count):
    return [Create(lecture(number), mark(number)) for number in range(count)]


@pytest.fixture(scope="module")
def key():
    """Making an RSA key takes a while: one for all tests."""
    return make_key()


@pytest.fixture(scope="module")
def far_side():
    """A place for each test's application, behind one server for all of them."""
    return SimpleNamespace(application=None)


@pytest.fixture(scope="module")
def url(far_side):
    async def application(scope, receive, send):
        await far_side.application(scope, receive, send)

    with serve(application) as base_url:
        yield base_url


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def google(far_side, faults, key):
    server = GoogleCalendar([ALICE, "bob@example.org"], key=key)
    far_side.application = FaultyWire(Router(routes=routes(server, faults)), faults)
    yield server
    assert server.violations == []
    assert server.notifications == 0
    assert all(size <= 50 for size in server.batches)


@pytest.fixture
def settings(google, url):
    return googlecalendar.Settings(service_account=google.service_account(url), root_url=url, timeout=5)


@pytest.fixture
def connected(settings):
    opened = []

    def connect(username=ALICE, settings=settings, **fields):
        target = googlecalendar.Target.model_validate({"username": username, **fields})
        opened.append(googlecalendar.connect(settings, target))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.fixture
def provider(connected):
    return connected()


# What it costs


def test_300_creates_are_six_requests_and_one_token(provider, google, faults):
    outcomes = provider.push(creates(300))
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == ["/token", *[BATCH] * 6]
    assert len(google.mailbox(ALICE)) == 300


def test_five_changes_and_three_removals_are_one_request(provider, google, faults):
    refs = [each.ref for each in provider.push(creates(8))]
    faults.forget()
    updates = [Update(lecture(n, location="Room 2"), mark(n), refs[n], frozenset({"location"})) for n in range(5)]
    outcomes = provider.push([*updates, *(Delete(mark(n), refs[n]) for n in range(5, 8))])
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == [BATCH]
    assert [event["location"] for event in google.mailbox(ALICE)] == ["Room 2"] * 5


def test_no_changes_are_no_request(provider, faults):
    assert provider.push([]) == []
    assert faults.seen() == []


def test_a_change_of_the_category_alone_costs_no_request(provider, faults):
    [done] = provider.push(creates(1))
    faults.forget()
    assert provider.push([Update(lecture(), mark(0), done.ref, frozenset({"category"}))]) == [done]
    assert faults.seen() == []


def test_a_listing_is_one_request(provider, faults):
    provider.push(creates(300))
    faults.forget()
    assert len(provider.find(OURS)) == 300
    assert [each.path for each in faults.seen()] == [EVENTS]


def test_a_token_serves_all_runs_of_a_process(connected, faults):
    for _ in range(3):
        assert connected().find(OURS) == []
    connected("bob@example.org").check()
    assert len(faults.seen("/token")) == 2


def test_tokens_are_forgotten_one_by_one():
    tokens = Tokens(limit=2)
    for mailbox in ("a", "b", "a", "c"):
        tokens.keep(mailbox, mailbox, START)
    assert tokens.get("b") == (None, None)
    assert tokens.get("a") == ("a", START)


# What is written


def test_an_event_arrives_whole_and_reminds_nobody(provider, google):
    event = lecture(description="Bring a < calculator\nand a pen", category="Lecture")
    [done] = provider.push([Create(event, mark("k"))])
    [there] = google.mailbox(ALICE)
    assert (there["id"], there["etag"]) == (done.ref.id, done.ref.version)
    assert there["id"] == event_id(mark("k"), 0)
    assert (there["summary"], there["location"]) == (event.title, event.location)
    assert there["description"] == event.description
    assert there["start"] == {"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe/Amsterdam"}
    assert there["reminders"] == {"useDefault": False, "overrides": []}
    assert there["extendedProperties"]["private"] == {
        "carillonInstance": "carillon-test",
        "carillonSynchronization": "7",
        "carillonKey": "k",
    }
    assert "attendees" not in there
    assert "conferenceData" not in there


def test_ids_differ_by_generation_and_by_every_part_of_the_mark():
    marks = [mark("k"), mark("k", "8"), mark("k", instance="other"), mark("l"), Mark("carillon-test7", "", "k")]
    ids = {event_id(each, generation) for each in marks for generation in range(2)}
    assert len(ids) == 10
    assert all(set(each) <= set("0123456789abcdefghijklmnopqrstuv") and len(each) == 52 for each in ids)


def test_an_update_leaves_alone_what_it_does_not_name(provider, google):
    [done] = provider.push(creates(1))
    google.edit(ALICE, done.ref.id, {"description": "my notes", "colorId": "5", "reminders": {"useDefault": True}})
    change = Update(
        lecture(location="Room 9", title="New"), mark(0), Ref(done.ref.id), frozenset({"location"}), merge=True
    )
    assert isinstance(provider.push([change])[0], Done)
    [there] = google.mailbox(ALICE)
    assert (there["location"], there["summary"]) == ("Room 9", "Lecture 0")
    assert (there["description"], there["colorId"], there["reminders"]["useDefault"]) == ("my notes", "5", True)


def test_texts_can_be_emptied(provider, google):
    [done] = provider.push([Create(lecture(description="old"), mark(0))])
    empty = Update(lecture(location=""), mark(0), done.ref, frozenset({"location", "description"}))
    assert isinstance(provider.push([empty])[0], Done)
    [there] = google.mailbox(ALICE)
    assert (there["location"], there["description"]) == ("", "")


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland"])
def test_an_all_day_event_keeps_its_days_in_whatever_zone(provider, google, zone):
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    event = lecture(start=midnight, end=midnight + timedelta(days=2), zone=zone, all_day=True)
    [done] = provider.push([Create(event, mark("day"))])
    [there] = google.mailbox(ALICE)
    assert (there["start"], there["end"]) == ({"date": "2026-11-23"}, {"date": "2026-11-25"})
    [found] = provider.find(OURS, Window(midnight, midnight + timedelta(seconds=1)))
    assert (found.start, found.end, found.ref) == (midnight, event.end, done.ref)


def test_an_event_becomes_all_day_and_timed_again(provider, google):
    [done] = provider.push(creates(1))
    day = lecture(
        start=datetime(2026, 11, 22, 23, tzinfo=UTC), end=datetime(2026, 11, 23, 23, tzinfo=UTC), all_day=True
    )
    [done] = provider.push([Update(day, mark(0), done.ref, frozenset({"time"}))])
    assert provider.find(OURS)[0].start == day.start
    [done] = provider.push([Update(lecture(), mark(0), done.ref, frozenset({"time"}))])
    assert google.mailbox(ALICE)[0]["start"] == {
        "dateTime": "2026-11-23T10:00:00+01:00",
        "timeZone": "Europe/Amsterdam",
    }


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_each_hour_of_the_days_on_which_clocks_change_comes_back_as_it_was(provider, day):
    hours = [lecture(start=day + timedelta(hours=n), end=day + timedelta(hours=n + 1)) for n in range(-3, 5)]
    provider.push([Create(event, mark(number)) for number, event in enumerate(hours)])
    assert [(each.start, each.end) for each in provider.find(OURS)] == [(each.start, each.end) for each in hours]


def test_a_mark_can_be_changed(provider):
    [done] = provider.push([Create(lecture(), mark("old", "6"))])
    adopt = Update(lecture(), mark("new"), done.ref, frozenset({"mark"}))
    [adopted] = provider.push([adopt])
    assert [(each.mark, each.ref) for each in provider.find(OURS)] == [(mark("new"), adopted.ref)]
    assert provider.find(Marks("carillon-test", "6")) == []


# What stands in the way


def test_a_create_of_what_is_there_with_our_mark_brings_it_to_what_was_asked(provider, google, faults):
    provider.push(creates(1))
    faults.forget()
    [done] = provider.push([Create(lecture(title="Later wish"), mark(0))])
    [there] = google.mailbox(ALICE)
    assert there["summary"] == "Later wish"
    assert done == Done(Ref(there["id"], there["etag"]))
    assert len(faults.seen()) == 3


def test_a_deleted_event_at_the_id_is_brought_back_to_life(provider, google):
    [done] = provider.push(creates(1))
    google.remove(ALICE, done.ref.id)
    [again] = provider.push([Create(lecture(title="Back"), mark(0))])
    [there] = google.mailbox(ALICE)
    assert (there["summary"], there["status"], there["id"]) == ("Back", "confirmed", done.ref.id)
    assert again.ref.version == there["etag"]
    assert there["reminders"] == {"useDefault": False, "overrides": []}


def test_a_foreign_event_at_the_id_stays_as_it_is(provider, google):
    foreign = google.put_foreign(
        ALICE,
        {
            "id": event_id(mark(0), 0),
            "summary": "Mine",
            "start": {"date": "2026-11-23"},
            "end": {"date": "2026-11-24"},
        },
    )
    outcomes = provider.push([*creates(1), Create(lecture(), mark(0), generation=1)])
    assert isinstance(outcomes[0], base.Conflict)
    assert isinstance(outcomes[1], Done)
    assert foreign in google.mailbox(ALICE)


def test_a_tombstone_that_google_will_not_give_back_is_a_conflict(provider, google, monkeypatch):
    [done] = provider.push(creates(1))
    google.remove(ALICE, done.ref.id)

    def update(*_):
        raise GoogleError(403, "forbidden", "Forbidden")

    monkeypatch.setitem(google_calendar._WRITES, "calendar.events.update", update)
    assert isinstance(provider.push(creates(1))[0], base.Conflict)
    assert isinstance(provider.push([dataclasses.replace(creates(1)[0], generation=1)])[0], Done)


@pytest.mark.parametrize(("method", "kind"), [("GET", base.Throttled), ("PATCH", base.Throttled)])
def test_what_fails_while_looking_at_an_event_in_the_way_is_that_events_outcome(provider, faults, method, kind):
    provider.push(creates(1))
    faults.add(Fault(f"{EVENTS}/*", "throttled", method=method, times=1))
    assert [type(each) for each in provider.push(creates(2))] == [kind, Done]


def test_a_stale_version_cannot_overwrite(provider, google):
    first, second = provider.push(creates(2))
    for each in (first, second):
        google.edit(ALICE, each.ref.id, {"summary": "By hand"})
    outcomes = provider.push([Update(lecture(), mark(0), first.ref, ALL), Delete(mark(1), second.ref)])
    assert [type(each) for each in outcomes] == [base.Conflict, base.Conflict]
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["By hand", "By hand"]


def test_no_version_overwrites_any(provider, google):
    [done] = provider.push(creates(1))
    google.edit(ALICE, done.ref.id, {"summary": "By hand"})
    assert isinstance(provider.push([Update(lecture(), mark(0), Ref(done.ref.id), ALL)])[0], Done)
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["Lecture 0"]


@pytest.mark.parametrize("versioned", [True, False])
def test_an_update_of_what_is_gone_is_told_and_a_delete_of_it_is_done(provider, google, versioned):
    refs = [each.ref if versioned else Ref(each.ref.id) for each in provider.push(creates(2))]
    for ref in refs:
        google.remove(ALICE, ref.id)
    never = Ref("0" * 20)
    outcomes = provider.push(
        [
            Update(lecture(), mark(0), refs[0], ALL),
            Delete(mark(1), refs[1]),
            Update(lecture(), mark(2), never, ALL),
            Delete(mark(3), never),
        ]
    )
    assert [type(each) for each in outcomes] == [base.EventGone, Done, base.EventGone, Done]
    assert google.mailbox(ALICE) == []


def test_one_bad_event_does_not_stop_the_others(provider, google):
    bad = Create(lecture(end=START), mark("bad"))
    outcomes = provider.push([creates(1)[0], bad, Create(lecture(1), mark(1))])
    assert [type(each) for each in outcomes] == [Done, base.Rejected, Done]
    assert len(google.mailbox(ALICE)) == 2


# What is found


def test_only_what_carries_the_marks_is_found(provider, google):
    google.put_foreign(ALICE, {"summary": "Mine", "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}})
    provider.push(
        [Create(lecture(), mark(0)), Create(lecture(), mark(0, "8")), Create(lecture(), mark(0, "7", "other"))]
    )
    assert [each.mark for each in provider.find(OURS)] == [mark(0)]
    assert {each.mark for each in provider.find(Marks("carillon-test"))} == {mark(0), mark(0, "8")}


def test_a_window_is_half_open_and_counts_starts(provider):
    provider.push(creates(4))
    window = Window(START + timedelta(hours=1), START + timedelta(hours=3))
    assert [each.mark.key for each in provider.find(OURS, window)] == ["1", "2"]
    began_before = Window(START + timedelta(minutes=1), START + timedelta(minutes=50))
    assert provider.find(OURS, began_before) == []


def test_two_events_with_the_same_mark_are_both_found(provider):
    provider.push([Create(lecture(), mark(0)), Create(lecture(), mark(0), generation=1)])
    assert [each.mark for each in provider.find(OURS)] == [mark(0), mark(0)]


def test_a_listing_follows_its_pages(provider, monkeypatch):
    provider.push(creates(7))
    monkeypatch.setattr(googlecalendar, "PAGE", 3)
    assert [each.mark.key for each in provider.find(OURS)] == [str(number) for number in range(7)]


def test_exceptions_to_an_event_that_a_person_made_recurring_are_not_ours(connected, google):
    items = [
        {**_item(), "recurringEventId": "a", "id": "a_2"},
        {"id": "a_3", "status": "cancelled", "recurringEventId": "a"},
        _item(),
    ]
    with _answering({"kind": "calendar#events", "timeZone": "UTC", "items": items}) as url:
        found = _elsewhere(connected, google, url).find(OURS)
    assert [each.ref.id for each in found] == ["a"]


@pytest.mark.parametrize(
    "spoil",
    [
        {"kind": None},
        {"timeZone": None},
        {"items": [{}]},
        {"items": [None]},
        {"items": 3},
        {"items": ["etag"]},
        {"status": "half"},
        {"etag": None},
        {"start": {}},
        {"start": {"dateTime": "soon"}},
        {"extendedProperties": {}},
        {"extendedProperties": {"private": {"carillonInstance": "other"}}},
        {"nextPageToken": "round"},
    ],
)
def test_half_a_listing_is_never_a_listing(connected, google, spoil):
    page = {
        "kind": "calendar#events",
        "timeZone": "UTC",
        "items": [_item() | {k: v for k, v in spoil.items() if k in _item()}],
    }
    page |= {name: value for name, value in spoil.items() if name not in _item()}
    with _answering(_clean(page)) as url, pytest.raises(base.ContractBroken):
        _elsewhere(connected, google, url).find(OURS)


def _item():
    private = {"carillonInstance": "carillon-test", "carillonSynchronization": "7", "carillonKey": "k"}
    moment = {"dateTime": "2026-11-23T10:00:00Z"}
    return {
        "id": "a",
        "etag": '"1"',
        "status": "confirmed",
        "start": moment,
        "end": moment,
        "extendedProperties": {"private": private},
    }


def _clean(value):
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items() if each is not None}
    return [_clean(each) for each in value] if isinstance(value, list) else value


def _answering(page):
    async def answer(_request):
        return Response(json.dumps(page), media_type="application/json")

    async def token(_request):
        return Response(json.dumps({"access_token": "t", "expires_in": 3600}))

    return serve(Router(routes=[Route("/token", token, methods=["POST"]), Route("/{path:path}", answer)]))


def _elsewhere(connected, google, url):
    return connected(settings=googlecalendar.Settings(service_account=google.service_account(url), root_url=url))


# Whether it can be written to


def test_a_check_leaves_nothing_behind(provider, google, faults):
    provider.check()
    assert google.mailbox(ALICE) == []
    assert [each.path for each in faults.seen()] == ["/token", EVENTS]


def test_a_calendar_that_may_only_be_read_is_told(connected, google):
    google.add_calendar(ALICE, "team@group.calendar.google.com", role="reader")
    provider = connected(calendarId="team@group.calendar.google.com")
    with pytest.raises(base.Unauthorized, match="share it"):
        provider.check()
    with pytest.raises(base.Unauthorized, match="share it"):
        provider.push(creates(2))


def test_a_calendar_beside_the_own_one_can_be_written_to(connected, google):
    google.add_calendar(ALICE, "team@group.calendar.google.com", role="writer")
    provider = connected(calendarId="team@group.calendar.google.com")
    provider.check()
    assert isinstance(provider.push(creates(1))[0], Done)
    assert google.mailbox(ALICE) == []


def test_a_calendar_that_is_gone_is_told(connected):
    provider = connected(calendarId="gone@group.calendar.google.com")
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.CalendarGone):
            call()


def test_an_account_that_left_is_told(provider, connected, google):
    provider.check()
    google.remove_account(ALICE)
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.MailboxGone, match="provisioning_smtpAddress"):
            call()
    with pytest.raises(base.MailboxGone):
        connected("never@example.org").check()


def test_an_account_without_a_calendar_is_told(provider, google):
    google.remove_calendar(ALICE)
    with pytest.raises(base.MailboxGone):
        provider.push(creates(1))


def test_a_missing_delegation_says_what_to_add_where(provider, google):
    google.tokens.delegated = frozenset()
    with pytest.raises(base.Unauthorized, match=r"auth/calendar\.events under domain-wide delegation"):
        provider.check()


def test_another_key_is_refused(connected, url, google):
    other = googlecalendar.Settings(service_account=GoogleCalendar([]).service_account(url), root_url=url)
    assert google.mailbox(ALICE) == []
    with pytest.raises(base.Unauthorized, match="key is still valid"):
        connected(settings=other).check()


# What fails


def test_a_token_that_ran_out_or_was_revoked_is_bought_anew(connected, google, faults):
    provider = connected()
    provider.check()
    google.tokens.revoke()
    provider.check()
    google.tokens.revoke()
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    google.tokens.revoke()
    assert len(connected().find(OURS)) == 3
    assert len(faults.seen("/token")) == 4


def test_what_was_done_before_the_token_was_refused_is_in_doubt(provider, google):
    whole = google.call

    def call(request):
        if google.mailbox(ALICE):
            google.tokens.revoke()
            google.tokens.delegated = frozenset()
        return whole(request)

    google.call = call
    with pytest.raises(base.Ambiguous):
        provider.push(creates(3))
    assert len(google.mailbox(ALICE)) == 1


def test_a_connection_that_was_closed_while_idle_is_opened_anew(connected, google):
    page = json.dumps({"kind": "calendar#events", "timeZone": "UTC", "items": [], "accessRole": "owner"}).encode()

    class HangsUp(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            content = page if self.command == "GET" else b'{"access_token": "t", "expires_in": 3600}'
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        do_GET = do_POST  # noqa: N815  # http.server's word

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider = _elsewhere(connected, google, f"http://127.0.0.1:{server.server_port}")
        try:
            for _ in range(3):
                assert provider.find(OURS) == []
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ["throttled", "rate_limited"])
def test_a_throttled_part_is_told_apart_from_the_others(provider, google, faults, kind):
    faults.add(Fault(EVENTS, kind, seconds=17, times=1))
    outcomes = provider.push(creates(3))
    assert [type(each) for each in outcomes] == [base.Throttled, Done, Done]
    assert outcomes[0].retry_after == (timedelta(seconds=17) if kind == "throttled" else None)
    assert len(google.mailbox(ALICE)) == 2


@pytest.mark.parametrize("kind", ["error", "unavailable", "unavailable_after", "html", "empty", "truncated", "lost"])
def test_a_part_that_may_have_been_done_is_in_doubt_and_settles_when_sent_again(provider, google, faults, kind):
    faults.add(Fault(EVENTS, kind, times=1))
    try:
        outcomes = provider.push(creates(3))
    except base.Ambiguous:
        assert kind not in {"error", "unavailable", "unavailable_after"}
    else:
        assert [type(each) for each in outcomes] == [base.Ambiguous, Done, Done]
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(google.mailbox(ALICE)) == 3


@pytest.mark.parametrize(
    "kind", ["lost", "cut_off", "unavailable_after", "unavailable", "error", "html", "truncated", "empty"]
)
def test_a_batch_without_a_readable_answer_is_in_doubt(provider, google, faults, kind):
    faults.add(Fault(BATCH, kind, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(3))
    assert len(faults.seen(BATCH)) == 1, "nothing is sent twice"
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(google.mailbox(ALICE)) == 3


def test_a_batch_that_hangs_is_in_doubt(connected, settings, faults):
    provider = connected(settings=settings.model_copy(update={"timeout": 0.2}))
    provider.check()
    faults.add(Fault(BATCH, "slow", seconds=1, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(1))


def test_a_throttled_batch_is_raised_with_its_wait(provider, google, faults):
    faults.add(Fault(BATCH, "throttled", seconds=42, times=1))
    with pytest.raises(base.Throttled) as raised:
        provider.push(creates(3))
    assert raised.value.retry_after == timedelta(seconds=42)
    assert google.mailbox(ALICE) == []


@pytest.mark.parametrize(
    ("kind", "rest"), [("lost", base.Ambiguous), ("throttled", base.Throttled), ("html", base.Ambiguous)]
)
def test_what_earlier_batches_did_is_told_when_a_later_one_fails(provider, google, faults, kind, rest):
    # A part of the first batch switches the fault of the second one on: both must be sent by one push.
    whole = google.call

    def call(request):
        if len(google.mailbox(ALICE)) == 49:
            faults.add(Fault(BATCH, kind, times=1))
        return whole(request)

    google.call = call
    outcomes = provider.push(creates(120))
    assert [type(each) for each in outcomes] == [Done] * 50 + [rest] * 70
    assert len(faults.seen(BATCH)) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttled", base.Throttled),
        ("rate_limited", base.Throttled),
        ("error", base.Unavailable),
        ("unavailable", base.Unavailable),
        ("lost", base.Unavailable),
        ("cut_off", base.Unavailable),
        ("html", base.ContractBroken),
        ("empty", base.ContractBroken),
        ("truncated", base.ContractBroken),
    ],
)
def test_a_listing_is_complete_or_it_raises(provider, faults, kind, error):
    provider.push(creates(3))
    faults.add(Fault(EVENTS, kind, times=1))
    with pytest.raises(error):
        provider.find(OURS)
    assert len(provider.find(OURS)) == 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttled", base.Unavailable),
        ("error", base.Unavailable),
        ("unavailable", base.Unavailable),
        ("lost", base.Unavailable),
        ("html", base.ContractBroken),
        ("empty", base.ContractBroken),
    ],
)
def test_without_a_token_nothing_was_done_and_nobody_asks_twice(provider, faults, kind, error):
    faults.add(Fault("/token", kind, times=1))
    with pytest.raises(error):
        provider.push(creates(1))
    assert len(faults.seen("/token")) == 1
    assert faults.seen(BATCH) == []


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        ({"error": "internal_failure"}, base.Unavailable),
        ({"error": "invalid_request", "error_description": "temporarily_unavailable"}, base.Unavailable),
        ({"error": "access_denied"}, base.Unauthorized),
        ({"error": "disabled_client"}, base.Unauthorized),
        ({"error": {"code": 400}}, base.ContractBroken),
        ({"message": "?"}, base.ContractBroken),
        ([], base.ContractBroken),
    ],
)
def test_a_refused_grant_says_what_the_caller_shall_do(connected, google, told, meaning):
    asked = []

    async def token(_request):
        asked.append(1)
        return Response(json.dumps(told), 400)

    with serve(Router(routes=[Route("/token", token, methods=["POST"])])) as url, pytest.raises(meaning):
        _elsewhere(connected, google, url).push(creates(1))
    assert len(asked) == 1


def test_the_longest_marks_fit_into_a_listing(provider):
    long = Mark(":" * 255, "/" * 255, "," * 255)
    provider.push([Create(lecture(), long)])
    assert [each.mark for each in provider.find(Marks(long.instance, long.synchronization))] == [long]


def test_a_server_that_is_not_there_is_unavailable_even_for_a_push(connected, google):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        provider = _elsewhere(connected, google, nowhere)
        with pytest.raises(base.Unavailable):
            provider.push(creates(1))


def test_every_error_of_the_libraries_has_a_meaning():
    modules = (google_errors, auth_errors, requests.exceptions)
    classes = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    own = ("google.auth", "googleapiclient", "requests")
    errors = {each for each in classes if issubclass(each, Exception) and each.__module__.startswith(own)}
    errors = {each for each in errors if not issubclass(each, Warning)}
    assert len(errors) > 40
    general = {LookupError, ValueError, TypeError, AttributeError}
    for each in errors:
        nearest = next((kind for kind in each.__mro__ if kind in FAULTS), None)
        assert nearest is not None, each
        assert nearest not in general or each.__module__ not in {"google.auth.exceptions", "googleapiclient.errors"}, (
            each
        )


@pytest.mark.parametrize(
    ("status", "reason", "writing", "meaning"),
    [
        (400, "invalid", True, base.Rejected),
        (400, "invalid", False, base.ContractBroken),
        (401, "authError", True, base.Unauthorized),
        (403, "quotaExceeded", True, base.Throttled),
        (403, "dailyLimitExceeded", False, base.Throttled),
        (403, "userRateLimitExceeded", True, base.Throttled),
        (403, "notACalendarUser", False, base.MailboxGone),
        (403, "accessNotConfigured", False, base.Unauthorized),
        (403, "forbidden", True, base.Unauthorized),
        (404, "notFound", False, base.CalendarGone),
        (409, "conflict", True, base.Throttled),
        (412, "conditionNotMet", True, base.Conflict),
        (413, "", True, base.Rejected),
        (418, "teapot", False, base.ContractBroken),
        (503, "backendError", True, base.Ambiguous),
        (503, "backendError", False, base.Unavailable),
    ],
)
def test_a_refusal_says_what_the_caller_shall_do(status, reason, writing, meaning):
    content = json.dumps(
        {"error": {"code": status, "message": "Secret title", "errors": [{"reason": reason}]}}
    ).encode()
    found = fault(google_errors.HttpError(_response(status), content), writing=writing)
    assert type(found) is meaning
    assert str(status) in str(found)
    assert "Secret" not in str(found)
    if reason in {"quotaExceeded", "dailyLimitExceeded"}:
        assert found.retry_after >= timedelta(hours=1)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"errors": []}}', b"\xff"])
def test_a_refusal_in_strange_words_is_judged_by_its_status(content):
    assert type(fault(google_errors.HttpError(_response(403), content), writing=True)) is base.Unauthorized


def _response(status):
    return httplib2.Response({"status": str(status)})


# What is said beforehand


@pytest.mark.parametrize("key", ["", "no JSON", "[]", "{}", '{"type": "service_account", "client_email": "x"}'])
def test_what_is_no_key_is_told_and_never_quoted(key):
    with pytest.raises(ValidationError, match="service_account") as raised:
        googlecalendar.Settings(service_account=key)
    assert "must be the JSON text" in str(raised.value)
    assert "client_email" not in str(raised.value)


def test_a_broken_private_key_is_never_quoted(google):
    document = json.loads(google.service_account("http://localhost"))
    document["private_key"] = "-----BEGIN PRIVATE KEY-----\nsecretstuff\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ValidationError) as raised:
        googlecalendar.Settings(service_account=json.dumps(document))
    assert "secretstuff" not in str(raised.value)


def test_settings_take_no_unknown_key(settings):
    with pytest.raises(ValidationError, match="root_uri"):
        googlecalendar.Settings(service_account=settings.service_account, root_uri="http://localhost")


@pytest.mark.parametrize("root", ["localhost", "ftp://example.org/", ""])
def test_a_root_must_be_a_web_address(settings, root):
    with pytest.raises(ValidationError, match="root_url"):
        googlecalendar.Settings(service_account=settings.service_account, root_url=root)


def test_the_settings_name_google_when_nothing_else_is_said(settings):
    assert googlecalendar.Settings(service_account=settings.service_account).root_url == "https://www.googleapis.com/"


def test_a_target_is_the_address_given_or_a_username_that_is_one():
    target = googlecalendar.Target.model_validate
    assert target({"username": "Alice@Example.org"}).mailbox == ALICE
    assert target({"username": "alice", "smtpAddress": ALICE}).mailbox == ALICE
    for fields in (
        {"username": "alice"},
        {"username": "alice", "smtpAddress": "alice"},
        {"username": "a", "smtpAddress": "a b@c.d"},
    ):
        with pytest.raises(ValidationError, match="provisioning_smtpAddress"):
            target(fields)
    with pytest.raises(ValidationError, match="smtpAdress"):
        target({"username": ALICE, "smtpAdress": ALICE})
