"""CalDAV: requests and their cost."""

from providers.base import (
    Create,
    Delete,
    Marks,
    Update,
)

OURS = Marks("carillon-test")


class TestCost:
    """One request for each change, one for a listing, whatever its size."""

    def cost(self, mailbox, call):
        before = mailbox.requests()
        call()
        return mailbox.requests() - before

    def test_each_call_costs_what_it_must(self, caldav_mailbox, provider, lecture, mark):
        creates = [Create(lecture(), mark(f"k{number}")) for number in range(12)]
        refs = []
        assert self.cost(caldav_mailbox, lambda: refs.extend(each.ref for each in provider.push(creates))) == 12
        plain = Update(lecture(title="Other"), mark("k0"), refs[0], frozenset({"title"}))
        assert self.cost(caldav_mailbox, lambda: provider.push([plain])) == 1
        assert self.cost(caldav_mailbox, lambda: provider.push([Delete(mark("k1"), refs[1])])) == 1
        assert self.cost(caldav_mailbox, lambda: provider.find(OURS)) == 1
        assert self.cost(caldav_mailbox, provider.check) == 1
        assert self.cost(caldav_mailbox, lambda: provider.push([])) == 0

    def test_what_a_person_touched_is_read_once_before_it_is_written(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        change = Update(lecture(title="Other"), mark(), put(), frozenset({"title"}), merge=True)
        assert self.cost(caldav_mailbox, lambda: provider.push([change])) == 2

    def test_a_create_that_was_done_already_costs_a_look_and_a_merge(
        self, caldav_mailbox, provider, put, lecture, mark
    ):
        put()
        assert self.cost(caldav_mailbox, lambda: provider.push([Create(lecture(), mark())])) == 3

    def test_the_calendar_is_looked_for_once_where_events_are_gone(self, caldav_mailbox, provider, lecture, mark):
        refs = [caldav_mailbox.put(lecture(), mark(f"k{number}")) for number in range(4)]
        for ref in refs[:3]:
            caldav_mailbox.vanish(ref)
        deletes = [Delete(mark(f"k{number}"), ref) for number, ref in enumerate(refs)]
        assert self.cost(caldav_mailbox, lambda: provider.push(deletes)) == 5
        assert caldav_mailbox.listing() == {}
