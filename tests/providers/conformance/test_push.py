"""What `providers.base.Provider` promises, for every provider against a server: changes and what became of them."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import (
    CalendarGone,
    Conflict,
    Create,
    Delete,
    Done,
    EventGone,
    MailboxGone,
    Marks,
    Ref,
    Throttled,
    Unauthorized,
    Update,
)

OURS = Marks("carillon-test")


class TestPush:
    """Carry out `changes` and tell, one for one and in their order, what became of each."""

    def test_every_kind_of_change_is_carried_out_and_told_in_order(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        moved, removed = (mailbox.put(lecture(), mark(key)) for key in ("moved", "removed"))
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

    def test_a_refusal_of_one_event_is_a_value(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
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
        gone = mailbox.put(lecture(), mark("gone"))
        mailbox.vanish(gone)
        stale = mailbox.put(lecture(), mark("stale"))
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

    def test_a_push_may_be_larger_than_a_batch(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        start = datetime(2026, 11, 2, 8, tzinfo=UTC)
        numbers = range(2 * provider.capabilities.batch + 3)
        events = [lecture(title=f"Lecture {number}", start=start + timedelta(hours=number)) for number in numbers]
        outcomes = provider.push([Create(event, mark(f"k{place}")) for place, event in enumerate(events)])
        entries = mailbox.listing()
        assert [entries[each.ref.id].title for each in outcomes] == [event.title for event in events]


class TestCreatingTwice:
    """A create whose id is taken."""

    def test_the_same_event_again_is_done_and_there_is_one(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        first = mailbox.put(lecture(), mark())
        again = mailbox.put(lecture(title="As asked now", location="Elsewhere"), mark())
        assert again.id == first.id
        (entry,) = mailbox.listing().values()
        assert (entry.title, entry.location) == ("As asked now", "Elsewhere")
        assert [each.ref for each in provider.find(OURS)] == [again]

    def test_a_create_after_a_person_deleted_the_event_brings_it_back(self, mailbox, lecture, mark):
        mailbox.vanish(mailbox.put(lecture(), mark()))
        ref = mailbox.put(lecture(title="Back"), mark())
        assert mailbox.listing()[ref.id].title == "Back"

    def test_a_create_after_our_own_delete_brings_it_back(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        only(provider, Delete(mark(), mailbox.put(lecture(), mark())))
        ref = mailbox.put(lecture(), mark())
        assert [each.ref for each in provider.find(OURS)] == [ref]

    def test_another_generation_is_another_event(self, mailbox, lecture, mark):
        assert mailbox.put(lecture(), mark()).id != mailbox.put(lecture(), mark(), generation=1).id

    def test_something_else_in_that_place_is_a_conflict_and_stays(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(title="Taken over"), mark())
        mailbox.unmark(ref)
        assert isinstance(only(provider, Create(lecture(title="Ours"), mark())), Conflict)
        assert mailbox.listing()[ref.id].title == "Taken over"


class TestVersions:
    """An update or a delete with a version is carried out only if the server still has it, else `Conflict`."""

    @pytest.mark.parametrize("merge", [False, True])
    def test_a_stale_version_cannot_overwrite(self, mailbox, lecture, mark, merge, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        mailbox.touch(ref, "Mine")
        change = Update(lecture(title="Ours"), mark(), ref, frozenset({"title"}), merge)
        assert isinstance(only(provider, change), Conflict)
        assert mailbox.listing()[ref.id].title == "Mine"

    def test_a_stale_version_cannot_delete(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        mailbox.touch(ref, "Mine")
        assert isinstance(only(provider, Delete(mark(), ref)), Conflict)
        assert ref.id in mailbox.listing()

    def test_the_version_of_an_update_serves_the_next_one(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        for title in ("Second", "Third"):
            ref = only(provider, Update(lecture(title=title), mark(), ref, frozenset({"title"}))).ref
        assert mailbox.listing()[ref.id].title == "Third"

    def test_no_version_stands_for_any(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
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
        ref = mailbox.put(lecture(), mark())
        mailbox.vanish(ref)
        return ref if request.param == "with its version" else Ref(ref.id)

    @pytest.mark.case("peers", 5)
    @pytest.mark.parametrize("merge", [False, True])
    def test_an_update_is_told_so_and_makes_nothing(self, mailbox, lecture, mark, gone, merge):
        change = Update(lecture(), mark(), gone, frozenset({"title"}), merge)
        (outcome,) = mailbox.connect().push([change])
        assert isinstance(outcome, EventGone)
        assert mailbox.listing() == {}

    @pytest.mark.case("peers", 5)
    def test_a_delete_is_done(self, mailbox, mark, gone, only):
        assert only(mailbox.connect(), Delete(mark(), gone)) == Done(None)

    def test_one_that_is_gone_does_not_keep_the_others_from_their_change(self, mailbox, lecture, mark, gone):
        there = mailbox.put(lecture(), mark("there"))
        changes = [
            Delete(mark(), gone),
            Update(lecture(), mark(), gone, frozenset({"title"})),
            Update(lecture(title="New"), mark("there"), there, frozenset({"title"})),
        ]
        assert [type(each) for each in mailbox.connect().push(changes)] == [Done, EventGone, Done]
        assert mailbox.listing()[there.id].title == "New"


class TestACalendarThatIsGone:
    """The events are not what is missing: it is raised, and no change is told to be done."""

    @pytest.mark.parametrize("versioned", [False, True])
    @pytest.mark.parametrize("kind", [Create, Update, Delete])
    def test_every_kind_of_change_says_so(self, wired, lecture, mark, kind, versioned):
        ref = wired.put(lecture(), mark())
        ref = ref if versioned else Ref(ref.id)
        changes = {
            Create: Create(lecture(), mark("other")),
            Update: Update(lecture(title="New"), mark(), ref, frozenset({"title"})),
            Delete: Delete(mark(), ref),
        }
        wired.lose()
        with pytest.raises((CalendarGone, MailboxGone)):
            wired.connect().push([changes[kind]])

    def test_whoever_looks_is_told(self, wired):
        wired.lose()
        provider = wired.connect()
        for call in (provider.check, lambda: provider.find(OURS)):
            with pytest.raises((CalendarGone, MailboxGone)):
                call()
