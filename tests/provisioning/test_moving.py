"""PUT of a synchronization that is there already, another way into its store or at an address that is gone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ways import open_second_way

EVENT = """
    INSERT INTO events (synchronization_id, key, generation, state, fingerprint, activity, starts_at)
    VALUES (1, 'k', 0, 'written', '', '', now())
"""


@pytest.fixture(autouse=True)
def _two_ways(api, monkeypatch):
    """`mirror` leads to the calendars of `memory` too."""
    tenant = api.installation.tenants[api.tenant()]
    open_second_way(monkeypatch, tenant, "mirror", "memory", store=api.calendar())


def put(api, kind, address, username="alice"):
    body = {"username": username, "type": kind, "provisioning_smtpAddress": address}
    answer = api.put("/synchronizations", data=body)
    return answer.status_code, answer.json()["synchronization"]


def shown(item):
    return [item[name] for name in ("id", "type", "description", "status", "statusDetail")]


@pytest.fixture
def linked(api):
    """Alice's synchronization 1, `memory` with a@example.org, that has run and failed since."""
    item = api.synchronize("alice", smtpAddress="a@example.org")
    api.sql(EVENT)
    api.sql("UPDATE synchronizations SET last_sync = now(), failures = 3, status = 'RETRYING', status_detail = 'why'")
    return item["id"]


def test_the_other_type_of_the_store_with_the_same_mailbox_is_the_same_synchronization(api, linked, soon):
    status, item = put(api, "mirror", "a@example.org")
    assert status == 200
    assert shown(item) == [linked, "mirror", "a@example.org", "OK", ""]
    assert soon(item["nextSync"])
    [kept] = api.get("/synchronizations").json()["synchronizations"]
    assert kept == item
    detail = api.get("/synchronizations/1").json()["synchronization"]
    assert detail["events"] == {"written": 1}
    assert detail["failures"] == 0
    assert detail["fields"] == {"provisioning_smtpAddress": "a@example.org"}
    assert api.messages()[-1] == ("synchronize", "(1: alice → mirror)")


def test_it_can_go_back(api, linked):
    put(api, "mirror", "a@example.org")
    assert put(api, "memory", "a@example.org")[1]["id"] == linked


@pytest.mark.parametrize(("kind", "address"), [("memory", "b@example.org"), ("mirror", "b@example.org")])
@pytest.mark.usefixtures("linked")
def test_another_mailbox_is_another_synchronization(api, kind, address):
    status, item = put(api, kind, address)
    assert (status, item["id"] == 1, item["status"]) == (201, False, "PENDING")


@pytest.mark.usefixtures("linked")
def test_a_type_of_another_store_is_another_synchronization(api):
    body = {"username": "alice", "type": "caldav", "provisioning_smtpAddress": "a@example.org"}
    assert api.put("/synchronizations", data=body).status_code == 201


@pytest.mark.usefixtures("linked")
def test_another_persons_synchronization_of_the_mailbox_stays_theirs(api):
    api.put("/users/bob")
    status, item = put(api, "mirror", "a@example.org", "bob")
    assert (status, item["id"] == 1) == (201, False)
    assert api.get("/synchronizations/1").json()["synchronization"]["type"] == "memory"


@pytest.mark.parametrize("kind", ["memory", "mirror"])
def test_a_new_address_of_a_mailbox_that_is_not_found_is_the_same_synchronization(api, linked, kind):
    api.sql("UPDATE synchronizations SET status = 'MAILBOX_NOT_FOUND', last_sync = NULL")
    status, item = put(api, kind, "renamed@example.org")
    assert status == 200
    assert shown(item) == [linked, kind, "renamed@example.org", "PENDING", ""]
    assert put(api, kind, "b@example.org")[0] == 201, "it is not found no longer"


def test_where_two_mailboxes_are_not_found_a_new_address_is_a_new_synchronization(api, linked):
    put(api, "memory", "b@example.org")
    api.sql("UPDATE synchronizations SET status = 'MAILBOX_NOT_FOUND'")
    status, item = put(api, "memory", "c@example.org")
    assert (status, item["id"] == linked) == (201, False)


def test_a_synchronization_that_is_there_is_updated_though_another_could_become_it(api, linked):
    _, second = put(api, "memory", "b@example.org")
    api.sql("UPDATE synchronizations SET status = 'MAILBOX_NOT_FOUND' WHERE id = 1")
    status, item = put(api, "memory", "b@example.org")
    assert (status, item["id"]) == (200, second["id"])
    assert api.sql("SELECT mailbox FROM synchronizations WHERE id = :id", id=linked) == [("a@example.org",)]


def test_a_paused_synchronization_stays_paused(api, linked):
    api.patch(f"/synchronizations/{linked}", data={"enabled": "false"})
    sent = len(api.messages())
    status, item = put(api, "mirror", "a@example.org")
    assert (status, item["type"], item["enabled"], item["status"]) == (200, "mirror", False, "DISABLED")
    assert len(api.messages()) == sent


def test_an_unfinished_unlink_of_the_other_type_is_waited_for(api, linked):
    api.delete(f"/synchronizations/{linked}?unlinkMode=CLEANUP")
    status, item = put(api, "mirror", "a@example.org")
    assert (status, item["statusDetail"]) == (201, "Waits until unlink 1 of this mailbox is done.")
    assert [task for task, _ in api.messages()] == ["synchronize", "unlink"]


def test_many_puts_of_both_types_at_once_make_one_synchronization(api):
    api.put("/users/alice")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda kind: put(api, kind, "a@example.org"), ["memory", "mirror"] * 8))
    assert sorted(status for status, _ in answers) == [200] * 15 + [201]
    assert len(api.get("/synchronizations").json()["synchronizations"]) == 1


def test_a_caller_who_acts_for_one_person_moves_only_theirs(api, linked, refused):
    body = {"username": "alice", "type": "mirror", "provisioning_smtpAddress": "a@example.org"}
    refused(api.acting("bob").put("/synchronizations", data=body), 403)
    assert api.get(f"/synchronizations/{linked}").json()["synchronization"]["type"] == "memory"
    assert api.acting("alice").put("/synchronizations", data=body).status_code == 200
