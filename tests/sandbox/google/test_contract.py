"""The sandbox's Google: requests outside the contract."""

import pytest

ALICE = "alice@example.org"
DAY = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}}


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "", None, {"maxresults": 5}),
        ("GET", "", None, {"maxResults": "many"}),
        ("GET", "", None, {"maxResults": 0}),
        ("GET", "", None, {"timeMin": "2026-11-23T00:00:00"}),
        ("GET", "", None, {"timeMin": "yesterday"}),
        ("GET", "", None, {"showDeleted": "yes"}),
        ("GET", "", None, {"orderBy": "title"}),
        ("GET", "", None, {"q": ["a", "b"]}),
        ("GET", "", None, {"fields": "items(id,titel)"}),
        ("GET", "", None, {"fields": "items(id"}),
        ("GET", "", None, {"fields": "items/id/more"}),
        ("GET", "", {"some": "body"}, {}),
        ("GET", "/x/instances", None, {}),
        ("POST", "", {"start": {"date": "2026-11-23"}}, {}),
        ("POST", "", {**DAY, "title": "A"}, {}),
        ("POST", "", {**DAY, "summary": 3}, {}),
        ("POST", "", {**DAY, "summary": None}, {}),
        ("POST", "", {**DAY, "sequence": True}, {}),
        ("POST", "", {**DAY, "attendees": "a@x.org"}, {}),
        ("POST", "", {**DAY, "attendees": [{"mail": "a@x.org"}]}, {}),
        ("POST", "", {**DAY, "extendedProperties": {"private": {"n": 1}}}, {}),
        ("POST", "", {**DAY, "start": {"date": "23-11-2026"}}, {}),
        ("POST", "", [], {}),
        ("POST", "", DAY, {"sendUpdates": "some"}),
        ("POST", "/import", DAY, {}),
        ("PUT", "/abcde", {"summary": "A"}, {}),
        ("PATCH", "/abcde", {"colour": None}, {}),
        ("PATCH", "", {}, {}),
    ],
)
def test_a_request_outside_the_contract_is_refused_and_remembered(client, google, request_, reason):
    verb, path, body, params = request_
    assert reason(client(verb, path, body, **params)) == (400, "badRequest")
    assert len(google.violations) == 1


def test_what_is_no_json_is_outside_the_contract(client, google):
    url = f"{client.url}/calendar/v3/calendars/primary/events"
    assert client.session.post(url, data="{half", timeout=5).status_code == 400
    assert len(google.violations) == 1


def test_a_scope_that_a_method_does_not_take_is_not_enough(client, reason):
    answer = client.session.get(f"{client.url}/calendar/v3/calendars/primary", timeout=5)
    assert reason(answer) == (403, "insufficientPermissions")
    wider = client.buy(scope="https://www.googleapis.com/auth/calendar").json()["access_token"]
    answer = client.session.get(answer.url, headers={"Authorization": f"Bearer {wider}"}, timeout=5)
    assert (answer.json()["id"], answer.json()["timeZone"]) == (ALICE, "Europe/Amsterdam")
