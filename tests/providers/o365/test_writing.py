"""Microsoft 365: what is written."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.graph import contract
from mailboxes.graph import entry
from providers import _exchange
from providers._o365_payload import property_id, to_body, to_patch
from providers._o365_wire import Part, _request
from providers.base import FIELDS, Conflict, Create, Done, Mark, Marks, Ref, Rejected, Update, Window
from sandbox.graph_properties import store_id

OURS = Marks("carillon-test", "7")
PLACE = "/users/alice@example.org/calendar/events"
LONG = "x" * 300


def _properties(item):
    assert {guid for guid, _ in item.properties} == {_exchange.PROPERTY_SET}
    return {name: value for (_, name), value in item.properties.items()}


def test_an_event_arrives_whole_and_reminds_nobody(provider, calendar, lecture, mark):
    event = lecture(description="Bring a < calculator\nand a pen", category="Lecture")
    [done] = provider.push([Create(event, mark("k"))])
    [there] = calendar.items()
    assert (store_id(done.ref.id), done.ref.version) == (there.id, f'W/"{there.change_key}"')
    assert done.ref.id.startswith("AAkALg"), "an immutable id"
    assert (there.subject, there.location, there.body, there.html) == (
        event.title,
        event.location,
        event.description,
        False,
    )
    assert (there.start, there.end, there.start_zone) == (event.start, event.end, "W. Europe Standard Time")
    assert (there.reminder, there.attendees, there.categories) == (None, (), ("Lecture",))
    own = _exchange.event_id(mark("k"), 0)
    assert _properties(there) == {
        "carillonInstance": "carillon-test",
        "carillonSynchronization": "7",
        "carillonKey": "k",
        "carillonId": own,
        "carillonCategory": "Lecture",
    }
    assert there.transaction_id.replace("-", "") == own[:32]


def test_a_new_event_reminds_its_person_where_the_settings_ask_for_it(connected, make_settings, calendar, creates):
    [done] = connected(settings=make_settings(reminder=10)).push(creates(1))
    [there] = calendar.items()
    assert there.reminder == 10
    assert isinstance(done, Done)


@pytest.mark.parametrize("all_day", [False, True])
@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Antarctica/Troll", "UTC", "Asia/Kathmandu"])
def test_every_body_is_what_microsofts_contract_allows(lecture, mark, zone, all_day):
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    event = lecture(start=midnight, end=midnight + timedelta(days=1), zone=zone, all_day=all_day, category="Lecture")
    body = to_body(event, mark("k"), _exchange.event_id(mark("k"), 0), 15)
    assert contract().request("POST", PLACE, [], body) == []
    parts = [Part("POST", PLACE, body), Part("DELETE", f"{PLACE}/x", version='W/"1"'), Part("GET", f"{PLACE}/x")]
    for fields in [*({field} for field in FIELDS), FIELDS]:
        patch = to_patch(event, mark("k"), frozenset(fields))
        assert contract().request("PATCH", f"{PLACE}/x", [], patch) == []
        parts.append(Part("PATCH", f"{PLACE}/x", patch, 'W/"1"'))
    told = {"requests": [_request(place, part) for place, part in enumerate(parts)]}
    assert contract().request("POST", "/$batch", [], told) == []


def test_an_update_names_only_what_changed_and_holds_to_its_version(lecture, mark):
    assert to_patch(lecture(), mark("k"), frozenset({"location"})) == {"location": {"displayName": "Room 1"}}
    told = _request(3, Part("PATCH", PLACE, {"subject": "x"}, 'W/"1"'))
    assert told["headers"]["If-Match"] == 'W/"1"'
    assert 'IdType="ImmutableId"' in told["headers"]["Prefer"]


def test_an_update_leaves_alone_what_it_does_not_name(provider, calendar, lecture, mark, creates):
    [done] = provider.push(creates(1))
    calendar.change(store_id(done.ref.id), {"body": "my notes", "reminder": 5, "show_as": "free"})
    fields = frozenset({"location"})
    change = Update(lecture(location="Room 9", title="New"), mark(0), Ref(done.ref.id), fields, merge=True)
    assert isinstance(provider.push([change])[0], Done)
    [there] = calendar.items()
    assert (there.location, there.subject) == ("Room 9", "Lecture 0")
    assert (there.body, there.reminder, there.show_as) == ("my notes", 5, "free")


class TestCategories:
    def _theirs(self, provider, calendar, lecture, mark):
        """An event of ours to which the person gave categories of their own."""
        [done] = provider.push([Create(lecture(category="Lecture"), mark(0))])
        calendar.change(store_id(done.ref.id), {"categories": ("Important", "Lecture", "Blue")})
        [found] = provider.find(OURS)
        return found.ref

    @pytest.mark.parametrize(
        ("now", "becomes"),
        [
            ("Practical", ("Practical", "Important", "Blue")),
            ("", ("Important", "Blue")),
            ("Important", ("Important", "Blue")),
        ],
    )
    def test_those_that_the_person_gave_stay(self, provider, calendar, graph, lecture, mark, *, now, becomes):
        ref = self._theirs(provider, calendar, lecture, mark)
        graph.batches.clear()
        change = Update(lecture(category=now), mark(0), ref, frozenset({"category"}), merge=True)
        assert isinstance(provider.push([change])[0], Done)
        [there] = calendar.items()
        assert there.categories == becomes
        assert _properties(there)["carillonCategory"] == now
        assert graph.batches == [1, 1]

    def test_a_stale_version_is_told_after_the_look(self, provider, calendar, lecture, mark):
        ref = self._theirs(provider, calendar, lecture, mark)
        calendar.change(store_id(ref.id), {"subject": "By hand"})
        change = Update(lecture(category="Practical"), mark(0), ref, frozenset({"category"}), merge=True)
        assert isinstance(provider.push([change])[0], Conflict)
        assert calendar.items()[0].categories == ("Important", "Lecture", "Blue")

    def test_where_nobody_touched_the_event_nothing_needs_to_be_looked_at(
        self, provider, calendar, graph, lecture, mark
    ):
        [done] = provider.push([Create(lecture(category="Lecture"), mark(0))])
        provider.push([Update(lecture(category="Practical"), mark(0), done.ref, frozenset({"category"}))])
        assert calendar.items()[0].categories == ("Practical",)
        assert graph.batches == [1, 1]


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Pacific/Auckland", "Pacific/Kiritimati"])
def test_an_all_day_event_keeps_its_days_in_whatever_zone(provider, calendar, zone, lecture, mark):
    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    event = lecture(start=midnight, end=midnight + timedelta(days=2), zone=zone, all_day=True)
    [done] = provider.push([Create(event, mark("day"))])
    [there] = calendar.items()
    seen = entry(there)
    assert (f"{seen.start}", f"{seen.end}") == ("2026-11-23", "2026-11-25")
    [found] = provider.find(OURS, Window(midnight, midnight + timedelta(seconds=1)))
    assert (found.start, found.end, found.ref) == (midnight, event.end, done.ref)


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_each_hour_of_the_days_on_which_clocks_change_comes_back_as_it_was(provider, calendar, day, lecture, mark):
    hours = [lecture(start=day + timedelta(hours=n), end=day + timedelta(hours=n + 1)) for n in range(-3, 5)]
    provider.push([Create(event, mark(number)) for number, event in enumerate(hours)])
    assert [(each.start, each.end) for each in provider.find(OURS)] == [(each.start, each.end) for each in hours]
    assert [(each.start, each.end) for each in calendar.items()] == [(each.start, each.end) for each in hours]


def test_a_zone_that_microsoft_does_not_know_is_written_in_utc(provider, calendar, lecture, mark):
    event = lecture(zone="Antarctica/Troll")
    provider.push([Create(event, mark(0))])
    [there] = calendar.items()
    assert (there.start, there.start_zone) == (event.start, "UTC")


def test_a_mark_can_be_changed_and_the_event_stays_the_one_that_was_made(provider, calendar, lecture, mark):
    [done] = provider.push([Create(lecture(), mark("old", "6"))])
    [adopted] = provider.push([Update(lecture(), mark("new"), done.ref, frozenset({"mark"}))])
    assert [(each.mark, each.ref) for each in provider.find(OURS)] == [(mark("new"), adopted.ref)]
    assert provider.find(Marks("carillon-test", "6")) == []
    assert _properties(calendar.items()[0])["carillonId"] == _exchange.event_id(mark("old", "6"), 0)


def test_the_longest_marks_and_oddest_signs_fit_into_a_listing(provider, lecture):
    long = Mark("it's;&+%41 #?/" + ":" * 241, "/" * 255, "," * 255)
    provider.push([Create(lecture(), long)])
    assert [each.mark for each in provider.find(Marks(long.instance, long.synchronization))] == [long]


@pytest.mark.parametrize(
    "bad", [{"title": LONG}, {"end": datetime(2026, 11, 23, 8, tzinfo=UTC)}], ids=["long title", "inverted"]
)
def test_an_event_that_microsoft_does_not_take_costs_no_other_one(provider, calendar, lecture, mark, creates, *, bad):
    outcomes = provider.push([creates(1)[0], Create(lecture(**bad), mark("bad")), Create(lecture(1), mark(1))])
    assert [type(each) for each in outcomes] == [Done, Rejected, Done]
    assert "xxx" not in str(outcomes[1])
    assert len(calendar.items()) == 2


@pytest.mark.parametrize(
    "odd",
    [{"end": datetime(2026, 11, 23, 9, tzinfo=UTC)}, {"title": "\x0bbell\x07"}, {"zone": "Etc/GMT+5"}],
    ids=["no length", "control characters", "odd zone"],
)
def test_an_odd_event_has_an_outcome_like_any_other(provider, lecture, mark, creates, odd):
    outcomes = provider.push([Create(lecture(**odd), mark("odd")), *creates(1)])
    assert isinstance(outcomes[0], Done | Rejected)
    assert isinstance(outcomes[1], Done)


def test_a_property_is_named_as_every_exchange_knows_it():
    assert property_id("carillonKey") == "String {4c0a5e67-3d58-4e2c-9a2b-6f1c1b1e8d43} Name carillonKey"
