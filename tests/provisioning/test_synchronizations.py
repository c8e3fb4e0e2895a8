"""Every row of the reference's table of synchronizations, but for those that take one away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

LISTED = [
    "id",
    "username",
    "type",
    "description",
    "enabled",
    "status",
    "lastResync",
    "statusDetail",
    "lastSync",
    "nextSync",
]
MOMENT = datetime(2012, 12, 12, 15, 20, tzinfo=UTC)
MOMENT_MS = 1355325600000
EVENTS = """
    INSERT INTO events (synchronization_id, key, generation, state, fingerprint, activity, starts_at)
    SELECT 1, n::text, 0, CASE WHEN n < 3 THEN 'creating' ELSE 'there' END, '', '', now() FROM generate_series(1, 5) n
"""
RUNS = """
    INSERT INTO runs (
        synchronization_id, started_at, finished_at, status, resync, created, updated, deleted, kept, failed, detail)
    SELECT 1, CAST(:at AS timestamptz) + n * interval '1 s', :at, 'OK', false, n, 2, 3, 4, 5, ''
    FROM generate_series(1, 12) n
"""


def listed(api, **filters):
    return [each["id"] for each in api.get("/synchronizations", params=filters).json()["synchronizations"]]


def test_put_synchronization_answers_201_and_the_item(api, soon):
    api.put("/users/alice")
    answer = api.put(
        "/synchronizations",
        data={"username": "alice", "type": "memory", "provisioning_smtpAddress": "alice@example.org"},
    )
    item = answer.json()["synchronization"]
    assert answer.status_code == 201
    assert list(item) == LISTED
    assert soon(item.pop("nextSync"))
    assert item == {
        "id": 1,
        "username": "alice",
        "type": "memory",
        "description": "alice@example.org",
        "enabled": True,
        "status": "PENDING",
        "lastResync": None,
        "statusDetail": "",
        "lastSync": None,
    }


def test_put_synchronization_twice_answers_201_then_200_with_the_same_id(api):
    api.put("/users/alice")
    answers = [api.put("/synchronizations", data={"username": "alice", "type": "memory"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert [each.json()["synchronization"]["id"] for each in answers] == [1, 1]
    assert listed(api) == [1]


def test_put_synchronization_takes_json(api):
    api.put("/users/alice")
    body = {"username": "alice", "type": "memory", "provisioning_smtpAddress": "alice@example.org"}
    assert api.put("/synchronizations", json=body).json()["synchronization"]["description"] == "alice@example.org"


def test_put_synchronization_takes_smtp_address_without_its_prefix(api):
    first = api.synchronize("alice", smtpAddress="alice@example.org")
    second = api.synchronize("alice", provisioning_smtpAddress="alice@example.org")
    assert first["id"] == second["id"]
    assert first["description"] == "alice@example.org"


def test_put_synchronization_updates_its_fields_and_runs_at_once(api, soon):
    calendar = {"provisioning_calendarUrl": "https://dav.example.org/one/"}
    first = api.synchronize("alice", "caldav", **calendar)
    api.sql("UPDATE synchronizations SET due_at = now() + interval '1 day', status = 'FAILED'")
    fields = {**calendar, "provisioning_smtpAddress": "alice@example.org"}
    second = api.synchronize("alice", "caldav", **fields)
    assert second["id"] == first["id"]
    assert soon(second["nextSync"])
    shown = api.get(f"/synchronizations/{second['id']}").json()["synchronization"]
    assert shown["fields"] == fields


def test_put_synchronization_sends_an_urgent_message_each_time(api):
    api.synchronize("alice")
    api.synchronize("alice")
    assert api.messages() == [("synchronize", "(1: alice → memory)")] * 2


def test_put_synchronization_of_another_mailbox_is_another_synchronization(api):
    idents = {api.synchronize("alice", smtpAddress=address)["id"] for address in ("a@example.org", "b@example.org")}
    assert len(idents) == 2


def test_put_synchronization_of_another_calendar_of_a_mailbox_is_another_synchronization(api):
    urls = [f"https://dav.example.org/{name}/" for name in ("one", "two")]
    items = [api.synchronize("alice", "caldav", provisioning_calendarUrl=url) for url in urls]
    assert [each["description"] for each in items] == urls
    assert listed(api) == [each["id"] for each in items]


def test_put_synchronization_of_an_unknown_user_answers_404(api, refused):
    refused(api.put("/synchronizations", data={"username": "nobody", "type": "memory"}), 404, "user")


def test_put_synchronization_of_an_unknown_type_names_those_there_are(api, refused):
    api.put("/users/alice")
    refused(api.put("/synchronizations", data={"username": "alice", "type": "ews"}), 400, "type", "memory", "caldav")


@pytest.mark.parametrize("missing", ["username", "type"])
def test_put_synchronization_without_a_required_parameter_names_it(api, refused, missing):
    body = {"username": "alice", "type": "memory"}
    del body[missing]
    refused(api.put("/synchronizations", data=body), 400, f"{missing}: missing")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"provisioning_calendarUrl": "ftp://example.org/"}, ["provisioning_calendarUrl", "https://"]),
        ({"provisioning_calendarUrl": "https://evil.example/c/"}, ["provisioning_calendarUrl", "dav.example.org"]),
        ({"provisioning_smtpAddress": ""}, ["provisioning_smtpAddress"]),
        ({"provisioning_colour": "red"}, ["provisioning_colour", "provisioning_calendarUrl"]),
        ({"provisioning_username": "bob"}, ["provisioning_username: unknown parameter"]),
        ({"colour": "red"}, ["colour: unknown parameter"]),
        ({"provisioning_smtpAddress": "a@example.org", "smtpAddress": "b@example.org"}, ["smtpAddress: given twice"]),
        ({"provisioning_smtpAddress": "a" * 1001}, ["provisioning_smtpAddress", "1,000"]),
    ],
)
def test_put_synchronization_names_a_field_its_provider_does_not_take(api, refused, fields, words):
    api.put("/users/alice")
    refused(api.put("/synchronizations", data={"username": "alice", "type": "caldav", **fields}), 400, *words)
    assert listed(api) == []


def test_put_synchronization_takes_texts_only(api, refused):
    api.put("/users/alice")
    for wrong in (1, None, ["a"], {"a": "b"}, True):
        body = {"username": "alice", "type": "memory", "provisioning_smtpAddress": wrong}
        refused(api.put("/synchronizations", json=body), 400, "provisioning_smtpAddress: expected a text")


def test_put_synchronization_does_not_resume_a_paused_one(api):
    ident = api.synchronize("alice")["id"]
    api.patch(f"/synchronizations/{ident}", data={"enabled": "false"})
    again = api.synchronize("alice")
    assert (again["id"], again["enabled"], again["status"]) == (ident, False, "DISABLED")
    assert len(api.messages()) == 1


def test_many_puts_of_one_synchronization_at_once_make_one(api):
    api.put("/users/alice")
    body = {"username": "alice", "type": "memory"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.put("/synchronizations", data=body), range(16)))
    assert sorted(each.status_code for each in answers) == [200] * 15 + [201]
    assert len({each.json()["synchronization"]["id"] for each in answers}) == 1


@pytest.mark.case("peers", 16)
def test_a_synchronization_waits_for_an_unfinished_unlink_of_its_mailbox(api):
    first = api.synchronize("alice")["id"]
    api.delete(f"/synchronizations/{first}?unlinkMode=CLEANUP")
    second = api.synchronize("alice")
    assert second["id"] != first
    assert (second["status"], second["statusDetail"]) == ("PENDING", "Waits until unlink 1 of this mailbox is done.")
    assert [task for task, _ in api.messages()] == ["synchronize", "unlink"]


def test_a_synchronization_does_not_wait_for_a_finished_unlink(api):
    first = api.synchronize("alice")["id"]
    api.delete(f"/synchronizations/{first}?unlinkMode=UNLINK_ONLY")
    assert api.synchronize("alice")["statusDetail"] == ""


def test_get_synchronizations_lists_items_by_id(api):
    for name in ("carol", "alice", "bob"):
        api.synchronize(name)
    items = api.get("/synchronizations").json()["synchronizations"]
    assert [(each["id"], each["username"]) for each in items] == [(1, "carol"), (2, "alice"), (3, "bob")]
    assert [list(each) for each in items] == [LISTED] * 3


def test_instants_are_epoch_milliseconds(api):
    api.synchronize("alice")
    api.sql("UPDATE synchronizations SET last_sync = :at, last_resync = :at, due_at = :at", at=MOMENT)
    [item] = api.get("/synchronizations").json()["synchronizations"]
    assert [item[name] for name in ("lastSync", "lastResync", "nextSync")] == [MOMENT_MS] * 3


def test_the_list_is_filtered_and_cut(api):
    for name in ("alice", "bob", "carol"):
        api.synchronize(name)
    api.synchronize("bob", "caldav", smtpAddress="100%@example.org")
    api.sql("UPDATE synchronizations SET status = 'OK' WHERE id < 3")
    assert listed(api, status="OK") == [1, 2]
    assert listed(api, status="PENDING", type="memory") == [3]
    assert listed(api, type="caldav") == [4]
    assert listed(api, type="unheard of") == []
    assert listed(api, q="BOB") == [2, 4]
    assert listed(api, q="0%@") == [4]
    assert listed(api, q="%") == [4]
    assert listed(api, limit=2, offset=1) == [2, 3]
    assert listed(api, offset=9) == []


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ("status=WELL", ["status", "RETRYING"]),
        ("limit=0", ["limit"]),
        ("limit=ten", ["limit"]),
        (f"limit={10**30}", ["limit"]),
        ("offset=-1", ["offset"]),
        ("q=a%00b", ["q", "NUL"]),
        ("stauts=OK", ["stauts: unknown parameter"]),
    ],
)
def test_a_wrong_filter_is_named(api, refused, filters, words):
    refused(api.get(f"/synchronizations?{filters}"), 400, *words)


def test_get_synchronization_tells_fields_events_runs_and_failures(api):
    api.synchronize("alice", smtpAddress="alice@example.org")
    api.sql("UPDATE synchronizations SET failures = 2")
    api.sql(EVENTS)
    api.sql(RUNS, at=MOMENT)
    shown = api.get("/synchronizations/1").json()["synchronization"]
    assert list(shown) == [*LISTED, "fields", "failures", "held", "events", "runs"]
    assert shown["fields"] == {"provisioning_smtpAddress": "alice@example.org"}
    assert shown["failures"] == 2
    assert shown["held"] is None
    assert shown["events"] == {"creating": 2, "there": 3}
    assert [each["created"] for each in shown["runs"]] == list(range(12, 2, -1))
    assert shown["runs"][0] == {
        "startedAt": MOMENT_MS + 12_000,
        "finishedAt": MOMENT_MS,
        "status": "OK",
        "detail": "",
        "resync": False,
        "created": 12,
        "updated": 2,
        "deleted": 3,
        "kept": 4,
        "failed": 5,
    }


@pytest.mark.parametrize("ident", ["7", str(2**63), str(10**40), "0"])
def test_an_unknown_id_answers_404_to_every_call(api, refused, ident):
    refused(api.get(f"/synchronizations/{ident}"), 404)
    refused(api.patch(f"/synchronizations/{ident}", data={"enabled": "true"}), 404)
    refused(api.post(f"/synchronizations/{ident}/resync"), 404)
    refused(api.post(f"/synchronizations/{ident}/release"), 404)
    refused(api.get(f"/synchronizations/{ident}/release-preview"), 404)
    refused(api.delete(f"/synchronizations/{ident}?unlinkMode=CLEANUP"), 404)
    refused(api.get(f"/synchronizations/{ident}/unlink-preview?unlinkMode=CLEANUP"), 404)


@pytest.mark.parametrize("ident", ["abc", "-1", "1.5", "9" * 5000])
def test_an_id_that_is_no_number_answers_400(api, refused, ident):
    refused(api.get(f"/synchronizations/{ident}"), 400, "id")


def test_patch_pauses_and_resumes(api, soon):
    api.synchronize("alice")
    api.sql("UPDATE synchronizations SET status = 'RETRYING', status_detail = 'why', last_sync = :at", at=MOMENT)
    paused = api.patch("/synchronizations/1", data={"enabled": "false"})
    assert paused.status_code == 200
    item = paused.json()["synchronization"]
    assert (item["enabled"], item["status"], item["statusDetail"], item["nextSync"]) == (False, "DISABLED", "", None)
    item = api.patch("/synchronizations/1", json={"enabled": True}).json()["synchronization"]
    assert (item["enabled"], item["status"]) == (True, "OK")
    assert soon(item["nextSync"])
    assert len(api.messages()) == 2


def test_patch_resumes_what_was_never_pushed_as_pending(api):
    api.synchronize("alice")
    for enabled in ("false", "true"):
        item = api.patch("/synchronizations/1", data={"enabled": enabled}).json()["synchronization"]
    assert item["status"] == "PENDING"


def test_patch_of_what_is_enabled_changes_nothing(api):
    api.synchronize("alice")
    api.sql("UPDATE synchronizations SET status = 'RETRYING', due_at = now() + interval '1 day'")
    before = api.get("/synchronizations").json()["synchronizations"][0]
    assert api.patch("/synchronizations/1", data={"enabled": "true"}).json()["synchronization"] == before
    assert len(api.messages()) == 1


@pytest.mark.parametrize("body", [{}, {"enabled": ""}, {"enabled": "maybe"}, {"enabled": "true", "status": "OK"}])
def test_patch_with_anything_else_answers_400(api, refused, body):
    api.synchronize("alice")
    refused(api.patch("/synchronizations/1", data=body), 400, "status" if "status" in body else "enabled")


def test_resync_answers_202_and_runs_at_once_whatever_the_back_off(api, soon):
    api.synchronize("alice")
    api.sql("UPDATE synchronizations SET failures = 9, due_at = now() + interval '6 h'")
    answer = api.post("/synchronizations/1/resync")
    assert answer.status_code == 202
    assert soon(answer.json()["synchronization"]["nextSync"])
    assert api.sql("SELECT resync_asked_at IS NOT NULL, failures FROM synchronizations") == [(True, 9)]
    assert api.messages()[-1] == ("synchronize", "(1: alice → memory)")


def test_resync_of_a_disabled_one_answers_409(api, refused):
    api.synchronize("alice")
    api.patch("/synchronizations/1", data={"enabled": "false"})
    refused(api.post("/synchronizations/1/resync"), 409, "disabled")


def test_get_a_users_synchronizations(api, refused):
    api.synchronize("alice")
    api.synchronize("bob")
    items = api.get("/users/alice/synchronizations").json()["synchronizations"]
    assert [(each["id"], each["username"]) for each in items] == [(1, "alice")]
    refused(api.get("/users/nobody/synchronizations"), 404)


def test_another_tenants_synchronizations_are_not_there(api, refused):
    api.synchronize("alice")
    api.headers["apiToken"] = api.token("other")
    assert listed(api) == []
    refused(api.get("/synchronizations/1"), 404)
    refused(api.delete("/synchronizations/1?unlinkMode=CLEANUP"), 404)


def test_a_long_list_is_one_query_and_little_work(api):
    api.sql(
        "INSERT INTO users (tenant_id, username) SELECT :tenant, 'user' || n FROM generate_series(1, 60000) n",
        tenant=api.tenant(),
    )
    api.sql(
        "INSERT INTO synchronizations (tenant_id, user_id, type, mailbox, fields)"
        " SELECT tenant_id, id, 'memory', username || '@example.org', '{}' FROM users"
    )
    answer = api.get("/synchronizations")
    assert len(answer.json()["synchronizations"]) == 60_000
    assert answer.elapsed < timedelta(seconds=10)
