"""Microsoft 365: what fails on the way."""

import logging
import socket
from datetime import timedelta

import pytest
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route, Router

from providers import base
from providers.base import Create, Delete, Done, Marks, Ref
from sandbox.certificates import Authority
from sandbox.faults import Fault

EVENTS = "/v1.0/users/alice@example.org/calendar/events"
BATCH = "/v1.0/$batch"
OURS = Marks("carillon-test", "7")


@pytest.mark.parametrize(
    ("kind", "seconds", "wait"),
    [("throttled", 17, 17), ("busy", 5, 5), ("busy", 0, None), ("rate_limited", 1, None)],
)
def test_a_throttled_part_is_told_apart_from_the_others(provider, calendar, faults, creates, kind, *, seconds, wait):
    faults.add(Fault(EVENTS, kind, seconds=seconds, times=1))
    outcomes = provider.push(creates(3))
    assert [type(each) for each in outcomes] == [base.Throttled, Done, Done]
    assert outcomes[0].retry_after == (wait and timedelta(seconds=wait))
    assert len(calendar.items()) == 2


def test_a_full_mailbox_is_told_and_no_event_is_given_up(provider, faults, creates):
    faults.add(Fault(EVENTS, "full", times=1))
    outcomes = provider.push(creates(2))
    assert [type(each) for each in outcomes] == [base.Unavailable, Done]
    assert "its owner must delete something" in str(outcomes[0])


@pytest.mark.parametrize(
    "kind", ["error", "unavailable", "unavailable_after", "html", "empty", "truncated", "lost", "cut_off"]
)
def test_a_part_that_may_have_been_done_is_in_doubt_and_settles_when_sent_again(
    provider, calendar, faults, kind, creates
):
    faults.add(Fault(EVENTS, kind, times=1))
    assert [type(each) for each in provider.push(creates(3))] == [base.Ambiguous, Done, Done]
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(calendar.items()) == 3


@pytest.mark.parametrize("kind", ["unavailable_after", "lost"])
@pytest.mark.parametrize("where", [BATCH, EVENTS])
def test_what_is_in_doubt_is_found_by_its_mark_and_made_once(provider, calendar, faults, kind, where, *, creates):
    faults.add(Fault(where, kind, times=1))
    try:
        outcomes = provider.push(creates(3))
    except base.Ambiguous:
        outcomes = [base.Ambiguous("")] * 3
    there = {each.mark for each in provider.find(OURS)}
    missing = [each for each, known in zip(creates(3), outcomes, strict=True) if not isinstance(known, Done)]
    provider.push([each for each in missing if each.mark not in there])
    assert sorted(each.subject for each in calendar.items()) == ["Lecture 0", "Lecture 1", "Lecture 2"]


@pytest.mark.parametrize(
    "kind", ["lost", "cut_off", "unavailable_after", "unavailable", "error", "html", "truncated", "empty"]
)
def test_a_batch_without_a_readable_answer_is_in_doubt(provider, calendar, faults, kind, creates):
    faults.add(Fault(BATCH, kind, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(3))
    assert len(faults.seen(BATCH)) == 1, "nothing is sent twice"
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(calendar.items()) == 3


def test_a_batch_that_hangs_is_in_doubt(connected, make_settings, faults, creates):
    provider = connected(settings=make_settings(timeout=0.2))
    provider.check()
    faults.add(Fault(BATCH, "slow", seconds=1, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(1))


@pytest.mark.parametrize("kind", ["throttled", "busy"])
def test_a_throttled_batch_is_raised_with_its_wait(provider, calendar, faults, creates, kind):
    faults.add(Fault(BATCH, kind, seconds=42, times=1))
    with pytest.raises(base.Throttled) as raised:
        provider.push(creates(3))
    assert raised.value.retry_after == timedelta(seconds=42)
    assert calendar.items() == []


@pytest.mark.parametrize(
    ("kind", "rest"), [("lost", base.Ambiguous), ("throttled", base.Throttled), ("html", base.Ambiguous)]
)
def test_what_earlier_batches_did_is_told_when_a_later_one_fails(provider, graph, faults, creates, kind, *, rest):
    # A part of the first batch switches the fault of the second one on: both must be sent by one push.
    whole = graph.call

    def call(request):
        if len(graph.exchange.own("alice@example.org").items()) == 19:
            faults.add(Fault(BATCH, kind, times=1))
        return whole(request)

    graph.call = call
    outcomes = provider.push(creates(50))
    assert [type(each) for each in outcomes] == [Done] * 20 + [rest] * 30
    assert len(faults.seen(BATCH)) == 2


def test_a_server_that_is_not_there_is_unavailable_even_for_a_push(connected, make_settings, creates):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for other in ({"root_url": nowhere}, {"authority": nowhere.replace("http", "https")}):
            provider = connected(settings=make_settings(**other))
            with pytest.raises(base.Unavailable, match="cannot be reached"):
                provider.push(creates(1))


def test_a_graph_whose_certificate_is_not_trusted_is_told(connected, make_settings, settings, tmp_path):
    # The token is there already: it is Graph that is not trusted.
    settings.tokens.get_access_token()
    other = make_settings(ca_file=Authority(tmp_path).ca_file)
    other._tokens = settings.tokens
    with pytest.raises(base.Unavailable, match="certificate is not trusted: check root_url and ca_file"):
        connected(settings=other).check()


@pytest.mark.parametrize("status", [400, 404, 410, 412, 413])
def test_a_refusal_of_a_whole_batch_is_no_word_on_an_event_or_a_mailbox(answering, creates, mark, status):
    provider = answering({"error": {"code": "ErrorItemNotFound", "message": "x"}}, status)
    for changes in (creates(2), [Delete(mark(0), Ref("abcde", '"1"'))]):
        with pytest.raises(base.ContractBroken, match="root_url"):
            provider.push(changes)


@pytest.mark.parametrize(
    "body",
    [{}, {"responses": 3}, {"responses": [{}]}, {"responses": [None]}, {"responses": [{"id": "0", "status": "201"}]}],
)
def test_half_an_answer_to_a_batch_is_in_doubt(answering, creates, body):
    with pytest.raises(base.Ambiguous):
        answering(body).push(creates(1))


@pytest.mark.parametrize("body", [None, [], 7, "no", {"error": None}, {"error": "no"}, {"error": {"innerError": None}}])
@pytest.mark.parametrize(
    ("status", "meaning"), [(401, base.Unauthorized), (403, base.Unauthorized), (429, base.Throttled)]
)
def test_a_refusal_in_other_words_than_graphs_is_judged_by_its_status(answering, creates, body, status, *, meaning):
    provider = answering(body, status, {"Retry-After": "17"})
    for call in (provider.check, lambda: provider.push(creates(1))):
        with pytest.raises(meaning) as raised:
            call()
        assert meaning is not base.Throttled or raised.value.retry_after == timedelta(seconds=17)


def test_a_redirection_is_not_followed_with_our_token(far_side, provider, creates):
    whole, followed = far_side.application, []

    async def away(_request):
        return RedirectResponse("/elsewhere")

    async def elsewhere(request):
        followed.append(request)
        return JSONResponse({"value": []})

    methods = ["GET", "POST"]
    routes = [
        Route("/v1.0/{path:path}", away, methods=methods),
        Route("/elsewhere", elsewhere, methods=methods),
    ]
    far_side.application = Router(routes=routes, default=whole)
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.ContractBroken):
            call()
    assert followed == []


def test_nothing_of_a_person_is_logged(provider, graph, faults, caplog, lecture, *, mark, creates):
    caplog.set_level(logging.WARNING)
    graph.exchange.put_out_of_scope("alice@example.org")
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.Unauthorized):
            call()
    faults.add(Fault("/v1.0/*", "error"))
    with pytest.raises(base.Ambiguous):
        provider.push([Create(lecture(title="Secret"), mark("k"))])
    assert caplog.text == ""
