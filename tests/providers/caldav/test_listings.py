"""CalDAV: what is found, and whether it can be written to."""

from datetime import UTC, datetime

import pytest
from starlette.responses import Response

from providers import _caldav_ical as ical
from providers.base import (
    CalendarGone,
    ContractBroken,
    Delete,
    Done,
    Marks,
    Ref,
    Unauthorized,
)

OURS = Marks("carillon-test")
MULTISTATUS = '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{}</d:multistatus>'
PART = (
    "<d:response><d:href>/a/one.ics</d:href><d:propstat><d:prop>{}</d:prop>"
    "<d:status>HTTP/1.1 {}</d:status></d:propstat></d:response>"
)


class TestListings:
    @pytest.fixture
    def ours(self, lecture, mark):
        text = ical.render(lecture(), mark(), "one", datetime.now(UTC)).decode()
        return f"<c:calendar-data>{text}</c:calendar-data>"

    def test_an_object_without_our_mark_is_not_even_parsed(self, scripted, listing, ours):
        ours = PART.format('<d:getetag>"1"</d:getetag>' + ours, "200 OK")
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
    def test_a_part_that_is_not_whole_spoils_the_listing(self, scripted, listing, ours, part):
        whole = PART.format('<d:getetag>"1"</d:getetag>' + ours, "200 OK")
        with pytest.raises(ContractBroken):
            scripted(listing(whole, part)).find(OURS)

    @pytest.mark.parametrize("body", ["", "{}", "<d:error xmlns:d='DAV:'/>", MULTISTATUS[:-9], "\x00"])
    def test_an_answer_that_is_no_multistatus_is_no_empty_calendar(self, scripted, body):
        with pytest.raises(ContractBroken):
            scripted(Response(body, 207, media_type="application/xml")).find(OURS)

    @pytest.mark.parametrize("place", ["/a/", "", "/a/..", "/a/%2E"])
    def test_an_event_at_no_place_of_its_own_spoils_the_listing(self, scripted, listing, ours, place):
        part = PART.format('<d:getetag>"1"</d:getetag>' + ours, "200 OK").replace("/a/one.ics", place)
        with pytest.raises(ContractBroken):
            scripted(listing(part)).find(OURS)

    def test_an_etag_is_sent_back_without_what_stands_around_it(self, scripted, listing, ours, mark):
        part = PART.format('<d:getetag>\n W/"1"\n</d:getetag>' + ours, "200 OK")
        (found,) = scripted(listing(part)).find(OURS)
        (outcome,) = scripted(Response(status_code=204)).push([Delete(mark(), found.ref)])
        assert outcome == Done()
        assert scripted.asked[-1].headers["If-Match"] == '"1"'

    def test_an_etag_that_cannot_be_sent_back_is_told(self, scripted, listing, ours, mark):
        part = PART.format('<d:getetag>"→"</d:getetag>' + ours, "200 OK")
        (found,) = scripted(listing(part)).find(OURS)
        with pytest.raises(ContractBroken, match="ETag"):
            scripted(Response(status_code=204)).push([Delete(mark(), found.ref)])

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

    @pytest.fixture
    def check(self, scripted, listing):
        """The check of a server that describes the calendar so."""
        return lambda *properties: scripted(listing(PART.format("".join(properties), "200 OK"))).check()

    def test_a_server_without_rights_of_its_own_passes(self, check):
        assert check(self.CALENDAR) is None

    def test_the_right_to_write_passes(self, check):
        rights = self.RIGHTS.format("<d:privilege><d:read/></d:privilege><d:privilege><d:write-content/></d:privilege>")
        assert check(self.CALENDAR, rights) is None

    def test_the_right_to_read_is_not_enough(self, check):
        with pytest.raises(Unauthorized, match="read"):
            check(self.CALENDAR, self.RIGHTS.format("<d:privilege><d:read/></d:privilege>"))

    def test_a_folder_is_no_calendar(self, check):
        with pytest.raises(CalendarGone):
            check("<d:resourcetype><d:collection/></d:resourcetype>")

    def test_a_part_that_is_not_there_is_a_missing_calendar(self, scripted, listing):
        part = "<d:response><d:href>/a/</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>"
        with pytest.raises(CalendarGone):
            scripted(listing(part)).check()

    def test_a_list_of_tasks_is_no_calendar_for_events(self, check):
        tasks = '<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>'
        with pytest.raises(CalendarGone, match="events"):
            check(self.CALENDAR, tasks)
