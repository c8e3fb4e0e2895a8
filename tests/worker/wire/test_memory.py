"""Timetables that would fill the memory: a worker with little of it parks these people and serves the next one."""

import gzip
import sys
from datetime import timedelta

import pytest
from starlette.responses import Response

from term import lecture, milliseconds
from term.ceiling import run_under

CEILING_MEGABYTES = 160
EVENTS = 200_000


@pytest.mark.case("faults", 13)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps a process to its address space")
def test_two_hundred_thousand_events_and_a_gzip_bomb_park_a_person_and_no_worker(open_term, ledger, redis_url):
    term = open_term("memory")
    starts = milliseconds(term.now + timedelta(days=1))
    plain = b'{"startDate":%d,"endDate":%d,"activityDescription":"Algebra"}' % (starts, starts + 3_600_000)
    many = b"[" + b",".join([plain] * EVENTS) + b"]"
    larger = b"[" + b",".join([plain] * EVENTS * 3) + b"]"
    bomb = gzip.compress(b"[" + b" " * 1_000_000_000, 1)
    bodies = [Response(many, media_type="application/json"), Response(larger, media_type="application/json")]
    zipped = Response(bomb, media_type="application/json", headers={"Content-Encoding": "gzip"})
    people = [term.person() for _ in range(4)]
    for each, told in zip(people, [*bodies, zipped], strict=False):
        term.told.people[each.name] = told
    people[3].tell(*(lecture(term.now + timedelta(days=nth), f"id-{nth}") for nth in range(1, 41)))
    reports, taken = run_under(CEILING_MEGABYTES, term.url, (ledger, redis_url), [each.ident for each in people])
    assert [(outcome, created) for outcome, created, _ in reports] == [("RETRYING", 0)] * 3 + [("OK", 40)]
    assert "200,000 events" in reports[0][2]
    assert all("max_bytes" in detail for _, _, detail in reports[1:3])
    assert taken < CEILING_MEGABYTES
    assert all(term.due_in(each.ident) > timedelta(seconds=25) for each in people[:3])
