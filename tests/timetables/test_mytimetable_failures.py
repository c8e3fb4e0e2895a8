import gzip
import re
import time
import tracemalloc
from datetime import timedelta

import orjson
import pytest
from starlette.responses import Response

from sandbox.faults import Fault
from timetables import _mytimetable_wire, _prompt
from timetables.base import (
    ContractBroken,
    Person,
    PersonUnknown,
    Throttled,
    Unauthorized,
    Unavailable,
)

EMPTY = Response(b"[]", media_type="application/json")
NO_GROUPS = Response(b'{"filteringEnabled": true, "eventtypegroups": []}', media_type="application/json")


def json(content, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(content), status, named, "application/json")


@pytest.fixture
def base_of_dripping(dripping, monkeypatch):
    """Starts a site that begins its answer so and then sends a byte now and then; a third of a second is too long."""
    monkeypatch.setattr(_mytimetable_wire, "LONGEST_SECONDS", 0.3)
    monkeypatch.setattr(_prompt, "LONGEST_HEAD_SECONDS", 0.3)
    return lambda beginning: f"{dripping(beginning)}/api/v0/"


@pytest.mark.parametrize("resource", ["timetable", "eventtypegroups"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error", Unavailable),
        ("unavailable", Unavailable),
        ("unavailable_after", Unavailable),
        ("cut_off", Unavailable),
        ("lost", Unavailable),
        ("throttled", Throttled),
        ("html", ContractBroken),
        ("truncated", ContractBroken),
        ("empty", ContractBroken),
    ],
)
def test_no_failure_is_an_empty_timetable(source, faults, anna, span, kind, error, resource):  # noqa: PLR0917 - fixtures
    faults.add(Fault(f"*/{resource}", kind, seconds=7))
    with pytest.raises(error) as raised:
        source.fetch(anna, *span)
    assert resource in str(raised.value)
    assert getattr(raised.value, "retry_after", None) == (timedelta(seconds=7) if kind == "throttled" else None)
    faults.clear()
    assert source.fetch(anna, *span).events


def test_a_site_that_does_not_answer_in_time_is_not_available(base, source_of, faults, anna, span):
    faults.add(Fault("*/timetable", "slow", seconds=20, times=1))
    with pytest.raises(Unavailable, match="read_timeout"):
        source_of(base, read_timeout=0.2).fetch(anna, *span)


@pytest.mark.parametrize(
    ("beginning", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", r"/timetable did not end within 0\.3 s"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", r"/timetable did not end within 0\.3 s"),
        (b"HTTP/1.1 200 OK\r\nX: ", "no answer in"),
        (b"", "no answer in"),
    ],
)
def test_a_site_that_sends_a_byte_now_and_then_is_given_up(base_of_dripping, source_of, anna, span, beginning, said):  # noqa: PLR0917 - fixtures
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=said):
        source_of(base_of_dripping(beginning)).fetch(anna, *span)
    assert time.monotonic() - begun < 5


def test_nobody_listening_is_not_available(source_of, anna, span):
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9/api/v0/timetable"):
        source_of("http://127.0.0.1:9/api/v0/").fetch(anna, *span)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (json({"errorType": "Unauthorized", "errorMessage": "no"}, 401), Unauthorized, "Unauthorized.*check token"),
        (Response(status_code=403), Unauthorized, "elevated"),
        (
            json({"errorType": "NotFound", "errorMessage": "x", "status": "error"}, 404),
            PersonUnknown,
            "username_prefix",
        ),
        (Response(status_code=404), PersonUnknown, "no such user"),
        (json({"errorType": "Auth", "errorMessage": "User 'x' not found"}, 403), PersonUnknown, "no such user"),
        (json({"errorType": "UsernameNotFoundException", "errorMessage": ""}, 401), PersonUnknown, "no such user"),
        (Response("unknown user x", 400), PersonUnknown, "no such user"),
        (Response("<h1>Not Found</h1>", 404, media_type="text/html"), ContractBroken, "check urls"),
        (Response("Not Found", 404), ContractBroken, "no timetable API at this address"),
        (json({}, 400), ContractBroken, "400"),
        (Response(status_code=204), ContractBroken, "204"),
        (
            Response(status_code=302, headers={"Location": "https://login.example.org/?a"}),
            ContractBroken,
            "login.example.org",
        ),
        (Response(status_code=301, headers={"Location": "/elsewhere"}), ContractBroken, "the same host"),
        (Response(status_code=302, headers={"Location": "http://[::1"}), ContractBroken, "cannot be read"),
        (Response(status_code=408), Unavailable, "408"),
        (Response("<h1>oops</h1>", 502), Unavailable, "502"),
        (Response(status_code=503, headers={"Retry-After": "soon"}), Unavailable, "503"),
        (Response(b" \n<!doctype html>"), ContractBroken, "page for people"),
        (Response(b"[]", media_type="text/html"), ContractBroken, "page for people"),
        (Response(b"", media_type="application/json"), ContractBroken, "empty answer"),
        (Response(b"[]", headers={"Content-Encoding": "gzip"}), ContractBroken, "cannot be unpacked"),
        (Response(b"[", headers={"Content-Length": "100"}), Unavailable, "broke off"),
    ],
)
def test_an_answer_that_is_no_timetable_says_what_to_do(answering, source_of, anna, span, answer, error, words):  # noqa: PLR0917 - fixtures
    base, _ = answering(timetable=answer, eventtypegroups=NO_GROUPS)
    with pytest.raises(error) as raised:
        source_of(base).fetch(anna, *span)
    assert re.search(words, str(raised.value))
    assert base in str(raised.value)
    assert anna.username not in str(raised.value)
    assert "sandbox-elevated" not in str(raised.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_says_when_it_is_back_is_believed_in_seconds_and_as_a_date(
    answering, source_of, anna, span, status
):
    http_date = "Fri, 31 Dec 1999 23:59:59 GMT"
    for said, wait in (("120", 120), (http_date, 0), ("999999999999", 86_400)):
        base, _ = answering(timetable=Response(status_code=status, headers={"Retry-After": said}))
        with pytest.raises(Throttled) as raised:
            source_of(base).fetch(anna, *span)
        assert raised.value.retry_after == timedelta(seconds=wait)


def test_a_wrong_token_and_an_ordinary_one_are_refused(base, source_of, anna, span):
    for token in ("wrong", "sandbox-ordinary"):
        with pytest.raises(Unauthorized):
            source_of(base, token=token).fetch(anna, *span)


def test_a_person_the_site_does_not_know_is_unknown(source, span):
    with pytest.raises(PersonUnknown):
        source.fetch(Person("nobody@example.edu"), *span)


def test_a_certificate_is_checked_against_the_named_authority_whatever_the_environment_says(
    source_of, tls_base, own_authority, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own_authority))
    with pytest.raises(Unavailable, match="ca_file"):
        source_of(tls_base).check()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert "2026/2027" in source_of(tls_base, ca_file=own_authority).check()


@pytest.mark.case("faults", 13)
def test_a_gzip_bomb_is_cut_before_it_fills_the_memory(answering, source_of, anna, span):
    bomb = gzip.compress(b" " * 200_000_000, 9)
    assert len(bomb) < 300_000
    base, _ = answering(timetable=Response(bomb, headers={"Content-Encoding": "gzip"}), eventtypegroups=NO_GROUPS)
    source = source_of(base, max_bytes=2_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ContractBroken, match="max_bytes"):
            source.fetch(anna, *span)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.case("faults", 13)
def test_a_timetable_of_too_many_events_is_refused_before_it_is_parsed(answering, source_of, anna, span):
    events = [{"startDate": 1793952000000, "endDate": 1793955600000}] * 101
    base, _ = answering(timetable=json(events), eventtypegroups=NO_GROUPS)
    with pytest.raises(ContractBroken, match=r"101 events.*max_events = 100"):
        source_of(base, max_events=100).fetch(anna, *span)
    assert len(source_of(base, max_events=101).fetch(anna, *span).events) == 101
