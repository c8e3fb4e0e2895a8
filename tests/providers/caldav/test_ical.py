"""CalDAV: what is written."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import _caldav_ical as ical
from providers.base import (
    Ref,
)


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

    @pytest.mark.parametrize(
        ("there", "now", "left"),
        [
            (["Lecture", "Mine"], "Practical", ["Practical", "Mine"]),
            (["Mine", "Lecture", "Höhere; Zahlen, 2"], "Lecture", ["Lecture", "Mine", "Höhere; Zahlen, 2"]),
            (["Mine"], "", ["Mine"]),
            ([], "Practical", ["Practical"]),
        ],
    )
    def test_a_category_of_a_person_stays_whatever_ours_becomes(self, lecture, mark, there, now, left):
        calendar = self.render(lecture(category="Lecture"), mark())
        ical.master(calendar).categories = there
        for _ in range(2):
            calendar = ical.parse(ical.merge(calendar, lecture(category=now), mark(), {"category"}, self.NOW))
        assert ical.master(calendar).categories == left

    def test_where_an_earlier_version_did_not_say_which_was_ours_all_are(self, lecture, mark):
        calendar = self.render(lecture(category="Lecture"), mark())
        del ical.master(calendar)["X-CARILLON-CATEGORY"]
        ical.merge(calendar, lecture(category="Practical"), mark(), {"category"}, self.NOW)
        assert ical.master(calendar).categories == ["Practical"]

    def test_no_line_is_longer_than_75_octets(self, lecture, mark):
        text = ical.render(lecture(description="é中🎓" * 500), mark(), "uid", self.NOW)
        assert max(map(len, text.split(b"\r\n"))) <= 75

    ODD = (
        "DTSTART:20261103T090000Z\nDTEND:20261103T080000Z",
        "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nDURATION:PT1H",
        "DTSTART:20261103T090000Z\nDTEND:99991231T235959\nX-CARILLON-ZONE:America/New_York",
        "DTSTART:20261103T090000Z\nX-CARILLON-ZONE:Mars/Base",
        "DTSTART:20261103T090000Z\nDURATION:P9999999D",
        "DTSTART:20261103T090000Z\nRECURRENCE-ID:20261103T090000Z",
        "DTSTART:20261103T090000Z\nSEQUENCE:" + "9" * 5_000,
        "DTSTART:20261103T090000Z\nSEQUENCE:many\nSUMMARY:One\nSUMMARY:Two",
    )

    def odd(self, lines):
        head = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nX-CARILLON-INSTANCE:carillon-test\n"
        return ical.parse(f"{head}{lines}\nEND:VEVENT\nEND:VCALENDAR")

    @pytest.mark.parametrize("lines", ODD)
    def test_an_event_a_person_made_odd_is_found_by_its_start(self, mark, lines):
        found = ical.found(self.odd(lines), mark(), Ref("u"))
        assert found.start == datetime(2026, 11, 3, 9, tzinfo=UTC)

    @pytest.mark.parametrize(
        "lines", [*ODD, "", "DTSTART;VALUE=DATE:99991231", "DTSTART:nonsense", "DTSTART:20261103\nDTSTART:20261104"]
    )
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
