"""Answers of calendar servers that have no end."""

import gzip
import tracemalloc

import pytest
import requests
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from providers import _bounded
from providers._bounded import bound
from providers.base import ProviderError
from sandbox.serve import serve


@pytest.fixture
def answered():
    """What a session that is bound so makes of an answer."""

    def ask(answer):
        async def give(_request):
            return answer

        with serve(Router([Route("/", give)])) as url, requests.Session() as session:
            bound(session)
            return session.get(url, timeout=10)

    return ask


@pytest.mark.parametrize("open_wired", ["caldav", "connectdaily", "googlecalendar", "o365"], indirect=True)
def test_every_provider_but_ews_gives_up_an_answer_that_is_too_long(wired, monkeypatch):
    provider = wired.connect()
    provider.check()
    monkeypatch.setattr(_bounded, "LONGEST_BODY", 10)
    with pytest.raises(ProviderError):
        provider.check()


def test_an_answer_within_the_bounds_is_as_ever(answered):
    packed = Response(gzip.compress(b"x" * 1_000_000), headers={"Content-Encoding": "gzip"})
    assert answered(packed).content == b"x" * 1_000_000
    assert answered(Response(b'{"a": 1}')).json() == {"a": 1}
    assert answered(Response(status_code=204)).content == b""
    assert list(answered(Response(b"abc")).iter_content(2)) == [b"ab", b"c"]


def test_an_answer_that_unpacks_without_end_is_given_up(answered, monkeypatch):
    monkeypatch.setattr(_bounded, "LONGEST_BODY", 1_000_000)
    bomb = Response(gzip.compress(b"\0" * 100_000_000), headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with pytest.raises(requests.ConnectionError, match="no end"):
            answered(bomb)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_an_answer_that_never_ends_is_given_up(answered, monkeypatch):
    monkeypatch.setattr(_bounded, "LONGEST_SECONDS", 0)
    with pytest.raises(requests.ConnectionError, match="no end"):
        answered(StreamingResponse(iter([b"a", b"b"])))


def test_what_cannot_be_unpacked_or_breaks_off_is_the_librarys_own_error(answered):
    with pytest.raises(requests.exceptions.ContentDecodingError):
        answered(Response(b"no gzip", headers={"Content-Encoding": "gzip"}))
