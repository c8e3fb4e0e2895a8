"""Microsoft 365: what stands in the way of a change, most of all an event that was made before."""

import dataclasses

import pytest

from providers import base
from providers._exchange import event_id
from providers._o365_payload import transaction_id
from providers.base import FIELDS, Create, Delete, Done, Mark, Marks, Ref, Update
from sandbox.faults import Fault
from sandbox.graph_properties import graph_id, store_id

EVENTS = "/v1.0/users/alice@example.org/calendar/events"
BATCH = "/v1.0/$batch"
ALL = frozenset(FIELDS)
OURS = Marks("carillon-test", "7")


@pytest.fixture(params=["400 and the id", "409 and the id", "no id"])
def way(request, graph):
    """The ways in which Microsoft refuses a transaction id that was used; programs tell of all of them."""
    graph.duplicate_status = 409 if "409" in request.param else 400
    graph.tells_existing_id = request.param != "no id"
    return request.param


@pytest.mark.usefixtures("way")
def test_a_create_of_what_is_there_with_our_mark_brings_it_to_what_was_asked(provider, calendar, graph, lecture, mark):
    [done] = provider.push([Create(lecture(), mark(0))])
    graph.batches.clear()
    [again] = provider.push([Create(lecture(title="Later wish"), mark(0))])
    [there] = calendar.items()
    assert there.subject == "Later wish"
    assert again == Done(Ref(done.ref.id, f'W/"{there.change_key}"'))
    assert graph.batches == [1, 1, 1]


@pytest.mark.usefixtures("way")
def test_it_keeps_what_the_person_added(provider, calendar, lecture, mark):
    [done] = provider.push([Create(lecture(category="Lecture"), mark(0))])
    calendar.change(store_id(done.ref.id), {"categories": ("Lecture", "Important"), "reminder": 5})
    provider.push([Create(lecture(category="Practical"), mark(0))])
    [there] = calendar.items()
    assert (there.categories, there.reminder) == (("Practical", "Important"), 5)


def test_what_was_made_before_is_settled_for_all_in_two_requests(provider, calendar, graph, creates, lecture, *, mark):
    provider.push(creates(10))
    graph.batches.clear()
    outcomes = provider.push([Create(lecture(number, title="New"), mark(number)) for number in range(15)])
    assert all(isinstance(each, Done) for each in outcomes)
    assert [item.subject for item in calendar.items()] == ["New"] * 15
    assert graph.batches == [15, 10, 10]


@pytest.mark.usefixtures("way")
def test_a_foreign_event_made_with_that_id_stays_as_it_is(provider, calendar, lecture, mark, creates):
    [done] = provider.push(creates(1))
    kept = {name: text for name, text in calendar.items()[0].properties.items() if name[1] == "carillonId"}
    before = calendar.change(store_id(done.ref.id), {"properties": kept, "subject": "Taken over"})
    outcomes = provider.push([*creates(1), Create(lecture(), mark(0), generation=1)])
    assert [type(each) for each in outcomes] == [base.Conflict, Done]
    assert before in calendar.items()


def test_a_deleted_event_does_not_keep_its_create_from_being_done(provider, calendar, lecture, mark, creates):
    [done] = provider.push(creates(1))
    calendar.remove(store_id(done.ref.id))
    [again] = provider.push([Create(lecture(title="Back"), mark(0))])
    [there] = calendar.items()
    assert (there.subject, graph_id(there.id, immutable=True)) == ("Back", again.ref.id)
    assert again.ref.id != done.ref.id
    assert provider.push([Create(lecture(title="Again"), mark(0))])[0].ref.id == again.ref.id
    assert [item.subject for item in calendar.items()] == ["Again"]


def test_nor_does_one_that_its_id_still_leads_to(provider, graph, calendar, lecture, *, mark, creates):
    """Microsoft does not say whether the id of what lies in Deleted Items leads there from the calendar."""
    [done] = provider.push(creates(1))
    [there] = calendar.items()
    calendar.remove(there.id)
    whole = graph.call

    def call(request):
        if not request.path.endswith(done.ref.id):
            return whole(request)
        calendar._items[there.id] = there
        answer = whole(request)
        del calendar._items[there.id]
        return answer

    graph.call = call
    assert isinstance(provider.push([Create(lecture(title="Back"), mark(0))])[0], Done)
    assert [item.subject for item in calendar.items()] == ["Back"]


def test_neither_do_several_of_them_and_some_day_another_generation_is_needed(provider, calendar, creates):
    for _ in range(5):
        [done] = provider.push(creates(1))
        calendar.remove(store_id(done.ref.id))
    outcomes = []
    while not outcomes or isinstance(outcomes[-1], Done):
        assert len(outcomes) < 10
        outcomes += provider.push(creates(1))
        for item in calendar.items():
            calendar.remove(item.id)
    assert isinstance(outcomes[-1], base.Conflict)
    assert isinstance(provider.push([dataclasses.replace(creates(1)[0], generation=1)])[0], Done)


def test_where_microsoft_forgets_transactions_of_deleted_events_nothing_is_in_the_way(
    provider, calendar, graph, creates
):
    calendar.remembers_transactions = False
    [done] = provider.push(creates(1))
    calendar.remove(store_id(done.ref.id))
    graph.batches.clear()
    assert isinstance(provider.push(creates(1))[0], Done)
    assert (len(calendar.items()), graph.batches) == (1, [1])


def test_a_deleted_event_that_microsoft_does_not_name_asks_for_another_generation(provider, graph, calendar, creates):
    graph.tells_existing_id = False
    [done] = provider.push(creates(1))
    calendar.remove(store_id(done.ref.id))
    [outcome] = provider.push(creates(1))
    assert isinstance(outcome, base.Conflict)
    assert isinstance(provider.push([dataclasses.replace(creates(1)[0], generation=1)])[0], Done)


@pytest.mark.parametrize(
    ("method", "kind", "meaning"),
    [
        ("GET", "throttled", base.Throttled),
        ("GET", "error", base.Unavailable),
        ("GET", "lost", base.Unavailable),
        ("GET", "html", base.Unavailable),
        ("PATCH", "throttled", base.Throttled),
        ("PATCH", "lost", base.Ambiguous),
    ],
)
def test_what_fails_on_the_way_to_an_event_in_the_way_is_that_events_outcome(
    provider, faults, creates, method, kind, *, meaning
):
    provider.push(creates(1))
    faults.add(Fault(f"{EVENTS}*", kind, method=method, times=1))
    assert [type(each) for each in provider.push(creates(2))] == [meaning, Done]


def test_a_failure_of_the_second_look_does_not_hide_what_the_first_batch_did(provider, graph, faults, creates):
    provider.push(creates(1))
    whole = graph.call

    def call(request):
        if request.verb == "POST" and request.body["subject"] == "Lecture 1":
            faults.add(Fault(BATCH, "error", times=1))
        return whole(request)

    graph.call = call
    assert [type(each) for each in provider.push(creates(2))] == [base.Unavailable, Done]


def test_transaction_ids_differ_by_every_part_and_by_what_was_spent(mark):
    marks = [mark("k"), mark("k", "8"), mark("k", instance="other"), mark("l"), Mark("carillon-test7", "", "k")]
    ids = {
        transaction_id(event_id(each, generation), spent)
        for each in marks
        for generation in range(2)
        for spent in ("", "AAkA1", "AAkA2")
    }
    assert len(ids) == 30
    assert {len(each) for each in ids} == {36}


@pytest.mark.parametrize("status", [412, 409])
def test_a_stale_version_can_neither_overwrite_nor_delete(provider, calendar, graph, lecture, mark, *, creates, status):
    graph.conflict_status = status
    first, second = provider.push(creates(2))
    for each in (first, second):
        calendar.change(store_id(each.ref.id), {"subject": "By hand"})
    outcomes = provider.push([Update(lecture(), mark(0), first.ref, ALL), Delete(mark(1), second.ref)])
    assert [type(each) for each in outcomes] == [base.Conflict] * 2
    assert [item.subject for item in calendar.items()] == ["By hand"] * 2


@pytest.mark.parametrize("versioned", [True, False])
def test_an_update_of_what_is_gone_is_told_and_a_delete_of_it_is_done(provider, calendar, lecture, mark, versioned):
    made = provider.push([Create(lecture(), mark(number)) for number in range(2)])
    refs = [each.ref if versioned else Ref(each.ref.id) for each in made]
    for ref in refs:
        calendar.remove(store_id(ref.id))
    outcomes = provider.push([Update(lecture(), mark(0), refs[0], ALL), Delete(mark(1), refs[1])])
    assert [type(each) for each in outcomes] == [base.EventGone, Done]


def test_an_id_that_microsoft_never_gave_is_refused_for_that_event_alone(provider, creates, lecture, mark):
    never = Ref("AAMkADI2", '"1"')
    changes = [Update(lecture(), mark(2), Ref("0" * 20, '"1"'), ALL), Delete(mark(3), never), *creates(1)]
    assert [type(each) for each in provider.push(changes)] == [base.Rejected, Done, Done]


def test_what_an_id_of_another_mailbox_names_is_not_in_this_one(provider, connected, graph, creates, lecture, *, mark):
    [elsewhere] = connected("bob@example.org").push(creates(1))
    changes = [Update(lecture(), mark(0), elsewhere.ref, ALL), Delete(mark(0), elsewhere.ref)]
    assert [type(each) for each in provider.push(changes)] == [base.EventGone, Done]
    assert len(graph.exchange.own("bob@example.org").items()) == 1


class TestGuests:
    """Graph has no word to change or to remove an event with guests without telling them."""

    @pytest.fixture
    def meeting(self, provider, calendar, lecture, mark):
        """An event of ours to which the person invited somebody, as a listing finds it."""
        [done] = provider.push([Create(lecture(), mark(0))])
        calendar.change(store_id(done.ref.id), {"attendees": ("anna@example.org",)})
        [found] = provider.find(OURS)
        return found

    @pytest.mark.parametrize("merge", [False, True])
    def test_an_event_with_guests_stays_as_it_is(self, provider, calendar, graph, lecture, *, mark, meeting, merge):
        before = calendar.items()
        changes = [
            Update(lecture(title="New"), mark(0), meeting.ref, frozenset({"title"}), merge),
            Delete(mark(0), meeting.ref),
            Create(lecture(title="New"), mark(0)),
            Create(lecture(1), mark(1)),
        ]
        outcomes = provider.push(changes)
        assert [type(each) for each in outcomes] == [base.Rejected] * 3 + [Done]
        assert "guests" in str(outcomes[0])
        assert calendar.items()[:1] == before
        assert graph.exchange.notifications == 0

    def test_once_the_guests_are_taken_off_it_is_changed_again(self, provider, calendar, mark, meeting):
        calendar.change(store_id(meeting.ref.id), {"attendees": ()})
        assert provider.push([Delete(mark(0), meeting.ref)]) == [Done()]
        assert calendar.items() == []


@pytest.fixture
def meddle(graph):
    """Lets somebody do something after the first look at an event, before anything else is asked."""
    whole = graph.call

    def arrange(deed):
        def call(request):
            answer = whole(request)
            if request.verb == "GET":
                graph.call = whole
                deed()
            return answer

        graph.call = call

    return arrange


def test_what_changes_between_a_look_and_the_change_is_a_conflict(provider, calendar, meddle, lecture, mark):
    [done] = provider.push([Create(lecture(), mark(0))])
    for change in (Update(lecture(), mark(0), Ref(done.ref.id), ALL), Delete(mark(0), Ref(done.ref.id))):
        meddle(lambda: calendar.change(store_id(done.ref.id), {"subject": "By hand"}))
        assert isinstance(provider.push([change])[0], base.Conflict)
        assert [item.subject for item in calendar.items()] == ["By hand"]


def test_what_goes_away_between_a_look_and_the_change_is_gone(provider, calendar, meddle, lecture, mark):
    [done] = provider.push([Create(lecture(), mark(0))])
    meddle(lambda: calendar.remove(store_id(done.ref.id)))
    assert isinstance(provider.push([Update(lecture(), mark(0), Ref(done.ref.id), ALL)])[0], base.EventGone)
    assert calendar.items() == []


@pytest.mark.parametrize(
    ("kind", "meaning"), [("throttled", base.Throttled), ("error", base.Unavailable), ("lost", base.Unavailable)]
)
def test_what_cannot_be_looked_at_is_not_written(provider, calendar, faults, creates, mark, *, kind, meaning):
    first, second = provider.push(creates(2))
    faults.add(Fault(f"{EVENTS}/{first.ref.id}", kind, method="GET", times=1))
    changes = [Delete(mark(number), Ref(each.ref.id)) for number, each in enumerate((first, second))]
    assert [type(each) for each in provider.push(changes)] == [meaning, Done]
    assert len(calendar.items()) == 1


def test_a_look_that_fails_as_a_whole_is_raised_for_nothing_was_done(provider, calendar, faults, creates, mark):
    [done] = provider.push(creates(1))
    faults.add(Fault(BATCH, "error", times=1))
    with pytest.raises(base.Unavailable):
        provider.push([Delete(mark(0), Ref(done.ref.id)), Delete(mark(0), done.ref)])
    assert len(calendar.items()) == 1
