"""CalDAV: what each answer and each error means."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
import urllib3
from starlette.responses import Response

from providers import _caldav_ical as ical
from providers import _caldav_wire as wire
from providers.base import (
    Ambiguous,
    CalendarGone,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    EventError,
    EventGone,
    Marks,
    Ref,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
)

OURS = Marks("carillon-test")
CALENDAR = (
    "<d:response><d:href>/a/</d:href><d:propstat><d:prop><d:resourcetype><c:calendar/></d:resourcetype></d:prop>"
    "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
)
STATUSES = [
    # status, headers, body, error of a read, error of a write
    (302, {"Location": "https://elsewhere.example.org/"}, "", ContractBroken, ContractBroken),
    (400, {}, "", ContractBroken, Rejected),
    (401, {}, "", Unauthorized, Unauthorized),
    (403, {}, "", Unauthorized, Unauthorized),
    (403, {}, "<c:max-resource-size/>", ContractBroken, Rejected),
    (412, {}, "<c:max-resource-size/>", ContractBroken, Rejected),
    (403, {}, "<c:valid-calendar-data/>", ContractBroken, Rejected),
    (403, {}, "<c:supported-filter/>", ContractBroken, ContractBroken),
    (507, {}, "<d:number-of-matches-within-limits/>", ContractBroken, ContractBroken),
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
    (507, {}, "", Unavailable, Unavailable),
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

    def test_a_redirect_to_nowhere_is_the_servers_mistake(self, scripted):
        provider = scripted(Response(status_code=302, headers={"Location": "http://[::1"}))
        with pytest.raises(ContractBroken, match="a redirect that cannot be read"):
            provider.find(OURS)

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

    @pytest.mark.parametrize("refusal", [404, 412])
    def test_an_update_of_what_is_gone_is_told_so_in_either_words(self, scripted, listing, lecture, mark, refusal):
        ref = Ref(f"{ical.uid(mark(), 0)}.ics", '"1"')
        provider = scripted(Response(status_code=refusal), Response(status_code=404), listing(CALENDAR))
        (outcome,) = provider.push([Update(lecture(), mark(), ref, frozenset({"title"}))])
        assert isinstance(outcome, EventGone)
        assert [each.method for each in scripted.asked] == ["PUT", "GET", "PROPFIND"]

    @pytest.mark.parametrize("name", ["", ".", ".."])
    def test_nothing_is_written_to_the_calendar_itself(self, scripted, lecture, mark, name):
        everything = ical.render(lecture(), mark(), "uid", datetime.now(UTC))
        provider = scripted(Response(everything, headers={"ETag": '"1"'}))
        for version in (None, '"1"'):
            ref = Ref(name, version)
            for change in (Delete(mark(), ref), Update(lecture(), mark(), ref, frozenset({"title"}))):
                assert isinstance(provider.push([change])[0], EventGone)
        assert {each.method for each in scripted.asked} == {"GET"}


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
