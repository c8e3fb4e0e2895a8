"""Exchange: what goes wrong, what it means, and that nothing is doubled by it."""

from datetime import timedelta

import pytest

from providers import base
from providers.base import Done, Marks
from sandbox.ews import ENDPOINT
from sandbox.faults import Fault

OURS = Marks("carillon-test")
DOUBTFUL = ["unavailable_after", "lost", "truncated", "unavailable", "error", "cut_off", "html", "empty"]


@pytest.fixture
def after_the_look(office):
    """Spoils the second of the next requests."""

    def spoil(kind, **fields):
        office.faults.add(Fault(ENDPOINT, "slow", seconds=0, times=1))
        office.faults.add(Fault(ENDPOINT, kind, times=1, **fields))

    return spoil


class TestAWholeRequest:
    @pytest.mark.parametrize("kind", DOUBTFUL)
    def test_after_a_doubtful_answer_the_mailbox_holds_each_event_once(
        self, provider, office, term, after_the_look, kind
    ):
        after_the_look(kind)
        with pytest.raises(base.Ambiguous):
            provider.push(term.creates(3))
        assert len(office.there()) == (3 if kind in DOUBTFUL[:3] else 0)
        outcomes = provider.push(term.creates(3))
        assert {each.mark.key: each.ref for each in provider.find(OURS)} == {
            str(number): each.ref for number, each in enumerate(outcomes)
        }
        assert len(office.there()) == 3

    @pytest.mark.parametrize(
        ("kind", "meaning"),
        [
            ("unavailable", base.Unavailable),
            ("error", base.Unavailable),
            ("cut_off", base.Unavailable),
            ("lost", base.Unavailable),
            ("html", base.ContractBroken),
            ("empty", base.ContractBroken),
            ("truncated", base.ContractBroken),
        ],
    )
    def test_a_question_without_an_answer_leaves_no_doubt(self, provider, office, term, kind, meaning):
        provider.push(term.creates(2))
        office.faults.add(Fault(ENDPOINT, kind))
        for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(term.creates(2))):
            with pytest.raises(meaning):
                call()
        assert len(office.faults.seen(ENDPOINT)) == 2 + 3

    @pytest.mark.parametrize("writing", [False, True])
    def test_a_429_names_the_wait(self, provider, term, office, after_the_look, writing):
        if writing:
            after_the_look("throttled", seconds=17)
        else:
            office.faults.add(Fault(ENDPOINT, "throttled", seconds=17))
        with pytest.raises(base.Throttled) as caught:
            provider.push(term.creates(2))
        assert caught.value.retry_after == timedelta(seconds=17)

    @pytest.mark.parametrize("kind", ["unavailable_after", "lost"])
    def test_a_doubtful_change_is_looked_up_by_its_mark(self, provider, office, term, kind):
        first, second = (each.ref for each in provider.push(term.creates(2)))
        office.faults.add(Fault(ENDPOINT, kind, times=1))
        with pytest.raises(base.Ambiguous):
            provider.push([term.update(first, title="New"), term.delete(second, 1)])
        found = {each.mark.key: each for each in provider.find(OURS)}
        assert found["0"].title == "New"
        outcomes = provider.push([term.update(found["0"].ref, title="Newer"), term.delete(found["1"].ref, 1)])
        assert [type(each) for each in outcomes] == [Done, Done]
        assert [each.subject for each in office.there()] == ["Newer"]

    def test_a_write_that_takes_too_long_is_doubtful(self, connected, office, term):
        office.spoil("slow", "CreateItem", seconds=1)
        with pytest.raises(base.Ambiguous, match="timed out"):
            connected(timeout=0.2).push(term.creates(1))


class TestAnOperation:
    @pytest.mark.parametrize("operation", ["FindItem", "CreateItem"])
    @pytest.mark.parametrize("seconds", [1.5, 0])
    def test_a_busy_server_may_name_a_wait(self, provider, office, term, operation, seconds):
        office.spoil("busy", operation, seconds=seconds)
        with pytest.raises(base.Throttled) as caught:
            provider.push(term.creates(2))
        assert caught.value.retry_after == (timedelta(seconds=seconds) if seconds else None)
        assert office.there() == []

    def test_too_many_connections_are_told_and_not_tried_again(self, provider, office, term):
        office.spoil("rate_limited", "CreateItem")
        with pytest.raises(base.Throttled):
            provider.push(term.creates(2))
        assert office.asked() == ["FindItem", "CreateItem"]

    def test_busy_answers_leave_the_connections_as_many_as_they_were(self, known, connected, office, term):
        settings = known()
        office.spoil("busy")
        for _ in range(3):
            with pytest.raises(base.Throttled):
                connected().push(term.creates(1))
        assert settings.wire.max_connections == settings.connections

    @pytest.mark.parametrize(
        ("kind", "meanings"),
        [
            ("error", (base.Unavailable, base.Ambiguous)),
            ("unavailable_after", (base.Unavailable, base.Ambiguous)),
            ("full", (base.Unavailable, base.Unavailable)),
        ],
    )
    def test_a_fault_of_soap_means_what_it_says(self, provider, office, term, kind, meanings):
        for operation, meaning in zip(("FindItem", "CreateItem"), meanings, strict=True):
            office.faults.clear()
            office.spoil(kind, operation)
            with pytest.raises(meaning):
                provider.push(term.creates(1))


class TestItems:
    @pytest.mark.parametrize(
        ("kind", "meaning"),
        [
            ("busy", base.Throttled),
            ("throttled", base.Throttled),
            ("full", base.Unavailable),
            ("error", base.Ambiguous),
            ("unavailable_after", base.Ambiguous),
        ],
    )
    def test_one_bad_item_never_loses_what_became_of_the_others(self, provider, office, term, kind, meaning):
        office.spoil("slow", "CreateItem", items=True, times=1)
        office.spoil(kind, "CreateItem", items=True, seconds=2, times=1)
        first, second, third = provider.push(term.creates(3))
        assert isinstance(second, meaning)
        found = {each.mark.key: each.ref for each in provider.find(OURS)}
        assert (found["0"], found["2"]) == (first.ref, third.ref)
        assert len(found) == (3 if kind == "unavailable_after" else 2)
        if meaning is base.Throttled:
            assert second.retry_after == timedelta(seconds=2)

    @pytest.mark.parametrize("kind", ["busy", "throttled"])
    def test_an_item_that_was_too_much_may_name_no_wait(self, provider, office, term, kind):
        office.spoil(kind, "CreateItem", items=True, times=1)
        (first, _second) = provider.push(term.creates(2))
        assert (type(first), first.retry_after) == (base.Throttled, None)

    @pytest.mark.parametrize("operation", ["UpdateItem", "DeleteItem"])
    def test_changes_and_removals_too(self, provider, office, term, operation):
        refs = [each.ref for each in provider.push(term.creates(4))]
        office.spoil("full", operation, items=True, times=1)
        updates = [term.update(ref, number, title="New") for number, ref in enumerate(refs[:2])]
        outcomes = provider.push([*updates, *(term.delete(ref, number) for number, ref in enumerate(refs[2:], 2))])
        spoilt = 0 if operation == "UpdateItem" else 2
        assert [type(each) for each in outcomes] == [base.Unavailable if n == spoilt else Done for n in range(4)]

    @pytest.mark.parametrize("kind", ["lost", "cut_off"])
    def test_an_answer_that_leaves_items_out_tells_nothing_of_any(self, provider, office, term, kind):
        office.spoil(kind, "CreateItem", items=True, times=1)
        with pytest.raises(base.Ambiguous, match="2 of 3"):
            provider.push(term.creates(3))
        provider.push(term.creates(3))
        assert len(office.there()) == 3

    def test_what_cannot_be_looked_at_is_not_written(self, provider, office, term):
        refs = [base.Ref(each.ref.id) for each in provider.push(term.creates(2))]
        office.spoil("busy", "GetItem", items=True, times=1)
        outcomes = provider.push([term.delete(ref, number) for number, ref in enumerate(refs)])
        assert [type(each) for each in outcomes] == [base.Throttled, Done]
        assert len(office.there()) == 1


class TestManyRequests:
    def test_what_an_earlier_request_did_is_told(self, provider, office, term):
        office.spoil("slow", "CreateItem", times=1)
        office.spoil("error", "CreateItem")
        outcomes = provider.push(term.creates(700))
        kinds = [type(each).__name__ for each in outcomes]
        assert kinds == ["Done"] * 150 + ["Ambiguous"] * 150 + ["UnsentError"] * 400
        assert all(isinstance(each, Done | base.Ambiguous | base.Unavailable) for each in outcomes)
        assert office.asked() == ["FindItem", "CreateItem", "CreateItem"]

    def test_what_was_not_sent_after_too_much_waits_as_long(self, provider, office, term):
        (done,) = provider.push([term.create(9)])
        office.faults.forget()
        office.spoil("busy", "UpdateItem", seconds=3)
        outcomes = provider.push([term.create(1), term.update(done.ref, 9, title="New"), term.delete(done.ref, 9)])
        assert [type(each) for each in outcomes] == [Done, base.Throttled, base.Throttled]
        assert {each.retry_after for each in outcomes[1:]} == {timedelta(seconds=3)}
        assert office.asked() == ["FindItem", "CreateItem", "UpdateItem"]

    def test_a_refusal_of_all_is_raised_if_nothing_was_done(self, provider, office, term):
        done = provider.push(term.creates(1))[0]
        office.exchange.put_out_of_scope("alice@example.org")
        with pytest.raises(base.Unauthorized):
            provider.push([term.update(done.ref, title="New")])
