import base64
import gzip
import re
import time
import tracemalloc
from datetime import timedelta

import pytest
from starlette.responses import Response

from sandbox.faults import Fault
from timetables import _ics_addresses, _prompt
from timetables.base import (
    ContractBroken,
    CredentialRefused,
    Person,
    PersonUnknown,
    Throttled,
    Unauthorized,
    Unavailable,
)

EVENT = ("UID:1", "SUMMARY:Algebra", "DTSTART:20261020T090000", "DTEND:20261020T100000")


def calendar(body, **headers):
    return Response(body, media_type="text/calendar", headers={k.replace("_", "-"): v for k, v in headers.items()})


# What is asked


def test_a_request_names_the_person_in_the_address_and_signs_in(answering, source_at, span, written):
    asked = []

    def answer(request):
        asked.append(request)
        return calendar(written(EVENT))

    address, _ = answering(answer)
    source = source_at(address, username="büro", password="pä:ss", username_prefix="UNI\\", username_postfix="@x.nl")
    assert [each.id for each in source.fetch(Person("zoë & co", "nl_NL"), *span).events] == ["1"]
    (request,) = asked
    assert request.scope["raw_path"] == b"/UNI%5Czo%C3%AB%20%26%20co%40x.nl.ics"
    assert base64.b64decode(request.headers["Authorization"].split()[1]).decode() == "büro:pä:ss"
    assert (request.headers["Accept-Language"], request.headers["Accept-Encoding"]) == ("nl-NL", "gzip")
    assert "Cookie" not in request.headers


@pytest.mark.parametrize("username", ["", "..", ".", "a/b", "../../etc/passwd", "a\nb", " a", "a\x00"])
def test_a_username_that_could_lead_elsewhere_is_an_unknown_person(answering, source_at, span, username):
    address, had = answering(calendar(b""))
    with pytest.raises(PersonUnknown):
        source_at(address).fetch(Person(username), *span)
    assert had.seen() == []


# Nothing changed


def test_the_same_body_again_is_nothing_new_whenever_it_was_made(answering, source_at, alice, span, written):
    stamps = iter(range(10, 60))

    def answer(_request):
        return calendar(written((*EVENT, f"DTSTAMP:202610{next(stamps)}T000000Z", "LAST-MODIFIED:x", "CREATED:y")))

    source = source_at(answering(answer)[0])
    reading = source.fetch(alice, *span)
    assert len(reading.events) == 1
    assert source.fetch(alice, *span, reading.validator) is None


@pytest.mark.parametrize(
    "headers", [{"ETag": '"a"'}, {"ETag": 'W/"a"'}, {"Last_Modified": "Tue, 20 Oct 2026 09:00:00 GMT"}]
)
def test_a_server_that_knows_what_we_know_sends_nothing(answering, source_at, alice, span, written, headers):  # noqa: PLR0917 - fixtures
    asked = []

    def answer(request):
        asked.append(request.headers)
        known = {request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")}
        return Response(status_code=304) if known & set(headers.values()) else calendar(written(EVENT), **headers)

    source = source_at(answering(answer)[0])
    validator = source.fetch(alice, *span).validator
    assert len(validator) <= 1000
    assert source.fetch(alice, *span, validator) is None
    assert {"if-none-match", "if-modified-since"} & set(asked[1].keys())
    assert source.fetch(alice, span[0], span[1] + timedelta(days=1), validator) is not None
    assert source.fetch(Person("bob"), *span, validator) is not None
    assert len(asked) == 4
    assert not any({"if-none-match", "if-modified-since"} & set(each.keys()) for each in asked[2:])


def test_other_settings_read_the_same_body_anew(answering, source_at, alice, span, written):
    address, _ = answering(calendar(written(EVENT)))
    validator = source_at(address).fetch(alice, *span).validator
    assert source_at(address).fetch(alice, *span, validator) is None
    patterns = {"SUMMARY": "(?P<module_code>.+)"}
    (event,) = source_at(address, patterns=patterns).fetch(alice, *span, validator).events
    assert (event.module_code, event.description) == ("Algebra", "")


def test_what_stood_elsewhere_is_not_asked_for_by_its_version(answering, source_at, alice, span, written):
    """A feed that moved to a server whose files are older is another one."""
    before, _ = answering(calendar(written(EVENT), Last_Modified="Tue, 20 Oct 2026 09:00:00 GMT"))

    def older(request):
        return Response(status_code=304) if "If-Modified-Since" in request.headers else calendar(written())

    validator = source_at(before).fetch(alice, *span).validator
    assert source_at(answering(older)[0]).fetch(alice, *span, validator).events == []


@pytest.mark.parametrize("validator", ["", "[]", "{}", "3", '["a"]', "\x00", '["q",["x"],{},4]'])
def test_a_validator_that_is_not_ours_means_a_full_reading(answering, source_at, alice, span, written, validator):  # noqa: PLR0917 - fixtures
    source = source_at(answering(calendar(written(EVENT)))[0])
    assert source.fetch(alice, *span, validator).events


def test_not_modified_without_being_asked_is_no_timetable(answering, source_at, alice, span):
    with pytest.raises(ContractBroken, match="304"):
        source_at(answering(Response(status_code=304))[0]).fetch(alice, *span)


# Failures


@pytest.mark.parametrize(
    ("status", "signed_in", "of_the_credential"),
    [(401, True, True), (403, True, False), (401, False, False), (403, False, False)],
)
def test_only_where_a_password_is_refused_it_is_the_credential(  # noqa: PLR0917 - fixtures
    answering, alice, span, source_at, status, signed_in, of_the_credential
):
    address, _ = answering(Response(status_code=status))
    given = {"username": "me", "password": "s3cret"} if signed_in else {}
    with pytest.raises(Unauthorized) as raised:
        source_at(f"{address}/s3cret", **given).fetch(alice, *span)
    assert isinstance(raised.value, CredentialRefused) is of_the_credential


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Response(status_code=401), Unauthorized, "username and password"),
        (Response(status_code=403), Unauthorized, "403"),
        (Response("Not Found", 404), PersonUnknown, "no feed of this user"),
        (Response(status_code=410), PersonUnknown, "410"),
        (Response(status_code=429, headers={"Retry-After": "120"}), Throttled, "429"),
        (Response(status_code=503, headers={"Retry-After": "120"}), Throttled, "503"),
        (Response(status_code=503), Unavailable, "503"),
        (Response(status_code=500), Unavailable, "tried again"),
        (Response(status_code=408), Unavailable, "408"),
        (Response(status_code=400), ContractBroken, "400"),
        (Response(status_code=204), ContractBroken, "204"),
        (
            Response(status_code=301, headers={"Location": "https://x.example/?key=s3cret"}),
            ContractBroken,
            "to x.example",
        ),
        (Response(status_code=302, headers={"Location": "http://[broken"}), ContractBroken, "cannot be read"),
        (Response(b""), ContractBroken, "empty answer"),
        (Response("<html>"), ContractBroken, "page for people"),
        (Response(b"BEGIN:VCALENDAR", headers={"Content-Encoding": "gzip"}), ContractBroken, "cannot be unpacked"),
        (Response(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", headers={"Content-Length": "100"}), Unavailable, "failed"),
        (
            calendar(gzip.compress(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR")[:-14], Content_Encoding="gzip"),
            ContractBroken,
            "",
        ),
    ],
)
def test_an_answer_that_is_no_feed_says_what_to_do_and_no_secret(  # noqa: PLR0917 - fixtures
    answering, alice, span, source_at, answer, error, words
):
    address, had = answering(answer)
    source = source_at(f"{address}/s3cret", username="me", password="s3cret")
    with pytest.raises(error) as raised:
        source.fetch(alice, *span)
    assert re.search(words, str(raised.value))
    assert f"GET {address}/… " in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "alice" not in str(raised.value)
    assert len(had.seen()) == 1
    if error is Throttled:
        assert raised.value.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize("wait", ["Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "soon", "²", "-1"])
def test_a_wait_that_cannot_be_read_is_none(answering, source_at, alice, span, wait):
    answer = Response(status_code=429, headers={"Retry-After": wait})
    with pytest.raises(Throttled) as raised:
        source_at(answering(answer)[0]).fetch(alice, *span)
    assert raised.value.retry_after is None


def test_nobody_listening_is_not_available(source_at, alice, span):
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9/… failed: the connection failed"):
        source_at("http://127.0.0.1:9").fetch(alice, *span)


def test_a_connection_that_was_hung_up_meanwhile_is_no_failure_but_every_time_is(
    answering, source_at, alice, span, written
):
    address, had = answering(calendar(written(EVENT)))
    had.add(Fault("*", "cut_off", times=1))
    source = source_at(address)
    assert len(source.fetch(alice, *span).events) == 1
    had.add(Fault("*", "cut_off"))
    had.forget()
    with pytest.raises(Unavailable, match="the connection failed"):
        source.fetch(alice, *span)
    assert len(had.seen()) == 2


@pytest.mark.parametrize(
    ("kind", "error"), [("truncated", ContractBroken), ("html", ContractBroken), ("empty", ContractBroken)]
)
def test_half_an_answer_or_another_is_never_an_empty_timetable(answering, source_at, alice, span, written, kind, error):  # noqa: PLR0917 - fixtures
    address, had = answering(calendar(written(EVENT)))
    had.add(Fault("*", kind, times=1))
    source = source_at(address)
    with pytest.raises(error):
        source.fetch(alice, *span)
    assert len(source.fetch(alice, *span).events) == 1


def test_a_gzip_bomb_is_cut_before_it_fills_the_memory(answering, source_at, alice, span):
    bomb = gzip.compress(b"BEGIN:VCALENDAR\r\n" + b" " * 200_000_000, 9)
    source = source_at(answering(calendar(bomb, Content_Encoding="gzip"))[0], max_megabytes=2)
    tracemalloc.start()
    try:
        with pytest.raises(ContractBroken, match="more than 2 megabytes"):
            source.fetch(alice, *span)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


def test_a_compressed_feed_is_read(answering, source_at, alice, span, written):
    body = gzip.compress(written(EVENT))
    source = source_at(answering(calendar(body, Content_Encoding="gzip"))[0])
    assert [each.description for each in source.fetch(alice, *span).events] == ["Algebra"]


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(dripping, source_at, alice, span):
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="did not end within 1 s"):
        source_at(dripping(), timeout=1).fetch(alice, *span)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("private", [True, False])
def test_an_answer_whose_head_has_no_end_is_given_up(dripping, source_at, monkeypatch, alice, span, private):  # noqa: PLR0917 - fixtures
    monkeypatch.setattr(_prompt, "LONGEST_HEAD_SECONDS", 0.3)
    monkeypatch.setattr(_ics_addresses, "public", lambda _: True)
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="no answer in"):
        source_at(dripping(b"HTTP/1.1 200 OK\r\nX: "), allow_private=private).fetch(alice, *span)
    assert time.monotonic() - begun < 5


# Who is there


def test_a_check_says_what_answers_and_how_much_a_feed_holds(answering, source_at, alice, written):
    address, _ = answering(calendar(written(EVENT, EVENT)))
    source = source_at(address)
    presence = f"{address}/ answers with 200; iCalendar feeds are read there."
    assert source.check() == presence
    assert source.check(alice) == f"{presence} That of alice holds 2 events."
    with pytest.raises(Unavailable):
        source_at("http://127.0.0.1:9").check()
