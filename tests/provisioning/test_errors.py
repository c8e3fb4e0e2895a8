"""What a call that is not as it should be answers: always our body, never a 500, and nothing is done."""

import contextlib
import http.client
import json
import logging
import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy.exc import SQLAlchemyError

from provisioning.app import application
from worker import database
from worker.queue import Queue, celery

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/nothing", "/users/alice/nothing", "/", "/users/", "/synchronizations/1/resync/now"])
def test_an_unknown_path_answers_404(api, refused, path):
    refused(api.get(path), 404, "/docs")


def test_an_unknown_path_outside_the_api_answers_404(api, refused):
    refused(requests.get(f"{api.url}/", timeout=5), 404, "/docs")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/users", "GET, POST"),
        ("PATCH", "/users/alice", "DELETE, GET, PUT"),
        ("POST", "/synchronizations", "GET, PUT"),
        ("PUT", "/synchronizations/1", "DELETE, GET, PATCH"),
        ("GET", "/synchronizations/1/resync", "POST"),
        ("BREW", "/unlinks", "GET"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
def test_another_method_answers_405_and_names_those_allowed(api, refused, method, path, allowed):
    answer = api.call(method, path)
    refused(answer, 405, "Allow")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200),
        ("text/html;q=0.9, application/*;q=0.1", 200),
        ("APPLICATION/JSON; charset=utf-8", 200),
        ("", 200),
        ("application/xml", 406),
        ("text/html, application/xhtml+xml", 406),
        ("application/json;q=0", 406),
        ("application/json; q=0.0", 406),
    ],
)
def test_a_caller_that_does_not_take_json_answers_406(api, accept, status):
    assert api.get("/users", headers={"Accept": accept}).status_code == status


def test_what_a_caller_takes_may_stand_in_several_headers(api):
    address = urlsplit(api.url)
    with contextlib.closing(http.client.HTTPConnection(address.hostname, address.port, timeout=5)) as connection:
        connection.putrequest("GET", "/api/v0/users")
        for name, value in (("Accept", "text/html"), ("Accept", "application/json"), *api.headers.items()):
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 200


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/users", {"username": "alice", "attributes": [1]}, "attributes"),
        ("/api/v1/tenants/example/calendar_schedules", {"name": "Year", "periods": ["Exams"]}, "periods.0"),
    ],
)
def test_what_should_be_an_object_is_told_so_in_words_of_json(api, refused, path, body, place):
    refused(api.post(path, json=body), 400, f"{place}: expected an object, a name for every value.")


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "", "application/json; charset=utf-16"]
)
def test_another_content_type_answers_415(api, refused, kind):
    refused(api.post("/users", data=b"username=alice", headers={"Content-Type": kind}), 415, "Content-Type")


def test_a_body_may_name_its_charset(api):
    headers = {"Content-Type": 'application/x-www-form-urlencoded; charset="UTF-8"; x=y'}
    assert api.post("/users", data=b"username=alice", headers=headers).status_code == 201


def test_an_empty_body_is_no_body_whatever_its_type(api):
    assert api.put("/users/alice", data=b"", headers={"Content-Type": "text/plain"}).status_code == 204


@pytest.mark.parametrize("path", ["/users", "/synchronizations/1"])
def test_a_large_body_answers_413(api, refused, path):
    large = b"username=" + b"a" * 1_000_000
    method = "POST" if path == "/users" else "PATCH"
    refused(api.call(method, path, data=large, headers=FORM), 413, "1,000,000")


def test_a_large_body_of_unknown_length_answers_413(api, refused):
    chunks = (b"a" * 100_000 for _ in range(11))
    refused(api.post("/users", data=chunks, headers=FORM), 413)


@pytest.mark.parametrize(
    "body",
    [
        b"username=%ff",
        b"username=\xff",
        b"username=a%00b",
        b"a%00b=c",
        b"username=alice&username=bob",
        b"&".join(b"roles=%d" % number for number in range(10_001)),
    ],
)
def test_a_form_that_is_not_as_it_should_be_answers_400(api, refused, body):
    refused(api.post("/users", data=body, headers=FORM), 400)
    assert api.get("/users").json() == {"users": []}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"alice"',
        b"1",
        b"null",
        b'{"username": "a\\u0000b"}',
        b'{"username": "\\ud800"}',
        b'{"username": "\xff"}',
        b'{"username": 1}',
        b'{"username": null}',
        b'{"username": ["alice"]}',
        b'{"username": "alice", "attributes": [["a"]]}',
        b'{"username": "alice", "attributes": [{"name": "a", "values": ["\\u0000"]}]}',
        b'{"username": "alice", "roles": [1]}',
        b'{"username": 1e400}',
        b"[" * 100_000,
        json.dumps({"username": "alice", **{f"x{number}": "" for number in range(1000)}}).encode(),
    ],
)
def test_json_that_is_not_as_it_should_be_answers_400(api, refused, body):
    answer = api.post("/users", data=body, headers=JSON)
    refused(answer, 400)
    assert len(answer.content) < 1000
    assert api.get("/users").json() == {"users": []}


def test_a_value_is_never_repeated_in_an_error(api):
    answers = [
        api.put("/synchronizations", data={"username": "alice", "type": "s3cret"}),
        api.put(
            "/synchronizations", data={"username": "alice", "type": "caldav", "provisioning_calendarUrl": "s3cret"}
        ),
        api.post("/users", data={"username": "alice", "locale": "s3cret!"}),
        api.get("/synchronizations?status=s3cret"),
        api.get("/users", headers={"apiToken": "s3cret"}),
    ]
    assert [each.status_code for each in answers] == [400, 400, 400, 400, 401]
    assert not any("s3cret" in each.text for each in answers)


@pytest.mark.parametrize("path", ["/users/%ff", "/users/a%00b", "/users/%C3%28", "/users/a%0Ab/synchronizations"])
def test_a_path_that_is_not_utf_8_or_holds_control_characters_answers_400(api, refused, path):
    refused(api.get(path), 400, "path")


@pytest.mark.parametrize("query", ["q=%ff", "q=%", "q=" + "a" * 10_000, "status=OK&status=HELD", "&&==;"])
def test_no_query_is_an_error_of_ours(api, query):
    assert api.get(f"/synchronizations?{query}").status_code in {200, 400}


def test_a_caller_who_hangs_up_is_no_error_of_ours(api, logged):
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname, address.port)) as line:
        head = f"POST /api/v0/users HTTP/1.1\r\nHost: x\r\napiToken: {api.headers['apiToken']}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    [record] = logged(1)
    assert record.levelno == logging.INFO
    assert "status=400" in record.getMessage()
    assert api.get("/users").json() == {"users": []}


@pytest.fixture
def broken(api, listening):
    """The same API before an installation of which something is different."""
    opened = []

    def before(**different):
        context = listening(application(replace(api.installation, **different), api.clock))
        opened.append(context)
        return replace(api, url=context.__enter__())

    yield before
    for context in opened:
        context.__exit__(None, None, None)


def test_without_the_database_every_call_answers_503(refused, broken):
    nowhere = database.engine("postgresql://nobody@127.0.0.1:1/nothing")
    answer = broken(engine=nowhere).get("/users")
    refused(answer, 503, "Try again")
    assert answer.headers["Retry-After"] == "5"
    nowhere.dispose()


def test_without_redis_what_is_asked_is_accepted_and_found_by_the_sweep(api, soon, broken):
    app = celery("redis://127.0.0.1:1/0")
    without = broken(queue=Queue(app))
    assert soon(without.synchronize("alice")["nextSync"])
    assert without.delete("/synchronizations/1?unlinkMode=CLEANUP").status_code == 204
    assert api.sql("SELECT count(*) FROM unlinks WHERE finished_at IS NULL") == [(1,)]
    app.close()


def test_an_unforeseen_failure_answers_500_with_a_reference_that_the_log_knows(refused, broken, logged):
    class Treacherous:
        def connect(self, *_, **__):
            raise SQLAlchemyError("the secret reason")

    answer = broken(engine=Treacherous()).get("/users")
    refused(answer, 500, "reference")
    assert "secret reason" not in answer.text
    reference = answer.json()["errorMessage"].rstrip(".").split()[-1]
    failure, request = logged(2)
    assert failure.levelno == logging.ERROR
    assert reference in failure.getMessage()
    assert "status=500" in request.getMessage()


def test_one_line_is_logged_a_call_without_names_or_tokens(api, logged):
    api.put("/users/alice", data={"displayName": "Alice"})
    api.get("/users/nobody/nothing")
    lines = [each.getMessage() for each in logged(2)]
    assert [line.rpartition(" ms=")[0] for line in lines] == [
        "request method=PUT route=/api/v0/users/{username} status=201",
        "request method=GET route=- status=404",
    ]
    assert all(float(line.rpartition("=")[2]) >= 0 for line in lines)
