"""Connect Daily: what an answer means, and what a failure leaves behind."""

import inspect
import json
import traceback
from datetime import timedelta

import pytest
import requests
import urllib3
from starlette.responses import JSONResponse, Response

from providers import base, connectdaily
from providers._connectdaily_errors import LIBRARY_ERRORS
from providers._connectdaily_mark import guid
from providers.base import Create, Delete, Done, Marks, Ref, Update
from sandbox.faults import Fault

OURS = Marks("carillon-test")
TITLE = frozenset({"title"})
SAID = {"error": 1, "message": "Secret title"}
ABSENT = Response(status_code=404)


@pytest.fixture
def event(mark):
    """An event of ours as a server gives it."""
    own = guid(mark(), 0, 3)
    text = f"[carillon|carillon-test|17|key-1|UTC|0|{own}]"
    days = {"starting_date": "2026-11-03", "ending_date": "2026-11-03"}
    return {"itemguid": own, "cal_item_id": 7, "calendar_id": 3, "long_description": text, "rec_type": 3, **days}


@pytest.fixture
def update(lecture, mark, event):
    return Update(lecture(title="New"), mark(), Ref(event["itemguid"]), TITLE)


def outcome(provider, change):
    """The error of a push, raised for the call or told for its change."""
    try:
        (told,) = provider.push([change])
    except base.ProviderError as error:
        return error
    return told


class TestWritesThatAreRefused:
    @pytest.mark.parametrize("word", [1, 2, "Conflict"])
    def test_a_200_with_an_error_is_none(self, scripted, event, update, word):
        error = outcome(scripted(event, {**SAID, "error": word}), update)
        assert type(error) is base.Rejected
        assert "Secret" not in str(error)

    def test_so_is_one_to_a_delete(self, scripted, event, mark):
        assert type(outcome(scripted(event, SAID), Delete(mark(), Ref("g")))) is base.Rejected

    @pytest.mark.parametrize("kind", [3, "3", None])
    def test_an_event_that_takes_place_once_is_changed_and_not_forked(self, scripted, event, update, kind):
        assert isinstance(outcome(scripted(event | {"rec_type": kind}), update), Done)
        assert [method for method, _, _ in scripted.asked] == ["GET", "PUT"]

    def test_an_error_of_zero_is_no_error(self, scripted, event, update):
        assert isinstance(outcome(scripted(event, event | {"error": 0}), update), Done)

    @pytest.mark.parametrize(
        ("answer", "meaning"),
        [
            (JSONResponse(SAID, 500), base.Rejected),
            (Response("<html>", 500), base.Ambiguous),
            (JSONResponse(SAID, 400), base.Rejected),
            (Response(status_code=401), base.CredentialRefused),
            (Response(status_code=403), base.Unauthorized),
            (Response(status_code=404), base.ContractBroken),
            (Response(status_code=301, headers={"Location": "https://elsewhere.example.org/"}), base.ContractBroken),
            (Response(status_code=418), base.Rejected),
            (Response(status_code=502), base.Ambiguous),
            (Response(status_code=204), base.Ambiguous),
            (Response("<html>Sign in", 201, media_type="text/html"), base.Ambiguous),
            (Response('{"itemguid": "', 201), base.Ambiguous),
            (JSONResponse([], 201), base.Ambiguous),
            (JSONResponse({"itemguid": 3}, 201), base.Ambiguous),
            (Response(status_code=429, headers={"Retry-After": "7"}), base.Throttled),
            (Response(status_code=503, headers={"Retry-After": "7"}), base.Throttled),
        ],
        ids=lambda each: str(getattr(each, "status_code", "")),
    )
    def test_a_create_is_told_what_the_answer_means(self, scripted, lecture, mark, answer, meaning):
        error = outcome(scripted(ABSENT, answer), Create(lecture(), mark()))
        assert type(error) in {meaning, *meaning.__subclasses__()}
        assert str(error).endswith(".")
        assert "Secret" not in str(error)
        if meaning is base.Throttled:
            assert error.retry_after == timedelta(seconds=7)

    def test_without_the_right_to_a_calendar_that_is_there_it_is_the_right(self, scripted, lecture, mark):
        with pytest.raises(base.Unauthorized, match="let it write to the calendar"):
            scripted(ABSENT, Response(status_code=403)).push([Create(lecture(), mark())])

    def test_an_account_that_may_only_view_is_told_so(self, box, put, lecture, mark, only):
        ref = put()
        box.daily.rights["11", box.calendar] = "view"
        with pytest.raises(base.Unauthorized):
            only(Update(lecture(title="New"), mark(), ref, TITLE))
        assert [entry.title for entry in box.listing().values()] == ["Networks"]

    def test_a_wrong_token_is_the_credentials_fault(self, box):
        with pytest.raises(base.CredentialRefused):
            box.connect_refused().check()

    def test_a_resource_in_use_concerns_one_event(self, box, put, lecture, mark):
        ref, other = put(), box.foreign(lecture())
        box.edit(ref, resource_id=5, starting_time="15:00:00", ending_time="16:00:00")
        box.edit(Ref(other), resource_id=5)
        change = Update(lecture(), mark(), Ref(ref.id), frozenset({"time"}))
        outcomes = box.connect().push([change, Create(lecture(), mark("another"))])
        assert [type(each) for each in outcomes] == [base.Rejected, Done]

    def test_a_locked_event_stays(self, box, put, mark, only):
        ref = put()
        box.daily.locked.add(box.kept(ref)["cal_item_id"])
        assert isinstance(only(Delete(mark(), ref)), base.Rejected)
        assert ref.id in box.listing()

    def test_a_text_that_is_too_long_for_the_site_concerns_one_event(self, box, provider, lecture, mark):
        box.daily.longest = {"description": 80}
        outcomes = provider.push([Create(lecture(title="t" * 81), mark("a")), Create(lecture(), mark("b"))])
        assert [type(each) for each in outcomes] == [base.Rejected, Done]


class TestReadsThatFail:
    @pytest.mark.parametrize("status", [200, 500])
    def test_an_error_within_passes_and_speaks_of_no_event_to_be_taken(self, scripted, update, status):
        line = f"[carillon|carillon-test|17|key-1|UTC|0|{update.ref.id}]"
        listing, failed = Response(f"BEGIN:VCALENDAR\n{line}\nEND:VCALENDAR"), JSONResponse(SAID, status)
        with pytest.raises(base.Unavailable, match="failed within") as pushing:
            scripted(failed).push([update])
        with pytest.raises(base.Unavailable, match="failed within") as finding:
            scripted(listing, failed).find(OURS)
        assert "Secret" not in f"{pushing.value} {finding.value}"

    @pytest.mark.parametrize("kind", ["text/plain", "application/json", "text/json; charset=ISO-8859-1", None])
    def test_the_texts_of_a_person_come_back_as_they_were(self, scripted, event, update, kind):
        charset = "iso-8859-1" if kind and "charset" in kind else "utf-8"
        text = json.dumps(event | {"contact_info": "Café Łódź" if charset == "utf-8" else "Café"}, ensure_ascii=False)
        answer = Response(text.encode(charset), headers={"Content-Type": kind} if kind else {})
        assert isinstance(outcome(scripted(answer, event), update), Done)
        assert json.loads(scripted.asked[-1][2])["contact_info"] in {"Café Łódź", "Café"}


class TestWhatSomebodyChangedMeanwhile:
    """409 by reading again."""

    OVERTAKEN = staticmethod(lambda: Response(status_code=409))

    def test_what_they_left_is_read_and_changed(self, scripted, event, update):
        theirs = event | {"contact_info": "theirs"}
        provider = scripted(event, self.OVERTAKEN(), theirs, theirs | {"description": "New"})
        assert isinstance(outcome(provider, update), Done)
        assert [method for method, _, _ in scripted.asked] == ["GET", "PUT", "GET", "PUT"]
        assert b"theirs" in scripted.asked[-1][2]

    def test_where_a_version_was_asked_for_it_is_a_conflict(self, scripted, event, lecture, mark):
        (found,) = (each for each in [scripted(event, event | {"description": "New"})])
        version = outcome(found, Update(lecture(title="New"), mark(), Ref("g"), TITLE)).ref.version
        now = event | {"description": "New"}
        provider = scripted(now, self.OVERTAKEN(), now | {"contact_info": "theirs"})
        change = Update(lecture(title="Newer"), mark(), Ref("g", version), TITLE)
        assert type(outcome(provider, change)) is base.Conflict

    def test_a_second_time_is_a_conflict(self, scripted, event, update):
        provider = scripted(event, self.OVERTAKEN(), event, self.OVERTAKEN())
        assert isinstance(outcome(provider, update), base.Conflict)

    def test_the_server_itself_lets_nobody_overwrite(self, box, put):
        ref = put()
        stale = box.kept(ref)
        box.touch(ref, "Mine")
        answer = requests.put(
            f"{box.wire.url}/cd/restapi/v1/events/itemguid={ref.id}",
            json={**stale, "description": "Ours"},
            headers={"Authorization": "Bearer user_id=11&token=aadfk23894238482adfaaeea948934"},
            timeout=5,
        )
        assert answer.status_code == 409
        assert box.listing()[ref.id].title == "Mine"


class TestFailures:
    CREATED = "/cd/restapi/v1/events"

    @pytest.mark.parametrize("kind", ["lost", "cut_off", "unavailable_after", "error"])
    def test_no_answer_leaves_one_event_in_doubt_and_sending_again_puts_it_right(self, box, lecture, mark, kind):
        provider, creates = box.connect(), [Create(lecture(), mark(f"k{n}")) for n in range(3)]
        box.wire.faults.add(Fault(self.CREATED, kind, times=1, method="POST"))
        first, *others = provider.push(creates)
        assert isinstance(first, base.Ambiguous)
        assert [type(each) for each in others] == [Done, Done]
        assert all(isinstance(each, Done) for each in provider.push(creates))
        assert len(box.listing()) == 3

    def test_what_ends_a_push_midway_is_told_of_the_rest(self, box, lecture, mark):
        provider, creates = box.connect(), [Create(lecture(), mark(f"k{n}")) for n in range(4)]
        box.wire.faults.add(Fault(f"*{guid(mark('k2'), 0, box.calendar)}", "throttled", seconds=7))
        outcomes = provider.push(creates)
        assert [type(each) for each in outcomes] == [Done, Done, base.Throttled, base.Throttled]

    def test_a_server_that_is_not_there_was_told_nothing(self, lecture, mark):
        words = {"url": "http://127.0.0.1:9/", "user_id": "11", "token": "x", "calendar_id": 3}
        provider = connectdaily.connect(connectdaily.Settings.model_validate(words), connectdaily.Target(username="a"))
        for call in (lambda: provider.push([Create(lecture(), mark())]), lambda: provider.find(OURS), provider.check):
            with pytest.raises(base.Unavailable):
                call()
        provider.close()

    @pytest.mark.parametrize("call", ["find", "check"])
    @pytest.mark.parametrize("kind", ["cut_off", "slow", "unavailable", "html", "throttled"])
    def test_the_token_in_an_exports_address_is_shown_by_no_traceback(self, box, call, kind):
        provider = box.connect_impatient()
        box.wire.faults.add(Fault("/cd/iCal/*", kind, seconds=1))
        with pytest.raises(base.ProviderError) as raised:
            getattr(provider, call)(*([OURS] if call == "find" else []))
        said = "".join(traceback.format_exception(raised.value))
        assert "aadfk" not in said

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "BEGIN:VCALENDAR",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
            "BEGIN:VEVENT\nEND:VEVENT",
            "[]",
        ],
    )
    def test_half_a_listing_is_none(self, scripted, text):
        with pytest.raises(base.ContractBroken, match="not whole"):
            scripted(Response(text)).find(OURS)

    def test_an_empty_listing_is_one(self, scripted):
        assert scripted(Response("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")).find(OURS) == []

    def test_what_was_deleted_since_the_listing_is_not_found(self, scripted):
        line = "[carillon|carillon-test|17|key-1|UTC|0|g1]"
        text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDESCRIPTION:{line[:30]}\n {line[30:]}\nEND:VEVENT\nEND:VCALENDAR\n"
        assert scripted(Response(text), ABSENT).find(OURS) == []
        assert [path for _, path, _ in scripted.asked][-1].endswith("/itemguid=g1")


def test_no_error_of_the_library_is_unmapped():
    modules = (requests.exceptions, urllib3.exceptions)
    classes = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    errors = {each for each in classes if issubclass(each, requests.RequestException | urllib3.exceptions.HTTPError)}
    assert len(errors) > 40
    assert [each for each in errors if not set(each.__mro__) & LIBRARY_ERRORS.keys()] == []
