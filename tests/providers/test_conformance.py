"""What `providers.base.Provider` promises, one test for each sentence, for every provider against a server."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from providers.base import (
    FIELDS,
    Ambiguous,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    Done,
    EventGone,
    Marks,
    ProviderError,
    Ref,
    Throttled,
    Unauthorized,
    Unavailable,
    Update,
    Window,
)

OURS = Marks("carillon-test")
NEW = {
    "title": {"title": "New title"},
    "time": {"start": datetime(2026, 11, 5, 13, tzinfo=UTC), "end": datetime(2026, 11, 5, 14, tzinfo=UTC)},
    "location": {"location": "New room"},
    "description": {"description": "New description"},
}


def put(provider, event, mark, generation=0):
    """Create it; where it stands."""
    (outcome,) = provider.push([Create(event, mark, generation)])
    assert isinstance(outcome, Done)
    return outcome.ref


def only(provider, change):
    """What becomes of a single change."""
    (outcome,) = provider.push([change])
    return outcome


class TestOneMailbox:
    """One mailbox at one calendar server, for the length of a run. Every call has a timeout; nothing is retried."""

    def test_what_one_mailbox_is_given_another_does_not_have(self, open_mailbox, lecture, mark):
        one, other = open_mailbox(), open_mailbox()
        put(one.connect(), lecture(), mark())
        assert len(one.listing()) == 1
        assert other.listing() == {}
        assert other.connect().find(OURS) == []

    def test_a_later_run_finds_what_an_earlier_one_wrote(self, mailbox, lecture, mark):
        ref = put(mailbox.connect(), lecture(), mark())
        (found,) = mailbox.connect().find(OURS)
        assert found.ref == ref

    def test_a_silent_server_is_waited_for_no_longer_than_the_timeout(self, wired, lecture, mark):
        provider = wired.connect_impatient()
        wired.spoil("slow", seconds=2)
        for call in (provider.check, lambda: provider.find(OURS)):
            with pytest.raises(Unavailable):
                call()
        assert isinstance(told(provider, [Create(lecture(), mark())]), Ambiguous)

    def test_a_failing_server_is_asked_once(self, wired, lecture, mark):
        provider = wired.connect()
        put(provider, lecture(), mark())
        wired.spoil("unavailable")
        for call in (provider.check, lambda: provider.find(OURS), lambda: told(provider, [Create(lecture(), mark())])):
            before = wired.requests()
            with_errors(call)
            assert wired.requests() == before + 1


def told(provider, changes):
    """The error of a push, raised for the call or told for its first change."""
    try:
        return provider.push(changes)[0]
    except ProviderError as error:
        return error


def with_errors(call):
    try:
        call()
    except ProviderError as error:
        return error
    return None


class TestPush:
    """Carry out `changes` and tell, one for one and in their order, what became of each."""

    def test_every_kind_of_change_is_carried_out_and_told_in_order(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        moved, removed = (put(provider, lecture(), mark(key)) for key in ("moved", "removed"))
        later = lecture(start=datetime(2026, 11, 4, 9, tzinfo=UTC))
        changes = [
            Create(lecture(title="First"), mark("first")),
            Update(later, mark("moved"), moved, frozenset({"time"})),
            Delete(mark("removed"), removed),
            Create(lecture(title="Last"), mark("last")),
        ]
        first, update, delete, last = provider.push(changes)
        assert delete == Done(None)
        assert update.ref.id == moved.id
        assert update.ref.version != moved.version
        entries = mailbox.listing()
        assert entries[first.ref.id].title == "First"
        assert entries[last.ref.id].title == "Last"
        assert entries[moved.id].start == later.start
        assert removed.id not in entries

    def test_a_refusal_of_one_event_is_a_value(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        only(provider, Delete(mark(), ref))
        assert isinstance(only(provider, Update(lecture(), mark(), ref, frozenset({"title"}))), EventGone)

    def test_a_refusal_of_the_call_is_raised(self, wired, lecture, mark):
        provider = wired.connect()
        wired.spoil("throttled", seconds=7)
        with pytest.raises(Throttled) as caught:
            provider.push([Create(lecture(), mark("a")), Create(lecture(), mark("b"))])
        assert caught.value.retry_after in {timedelta(seconds=7), None}

    def test_refused_credentials_are_raised(self, wired, lecture, mark):
        with pytest.raises(Unauthorized):
            wired.connect_refused().push([Create(lecture(), mark())])

    def test_one_bad_event_does_not_stop_the_others(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        gone = put(provider, lecture(), mark("gone"))
        mailbox.vanish(gone)
        stale = put(provider, lecture(), mark("stale"))
        mailbox.touch(stale, "Mine")
        outcomes = provider.push(
            [
                Create(lecture(), mark("a")),
                Update(lecture(), mark("gone"), gone, frozenset({"title"})),
                Create(lecture(), mark("b")),
                Delete(mark("stale"), stale),
                Create(lecture(), mark("c")),
            ]
        )
        assert [type(each) for each in outcomes] == [Done, EventGone, Done, Conflict, Done]
        assert {each.mark.key for each in provider.find(OURS)} == {"a", "b", "c", "stale"}

    def test_an_empty_push_has_no_outcomes(self, mailbox):
        assert mailbox.connect().push([]) == []

    def test_a_hundred_and_twenty_changes_go_in_one_push(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        start = datetime(2026, 11, 2, 8, tzinfo=UTC)
        events = [lecture(title=f"Lecture {number}", start=start + timedelta(hours=number)) for number in range(120)]
        outcomes = provider.push([Create(event, mark(f"k{place}")) for place, event in enumerate(events)])
        entries = mailbox.listing()
        assert [entries[each.ref.id].title for each in outcomes] == [event.title for event in events]


class TestCreatingTwice:
    """A create whose id is taken."""

    def test_the_same_event_again_is_done_and_there_is_one(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        first = put(provider, lecture(), mark())
        again = put(provider, lecture(title="As asked now", location="Elsewhere"), mark())
        assert again.id == first.id
        (entry,) = mailbox.listing().values()
        assert (entry.title, entry.location) == ("As asked now", "Elsewhere")
        assert [each.ref for each in provider.find(OURS)] == [again]

    def test_a_create_after_a_person_deleted_the_event_brings_it_back(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        mailbox.vanish(put(provider, lecture(), mark()))
        ref = put(provider, lecture(title="Back"), mark())
        assert mailbox.listing()[ref.id].title == "Back"

    def test_a_create_after_our_own_delete_brings_it_back(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        only(provider, Delete(mark(), put(provider, lecture(), mark())))
        ref = put(provider, lecture(), mark())
        assert [each.ref for each in provider.find(OURS)] == [ref]

    def test_another_generation_is_another_event(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        assert put(provider, lecture(), mark()).id != put(provider, lecture(), mark(), generation=1).id

    def test_something_else_in_that_place_is_a_conflict_and_stays(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(title="Taken over"), mark())
        mailbox.unmark(ref)
        assert isinstance(only(provider, Create(lecture(title="Ours"), mark())), Conflict)
        assert mailbox.listing()[ref.id].title == "Taken over"


class TestVersions:
    """An update or a delete with a version is carried out only if the server still has it, else `Conflict`."""

    @pytest.mark.parametrize("merge", [False, True])
    def test_a_stale_version_cannot_overwrite(self, mailbox, lecture, mark, merge):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        mailbox.touch(ref, "Mine")
        change = Update(lecture(title="Ours"), mark(), ref, frozenset({"title"}), merge)
        assert isinstance(only(provider, change), Conflict)
        assert mailbox.listing()[ref.id].title == "Mine"

    def test_a_stale_version_cannot_delete(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        mailbox.touch(ref, "Mine")
        assert isinstance(only(provider, Delete(mark(), ref)), Conflict)
        assert ref.id in mailbox.listing()

    def test_the_version_of_an_update_serves_the_next_one(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        for title in ("Second", "Third"):
            ref = only(provider, Update(lecture(title=title), mark(), ref, frozenset({"title"}))).ref
        assert mailbox.listing()[ref.id].title == "Third"

    def test_no_version_stands_for_any(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        mailbox.touch(ref, "Mine")
        change = Update(lecture(title="Ours"), mark(), Ref(ref.id), frozenset({"title"}), merge=True)
        assert only(provider, change).ref.id == ref.id
        assert mailbox.listing()[ref.id].title == "Ours"
        assert only(provider, Delete(mark(), Ref(ref.id))) == Done(None)
        assert mailbox.listing() == {}


class TestWhatIsGone:
    """An update of what is gone is `EventGone`. A delete of what is gone is `Done`."""

    @pytest.fixture(params=["with its version", "with any version"])
    def gone(self, request, mailbox, lecture, mark):
        ref = put(mailbox.connect(), lecture(), mark())
        mailbox.vanish(ref)
        return ref if request.param == "with its version" else Ref(ref.id)

    @pytest.mark.parametrize("merge", [False, True])
    def test_an_update_is_told_so_and_makes_nothing(self, mailbox, lecture, mark, gone, merge):
        change = Update(lecture(), mark(), gone, frozenset({"title"}), merge)
        assert isinstance(only(mailbox.connect(), change), EventGone)
        assert mailbox.listing() == {}

    def test_a_delete_is_done(self, mailbox, mark, gone):
        assert only(mailbox.connect(), Delete(mark(), gone)) == Done(None)


class TestMerge:
    """With `merge`, and wherever the server can, an update leaves everything alone that is not named in `fields`."""

    @pytest.mark.parametrize("field", NEW)
    def test_only_the_named_field_changes(self, mailbox, lecture, mark, field):
        provider = mailbox.connect()
        put(provider, lecture(), mark())
        (found,) = provider.find(OURS)
        mailbox.touch(found.ref, "The person's title")
        (found,) = provider.find(OURS)
        before = mailbox.listing()[found.ref.id]
        everything_else = {name: value for news in NEW.values() for name, value in news.items()}
        change = Update(lecture(**everything_else), mark(), found.ref, frozenset({field}), merge=True)
        only(provider, change)
        assert mailbox.listing()[found.ref.id] == replace(before, **NEW[field])

    def test_a_field_can_become_empty(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        bare = lecture(location="", description="", category="")
        change = Update(bare, mark(), ref, frozenset({"location", "description", "category"}), merge=True)
        only(provider, change)
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location, entry.description) == ("Networks", "", "")

    def test_an_event_can_be_handed_to_another_key(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark("old"))
        for key, merge in (("new", False), ("newer", True)):
            ref = only(provider, Update(lecture(), mark(key), ref, frozenset({"mark"}), merge)).ref
            assert [each.mark for each in provider.find(OURS)] == [mark(key)]

    def test_a_category_alone_is_an_update_like_any_other(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        change = Update(lecture(category="Practical"), mark(), ref, frozenset({"category"}))
        assert only(provider, change).ref.id == ref.id

    @pytest.mark.parametrize("merge", [False, True])
    def test_all_fields_at_once(self, mailbox, lecture, mark, merge):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        start = datetime(2026, 11, 9, tzinfo=UTC) - timedelta(hours=1)
        event = lecture(title="Exam week", start=start, end=start + timedelta(days=5), all_day=True, location="Hall")
        only(provider, Update(event, mark(), ref, frozenset(FIELDS), merge))
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location) == ("Exam week", "Hall")
        assert (entry.start, entry.end) == (date(2026, 11, 9), date(2026, 11, 14))


def test_nobody_is_invited_notified_or_reminded(mailbox, lecture, mark):
    provider = mailbox.connect()
    ref = put(provider, lecture(), mark())
    entry = mailbox.listing()[ref.id]
    assert (entry.reminder, entry.guests) == (None, 0)
    ref = only(provider, Update(lecture(title="Other"), mark(), ref, frozenset({"title"}))).ref
    assert mailbox.listing()[ref.id].reminder is None
    only(provider, Delete(mark(), ref))
    assert mailbox.notices() == 0


class TestFind:
    """Every event that carries `marks` and, with a window, starts in it; sorted by start and id."""

    def test_what_is_found_is_what_was_written(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture()
        ref = put(provider, event, mark())
        (found,) = provider.find(OURS)
        assert (found.mark, found.ref) == (mark(), ref)
        assert (found.start, found.end, found.title) == (event.start, event.end, event.title)
        assert found.start.tzinfo is UTC

    def test_of_one_synchronization_or_of_the_whole_instance(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        put(provider, lecture(), mark("a", synchronization="1"))
        # A server's text match may be a substring: 17 contains 1.
        put(provider, lecture(), mark("b", synchronization="17"))
        assert {each.mark.key for each in provider.find(OURS)} == {"a", "b"}
        assert [each.mark.key for each in provider.find(Marks("carillon-test", "1"))] == ["a"]
        assert provider.find(Marks("carillon-test", "7")) == []

    def test_a_window_holds_its_start_and_not_its_end(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        hour = datetime(2026, 11, 3, 9, tzinfo=UTC)
        for hours in range(-1, 4):
            put(provider, lecture(start=hour + timedelta(hours=hours)), mark(f"at-{hours}"))
        listed = provider.find(OURS, Window(hour, hour + timedelta(hours=2)))
        assert [each.mark.key for each in listed] == ["at-0", "at-1"]

    def test_a_running_event_does_not_start_in_the_window(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture()
        put(provider, event, mark())
        inside = Window(event.start + timedelta(minutes=1), event.end)
        assert provider.find(OURS, inside) == []

    def test_sorted_by_start_and_id(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        hours = [5, 3, 3, 9, 1, 3, 7]
        for number, hour in enumerate(hours):
            put(provider, lecture(start=datetime(2026, 11, 3, hour, tzinfo=UTC)), mark(f"k{number}"))
        listed = [(each.start, each.ref.id) for each in provider.find(OURS)]
        assert len(listed) == len(hours)
        assert listed == sorted(listed)

    @pytest.mark.parametrize("kind", ["truncated", "empty", "html", "error", "unavailable", "cut_off"])
    def test_complete_or_it_raises(self, wired, lecture, mark, kind):
        provider = wired.connect()
        for number in range(5):
            put(provider, lecture(), mark(f"k{number}"))
        wired.spoil(kind)
        with pytest.raises((ContractBroken, Unavailable)):
            provider.find(OURS)

    def test_nothing_without_our_instances_mark(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        put(provider, lecture(), mark(instance="carillon-test-2"))
        put(provider, lecture(), mark(instance="carillon-tes"))
        mailbox.foreign(lecture())
        mailbox.unmark(put(provider, lecture(), mark("unmarked")))
        ref = put(provider, lecture(), mark("ours"))
        assert [each.ref for each in provider.find(OURS)] == [ref]
        assert len(mailbox.listing()) == 5

    def test_two_events_with_the_same_mark_are_both_listed(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        refs = [put(provider, lecture(), mark(), generation) for generation in (0, 1)]
        assert sorted(each.ref.id for each in provider.find(OURS)) == sorted(each.id for each in refs)

    def test_what_a_person_changed_is_found_as_it_is_now(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        mailbox.touch(ref, "Mine")
        (found,) = provider.find(OURS)
        assert (found.title, found.ref.id) == ("Mine", ref.id)
        assert found.ref.version != ref.version

    def test_what_a_person_deleted_is_not_found(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        mailbox.vanish(put(provider, lecture(), mark()))
        assert provider.find(OURS) == []

    def test_an_empty_calendar_is_an_empty_list(self, mailbox):
        assert mailbox.connect().find(OURS) == []


class TestCheck:
    """Return if the calendar can be written to; raise a clear reason if not. Leaves nothing behind."""

    def test_a_good_calendar_passes_and_stays_as_it_was(self, mailbox, lecture):
        mailbox.foreign(lecture())
        before = mailbox.listing()
        assert mailbox.connect().check() is None
        assert mailbox.listing() == before

    def test_refused_credentials_are_told(self, wired):
        with pytest.raises(Unauthorized) as caught:
            wired.connect_refused().check()
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("kind", ["html", "empty", "error", "cut_off"])
    def test_a_server_that_is_no_calendar_server_does_not_pass(self, wired, kind):
        provider = wired.connect()
        wired.spoil(kind)
        with pytest.raises((ContractBroken, Unavailable)):
            provider.check()


class TestForeignEvents:
    """Nothing without our instance's mark is ever changed or removed."""

    def test_a_persons_event_with_the_same_title_and_time_is_left_alone(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        foreign = mailbox.foreign(lecture())
        before = mailbox.listing()[foreign]
        ref = put(provider, lecture(), mark())
        ref = only(provider, Update(lecture(title="Other"), mark(), ref, frozenset({"title"}))).ref
        only(provider, Delete(mark(), ref))
        assert mailbox.listing() == {foreign: before}

    @pytest.mark.parametrize("merge", [False, True])
    def test_an_event_that_lost_our_mark_is_not_updated(self, mailbox, lecture, mark, merge):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        mailbox.unmark(ref)
        before = mailbox.listing()
        change = Update(lecture(title="Other"), mark(), ref, frozenset({"title"}), merge)
        assert isinstance(only(provider, change), Conflict)
        assert mailbox.listing() == before

    def test_two_instances_share_a_mailbox_in_peace(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        theirs = put(provider, lecture(), mark(instance="other"))
        ours = put(provider, lecture(), mark())
        assert theirs.id != ours.id
        only(provider, Delete(mark(), ours))
        assert [each.ref for each in provider.find(Marks("other"))] == [theirs]


class TestTexts:
    @pytest.mark.parametrize(
        "text",
        [
            "Quotes \"double\", 'single'; commas, semicolons; colons: and \\back\\slashes\\n",
            "Two lines\nand a third\n\nafter an empty one",
            "Ünïcödé, Ελληνικά, 中文, العربية",
            "🎓 emoji 👩🏽‍🏫 and a flag 🇳🇱",
            "<b>markup</b> &amp; &lt;entities&gt; ]]>",
            "BEGIN:VEVENT\nEND:VEVENT\nX-CARILLON-INSTANCE:carillon-test",
            "x" * 5_000,
            "é中🎓 " * 1_250,
        ],
        ids=["quotes", "lines", "scripts", "emoji", "markup", "injection", "long", "long and wide"],
    )
    def test_texts_come_back_as_they_were_written(self, mailbox, lecture, mark, text):
        provider = mailbox.connect()
        line = text.replace("\n", " ").strip()[:250]
        ref = put(provider, lecture(title=line, location=line, description=text.strip()), mark())
        entry = mailbox.listing()[ref.id]
        assert (entry.title, entry.location, entry.description) == (line, line, text.strip())
        (found,) = provider.find(OURS)
        assert (found.title, found.mark) == (line, mark())

    def test_a_mark_may_hold_any_printable_sign_and_255_of_them(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        odd = mark("k" * 255, synchronization="a;b,c\\d%e\"f'g:h=i&j", instance="carillon-test")
        put(provider, lecture(), odd)
        (found,) = provider.find(Marks(odd.instance, odd.synchronization))
        assert found.mark == odd

    def test_two_equal_events_with_different_keys_stay_two(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        provider.push([Create(lecture(), mark("a")), Create(lecture(), mark("b"))])
        assert len(mailbox.listing()) == 2


class TestTimes:
    @pytest.mark.parametrize("days", [1, 3])
    def test_an_all_day_event_keeps_its_days(self, mailbox, lecture, mark, days):
        provider = mailbox.connect()
        start = datetime(2026, 11, 2, 23, tzinfo=UTC)
        event = lecture(start=start, end=start + timedelta(days=days), all_day=True)
        ref = put(provider, event, mark())
        entry = mailbox.listing()[ref.id]
        assert (entry.start, entry.end) == (date(2026, 11, 3), date(2026, 11, 3) + timedelta(days=days))
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (event.start, event.end)

    def test_an_all_day_event_over_the_change_to_winter_time(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture(
            start=datetime(2026, 10, 24, 22, tzinfo=UTC), end=datetime(2026, 10, 25, 23, tzinfo=UTC), all_day=True
        )
        ref = put(provider, event, mark())
        assert mailbox.listing()[ref.id].end == date(2026, 10, 26)
        (found,) = provider.find(OURS)
        assert (found.start, found.end) == (event.start, event.end)

    def test_the_hour_that_comes_twice_is_told_apart(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        starts = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
        for number, start in enumerate(starts):
            put(provider, lecture(start=start, end=start + timedelta(minutes=15)), mark(f"k{number}"))
        assert sorted(each.start for each in mailbox.listing().values()) == starts
        assert [each.start for each in provider.find(OURS)] == starts

    @pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "UTC"])
    def test_instants_are_exact_in_any_zone_and_season(self, mailbox, lecture, mark, zone):
        provider = mailbox.connect()
        starts = [datetime(2027, month, 28, 23, 45, tzinfo=UTC) for month in (1, 3, 7, 10)]
        provider.push([Create(lecture(start=start, zone=zone), mark(f"k{start.month}")) for start in starts])
        assert [each.start for each in provider.find(OURS)] == starts
        assert sorted(each.start for each in mailbox.listing().values()) == starts

    def test_an_event_can_become_all_day_and_back(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = put(provider, lecture(), mark())
        start = datetime(2026, 11, 2, 23, tzinfo=UTC)
        whole_day = lecture(start=start, end=start + timedelta(days=1), all_day=True)
        for event in (whole_day, lecture()):
            ref = only(provider, Update(event, mark(), ref, frozenset({"time"}), merge=True)).ref
            (found,) = provider.find(OURS)
            assert (found.start, found.end) == (event.start, event.end)


def test_closing_gives_back_the_connections(mailbox, lecture, mark):
    """Give back connections: what stays open would be a ResourceWarning, and so an error here."""
    provider = mailbox.connect()
    put(provider, lecture(), mark())
    assert provider.close() is None
