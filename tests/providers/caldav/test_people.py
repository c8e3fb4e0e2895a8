"""CalDAV: what a person's program may do to an event."""

from datetime import UTC, date, datetime, timedelta

import icalendar

from providers.base import (
    Conflict,
    Create,
    Marks,
    Rejected,
    Update,
)

OURS = Marks("carillon-test")


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
