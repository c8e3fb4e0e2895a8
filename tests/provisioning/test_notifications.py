"""Notification calendars: made, listed, filled and deleted by whoever may."""

from datetime import timedelta
from threading import Barrier, Thread
from urllib.parse import quote

import pytest
import requests

from provisioning import tokens
from provisioning.tokens import Capability
from worker import credentials
from worker.database import transaction

BASE = "/notifications/calendars"
NOTIFY = Capability.NOTIFY.value
READ = Capability.READ_NOTIFY.value
ODD_NAMES = ["CI tokens", "a/b", "x.json", "x.ics", "x.xml", "x/", "Ünïcode ☃", "50% + 1?#&", "a\\b", "..."]


@pytest.fixture
def notifier(api):
    """A caller who may change notification calendars, and nothing else."""
    return api.with_token(roles=[], capabilities=[NOTIFY])


@pytest.fixture
def reader(api):
    return api.with_token(roles=[], capabilities=[READ])


@pytest.fixture
def ending(api):
    """The id of a new token that ends."""

    def made(days=90, **given):
        end = None if days is None else api.clock() + timedelta(days=days)
        text = api.token(roles=[], expires_at=end, **given)
        with transaction(api.installation.engine) as session:
            ident = str(tokens.find(session, text).id)
        tenant = api.installation.tenants[api.tenant(given.get("key", "example"))]
        return credentials.identify(tenant, credentials.Kind.API_TOKEN, ident)

    return made


def names(caller):
    answer = caller.get(BASE)
    assert answer.status_code == 200
    return [each["name"] for each in answer.json()["calendars"]]


def test_a_calendar_is_made_and_listed_with_its_secret_address(notifier):
    assert notifier.get(BASE).json() == {"calendars": []}
    made = notifier.post(BASE, json={"name": "Renewals"})
    assert made.status_code == 201
    assert made.json().keys() == {"name", "ics_path"}
    root, _, secret = made.json()["ics_path"].rpartition("/calendars/")
    assert root == notifier.url
    assert len(secret) == 32
    assert secret.isalnum()
    assert notifier.get(BASE).json() == {"calendars": [made.json()]}
    assert made.headers["cache-control"] == "no-store"


def test_a_form_says_the_same_as_json(notifier, ending):
    assert notifier.post(BASE, data={"name": "Renewals"}).status_code == 201
    ident = ending()
    answer = notifier.post(f"{BASE}/Renewals", data={"mom_id": ident, "comment": "Ask Eva."})
    assert answer.status_code == 200
    assert answer.json()["subscribed_tokens"] == [ident]


def test_a_path_may_end_with_a_slash_or_without(notifier, ending):
    assert notifier.post(f"{BASE}/", json={"name": "Renewals"}).status_code == 201
    assert notifier.get(f"{BASE}/").json() == notifier.get(BASE).json()
    assert notifier.post(f"{BASE}/Renewals/", json={"mom_id": ending()}).status_code == 200
    assert notifier.get(f"{BASE}/Renewals/", allow_redirects=False).status_code == 302
    assert notifier.delete(f"{BASE}/Renewals/").status_code == 204
    assert names(notifier) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_calendar_may_have_any_name_that_stands_in_a_path(notifier, ending, name):
    made = notifier.post(BASE, json={"name": name}).json()
    assert names(notifier) == [name]
    path = f"{BASE}/{quote(name, safe='')}"
    assert notifier.post(path, json={"mom_id": ending()}).json()["name"] == name
    assert notifier.get(path, allow_redirects=False).headers["location"] == made["ics_path"]
    assert notifier.delete(path).status_code == 204


def test_of_two_names_each_is_its_own(notifier):
    for name in ("x", "x.json"):
        assert notifier.post(BASE, json={"name": name}).status_code == 201
    assert notifier.delete(f"{BASE}/x.json").status_code == 204
    assert names(notifier) == ["x"]


def test_a_name_leads_to_the_address(notifier, reader):
    made = notifier.post(BASE, json={"name": "Renewals"}).json()
    answer = reader.get(f"{BASE}/Renewals", headers={"Accept": "text/calendar"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, made["ics_path"])
    assert answer.headers["cache-control"] == "no-store"
    assert reader.get(f"{BASE}/Renewals").text.startswith("BEGIN:VCALENDAR")


def test_a_credential_is_added_once_and_its_comment_replaced(api, notifier, ending):
    notifier.post(BASE, json={"name": "Renewals"})
    later, sooner = ending(90), ending(40)
    for ident, comment in ((later, "first"), (sooner, "other"), (later, "second")):
        answer = notifier.post(f"{BASE}/Renewals", json={"mom_id": ident, "comment": comment})
        assert answer.status_code == 200
    assert answer.json()["subscribed_tokens"] == [sooner, later]
    assert notifier.get(BASE).json()["calendars"] == [answer.json()]
    comments = api.sql("SELECT comment FROM notification_subscriptions ORDER BY comment")
    assert comments == [("other",), ("second",)]


def test_a_credential_that_never_expires_is_refused(notifier, ending, refused):
    notifier.post(BASE, json={"name": "Renewals"})
    refused(notifier.post(f"{BASE}/Renewals", json={"mom_id": ending(days=None)}), 400, "mom_id", "no end")
    assert "subscribed_tokens" not in notifier.get(BASE).json()["calendars"][0]


def test_another_tenant_s_credential_is_refused_like_one_that_is_not_there(api, notifier, ending, refused):
    notifier.post(BASE, json={"name": "Renewals"})
    theirs = ending(key="other")
    answers = [notifier.post(f"{BASE}/Renewals", json={"mom_id": ident}) for ident in (theirs, "nobody's")]
    for answer in answers:
        refused(answer, 403, "mom_id")
    assert answers[0].json() == answers[1].json()
    assert api.sql("SELECT * FROM notification_subscriptions") == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_calendar_that_is_not_there_is_not_found(notifier, ending, refused, method):
    body = {"json": {"mom_id": ending()}} if method == "POST" else {}
    refused(notifier.call(method, f"{BASE}/nothing", **body), 404, "no notification calendar")


def test_a_name_is_taken_once(notifier, refused):
    first = notifier.post(BASE, json={"name": "Renewals"}).json()
    refused(notifier.post(BASE, json={"name": "Renewals"}), 409, "name")
    assert notifier.get(BASE).json() == {"calendars": [first]}


def test_what_is_deleted_is_gone(api, notifier, ending):
    made = notifier.post(BASE, json={"name": "Renewals"}).json()
    notifier.post(f"{BASE}/Renewals", json={"mom_id": ending()})
    answer = notifier.delete(f"{BASE}/Renewals")
    assert (answer.status_code, answer.content) == (204, b"")
    assert requests.get(made["ics_path"], timeout=5).status_code == 404
    assert api.sql("SELECT * FROM notification_subscriptions") == []
    again = notifier.post(BASE, json={"name": "Renewals"}).json()
    assert again["ics_path"] != made["ics_path"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "name: missing"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": "."}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "x", "colour": "red"}, "colour: unknown"),
        ({"name": "x", "mytoken": 1}, "mytoken"),
    ],
)
def test_a_calendar_without_a_proper_name_is_refused(notifier, refused, body, said):
    refused(notifier.post(BASE, json=body), 400, said)
    assert names(notifier) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "mom_id: missing"),
        ({"mom_id": 1}, "mom_id"),
        ({"mom_id": "x", "comment": "x" * 1001}, "comment"),
        ({"mom_id": "x", "momId": "x"}, "momId: unknown"),
    ],
)
def test_a_subscription_that_is_not_as_it_should_be_is_refused(notifier, refused, body, said):
    notifier.post(BASE, json={"name": "Renewals"})
    refused(notifier.post(f"{BASE}/Renewals", json=body), 400, said)


def test_the_token_may_stand_in_the_body(api, notifier, ending):
    text = notifier.headers.pop("apiToken")
    assert notifier.post(BASE, json={"name": "Renewals", "mytoken": text}).status_code == 201
    assert notifier.post(BASE, data={"name": "Others", "mytoken": text}).status_code == 201
    answer = notifier.post(f"{BASE}/Renewals", json={"mom_id": ending(), "mytoken": text})
    assert answer.status_code == 200
    assert text not in answer.text
    assert len(api.sql("SELECT * FROM notification_calendars")) == 2


def test_a_token_in_a_header_goes_before_one_in_the_body(notifier, refused):
    text = notifier.headers.pop("apiToken")
    bearer = {"Authorization": f"Bearer {text}"}
    assert notifier.post(BASE, json={"name": "a", "mytoken": "wrong"}, headers=bearer).status_code == 201
    wrong = {"Authorization": "Bearer wrong"}
    refused(notifier.post(BASE, json={"name": "b", "mytoken": text}, headers=wrong), 401, "unknown")
    refused(notifier.post(BASE, data="{", headers=wrong), 401, "unknown")


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": "x", "mytoken": "wrong"}, {"name": "x", "mytoken": 1}])
def test_a_call_without_a_token_that_is_right_is_refused(notifier, refused, body):
    del notifier.headers["apiToken"]
    refused(notifier.post(BASE, json=body), 401, "token")
    refused(notifier.get(BASE), 401, "token")
    refused(notifier.get(f"{BASE}/x"), 401, "token")
    refused(notifier.delete(f"{BASE}/x"), 401, "token")


def test_a_token_that_expired_is_refused(api, refused):
    caller = api.with_token(roles=[], capabilities=[NOTIFY], expires_at=api.clock() + timedelta(days=1))
    assert names(caller) == []
    api.clock.now += timedelta(days=1)
    refused(caller.get(BASE), 401, "expired")


def test_a_token_that_reads_changes_nothing(notifier, reader, refused):
    notifier.post(BASE, json={"name": "Renewals"})
    assert names(reader) == ["Renewals"]
    for method, path in (("POST", BASE), ("POST", f"{BASE}/Renewals"), ("DELETE", f"{BASE}/Renewals")):
        refused(reader.call(method, path, json={"name": "x", "mom_id": "x"}), 403, f"capability {NOTIFY}")
    assert names(reader) == ["Renewals"]


def test_a_token_without_the_capability_does_nothing(api, refused):
    refused(api.get(BASE), 403, f"capability {READ}")
    refused(api.get(f"{BASE}/x"), 403, f"capability {READ}")
    refused(api.post(BASE, json={"name": "x"}), 403, f"capability {NOTIFY}")
    refused(api.post(f"{BASE}/x", json={"mom_id": "x"}), 403, f"capability {NOTIFY}")
    refused(api.delete(f"{BASE}/x"), 403, f"capability {NOTIFY}")


def test_a_capability_gives_no_right_elsewhere(notifier, refused):
    refused(notifier.get("/users"), 403, "ROLE_API_PROVISIONING")
    refused(notifier.get("/api/v1/tenants/example/calendar_schedules/"), 403, "--right")


def test_a_call_for_one_person_is_refused(api, refused):
    api.put("/users/alice")
    caller = api.with_token(capabilities=[NOTIFY], elevated=True)
    caller.headers["requestedAuth"] = "alice"
    refused(caller.get(BASE), 403, "requestedAuth")
    refused(caller.post(BASE, json={"name": "x"}), 403, "requestedAuth")


def test_calendars_are_the_tenant_s_and_no_other_s(api, notifier, refused):
    notifier.post(BASE, json={"name": "Renewals"})
    assert names(api.with_token(roles=[], capabilities=[NOTIFY])) == ["Renewals"]
    stranger = api.with_token(key="other", roles=[], capabilities=[NOTIFY])
    assert names(stranger) == []
    refused(stranger.delete(f"{BASE}/Renewals"), 404)
    assert stranger.post(BASE, json={"name": "Renewals"}).status_code == 201
    assert names(notifier) == ["Renewals"]


def test_a_body_of_another_kind_is_refused(notifier, refused):
    refused(notifier.post(BASE, data="<name/>", headers={"Content-Type": "text/xml"}), 415)
    refused(notifier.post(BASE, data="{", headers={"Content-Type": "application/json"}), 400, "not JSON")
    refused(notifier.post(BASE, json={"name": "x" * 1_000_001}), 413)
    refused(notifier.get(BASE, headers={"Accept": "application/xml"}), 406)


def test_who_adds_to_a_calendar_as_it_is_deleted_is_told_or_was_first(api, notifier, ending):
    """Whichever is first: no failure of ours, and nothing is left over."""
    ident = ending()
    for _ in range(10):
        notifier.post(BASE, json={"name": "Renewals"})
        start, statuses = Barrier(2), {}

        def call(method, start=start, statuses=statuses, **given):
            caller = api.with_token(roles=[], capabilities=[NOTIFY])
            with requests.Session() as caller.session:
                start.wait()
                statuses[method] = caller.call(method, f"{BASE}/Renewals", **given).status_code

        threads = [
            Thread(target=call, args=("POST",), kwargs={"json": {"mom_id": ident}}),
            Thread(target=call, args=("DELETE",)),
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert statuses["DELETE"] == 204
        assert statuses["POST"] in {200, 404}
        assert api.sql("SELECT * FROM notification_subscriptions") == []
