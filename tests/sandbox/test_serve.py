"""Servers of the sandbox end when they are told, with every answer that is under way."""

import asyncio
import threading
import time

import requests
from starlette.responses import Response

from sandbox.serve import GRACE_SECONDS, serve


def answering(seconds, begun=None):
    async def app(scope, receive, send):
        if begun:
            begun.set()
        await asyncio.sleep(seconds)
        await Response("whole" * 100_000)(scope, receive, send)

    return app


def test_a_server_that_was_used_ends_at_once():
    with requests.Session() as session:
        began = time.monotonic()
        for _ in range(20):
            with serve(answering(0)) as url:
                assert session.get(url, timeout=5).ok
        # A tenth of a second each is what uvicorn's own would take at best.
        assert time.monotonic() - began < 2


def end_amid(seconds):
    """What a caller gets whose answer takes so long, where the server is ended meanwhile."""
    begun, had = threading.Event(), []

    def call():
        had.append(requests.get(url, timeout=10))

    with serve(answering(seconds, begun)) as url:
        caller = threading.Thread(target=call)
        caller.start()
        assert begun.wait(5)
    caller.join()
    return had[0]


def test_an_answer_under_way_still_arrives_whole():
    assert end_amid(0.2).text == "whole" * 100_000


def test_one_that_hangs_is_given_up():
    began = time.monotonic()
    assert end_amid(60).status_code == 500
    assert time.monotonic() - began < GRACE_SECONDS + 5
