"""Google Calendar: requests, tokens and what they cost."""

from datetime import UTC, datetime

from providers._googlecalendar_wire import Tokens
from providers.base import Create, Delete, Done, Marks, Ref, Update

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
BATCH = "/batch/calendar/v3"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = Marks("carillon-test", "7")


def test_300_creates_are_six_requests_and_one_token(provider, google, faults, creates):
    outcomes = provider.push(creates(300))
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == ["/token", *[BATCH] * 6]
    assert len(google.mailbox(ALICE)) == 300


def test_five_changes_and_three_removals_are_one_request(provider, google, faults, lecture, mark):
    refs = [each.ref for each in provider.push([Create(lecture(n), mark(n)) for n in range(8)])]
    faults.forget()
    updates = [Update(lecture(n, location="Room 2"), mark(n), refs[n], frozenset({"location"})) for n in range(5)]
    outcomes = provider.push([*updates, *(Delete(mark(n), refs[n]) for n in range(5, 8))])
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == [BATCH]
    assert [event["location"] for event in google.mailbox(ALICE)] == ["Room 2"] * 5


def test_what_has_no_version_is_looked_at_in_one_request_more(provider, google, faults, lecture, mark):
    refs = [each.ref for each in provider.push([Create(lecture(n), mark(n)) for n in range(8)])]
    faults.forget()
    google.batches.clear()
    blind = [Update(lecture(n, title="New"), mark(n), Ref(refs[n].id), frozenset({"title"})) for n in range(5)]
    seen = Update(lecture(5, title="New"), mark(5), refs[5], frozenset({"title"}))
    outcomes = provider.push([*blind, seen, Delete(mark(6), Ref(refs[6].id)), Delete(mark(7), refs[7])])
    assert all(isinstance(each, Done) for each in outcomes)
    assert [each.path for each in faults.seen()] == [BATCH] * 2
    assert google.batches == [6, 8]
    assert [event["summary"] for event in google.mailbox(ALICE)] == ["New"] * 6


def test_no_changes_are_no_request(provider, faults):
    assert provider.push([]) == []
    assert faults.seen() == []


def test_a_change_of_the_category_alone_costs_no_request(provider, faults, lecture, mark, creates):
    [done] = provider.push(creates(1))
    faults.forget()
    assert provider.push([Update(lecture(), mark(0), done.ref, frozenset({"category"}))]) == [done]
    assert faults.seen() == []


def test_a_listing_is_one_request(provider, faults, creates):
    provider.push(creates(300))
    faults.forget()
    assert len(provider.find(OURS)) == 300
    assert [each.path for each in faults.seen()] == [EVENTS]


def test_a_token_serves_all_runs_of_a_process(connected, faults):
    for _ in range(3):
        assert connected().find(OURS) == []
    connected("bob@example.org").check()
    assert len(faults.seen("/token")) == 2


def test_tokens_are_forgotten_one_by_one():
    tokens = Tokens(limit=2)
    for mailbox in ("a", "b", "a", "c"):
        tokens.keep(mailbox, mailbox, START)
    assert tokens.get("b") == (None, None)
    assert tokens.get("a") == ("a", START)
