"""Microsoft 365: requests, and what they cost."""

from providers.base import Create, Delete, Done, Marks, Ref, Update

EVENTS = "/v1.0/users/alice@example.org/calendar/events"
BATCH = "/v1.0/$batch"
OURS = Marks("carillon-test", "7")


def test_300_creates_are_fifteen_requests_and_one_token(provider, calendar, graph, faults, creates):
    outcomes = provider.push(creates(300))
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen("/v1.0/*")] == [BATCH] * 15
    assert len(faults.seen("*/token")) == len(faults.seen("*/openid-configuration")) == 1
    assert graph.batches == [20] * 15
    assert len(calendar.items()) == 300


def test_five_changes_and_three_removals_are_one_request(provider, calendar, faults, lecture, mark):
    refs = [each.ref for each in provider.push([Create(lecture(n), mark(n)) for n in range(8)])]
    faults.forget()
    updates = [Update(lecture(n, location="Room 2"), mark(n), refs[n], frozenset({"location"})) for n in range(5)]
    outcomes = provider.push([*updates, *(Delete(mark(n), refs[n]) for n in range(5, 8))])
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == [BATCH]
    assert [item.location for item in calendar.items()] == ["Room 2"] * 5


def test_a_cleanup_of_300_events_is_sixteen_requests(provider, calendar, faults, creates):
    provider.push(creates(300))
    faults.forget()
    found = provider.find(Marks("carillon-test"))
    assert all(isinstance(each, Done) for each in provider.push([Delete(each.mark, each.ref) for each in found]))
    assert [each.path for each in faults.seen()] == [EVENTS, *[BATCH] * 15]
    assert calendar.items() == []


def test_what_has_no_version_is_looked_at_in_one_request_more(provider, calendar, graph, lecture, mark):
    refs = [each.ref for each in provider.push([Create(lecture(n), mark(n)) for n in range(8)])]
    graph.batches.clear()
    blind = [Update(lecture(n, title="New"), mark(n), Ref(refs[n].id), frozenset({"title"})) for n in range(5)]
    seen = Update(lecture(5, title="New"), mark(5), refs[5], frozenset({"title"}))
    outcomes = provider.push([*blind, seen, Delete(mark(6), Ref(refs[6].id)), Delete(mark(7), refs[7])])
    assert all(isinstance(each, Done) for each in outcomes)
    assert graph.batches == [6, 8]
    assert [item.subject for item in calendar.items()] == ["New"] * 6


def test_no_changes_are_no_request(provider, faults):
    assert provider.push([]) == []
    assert faults.seen() == []


def test_a_smaller_batch_can_be_asked_for(connected, make_settings, graph, faults, creates):
    provider = connected(settings=make_settings(batch=4))
    assert provider.capabilities.batch == 4
    assert all(isinstance(each, Done) for each in provider.push(creates(10)))
    assert graph.batches == [4, 4, 2]
    assert len(faults.seen(BATCH)) == 3


def test_a_check_is_one_request_and_leaves_nothing_behind(provider, calendar, faults):
    provider.check()
    assert calendar.items() == []
    assert [each.path for each in faults.seen("/v1.0/*")] == ["/v1.0/users/alice@example.org/calendar"]


def test_a_token_serves_all_runs_and_mailboxes_of_a_process(connected, graph):
    for name in ("alice@example.org", "bob@example.org", "alice@example.org"):
        assert connected(name).find(OURS) == []
    assert graph.tokens.granted == 1


def test_requests_to_one_mailbox_never_overlap(provider, graph, creates):
    graph.most_at_once = 1
    assert all(isinstance(each, Done) for each in provider.push(creates(60)))
    assert len(provider.find(OURS)) == 60
