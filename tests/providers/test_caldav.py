"""What only CalDAV has: requests and their cost, odd servers, and what a person's program may do to an object."""

import base64
import ssl
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import icalendar
import pytest
import requests
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from providers import _caldav_ical as ical
from providers import _caldav_wire as wire
from providers import caldav
from providers.base import (
    Ambiguous,
    CalendarGone,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    Done,
    EventError,
    Marks,
    Ref,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
)
from sandbox.faults import Fault
from sandbox.serve import serve

OURS = Marks("carillon-test")
MULTISTATUS = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{}</d:multistatus>'
PART = (
    "<d:response><d:href>/a/one.ics</d:href><d:propstat><d:prop>{}</d:prop>"
    "<d:status>HTTP/1.1 {}</d:status></d:propstat></d:response>"
)


@pytest.fixture
def provider(caldav_mailbox):
    return caldav_mailbox.connect()


@pytest.fixture
def put(provider, lecture, mark):
    """An event of ours that is already there."""

    def make(**other):
        (outcome,) = provider.push([Create(lecture(**other), mark())])
        return outcome.ref

    return make


@pytest.fixture
def scripted():
    """A server that gives the told answers in turn, the last one for ever, and keeps what it was asked."""
    asked, answers = [], []

    async def answer(request):
        asked.append(request)
        await request.body()
        return answers.pop(0) if len(answers) > 1 else answers[0]

    methods = ["GET", "PUT", "DELETE", "REPORT", "PROPFIND"]
    with serve(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:

        def connect(*script, **settings):
            answers[:] = script
            options = {"url": url + "/{mailbox}/", "password": "sécret", **settings}
            return caldav.connect(caldav.Settings.model_validate(options), caldav.Target(username="a"))

        connect.asked, connect.url = asked, url
        yield connect


def listing(*parts, status=207):
    return Response(MULTISTATUS.format("".join(parts)), status, media_type="application/xml")


class TestCost:
    """One request for each change, one for a listing, whatever its size."""

    def cost(self, mailbox, call):
        before = mailbox.requests()
        call()
        return mailbox.requests() - before

    def test_each_call_costs_what_it_must(self, caldav_mailbox, provider, lecture, mark):
        creates = [Create(lecture(), mark(f"k{number}")) for number in range(12)]
        refs = []
        assert self.cost(caldav_mailbox, lambda: refs.extend(each.ref for each in provider.push(creates))) == 12
        plain = Update(lecture(title="Other"), mark("k0"), refs[0], frozenset({"title"}))
        assert self.cost(caldav_mailbox, lambda: provider.push([plain])) == 1
        assert self.cost(caldav_mailbox, lambda: provider.push([Delete(mark("k1"), refs[1])])) == 1
        assert self.cost(caldav_mailbox, lambda: provider.find(OURS)) == 1
        assert self.cost(caldav_mailbox, provider.check) == 1
        assert self.cost(caldav_mailbox, lambda: provider.push([])) == 0

    def test_what_a_person_touched_is_read_once_before_it_is_written(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        change = Update(lecture(title="Other"), mark(), put(), frozenset({"title"}), merge=True)
        assert self.cost(caldav_mailbox, lambda: provider.push([change])) == 2

    def test_a_create_that_was_done_already_costs_a_look_and_a_merge(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        put()
        assert self.cost(caldav_mailbox, lambda: provider.push([Create(lecture(), mark())])) == 3


class TestWhatAPersonAdds:
    def added(self, event):
        event.add("ATTACH", "https://files.example.org/notes.pdf")
        event.add("X-PERSON-NOTE", "Seat at the window")
        event.add("COMMENT", "With Anna")
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", "Soon")
        alarm.add("TRIGGER", timedelta(minutes=-10))
        event.add_component(alarm)

    def test_a_room_change_keeps_all_of_it(self, caldav_mailbox, provider, put, lecture, mark):
        ref = put()
        caldav_mailbox.person.change(ref.id, self.added)
        (found,) = provider.find(OURS)
        provider.push([Update(lecture(location="New"), mark(), found.ref, frozenset({"location", "time"}), merge=True)])
        event = caldav_mailbox.person.events()[ref.id]
        assert event["LOCATION"] == "New"
        assert event["ATTACH"] == "https://files.example.org/notes.pdf"
        assert event["X-PERSON-NOTE"] == "Seat at the window"
        assert event["COMMENT"] == "With Anna"
        assert len(event.walk("VALARM")) == 1

    def repeated(self, event):
        event.add("RRULE", {"FREQ": "WEEKLY", "COUNT": 4})

    def test_an_event_that_a_person_repeats_is_listed_once(self, caldav_mailbox, provider, put, lecture):
        caldav_mailbox.person.change(put().id, self.repeated)
        (found,) = provider.find(OURS)
        assert found.start == lecture().start

    def exception(self, ref, caldav_mailbox):
        """The person repeats the event weekly and renames the second time."""
        caldav_mailbox.person.change(ref.id, self.repeated)
        calendar = icalendar.Calendar.from_ical(caldav_mailbox.person.send("GET", ref.id).content)
        other = icalendar.Event.from_ical(calendar.events[0].to_ical())
        other.pop("RRULE")
        other.add("RECURRENCE-ID", other.start + timedelta(days=7))
        other["SUMMARY"] = icalendar.vText("Exception")
        other.start, other.end = (each + timedelta(days=7, hours=1) for each in (other.start, other.end))
        calendar.subcomponents.insert(0, other)
        caldav_mailbox.person.put(ref.id, calendar.to_ical())

    def test_a_new_title_keeps_the_repetition_and_its_exceptions(self, caldav_mailbox, provider, put, lecture, mark):
        ref = put()
        self.exception(ref, caldav_mailbox)
        (found,) = provider.find(OURS)
        assert found.title == "Networks"
        provider.push([Update(lecture(title="New"), mark(), found.ref, frozenset({"title"}), merge=True)])
        events = icalendar.Calendar.from_ical(caldav_mailbox.person.send("GET", ref.id).content).events
        assert sorted(str(each["SUMMARY"]) for each in events) == ["Exception", "New"]
        assert sum("RRULE" in each for each in events) == 1

    def test_a_new_time_is_the_only_time(self, caldav_mailbox, provider, put, lecture, mark):
        ref = put()
        self.exception(ref, caldav_mailbox)
        (found,) = provider.find(OURS)
        provider.push([Update(lecture(), mark(), found.ref, frozenset({"time"}), merge=True)])
        (event,) = icalendar.Calendar.from_ical(caldav_mailbox.person.send("GET", ref.id).content).events
        assert "RRULE" not in event
        assert event.start == lecture().start

    def test_an_event_with_guests_is_not_changed_for_they_would_be_told(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        ref = put()
        caldav_mailbox.person.change(ref.id, lambda event: event.add("ATTENDEE", "mailto:anna@example.org"))
        (found,) = provider.find(OURS)
        change = Update(lecture(title="Other"), mark(), found.ref, frozenset({"title"}), merge=True)
        (outcome,) = provider.push([change])
        assert isinstance(outcome, Rejected)
        assert caldav_mailbox.person.events()[ref.id]["SUMMARY"] == "Networks"

    def test_an_event_that_lost_our_mark_is_theirs_whatever_its_version(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        ref = put()
        caldav_mailbox.unmark(ref)
        changes = [
            Update(lecture(title="Ours"), mark(), Ref(ref.id), frozenset({"title"})),
            Delete(mark(), Ref(ref.id)),
        ]
        assert [type(each) for each in provider.push(changes)] == [Conflict, Conflict]
        assert caldav_mailbox.person.events()[ref.id]["SUMMARY"] == "Networks"

    def test_an_event_under_another_name_is_still_ours(self, caldav_mailbox, provider, put, lecture, mark):
        ref = put()
        text = caldav_mailbox.person.send("GET", ref.id).content
        caldav_mailbox.person.remove(ref.id)
        caldav_mailbox.person.put("My events é%2F.ics", text)
        (found,) = provider.find(OURS)
        assert found.ref.id == "My events é%2F.ics"
        (outcome,) = provider.push([Update(lecture(title="New"), mark(), found.ref, frozenset({"title"}))])
        assert caldav_mailbox.person.events()[outcome.ref.id]["SUMMARY"] == "New"

    def test_our_id_in_another_place_is_a_conflict(self, caldav_mailbox, provider, put, lecture, mark):
        ref = put()
        text = caldav_mailbox.person.send("GET", ref.id).content
        caldav_mailbox.person.remove(ref.id)
        caldav_mailbox.person.put("elsewhere.ics", text)
        (outcome,) = provider.push([Create(lecture(), mark())])
        assert isinstance(outcome, Conflict)

    def test_a_time_without_a_zone_is_one_of_the_events_zone(self, caldav_mailbox, provider, put):
        def float_away(event):
            event.start, event.end = datetime(2026, 11, 3, 14), datetime(2026, 11, 3, 15)  # noqa: DTZ001 a floating time

        caldav_mailbox.person.change(put().id, float_away)
        (found,) = provider.find(OURS)
        assert found.start == datetime(2026, 11, 3, 13, tzinfo=UTC)

    def test_an_event_that_a_person_made_all_day_starts_at_midnight_there(self, caldav_mailbox, provider, put):
        def whole_day(event):
            event.start, event.end = date(2026, 11, 3), date(2026, 11, 4)

        caldav_mailbox.person.change(put().id, whole_day)
        (found,) = provider.find(OURS)
        assert found.start == datetime(2026, 11, 2, 23, tzinfo=UTC)


class TestWhatIsWritten:
    NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def render(self, event, mark):
        return ical.parse(ical.render(event, mark, "uid", self.NOW))

    def test_a_timed_event_is_busy_and_brings_its_zone(self, lecture, mark):
        calendar = self.render(lecture(), mark())
        event = ical.master(calendar)
        assert event["DTSTART"].params["TZID"] == "Europe/Amsterdam"
        assert [str(each["TZID"]) for each in calendar.walk("VTIMEZONE")] == ["Europe/Amsterdam"]
        assert event["TRANSP"] == "OPAQUE"
        assert event["CATEGORIES"].cats == ["Lecture"]

    def test_an_all_day_event_is_free_and_needs_no_zone(self, lecture, mark):
        start = datetime(2026, 11, 2, 23, tzinfo=UTC)
        calendar = self.render(lecture(start=start, end=start + timedelta(days=1), all_day=True), mark())
        assert ical.master(calendar)["TRANSP"] == "TRANSPARENT"
        assert calendar.walk("VTIMEZONE") == []

    def test_the_zone_we_bring_says_what_the_zone_is(self, lecture, mark):
        for month in range(1, 13):
            event = lecture(start=datetime(2026, month, 28, 12, tzinfo=UTC))
            (zone,) = self.render(event, mark()).walk("VTIMEZONE")
            local = event.start.astimezone(zone.to_tz(lookup_tzid=False))
            assert local.utcoffset() == event.start.astimezone(ical.ZoneInfo(event.zone)).utcoffset()

    def test_the_same_event_at_the_same_time_is_the_same_text(self, lecture, mark):
        assert ical.render(lecture(), mark(), "u", self.NOW) == ical.render(lecture(), mark(), "u", self.NOW)

    def test_every_revision_has_a_higher_sequence(self, lecture, mark):
        calendar = self.render(lecture(), mark())
        numbers = [ical.master(calendar)["SEQUENCE"]]
        for _ in range(3):
            calendar = ical.parse(ical.merge(calendar, lecture(), mark(), {"title"}, self.NOW))
            numbers.append(ical.master(calendar)["SEQUENCE"])
        assert numbers == sorted(set(numbers))

    def test_no_line_is_longer_than_75_octets(self, lecture, mark):
        text = ical.render(lecture(description="é中🎓" * 500), mark(), "uid", self.NOW)
        assert max(map(len, text.split(b"\r\n"))) <= 75

    ODD = (
        "DTSTART:20261103T090000Z\nDTEND:20261103T080000Z",
        "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nDURATION:PT1H",
        "DTSTART:20261103T090000Z\nDTEND:99991231T235959\nX-CARILLON-ZONE:America/New_York",
        "DTSTART:20261103T090000Z\nX-CARILLON-ZONE:Mars/Base",
        "DTSTART:20261103T090000Z\nSEQUENCE:many\nSUMMARY:One\nSUMMARY:Two",
    )

    def odd(self, lines):
        head = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nX-CARILLON-INSTANCE:carillon-test\n"
        return ical.parse(f"{head}{lines}\nEND:VEVENT\nEND:VCALENDAR")

    @pytest.mark.parametrize("lines", ODD)
    def test_an_event_a_person_made_odd_is_found_by_its_start(self, mark, lines):
        found = ical.found(self.odd(lines), mark(), Ref("u"))
        assert found.start == datetime(2026, 11, 3, 9, tzinfo=UTC)

    @pytest.mark.parametrize("lines", [*ODD, "", "DTSTART:nonsense", "DTSTART:20261103\nDTSTART:20261104"])
    def test_an_event_a_person_made_odd_can_be_put_right(self, lecture, mark, lines):
        fields = frozenset({"title", "time", "mark"})
        calendar = ical.parse(ical.merge(self.odd(lines), lecture(), mark(), fields, self.NOW))
        found = ical.found(calendar, mark(), Ref("u"))
        assert (found.start, found.end, found.title) == (lecture().start, lecture().end, "Networks")
        assert ical.mark_of(calendar) == mark()

    @pytest.mark.parametrize(
        "text", ["", "BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nEND:VCALENDAR", "x", "BEGIN:VEVENT\nEND:VEVENT"]
    )
    def test_what_is_no_event_is_told(self, text):
        with pytest.raises(ValueError, match=r"\S"):
            ical.parse(text)


class TestWhenTheServerFails:
    def path(self, mailbox, mark):
        return f"/{mailbox.name}/timetable/{ical.uid(mark, 0)}.ics"

    def creates(self, lecture, mark, count=5):
        return [Create(lecture(), mark(f"k{number}")) for number in range(count)]

    @pytest.mark.parametrize("kind", ["lost", "cut_off", "unavailable_after"])
    def test_no_answer_leaves_one_event_in_doubt_and_the_rest_unsent(
        self, caldav_mailbox, provider, lecture, mark, kind
    ):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), kind))
        outcomes = provider.push(self.creates(lecture, mark))
        assert [isinstance(each, Done) for each in outcomes] == [True, True, False, False, False]
        assert isinstance(outcomes[2], Ambiguous)
        assert all(isinstance(each, Unavailable) for each in outcomes[3:])
        assert len(caldav_mailbox.listing()) == (2 if kind == "cut_off" else 3)

    @pytest.mark.parametrize("kind", ["lost", "cut_off"])
    def test_sending_everything_again_puts_it_right(self, caldav_mailbox, provider, lecture, mark, kind):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), kind, times=1))
        provider.push(self.creates(lecture, mark))
        assert all(isinstance(each, Done) for each in provider.push(self.creates(lecture, mark)))
        assert len(caldav_mailbox.listing()) == 5

    def test_a_failure_within_concerns_one_event(self, caldav_mailbox, provider, lecture, mark):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k0")), "error"))
        first, *others = provider.push(self.creates(lecture, mark))
        assert isinstance(first, Ambiguous)
        assert all(isinstance(each, Done) for each in others)

    def test_a_wait_asked_for_midway_keeps_what_was_done(self, caldav_mailbox, provider, lecture, mark):
        caldav_mailbox.wire.faults.add(Fault(self.path(caldav_mailbox, mark("k2")), "throttled", seconds=7))
        outcomes = provider.push(self.creates(lecture, mark))
        assert [type(each) for each in outcomes] == [Done, Done, Throttled, Throttled, Throttled]
        # The relay hands on no header but the fault's own.
        assert outcomes[4].retry_after == timedelta(seconds=7)

    def test_rights_lost_midway_are_raised_by_the_next_call(self, scripted, lecture, mark):
        provider = scripted(Response(status_code=201, headers={"ETag": '"1"'}), Response(status_code=401))
        first, *others = provider.push(self.creates(lecture, mark))
        assert first == Done(Ref(f"{ical.uid(mark('k0'), 0)}.ics", '"1"'))
        assert [type(each) for each in others] == [Unavailable] * 4
        assert len(scripted.asked) == 2
        with pytest.raises(Unauthorized):
            provider.push(self.creates(lecture, mark))

    def test_a_server_that_is_not_there_was_told_nothing(self, lecture, mark):
        settings = caldav.Settings(url="http://127.0.0.1:9/{mailbox}/", password="x")
        provider = caldav.connect(settings, caldav.Target(username="a"))
        with pytest.raises(Unavailable):
            provider.push(self.creates(lecture, mark))
        with pytest.raises(Unavailable):
            provider.find(OURS)

    @pytest.mark.parametrize("call", ["find", "check", "push"])
    def test_a_missing_calendar_is_told(self, caldav_mailbox, lecture, mark, call):
        home = caldav_mailbox.template.removesuffix("timetable/").format(mailbox=caldav_mailbox.name)
        target = caldav_mailbox.target(calendarUrl=home + "gone/")
        provider = caldav.connect(caldav_mailbox.settings(), target)
        calls = {
            "find": lambda: provider.find(OURS),
            "check": provider.check,
            "push": lambda: provider.push([Create(lecture(), mark())]),
        }
        with pytest.raises(CalendarGone):
            calls[call]()
        provider.close()


STATUSES = [
    # status, headers, body, error of a read, error of a write
    (302, {"Location": "https://elsewhere.example.org/"}, "", ContractBroken, ContractBroken),
    (400, {}, "", ContractBroken, Rejected),
    (401, {}, "", Unauthorized, Unauthorized),
    (403, {}, "", Unauthorized, Unauthorized),
    (403, {}, "<c:max-resource-size/>", ContractBroken, Rejected),
    (412, {}, "<c:max-resource-size/>", ContractBroken, Rejected),
    (403, {}, "<c:valid-calendar-data/>", ContractBroken, Rejected),
    (404, {}, "", CalendarGone, CalendarGone),
    (405, {}, "", ContractBroken, ContractBroken),
    (408, {}, "", Unavailable, Unavailable),
    (409, {}, "", CalendarGone, CalendarGone),
    (413, {}, "", ContractBroken, Rejected),
    (418, {}, "", ContractBroken, Rejected),
    (429, {"Retry-After": "12"}, "", Throttled, Throttled),
    (500, {}, "", Unavailable, Ambiguous),
    (501, {}, "", ContractBroken, ContractBroken),
    (502, {}, "", Unavailable, Ambiguous),
    (503, {}, "", Unavailable, Ambiguous),
    (503, {"Retry-After": "12"}, "", Throttled, Throttled),
    (504, {}, "", Unavailable, Ambiguous),
    (507, {}, "", Unavailable, Rejected),
    (599, {}, "", Unavailable, Ambiguous),
    (200, {"Content-Type": "text/html"}, "<html>Sign in</html>", ContractBroken, ContractBroken),
    (226, {}, "", ContractBroken, ContractBroken),
]


class TestAnswers:
    @pytest.mark.parametrize("answer", STATUSES, ids=lambda answer: f"{answer[0]} {answer[2]}".strip())
    def test_every_answer_has_one_meaning(self, scripted, lecture, mark, answer):
        status, headers, body, read, write = answer
        provider = scripted(Response(body, status, headers))
        with pytest.raises(read) as caught:
            provider.find(OURS)
        assert str(caught.value).endswith(f"({status} to REPORT).")
        try:
            (outcome,) = provider.push([Create(lecture(), mark())])
        except (EventError, Ambiguous):
            pytest.fail("a value was raised")
        except write as raised:
            outcome = raised
        assert isinstance(outcome, write)
        if "Retry-After" in headers:
            assert outcome.retry_after == timedelta(seconds=12)

    def test_a_read_never_means_one_event(self):
        tables = (wire.LIBRARY_ERRORS, wire.STATUSES, wire.PRECONDITIONS)
        assert not [read for table in tables for read, _, _ in table.values() if issubclass(read, EventError)]

    def test_nobody_is_sent_on_to_another_address(self, scripted, lecture, mark):
        provider = scripted(Response(status_code=308, headers={"Location": scripted.url + "/other/"}))
        with pytest.raises(ContractBroken):
            provider.push([Create(lecture(), mark())])
        assert [each.url.path for each in scripted.asked] == [f"/a/{ical.uid(mark(), 0)}.ics"]

    def test_without_an_etag_the_version_is_unknown_and_the_next_update_reads_first(self, scripted, lecture, mark):
        provider = scripted(Response(status_code=201))
        (done,) = provider.push([Create(lecture(), mark())])
        assert done.ref.version is None
        stored = ical.render(lecture(), mark(), "uid", datetime.now(UTC))
        scripted(Response(stored, headers={"ETag": 'W/"weak"'}), Response(status_code=204))
        provider.push([Update(lecture(title="New"), mark(), done.ref, frozenset({"title"}))])
        assert [each.method for each in scripted.asked] == ["PUT", "GET", "PUT"]
        assert scripted.asked[0].headers["If-None-Match"] == "*"
        # A gateway that compresses makes an ETag weak, and If-Match compares strongly.
        assert scripted.asked[2].headers["If-Match"] == '"weak"'

    def test_a_create_refused_though_its_place_is_free_is_told_as_it_came(self, scripted, lecture, mark):
        provider = scripted(Response(status_code=412), Response(status_code=404))
        assert isinstance(provider.push([Create(lecture(), mark())])[0], Conflict)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7),
            ("0", 0),
            ("Fri, 20 Nov 2026 12:01:30 GMT", 90),
            ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
            ("99999999999", 86_400),
            ("soon", None),
            ("-5", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_wait_is_read_in_either_form(self, value, seconds):
        wait = wire.retry_after(value, datetime(2026, 11, 20, 12, tzinfo=UTC))
        assert wait == (None if seconds is None else timedelta(seconds=seconds))


def library_errors():
    """Every error class of requests, and of urllib3 underneath it."""
    modules = (requests.exceptions, urllib3.exceptions)
    classes = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    roots = (requests.RequestException, urllib3.exceptions.HTTPError)
    return sorted((each for each in classes if issubclass(each, roots)), key=lambda each: each.__qualname__)


@pytest.mark.parametrize("error", library_errors())
def test_no_error_of_the_library_is_unmapped(error):
    """A new class must be thought about: the catch-all of requests stands only for itself."""
    nearest = next(each for each in error.__mro__ if each in wire.LIBRARY_ERRORS)
    assert nearest is not OSError
    assert nearest is not requests.RequestException or error is requests.RequestException


class TestListings:
    def data(self, lecture, mark):
        text = ical.render(lecture(), mark, "one", datetime.now(UTC)).decode()
        return f"<c:calendar-data>{text}</c:calendar-data>"

    def test_an_object_without_our_mark_is_not_even_parsed(self, scripted, lecture, mark):
        ours = PART.format('<d:getetag>"1"</d:getetag>' + self.data(lecture, mark()), "200 OK")
        broken = PART.format('<d:getetag>"2"</d:getetag><c:calendar-data>BEGIN:VCA</c:calendar-data>', "200 OK")
        (found,) = scripted(listing(broken, ours, broken)).find(OURS)
        assert found.ref == Ref("one.ics", '"1"')

    @pytest.mark.parametrize(
        "part",
        [
            "<d:response><d:href>/a/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>",
            "<d:response><d:href>/a/one.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>",
            "<d:response><d:href>/a/one.ics</d:href></d:response>",
            PART.format('<d:getetag>"1"</d:getetag>', "200 OK"),
            PART.format('<d:getetag>"1"</d:getetag><c:calendar-data/>', "200 OK"),
            PART.format("<c:calendar-data>x</c:calendar-data>", "200 OK"),
            PART.format('<d:getetag>"1"</d:getetag><c:calendar-data>x</c:calendar-data>', "403 Forbidden"),
            PART.format(
                '<d:getetag>"1"</d:getetag><c:calendar-data>X-CARILLON-INSTANCE: nonsense</c:calendar-data>', "200 OK"
            ),
            PART.format(
                '<d:getetag>"1"</d:getetag><c:calendar-data>BEGIN:VCALENDAR\nBEGIN:VEVENT\n'
                "X-CARILLON-INSTANCE:carillon-test\nEND:VEVENT\nEND:VCALENDAR</c:calendar-data>",
                "200 OK",
            ),
        ],
        ids=["cut short", "missing", "empty", "no data", "empty data", "no etag", "refused", "no event", "no start"],
    )
    def test_a_part_that_is_not_whole_spoils_the_listing(self, scripted, lecture, mark, part):
        whole = PART.format('<d:getetag>"1"</d:getetag>' + self.data(lecture, mark()), "200 OK")
        with pytest.raises(ContractBroken):
            scripted(listing(whole, part)).find(OURS)

    @pytest.mark.parametrize("body", ["", "{}", "<d:error xmlns:d='DAV:'/>", MULTISTATUS[:-9], "\x00"])
    def test_an_answer_that_is_no_multistatus_is_no_empty_calendar(self, scripted, body):
        with pytest.raises(ContractBroken):
            scripted(Response(body, 207, media_type="application/xml")).find(OURS)

    def test_entities_are_not_followed(self, scripted, tmp_path, lecture, mark):
        (tmp_path / "secret").write_bytes(ical.render(lecture(), mark(), "one", datetime.now(UTC)))
        doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
        part = PART.format('<d:getetag>"1"</d:getetag><c:calendar-data>&e;</c:calendar-data>', "200 OK")
        with pytest.raises(ContractBroken):
            scripted(Response(doctype + MULTISTATUS.format(part), 207)).find(OURS)

    def test_a_damaged_mark_is_still_our_instances(self, caldav_mailbox, provider, put):
        def damage(event):
            del event["X-CARILLON-KEY"]

        caldav_mailbox.person.change(put().id, damage)
        (found,) = provider.find(OURS)
        assert (found.mark.instance, found.mark.key) == ("carillon-test", "")


class TestCheck:
    CALENDAR = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>"
    RIGHTS = "<d:current-user-privilege-set>{}</d:current-user-privilege-set>"

    def check(self, scripted, *properties):
        return scripted(listing(PART.format("".join(properties), "200 OK"))).check()

    def test_a_server_without_rights_of_its_own_passes(self, scripted):
        assert self.check(scripted, self.CALENDAR) is None

    def test_the_right_to_write_passes(self, scripted):
        rights = self.RIGHTS.format("<d:privilege><d:read/></d:privilege><d:privilege><d:write-content/></d:privilege>")
        assert self.check(scripted, self.CALENDAR, rights) is None

    def test_the_right_to_read_is_not_enough(self, scripted):
        with pytest.raises(Unauthorized, match="read"):
            self.check(scripted, self.CALENDAR, self.RIGHTS.format("<d:privilege><d:read/></d:privilege>"))

    def test_a_folder_is_no_calendar(self, scripted):
        with pytest.raises(CalendarGone):
            self.check(scripted, "<d:resourcetype><d:collection/></d:resourcetype>")

    def test_a_part_that_is_not_there_is_a_missing_calendar(self, scripted):
        part = "<d:response><d:href>/a/</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"
        with pytest.raises(CalendarGone):
            scripted(listing(part)).check()

    def test_a_list_of_tasks_is_no_calendar_for_events(self, scripted):
        tasks = '<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>'
        with pytest.raises(CalendarGone, match="events"):
            self.check(scripted, self.CALENDAR, tasks)


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "http://dav.example.org/{mailbox}/",
            "ftp://dav.example.org/{mailbox}/",
            "https:///{mailbox}/",
            "https://{mailbox}.example.org/",
            "https://dav.example.org/everybody/",
            "https://me:secret@dav.example.org/{mailbox}/",
            "https://dav.example.org/{mailbox}/?x=1",
        ],
    )
    def test_an_address_that_cannot_be_meant_is_refused_without_telling_secrets(self, url):
        with pytest.raises(ValidationError) as caught:
            caldav.Settings(url=url, password="pass-word")
        assert "must" in str(caught.value)
        assert "pass-word" not in str(caught.value)

    def test_unknown_names_are_refused(self):
        with pytest.raises(ValidationError):
            caldav.Settings(url="https://dav.example.org/{mailbox}/", password="x", pasword="x")
        with pytest.raises(ValidationError):
            caldav.Target.model_validate({"username": "a", "calendarId": "x"})

    def test_the_mailbox_is_the_username_unless_another_account_is_named(self):
        assert caldav.Target(username="alice").mailbox == "alice"
        target = caldav.Target.model_validate({"username": "alice", "smtpAddress": "a@example.org"})
        assert target.mailbox == "a@example.org"

    @pytest.mark.parametrize("name", ["..", ".", "", "a\nb"])
    def test_a_name_that_would_lead_to_another_place_is_refused(self, name):
        with pytest.raises(ValidationError):
            caldav.Target(username=name)

    @pytest.mark.parametrize(
        ("name", "path"), [("a@b.nl", "/a@b.nl/"), ("DOM\\ü ser", "/DOM%5C%C3%BC%20ser/"), ("a/../b", "/a%2F..%2Fb/")]
    )
    def test_any_other_name_becomes_one_part_of_the_address(self, scripted, name, path):
        settings = caldav.Settings(url=scripted.url + "/{mailbox}", password="x")
        scripted(listing())
        assert caldav.connect(settings, caldav.Target(username=name)).find(OURS) == []
        assert scripted.asked[-1].scope["raw_path"].decode() == path

    @pytest.mark.parametrize(
        "url", ["https://other.example.org/c/", "https://dav.example.org:444/c/", "https://dav.example.org.evil.org/c/"]
    )
    def test_our_password_goes_to_no_other_host(self, url):
        settings = caldav.Settings(url="https://dav.example.org/{mailbox}/", password="x")
        target = caldav.Target.model_validate({"username": "a", "calendarUrl": url})
        with pytest.raises(Unauthorized, match="provisioning_calendarUrl"):
            caldav.connect(settings, target)

    def test_a_calendar_of_ones_own_choice_is_used(self, scripted):
        settings = caldav.Settings(url=scripted.url + "/{mailbox}/", password="x")
        target = caldav.Target.model_validate({"username": "a", "calendarUrl": scripted.url + "/my/own"})
        scripted(listing())
        assert caldav.connect(settings, target).find(OURS) == []
        assert scripted.asked[-1].url.path == "/my/own/"

    def test_nothing_of_the_surroundings_comes_between(self, scripted, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("default login eve password eves")
        for name, value in {"NETRC": str(tmp_path / "netrc"), "HTTP_PROXY": "http://127.0.0.1:9"}.items():
            monkeypatch.setenv(name, value)
        provider = scripted(listing(), username="{mailbox}@example.org")
        provider.find(OURS)
        (asked,) = scripted.asked
        login = base64.b64encode("a@example.org:sécret".encode()).decode()
        assert asked.headers["Authorization"] == f"Basic {login}"


@pytest.fixture
def secure(tmp_path):
    """An empty calendar behind TLS, with a certificate of nobody's: its address and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, until)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "ca.pem").write_bytes(certificate)
    (tmp_path / "both.pem").write_bytes(private + certificate)

    class Empty(BaseHTTPRequestHandler):
        def do_REPORT(self):
            body = MULTISTATUS.format("").encode()
            self.send_response(207)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with HTTPServer(("localhost", 0), Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://localhost:{server.server_port}/{{mailbox}}/", tmp_path / "ca.pem"
        server.shutdown()
        thread.join()


class TestTls:
    def connect(self, url, **other):
        return caldav.connect(caldav.Settings(url=url, password="x", **other), caldav.Target(username="a"))

    def test_a_certificate_of_nobodys_is_not_trusted(self, secure):
        with pytest.raises(Unavailable, match="ca_file"):
            self.connect(secure[0]).find(OURS)

    def test_one_given_as_ca_file_is(self, secure):
        provider = self.connect(secure[0], ca_file=secure[1])
        assert provider.find(OURS) == []
        provider.close()

    def test_a_lost_ca_file_is_told(self, secure):
        provider = self.connect(secure[0], ca_file=secure[1])
        secure[1].unlink()
        with pytest.raises(Unavailable, match="ca_file"):
            provider.find(OURS)
