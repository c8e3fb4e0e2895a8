"""The sandbox's Graph: many requests in one, and what can go wrong with one of them."""

import pytest

from sandbox.faults import Fault

EVENTS = "/users/alice@example.org/calendar/events"
JSON = {"Content-Type": "application/json"}
HOURS = {name: {"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"} for name in ("start", "end")}


def creation(subject, **more):
    return {"method": "POST", "url": EVENTS, "headers": JSON, "body": {"subject": subject, **HOURS}, **more}


def test_each_part_of_a_batch_is_answered_under_its_id(client, graph, faults):
    made = client.make("old")
    faults.forget()
    answers = client.batch(
        creation("new"),
        {"method": "PATCH", "url": f"{EVENTS}/{made['id']}", "headers": JSON, "body": {"subject": "changed"}},
        {"method": "GET", "url": f"{EVENTS}?$filter=subject%20eq%20'new'&$select=subject"},
        {"method": "DELETE", "url": f"{EVENTS}/{made['id']}", "headers": {"If-Match": made["@odata.etag"]}},
        {"method": "DELETE", "url": f"{EVENTS}/AAMkADnone"},
    )
    assert [answers[str(number)]["status"] for number in range(5)] == [201, 200, 200, 412, 404]
    assert answers["0"]["headers"]["ETag"] == answers["0"]["body"]["@odata.etag"]
    assert [each["subject"] for each in answers["2"]["body"]["value"]] == ["new"]
    assert graph.batches == [5]
    parts = [(each.method, each.status) for each in faults.seen(f"/v1.0{EVENTS}*", parts=True)]
    assert parts == [("POST", 201), ("PATCH", 200), ("GET", 200), ("DELETE", 412), ("DELETE", 404)]
    assert [each.path for each in faults.seen()] == ["/v1.0/$batch"]


def test_the_order_of_answers_is_graphs_own(client):
    body = {"requests": [{"id": str(number), **creation("A")} for number in range(5)]}
    answer = client.session.post(f"{client.url}/v1.0/$batch", json=body, timeout=5).json()
    assert [each["id"] for each in answer["responses"]] == ["1", "3", "0", "2", "4"]


def test_a_delete_has_no_body(client):
    made = client.make()
    (answer,) = client.batch({"method": "DELETE", "url": f"{EVENTS}/{made['id']}"}).values()
    assert (answer["status"], "body" in answer) == (204, False)


def test_preferences_of_a_part_are_its_own(client):
    client.make()
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    one, other = client.batch(
        {"method": "GET", "url": EVENTS, "headers": prefer}, {"method": "GET", "url": EVENTS}
    ).values()
    assert one["body"]["value"][0]["id"] != other["body"]["value"][0]["id"]


def test_a_part_waits_for_those_it_depends_on_and_fails_with_them(client):
    answers = client.batch(
        creation("A"),
        creation("B", dependsOn=["0"]),
        {"method": "DELETE", "url": f"{EVENTS}/AAMkADnone"},
        creation("C", dependsOn=["2"]),
        creation("D", dependsOn=["3"]),
    )
    assert [answers[str(number)]["status"] for number in range(5)] == [201, 201, 404, 424, 424]
    assert client.subjects() == ["A", "B"]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [creation("A", id=str(number)) for number in range(21)],
        [creation("A", id="x"), creation("A", id="x")],
        [creation("A", dependsOn=["9"])],
        [creation("A", method="SEARCH")],
        [creation("A", url=f"https://graph.microsoft.com/v1.0{EVENTS}")],
        [creation("A", headers={})],
        [{"method": "POST", "url": EVENTS, "headers": JSON}],
        [{"method": "GET"}],
        [{"method": ["GET"], "url": EVENTS}],
        [creation("A", headers=["Content-Type"])],
        [creation("A", dependsOn="0")],
        ["GET"],
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(rude, graph, parts):
    body = {
        "requests": [
            {"id": str(number), **each} if isinstance(each, dict) else each for number, each in enumerate(parts)
        ]
    }
    answer = rude.session.post(f"{rude.url}/v1.0/$batch", json=body, timeout=5)
    assert answer.status_code == 400
    assert rude.subjects() == []
    assert len(graph.exchange.violations) == 1


def test_a_part_that_names_the_version_of_the_api_is_not_found(rude, graph):
    (answer,) = rude.batch(creation("A", url=f"/v1.0{EVENTS}")).values()
    assert answer["status"] == 400
    assert len(graph.exchange.violations) == 1


def test_a_batch_without_a_token_is_refused_as_a_whole(client, code):
    refused = client.batch(creation("A"), headers={"Authorization": "Bearer made-up"})
    assert code(refused) == (401, "InvalidAuthenticationToken")


REFUSALS = pytest.mark.parametrize(
    ("fault", "told"),
    [
        (("throttled", 3), (429, "ApplicationThrottled", "3")),
        (("busy", 2), (429, "ApplicationThrottled", "2")),
        (("busy", 0), (429, "ApplicationThrottled", None)),
        (("rate_limited", 1), (429, "TooManyRequests", None)),
        (("error", 1), (500, "ErrorInternalServerError", None)),
        (("unavailable", 1), (503, "ErrorServerBusy", None)),
        (("full", 1), (507, "ErrorQuotaExceeded", None)),
    ],
)


@REFUSALS
def test_a_fault_can_hit_one_part_of_which_nothing_is_done(client, faults, fault, told):
    kind, seconds = fault
    faults.add(Fault(f"/v1.0{EVENTS}", kind, seconds=seconds, times=1))
    answer = client.batch(creation("A"), creation("B"))["0"]
    assert (answer["status"], answer["body"]["error"]["code"], answer["headers"].get("Retry-After")) == told
    assert client.subjects() == ["B"]


@REFUSALS
def test_a_whole_request_is_refused_in_the_same_words(client, faults, fault, told):
    kind, seconds = fault
    faults.add(Fault(f"/v1.0{EVENTS}", kind, seconds=seconds, times=1))
    answer = client("POST", body={"subject": "A", **HOURS})
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers.get("Retry-After")) == told
    assert client.subjects() == []


def test_a_whole_request_can_be_refused_although_it_was_done(client, faults):
    faults.add(Fault(f"/v1.0{EVENTS}", "unavailable_after", times=1))
    answer = client("POST", body={"subject": "A", **HOURS})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ErrorServerBusy")
    assert client.subjects() == ["A"]


def test_where_graph_has_no_words_the_wire_has_its_own(client, faults):
    faults.add(Fault(f"/v1.0{EVENTS}", "html", times=1))
    assert client("GET").headers["Content-Type"] == "text/html"


def test_a_part_can_be_refused_although_it_was_done(client, faults):
    faults.add(Fault(f"/v1.0{EVENTS}", "unavailable_after", times=1))
    assert client.batch(creation("A"))["0"]["status"] == 503
    assert client.subjects() == ["A"]


@pytest.mark.parametrize(("kind", "left"), [("lost", ["A", "B"]), ("cut_off", ["B"])])
def test_the_answer_to_a_part_can_be_missing(client, faults, kind, left):
    faults.add(Fault(f"/v1.0{EVENTS}", kind, times=1))
    assert client.batch(creation("A"), creation("B")).keys() == {"1"}
    assert client.subjects() == left


@pytest.mark.parametrize("kind", ["html", "truncated", "empty"])
def test_the_answer_to_a_part_can_be_nonsense(client, faults, kind):
    faults.add(Fault(f"/v1.0{EVENTS}", kind, times=1))
    answer = client.batch(creation("A"))["0"]
    assert answer["status"] in {200, 201}
    assert isinstance(answer.get("body", ""), str)


def test_a_part_can_be_slow(client, faults):
    faults.add(Fault(f"/v1.0{EVENTS}", "slow", seconds=0.05, times=1))
    assert client.batch(creation("A"))["0"]["status"] == 201
