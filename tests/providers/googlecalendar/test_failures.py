"""Google Calendar: what fails on the way."""

import json
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from providers import base
from providers.base import Delete, Done, Marks, Ref
from sandbox.faults import Fault

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
BATCH = "/batch/calendar/v3"
OURS = Marks("carillon-test", "7")


def test_what_was_done_before_the_token_was_refused_is_in_doubt(provider, google, creates):
    whole = google.call

    def call(request):
        if google.mailbox(ALICE):
            google.tokens.revoke()
            google.tokens.delegated = frozenset()
        return whole(request)

    google.call = call
    with pytest.raises(base.Ambiguous):
        provider.push(creates(3))
    assert len(google.mailbox(ALICE)) == 1


def test_a_connection_that_was_closed_while_idle_is_opened_anew(elsewhere):
    page = json.dumps({"kind": "calendar#events", "timeZone": "UTC", "items": [], "accessRole": "owner"}).encode()

    class HangsUp(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            content = page if self.command == "GET" else b'{"access_token": "t", "expires_in": 3600}'
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            # A token's page follows on its heels, and is not to meet a connection that is just about to be closed.
            self.close_connection = self.command == "GET"

        do_GET = do_POST  # noqa: N815  # http.server's word

        def log_message(self, *_):
            pass

    closed = threading.Semaphore(0)

    class Server(ThreadingHTTPServer):
        def close_request(self, request):
            super().close_request(request)
            closed.release()

    with Server(("127.0.0.1", 0), HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider = elsewhere(f"http://127.0.0.1:{server.server_port}")
        try:
            for _ in range(3):
                assert provider.find(OURS) == []
                assert closed.acquire(timeout=5)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ["throttled", "rate_limited"])
def test_a_throttled_part_is_told_apart_from_the_others(provider, google, faults, kind, creates):
    faults.add(Fault(EVENTS, kind, seconds=17, times=1))
    outcomes = provider.push(creates(3))
    assert [type(each) for each in outcomes] == [base.Throttled, Done, Done]
    assert outcomes[0].retry_after == (timedelta(seconds=17) if kind == "throttled" else None)
    assert len(google.mailbox(ALICE)) == 2


@pytest.mark.parametrize("kind", ["error", "unavailable", "unavailable_after", "html", "empty", "truncated", "lost"])
def test_a_part_that_may_have_been_done_is_in_doubt_and_settles_when_sent_again(
    provider, google, faults, kind, creates
):
    faults.add(Fault(EVENTS, kind, times=1))
    try:
        outcomes = provider.push(creates(3))
    except base.Ambiguous:
        assert kind not in {"error", "unavailable", "unavailable_after"}
    else:
        assert [type(each) for each in outcomes] == [base.Ambiguous, Done, Done]
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(google.mailbox(ALICE)) == 3


@pytest.mark.parametrize(
    "kind", ["lost", "cut_off", "unavailable_after", "unavailable", "error", "html", "truncated", "empty"]
)
def test_a_batch_without_a_readable_answer_is_in_doubt(provider, google, faults, kind, creates):
    faults.add(Fault(BATCH, kind, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(3))
    assert len(faults.seen(BATCH)) == 1, "nothing is sent twice"
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    assert len(google.mailbox(ALICE)) == 3


def test_a_batch_that_hangs_is_in_doubt(connected, settings, faults, creates):
    provider = connected(settings=settings.model_copy(update={"timeout": 0.2}))
    provider.check()
    faults.add(Fault(BATCH, "slow", seconds=1, times=1))
    with pytest.raises(base.Ambiguous):
        provider.push(creates(1))


def test_a_throttled_batch_is_raised_with_its_wait(provider, google, faults, creates):
    faults.add(Fault(BATCH, "throttled", seconds=42, times=1))
    with pytest.raises(base.Throttled) as raised:
        provider.push(creates(3))
    assert raised.value.retry_after == timedelta(seconds=42)
    assert google.mailbox(ALICE) == []


@pytest.mark.parametrize(
    "failure", [("lost", base.Ambiguous), ("throttled", base.Throttled), ("html", base.Ambiguous)], ids=lambda it: it[0]
)
def test_what_earlier_batches_did_is_told_when_a_later_one_fails(provider, google, faults, creates, failure):
    kind, rest = failure
    # A part of the first batch switches the fault of the second one on: both must be sent by one push.
    whole = google.call

    def call(request):
        if len(google.mailbox(ALICE)) == 49:
            faults.add(Fault(BATCH, kind, times=1))
        return whole(request)

    google.call = call
    outcomes = provider.push(creates(120))
    assert [type(each) for each in outcomes] == [Done] * 50 + [rest] * 70
    assert len(faults.seen(BATCH)) == 2


def test_a_server_that_is_not_there_is_unavailable_even_for_a_push(elsewhere, creates):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        provider = elsewhere(nowhere)
        with pytest.raises(base.Unavailable):
            provider.push(creates(1))


@pytest.mark.parametrize("status", [400, 404, 410, 412, 413])
def test_a_refusal_of_a_whole_batch_is_no_word_on_an_event_or_a_calendar(far_side, provider, creates, mark, status):
    provider.check()

    async def batch(_request):
        return Response("{}", status)

    far_side.application = Router(routes=[Route(BATCH, batch, methods=["POST"])])
    for changes in (creates(2), [Delete(mark(0), Ref("abcde"))]):
        with pytest.raises(base.ContractBroken, match="root_url"):
            provider.push(changes)


def test_a_batch_that_names_no_request_leaves_doubt(elsewhere, creates):
    part = "--x\r\nContent-Type: application/http\r\nContent-ID: <what>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--x--"

    class Garbles(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            whole = self.path.startswith("/batch")
            content = part.encode() if whole else b'{"access_token": "t", "expires_in": 3600}'
            self.send_response(200)
            self.send_header("content-type", "multipart/mixed; boundary=x" if whole else "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Garbles) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with pytest.raises(base.Ambiguous):
                elsewhere(f"http://127.0.0.1:{server.server_port}").push(creates(3))
        finally:
            server.shutdown()
            thread.join()
