"""The sandbox's Google: batches."""

import json

import pytest

from sandbox.faults import Fault

ALICE = "alice@example.org"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}


def batch(client, *parts, headers=None):
    lines = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n{part}\r\n"
        for number, part in enumerate(parts)
    ]
    return client.session.post(
        f"{client.url}/batch/calendar/v3",
        data="".join(lines) + "--b--",
        headers={"Content-Type": 'multipart/mixed; boundary="b"', **(headers or {})},
        timeout=5,
    )


def insertion(summary):
    body = json.dumps({**DAY, "summary": summary}, ensure_ascii=False)
    line = "POST /calendar/v3/calendars/alice%40example.org/events?fields=id HTTP/1.1"
    return f"{line}\nContent-Type: application/json\n\n{body}"


def test_each_part_of_a_batch_is_answered_under_its_id(client, google, faults):
    faults.forget()
    answer = batch(client, insertion("A"), "GET /calendar/v3/calendars/primary/events/none HTTP/1.1\n\n")
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.text.index("<response-0>") < answer.text.index("HTTP/1.1 200 OK") < answer.text.index("<response-1>")
    assert "HTTP/1.1 404 Not Found" in answer.text
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["A"]
    assert [(each.method, each.status) for each in faults.seen(parts=True)] == [("POST", 200), ("GET", 404)]
    assert google.batches == [2]


def test_a_part_may_bring_its_own_token(client, google):
    part = "GET /calendar/v3/calendars/primary/events HTTP/1.1\nAuthorization: Bearer made-up\n\n"
    assert "HTTP/1.1 401 Unauthorized" in batch(client, part).text
    assert google.violations == []


def test_a_fault_can_hit_one_part(client, google, faults):
    faults.add(Fault("/calendar/v3/calendars/alice@example.org/events", "throttled", seconds=3, times=1))
    answer = batch(client, insertion("A"), insertion("B"))
    assert "429 Too Many Requests" in answer.text
    assert "retry-after: 3" in answer.text
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["B"]


@pytest.mark.parametrize("kind", ["lost", "unavailable_after"])
def test_a_part_can_be_done_and_its_answer_lost(client, google, faults, kind):
    faults.add(Fault("/calendar/*", kind, times=1))
    answer = batch(client, insertion("A"), insertion("B"))
    assert ("<response-0>" in answer.text) is (kind == "unavailable_after")
    assert [each["summary"] for each in google.mailbox(ALICE)] == ["A", "B"]


def test_a_batch_has_a_thousand_parts_at_most(client, google):
    get = "GET /calendar/v3/calendars/primary/events?maxResults=1 HTTP/1.1\n\n"
    assert batch(client, *[get] * 1001).status_code == 400
    assert google.violations == ["batch: 1001 parts"]


@pytest.mark.parametrize("part", ["", "GET", "GET /calendar/v3/calendars/primary/events"])
def test_what_is_no_batch_is_refused(client, google, part):
    assert batch(client, part).status_code == 400
    assert batch(client, insertion("A"), headers={"Content-Type": "application/json"}).status_code == 400
    assert len(google.violations) == 2
    assert google.mailbox(ALICE) == []


def test_letters_of_every_language_survive_a_batch(client, google):
    body = insertion("Größe ∂ 数学").encode()
    assert batch(client, body.decode()).status_code == 200
    assert google.mailbox(ALICE)[0]["summary"] == "Größe ∂ 数学"
