"""What `providers.base.Provider` promises, for every provider against a server: events that are not ours."""

import pytest

from providers.base import FIELDS, Conflict, Delete, Done, Marks, Ref, Update


class TestForeignEvents:
    """Nothing without our instance's mark is ever changed or removed."""

    def test_a_persons_event_with_the_same_title_and_time_is_left_alone(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        foreign = mailbox.foreign(lecture())
        before = mailbox.listing()[foreign]
        ref = mailbox.put(lecture(), mark())
        ref = only(provider, Update(lecture(title="Other"), mark(), ref, frozenset({"title"}))).ref
        only(provider, Delete(mark(), ref))
        assert mailbox.listing() == {foreign: before}

    @pytest.mark.case("peers", 7)
    @pytest.mark.parametrize("merge", [False, True])
    def test_an_event_that_lost_our_mark_is_not_updated(self, mailbox, lecture, mark, merge, only):
        provider = mailbox.connect()
        ref = mailbox.put(lecture(), mark())
        mailbox.unmark(ref)
        before = mailbox.listing()
        change = Update(lecture(title="Other"), mark(), ref, frozenset({"title"}), merge)
        assert isinstance(only(provider, change), Conflict)
        assert mailbox.listing() == before

    @pytest.fixture(params=["lost our mark", "never had it", "has another instance's"])
    def not_ours(self, request, mailbox, lecture, mark):
        """Where we shall write, with whatever version, and stands what is not ours."""
        if request.param == "never had it":
            return Ref(mailbox.foreign(lecture()))
        ref = mailbox.put(lecture(), mark(instance="other" if "another" in request.param else "carillon-test"))
        if request.param == "lost our mark":
            mailbox.unmark(ref)
        return Ref(ref.id)

    @pytest.mark.parametrize("merge", [False, True])
    def test_without_a_version_it_is_not_updated(self, mailbox, lecture, mark, not_ours, merge):
        before = mailbox.listing()
        fields = (frozenset({"title"}), frozenset({"mark"}), frozenset(FIELDS))
        changes = [Update(lecture(title="Ours"), mark(), not_ours, each, merge) for each in fields]
        assert [type(each) for each in mailbox.connect().push(changes)] == [Conflict] * 3
        assert mailbox.listing() == before
        assert mailbox.connect().find(Marks("carillon-test")) == []

    def test_without_a_version_it_is_not_removed(self, mailbox, mark, not_ours):
        before = mailbox.listing()
        (outcome,) = mailbox.connect().push([Delete(mark(), not_ours)])
        assert isinstance(outcome, Conflict)
        assert mailbox.listing() == before

    def test_it_does_not_keep_ours_from_their_changes(self, mailbox, lecture, mark, not_ours):
        ours, old = (mailbox.put(lecture(), mark(key)) for key in ("ours", "old"))
        changes = [
            Delete(mark("old"), Ref(old.id)),
            Delete(mark(), not_ours),
            Update(lecture(title="New"), mark("ours"), Ref(ours.id), frozenset({"title"})),
        ]
        assert [type(each) for each in mailbox.connect().push(changes)] == [Done, Conflict, Done]
        assert mailbox.listing().keys() == {ours.id, not_ours.id}
        assert mailbox.listing()[ours.id].title == "New"

    def test_two_instances_share_a_mailbox_in_peace(self, mailbox, lecture, mark, only):
        provider = mailbox.connect()
        theirs = mailbox.put(lecture(), mark(instance="other"))
        ours = mailbox.put(lecture(), mark())
        assert theirs.id != ours.id
        only(provider, Delete(mark(), ours))
        assert [each.ref for each in provider.find(Marks("other"))] == [theirs]
