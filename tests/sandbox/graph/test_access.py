"""The sandbox's Graph: who may ask, for whose mailbox, and how often at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

ALICE = "alice@example.org"


def test_a_calendar_tells_whose_it_is(client):
    told = client("GET", "", select="canEdit,owner,isDefaultCalendar").json()
    assert (told["canEdit"], told["isDefaultCalendar"], told["owner"]["address"]) == (True, True, ALICE)
    assert "name" not in told


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer made-up"}])
def test_nothing_is_told_without_a_token(client, code, headers):
    assert code(client("GET", headers=headers)) == (401, "InvalidAuthenticationToken")


def test_a_token_runs_out_and_can_be_revoked(client, graph, clock, code):
    graph.tokens.lifetime = timedelta(seconds=90)
    answer = client.buy().json()
    assert answer["expires_in"] == 90
    short = {"Authorization": f"Bearer {answer['access_token']}"}
    assert client("GET", headers=short).ok
    clock.now += timedelta(seconds=90)
    assert code(client("GET", headers=short)) == (401, "InvalidAuthenticationToken")
    assert client("GET").ok
    graph.tokens.revoke()
    assert code(client("GET")) == (401, "InvalidAuthenticationToken")


def test_a_token_for_outlook_is_none_for_graph(client, graph, code):
    token = client.buy(scope="https://outlook.office365.com/.default").json()["access_token"]
    assert code(client("GET", headers={"Authorization": f"Bearer {token}"})) == (401, "InvalidAuthenticationToken")
    assert graph.tokens.accepts(token, "https://outlook.office365.com")
    assert not graph.tokens.accepts(token)


def test_a_mailbox_may_be_missing_unlicensed_or_out_of_scope(client, graph, code):
    exchange = graph.exchange
    assert code(client("GET", user="nobody@example.org")) == (404, "ErrorInvalidUser")
    exchange.unlicense(ALICE)
    assert code(client("GET")) == (404, "MailboxNotEnabledForRESTAPI")
    exchange.put_out_of_scope(ALICE)
    assert code(client("GET")) == (403, "ErrorAccessDenied")
    exchange.remove_mailbox("bob@example.org")
    assert code(client("GET", user="bob@example.org")) == (404, "ErrorInvalidUser")


def test_an_id_belongs_to_one_mailbox(client, code):
    made = client.make()
    answer = client("DELETE", f"/events/{made['id']}", user="bob@example.org")
    assert code(answer) == (404, "ErrorInvalidMailboxItemId")
    assert client.subjects() == ["A"]


def test_a_permission_that_was_not_granted_is_missing(client, graph, code):
    graph.roles = {"MailboxSettings.ReadWrite"}
    assert code(client("GET")) == (403, "ErrorAccessDenied")


def test_an_error_tells_which_request_it_was(client):
    told = client("GET", user="nobody@example.org").json()["error"]
    assert told["message"] == "The requested user 'nobody@example.org' is invalid."
    assert told["innerError"].keys() == {"date", "request-id", "client-request-id"}


def test_an_alias_leads_to_the_mailbox(client, graph):
    client.make()
    graph.exchange.rename(ALICE, "alice.liddell@example.org", keep_old=True)
    told = client("GET", user="alice.liddell@example.org").json()["value"]
    assert [each["organizer"]["emailAddress"]["address"] for each in told] == ["alice.liddell@example.org"]
    assert client.subjects() == ["A"]


def test_too_many_requests_at_once_to_one_mailbox_are_throttled(client, graph):
    graph.most_at_once, graph.seconds = 4, 0.3
    users = [ALICE] * 6 + ["bob@example.org"] * 3
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda user: client("GET", user=user), users))
    throttled = [each for each in answers if each.status_code == 429]
    assert len(throttled) == 2
    assert all(each.json()["error"]["code"] == "ApplicationThrottled" for each in throttled)
    assert all(each.headers["Retry-After"] == "1" for each in throttled)
    assert all("alice" in each.url for each in throttled)
