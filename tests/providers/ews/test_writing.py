"""Exchange: what is written."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from providers import _exchange as exchange
from providers import base
from providers._ews_items import to_create
from providers.base import FIELDS, Create, Done, Mark, Marks, Ref, Update, Window

OURS = Marks("carillon-test", "7")


def _named(item):
    return {name: text for (group, name), text in item.properties.items() if group == exchange.PROPERTY_SET}


class TestAnEvent:
    def test_arrives_whole_and_reminds_nobody(self, provider, office, term):
        create = term.create(description="Bring a < calculator\nand a pen", category="Lecture")
        assert isinstance(provider.push([create])[0], Done)
        [there] = office.there()
        assert (there.subject, there.location) == ("Lecture 0", "Room 1")
        assert there.body == "Bring a < calculator\nand a pen"
        assert (there.start, there.end) == (create.event.start, create.event.end)
        assert (there.start_zone, there.end_zone) == ("W. Europe Standard Time",) * 2
        assert (there.reminder, there.attendees, there.categories) == (None, (), ("Lecture",))
        assert _named(there) == {
            "carillonInstance": "carillon-test",
            "carillonSynchronization": "7",
            "carillonKey": "0",
            "carillonId": exchange.event_id(create.mark, 0),
            "carillonCategory": "Lecture",
        }

    def test_reminds_of_itself_where_the_settings_say_so(self, connected, office, term):
        connected(reminder=10).push([term.create(1)])
        connected(reminder=0).push([term.create(2)])
        assert [each.reminder for each in office.there()] == [10, 0]

    def test_that_cannot_be_taken_does_not_stop_the_others(self, provider, office, term):
        outcomes = provider.push(
            [term.create(1), term.create(2, title="x" * 300), term.create(3, zone="Nowhere/Land"), term.create(4)]
        )
        assert [type(each) for each in outcomes] == [Done, base.Rejected, Done, Done]
        assert [each.start_zone for each in office.there()] == [
            "W. Europe Standard Time",
            "UTC",
            "W. Europe Standard Time",
        ]

    def test_whose_days_nobody_can_tell_does_not_stop_the_others(self, provider, office, term):
        outcomes = provider.push([term.create(1), term.create(2, zone="Nowhere/Land", all_day=True), term.create(3)])
        assert [type(each) for each in outcomes] == [Done, base.Rejected, Done]
        assert len(office.there()) == 2

    def test_that_ends_before_it_starts_is_refused_alone(self, provider, office, term):
        early = term.event(1).start - timedelta(hours=1)
        outcomes = provider.push([term.create(0), term.create(1, end=early), term.create(2, end=term.event(2).start)])
        assert [type(each) for each in outcomes] == [Done, base.Rejected, Done]
        assert len(office.there()) == 2

    @pytest.mark.parametrize("text", ["bell \x07", "\x0b", "half \ud83d", "\ufffe", "\x00"])
    def test_with_signs_that_xml_does_not_know_is_refused_or_mended_alone(self, provider, office, term, text):
        outcomes = provider.push([term.create(0), term.create(1, title=text, description=text), term.create(2)])
        assert (type(outcomes[0]), type(outcomes[2])) == (Done, Done)
        assert isinstance(outcomes[1], Done | base.Rejected)
        assert len(office.there()) >= 2


class TestAnUpdate:
    def test_leaves_alone_what_it_does_not_name(self, provider, office, term):
        [done] = provider.push(term.creates(1))
        office.edit(done.ref, body="my notes", categories=("Mine",), reminder=30)
        [done] = provider.push([term.update(Ref(done.ref.id), location="Room 9", merge=True)])
        [there] = office.there()
        assert (there.location, there.subject, there.body) == ("Room 9", "Lecture 0", "my notes")
        assert (there.categories, there.reminder) == (("Mine",), 30)

    def test_can_empty_texts(self, provider, office, term):
        [done] = provider.push([term.create(description="old", category="Lecture")])
        empty = term.update(done.ref, location="", description="", category="")
        assert isinstance(provider.push([empty])[0], Done)
        [there] = office.there()
        assert (there.location, there.body, there.categories) == ("", "", ())
        assert "carillonCategory" not in _named(there)

    @pytest.mark.parametrize("versioned", [True, False])
    def test_changes_our_category_and_keeps_the_persons(self, provider, office, term, versioned):
        [done] = provider.push([term.create(category="Lecture")])
        office.edit(done.ref, categories=("Important", "Lecture", "Mine"))
        [found] = provider.find(OURS)
        ref = found.ref if versioned else Ref(found.ref.id)
        [done] = provider.push([term.update(ref, category="Exam", merge=True)])
        assert office.there()[0].categories == ("Exam", "Important", "Mine")
        [done] = provider.push([term.update(done.ref, category="")])
        assert office.there()[0].categories == ("Important", "Mine")

    def test_of_the_category_meets_a_change_by_somebody_else(self, provider, office, term):
        [done] = provider.push([term.create(category="Lecture")])
        office.edit(done.ref, categories=("Mine",))
        assert isinstance(provider.push([term.update(done.ref, category="Exam")])[0], base.Conflict)
        assert office.there()[0].categories == ("Mine",)

    def test_of_a_meeting_tells_its_guests_nothing(self, provider, office, term):
        [done] = provider.push(term.creates(1))
        office.edit(done.ref, attendees=("guest@example.org",))
        [done] = provider.push([term.update(Ref(done.ref.id), title="New")])
        provider.push([term.delete(done.ref)])
        assert office.there() == []
        assert office.exchange.notifications == 0

    def test_of_the_mark_hands_the_event_on(self, provider, term):
        [done] = provider.push([Create(term.event(), term.mark("old", "6"))])
        [adopted] = provider.push([Update(term.event(), term.mark("new"), done.ref, frozenset({"mark"}))])
        assert [(each.mark, each.ref) for each in provider.find(OURS)] == [(term.mark("new"), adopted.ref)]
        assert provider.find(Marks("carillon-test", "6")) == []


class TestObstacles:
    def test_an_event_that_is_there_becomes_as_asked_and_keeps_what_is_the_persons(self, provider, office, term):
        provider.push([term.create(category="Lecture")])
        [first] = provider.find(OURS)
        office.edit(first.ref, categories=("Lecture", "Mine"), reminder=5)
        [done] = provider.push([term.create(category="Exam", title="Again")])
        assert done.ref.id == first.ref.id
        [there] = office.there()
        assert (there.subject, there.categories, there.reminder) == ("Again", ("Exam", "Mine"), 5)

    def test_of_two_copies_the_one_with_our_mark_is_taken(self, provider, office, term):
        [done] = provider.push([term.create()])
        copy = {name: text for name, text in office.there()[0].properties.items() if name[1] != "carillonInstance"}
        office.exchange.own("alice@example.org").insert(
            {"start": term.event().start, "end": term.event().end, "subject": "Copied", "properties": copy}
        )
        [again] = provider.push([term.create(title="Again")])
        assert again.ref.id == done.ref.id
        assert [each.subject for each in office.there()] == ["Again", "Copied"]

    def test_a_removal_does_not_take_what_changed_meanwhile(self, provider, office, term):
        refs = [each.ref for each in provider.push(term.creates(2))]
        office.edit(refs[0], body="my notes")
        outcomes = provider.push([term.delete(refs[0]), term.delete(refs[1], 1)])
        assert [type(each) for each in outcomes] == [base.Conflict, Done]
        assert [each.body for each in office.there()] == ["my notes"]

    def test_what_is_gone_costs_no_event_its_change(self, provider, office, term):
        refs = [each.ref for each in provider.push(term.creates(3))]
        provider.push([term.delete(ref, number) for number, ref in enumerate(refs[:2])])
        changes = [term.update(refs[0], title="New"), term.delete(refs[1], 1), term.update(refs[2], 2, title="New")]
        assert [type(each) for each in provider.push(changes)] == [base.EventGone, Done, Done]
        assert [each.subject for each in office.there()] == ["New"]

    @pytest.mark.parametrize("ref", [Ref("nonsense", "x"), Ref("nonsense"), Ref("AAAA", "AAAA")])
    def test_an_id_that_exchange_never_gave_sends_us_to_look_by_mark(self, provider, office, term, ref):
        outcomes = provider.push([term.update(ref, title="New"), term.delete(ref), term.create(1)])
        assert [type(each) for each in outcomes] == [base.Conflict, base.Conflict, Done]
        assert len(office.there()) == 1


class TestTimes:
    @pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "America/Vancouver"])
    def test_an_all_day_event_keeps_its_days_in_whatever_zone(self, provider, office, term, zone):
        midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        day = term.event(start=midnight, end=midnight + timedelta(days=2), zone=zone, all_day=True)
        [done] = provider.push([Create(day, term.mark("day"))])
        [there] = office.there()
        assert (there.all_day, _named(there)["carillonZone"]) == (True, zone)
        [found] = provider.find(OURS, Window(midnight, midnight + timedelta(seconds=1)))
        assert (found.start, found.end, found.ref) == (midnight, day.end, done.ref)

    @pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
    def test_each_hour_of_the_days_on_which_clocks_change_comes_back_as_it_was(self, provider, term, day):
        hours = [(day + timedelta(hours=n), day + timedelta(hours=n + 1)) for n in range(-3, 5)]
        changes = [term.create(number, start=start, end=end) for number, (start, end) in enumerate(hours)]
        assert all(isinstance(each, Done) for each in provider.push(changes))
        assert [(each.start, each.end) for each in provider.find(OURS)] == hours

    def test_every_zone_has_the_name_that_both_providers_give_it(self, term):
        for zone in sorted(available_timezones()):
            told = to_create(term.create(zone=zone), None)
            assert told["start"] == term.event().start
            assert told["start_zone"].ms_id == exchange.windows_zone(zone)

    @pytest.mark.parametrize(
        ("zones", "said"),
        [
            (["Europe/Amsterdam", "Europe/Rome"], "W. Europe Standard Time"),
            (["Europe/Amsterdam", "America/New_York"], "UTC"),
        ],
    )
    def test_a_request_is_in_the_zone_of_its_appointments(self, answering, bodies, term, zones, said):
        updates = [
            Update(term.event(zone=zone), term.mark(zone), Ref("AAA", "BBB"), frozenset({"time"})) for zone in zones
        ]
        with pytest.raises(base.Ambiguous):
            answering("").push(updates)
        assert f'<t:TimeZoneDefinition Id="{said}"/>'.encode() in bodies[0]

    def test_an_update_of_the_time_may_change_the_zone(self, provider, office, term):
        [done] = provider.push(term.creates(1))
        there = term.event(5, zone="America/New_York")
        provider.push([Update(there, term.mark(0), done.ref, frozenset(FIELDS))])
        assert (office.there()[0].start, office.there()[0].start_zone) == (there.start, "Eastern Standard Time")


def test_the_longest_marks_fit_into_a_listing(provider, term):
    long = Mark(":" * 255, "/" * 255, "," * 255)
    provider.push([Create(term.event(), long)])
    assert [each.mark for each in provider.find(Marks(long.instance, long.synchronization))] == [long]
