import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import orjson
import pytest
from pydantic import ValidationError
from starlette.responses import Response

from sandbox.faults import Fault
from timetables import mytimetable
from timetables.base import (
    SourceError,
    Unavailable,
)

EMPTY = Response(b"[]", media_type="application/json")
NO_GROUPS = Response(b'{"filteringEnabled": true, "eventtypegroups": []}', media_type="application/json")


def json(content, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(content), status, named, "application/json")


def test_the_next_address_is_tried_when_one_is_down_broken_or_something_else(answering, base, source_of, anna, span):
    for answer in (
        Response(status_code=500),
        Response(status_code=503, headers={"Retry-After": "60"}),
        Response("<html>"),
        Response("<html>", 404),
        Response(status_code=302, headers={"Location": "https://login.example.org/"}),
    ):
        first, had = answering(timetable=answer, databasedetails=answer, user=answer)
        source = source_of("http://127.0.0.1:9/api/v0/", first, base)
        assert source.fetch(anna, *span).events
        assert source.check().startswith(f"MyTimetable at {base} answers")
        assert source.whoami(anna).username == anna.username
        # What a site before 3.1 would answer is asked for too, where there is nothing.
        assert len(had.seen()) == 3 + (answer.status_code == HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 400])
def test_an_address_that_says_no_is_the_last_word(answering, source_of, anna, span, status):
    first, _ = answering(timetable=json({"errorType": "No", "errorMessage": "no"}, status))
    second, had = answering(timetable=EMPTY, eventtypegroups=NO_GROUPS)
    with pytest.raises(SourceError, match=str(status)):
        source_of(first, second).fetch(anna, *span)
    assert had.seen() == []


def test_when_no_address_answers_the_last_failure_is_told(answering, source_of, anna, span):
    first, _ = answering(timetable=Response(status_code=500))
    second, _ = answering(timetable=Response(status_code=502))
    with pytest.raises(Unavailable, match=f"{second}timetable answered 502"):
        source_of(first, second).fetch(anna, *span)


def test_events_and_groups_come_from_one_address(answering, source_of, anna, span):
    first, half = answering(timetable=EMPTY, eventtypegroups=Response(status_code=500))
    second, whole = answering(timetable=EMPTY, eventtypegroups=NO_GROUPS)
    assert source_of(first, second).fetch(anna, *span).events == []
    assert (len(half.seen()), len(whole.seen())) == (2, 2)


def test_threads_share_connections_and_no_more_than_the_pool_holds(answering, source_of, anna, span):
    clients, gate = set(), threading.Barrier(3, timeout=5)

    def timetable(request):
        clients.add(request.client)
        return EMPTY

    base, had = answering(timetable=timetable, eventtypegroups=NO_GROUPS)
    source = source_of(base, pool=2)

    def read(_):
        gate.wait()
        return [source.fetch(anna, *span).events for _ in range(5)]

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(read, range(3))) == [[[]] * 5] * 3
    assert len(had.seen()) == 30
    assert len(clients) <= 2


def test_a_connection_survives_a_refusal(answering, source_of, anna, span):
    clients = []

    def timetable(request):
        clients.append(request.client)
        return Response("x" * 1000, 500) if len(clients) == 1 else EMPTY

    base, _ = answering(timetable=timetable, eventtypegroups=NO_GROUPS)
    source = source_of(base)
    with pytest.raises(Unavailable):
        source.fetch(anna, *span)
    source.fetch(anna, *span)
    assert clients[0] == clients[1]


def test_no_cookie_goes_from_one_person_to_the_next_and_the_environment_has_no_say(
    answering, source_of, anna, span, monkeypatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    cookies = []

    def timetable(request):
        cookies.append(request.headers.get("Cookie"))
        return Response(b"[]", headers={"Set-Cookie": "JSESSIONID=anna; Path=/"}, media_type="application/json")

    base, _ = answering(timetable=timetable, eventtypegroups=NO_GROUPS)
    source = source_of(base)
    for _ in range(2):
        source.fetch(anna, *span)
    assert cookies == [None, None]


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "timetable.example.org/api/v0/",
        "ftp://timetable.example.org/api/v0/",
        "https://timetable.example.org/",
        "https://timetable.example.org/api/",
        "https://timetable.example.org/api/v0/timetable",
        "https://timetable.example.org/api/v0/?a=b",
        "https://me:secret@timetable.example.org/api/v0/",
        "https:///api/v0/",
        "",
    ],
)
def test_an_address_that_is_not_the_apis_is_refused_with_an_example_and_without_secrets(url):
    with pytest.raises(ValidationError, match=r"like https://timetable\.example\.org/api/v0/") as raised:
        mytimetable.Settings(urls=[url], token="t")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tokén", "a\x00"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    with pytest.raises(ValidationError, match="one line of ASCII"):
        mytimetable.Settings(urls=["https://x.nl/api/v0"], token=token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"urls": []},
        {"pool": 0},
        {"max_bytes": 1},
        {"max_events": 0},
        {"read_timeout": 0},
        {"source": "x"},
        {"ca_file": "/no"},
    ],
)
def test_settings_have_bounds_and_no_unknown_keys(wrong):
    with pytest.raises(ValidationError):
        mytimetable.Settings(**{"urls": ["https://x.nl/api/v0"], "token": "t", **wrong})


def test_settings_hide_the_token_and_mend_the_slash():
    settings = mytimetable.Settings(urls=["https://x.nl/tt/api/v0"], token="hush")
    assert settings.urls == ["https://x.nl/tt/api/v0/"]
    assert "hush" not in repr(settings)
    assert all(field.description for field in mytimetable.Settings.model_fields.values())


def test_connecting_makes_no_request(source_of):
    source_of("http://127.0.0.1:9/api/v0/")


def test_a_connection_that_the_site_hung_up_meanwhile_is_no_failure(source, faults, span, anna):
    whole = source.fetch(anna, *span)
    faults.add(Fault("/api/v0/timetable", "cut_off", times=1))
    assert source.fetch(anna, *span).events == whole.events


def test_a_site_that_hangs_up_every_time_is_asked_no_more_than_twice(source, faults, span, anna):
    faults.add(Fault("/api/v0/timetable", "cut_off"))
    with pytest.raises(Unavailable):
        source.fetch(anna, *span)
    assert len(faults.seen("/api/v0/timetable")) == 2
