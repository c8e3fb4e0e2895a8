"""What `providers.base.Provider` promises, for every provider against a server: a listing."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import ContractBroken, Marks, Unavailable, Window

OURS = Marks("carillon-test")


class TestFind:
    """Every event that carries `marks` and, with a window, starts in it; sorted by start and id."""

    def test_what_is_found_is_what_was_written(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture()
        ref = mailbox.put(event, mark())
        (found,) = provider.find(OURS)
        assert (found.mark, found.ref) == (mark(), ref)
        assert (found.start, found.end, found.title) == (event.start, event.end, event.title)
        assert found.start.tzinfo is UTC

    def test_of_one_synchronization_or_of_the_whole_instance(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        mailbox.put(lecture(), mark("a", synchronization="1"))
        # A server's text match may be a substring: 17 contains 1.
        mailbox.put(lecture(), mark("b", synchronization="17"))
        assert {each.mark.key for each in provider.find(OURS)} == {"a", "b"}
        assert [each.mark.key for each in provider.find(Marks("carillon-test", "1"))] == ["a"]
        assert provider.find(Marks("carillon-test", "7")) == []

    def test_a_window_holds_its_start_and_not_its_end(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        hour = datetime(2026, 11, 3, 9, tzinfo=UTC)
        for hours in range(-1, 4):
            mailbox.put(lecture(start=hour + timedelta(hours=hours)), mark(f"at-{hours}"))
        listed = provider.find(OURS, Window(hour, hour + timedelta(hours=2)))
        assert [each.mark.key for each in listed] == ["at-0", "at-1"]

    def test_a_running_event_does_not_start_in_the_window(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        event = lecture()
        mailbox.put(event, mark())
        inside = Window(event.start + timedelta(minutes=1), event.end)
        assert provider.find(OURS, inside) == []

    def test_sorted_by_start_and_id(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        hours = [5, 3, 3, 9, 1, 3, 7]
        for number, hour in enumerate(hours):
            mailbox.put(lecture(start=datetime(2026, 11, 3, hour, tzinfo=UTC)), mark(f"k{number}"))
        listed = [(each.start, each.ref.id) for each in provider.find(OURS)]
        assert len(listed) == len(hours)
        assert listed == sorted(listed)

    @pytest.mark.parametrize("kind", ["truncated", "empty", "html", "error", "unavailable", "cut_off"])
    def test_complete_or_it_raises(self, wired, lecture, mark, kind):
        provider = wired.connect()
        for number in range(5):
            wired.put(lecture(), mark(f"k{number}"))
        wired.spoil(kind)
        with pytest.raises((ContractBroken, Unavailable)):
            provider.find(OURS)

    def test_nothing_without_our_instances_mark(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        mailbox.put(lecture(), mark(instance="carillon-test-2"))
        mailbox.put(lecture(), mark(instance="carillon-tes"))
        mailbox.foreign(lecture())
        mailbox.unmark(mailbox.put(lecture(), mark("unmarked")))
        ref = mailbox.put(lecture(), mark("ours"))
        assert [each.ref for each in provider.find(OURS)] == [ref]
        assert len(mailbox.listing()) == 5

    def test_two_events_with_the_same_mark_are_both_listed(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        refs = [mailbox.put(lecture(), mark(), generation) for generation in (0, 1)]
        assert sorted(each.ref.id for each in provider.find(OURS)) == sorted(each.id for each in refs)

    def test_what_a_person_changed_is_found_as_it_is_now(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        mailbox.touch(ref, "Mine")
        (found,) = provider.find(OURS)
        assert (found.title, found.ref.id) == ("Mine", ref.id)
        assert found.ref.version != ref.version

    def test_what_a_person_deleted_is_not_found(self, mailbox, lecture, mark):
        provider = mailbox.connect()
        mailbox.vanish(mailbox.put(lecture(), mark()))
        assert provider.find(OURS) == []

    def test_an_empty_calendar_is_an_empty_list(self, mailbox):
        assert mailbox.connect().find(OURS) == []
