"""Every row of the reference's table of users."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

ALICE = {
    "username": "alice@example.org",
    "displayName": "Alice",
    "locale": "nl-NL",
    "attributes": ["faculty=Science", "faculty=Arts", "equation=a=b"],
    "roles": ["ROLE_STUDENT", "ROLE_STAFF"],
}
SHOWN = {
    "username": "alice@example.org",
    "displayName": "Alice",
    "locale": "nl-NL",
    "attributes": [{"name": "faculty", "values": ["Science", "Arts"]}, {"name": "equation", "values": ["a=b"]}],
    "roles": ["ROLE_STUDENT", "ROLE_STAFF"],
}
UNUSUAL = [
    "alice@example.org",
    "DOMAIN\\user",
    "Anna de Boer",
    "Zoë Ångström",
    "学生",
    "a/b",
    "100%",
    "%2F",
    "a+b",
    "?#&=;",
    "x.json",
    "synchronizations",
    "😀",
    "'; DROP TABLE users; --",
    " ",
    ".json",
    "a" * 255,
]


def path(username):
    return f"/users/{quote(username, safe='')}"


def test_get_users_of_an_empty_tenant_is_an_empty_list(api):
    assert api.get("/users").json() == {"users": []}


def test_get_users_lists_usernames_sorted(api):
    for name in ("bob", "alice", "carol"):
        api.put(f"/users/{name}")
    answer = api.get("/users")
    assert answer.json() == {"users": ["alice", "bob", "carol"]}
    assert answer.headers["cache-control"] == "no-store"


def test_post_user_answers_201_and_the_user(api):
    answer = api.post("/users", data=ALICE)
    assert (answer.status_code, answer.json()) == (201, SHOWN)
    assert api.get("/users/alice@example.org").json() == SHOWN


def test_post_user_takes_json(api):
    assert api.post("/users", json=ALICE).json() == SHOWN


def test_post_user_with_a_name_alone(api):
    bare = {"username": "bob", "displayName": None, "locale": None, "attributes": None, "roles": []}
    assert api.post("/users", data={"username": "bob"}).json() == bare


@pytest.mark.case("peers", 22)
def test_post_user_twice_answers_201_then_409(api, refused):
    assert api.post("/users", data=ALICE).status_code == 201
    refused(api.post("/users", data={"username": ALICE["username"]}), 409, "PUT")
    assert api.get("/users/alice@example.org").json() == SHOWN


def test_post_user_without_a_username_answers_400(api, refused):
    refused(api.post("/users", data={"displayName": "Alice"}), 400, "username: missing")
    refused(api.post("/users"), 400, "username: missing")
    refused(api.post("/users", data={"username": ""}), 400, "username")


def test_get_an_unknown_user_answers_404(api, refused):
    refused(api.get("/users/nobody"), 404, "user")


@pytest.mark.case("peers", 22)
def test_put_user_without_body_twice_answers_204_twice(api):
    answers = [api.put("/users/alice") for _ in range(2)]
    assert [(each.status_code, each.content) for each in answers] == [(204, b""), (204, b"")]
    assert api.get("/users").json() == {"users": ["alice"]}


def test_put_user_without_body_changes_nothing(api):
    api.post("/users", data=ALICE)
    assert api.put("/users/alice@example.org").status_code == 204
    assert api.get("/users/alice@example.org").json() == SHOWN


@pytest.mark.case("peers", 22)
def test_put_user_with_body_answers_201_then_200(api):
    body = {name: value for name, value in ALICE.items() if name != "username"}
    answers = [api.put("/users/alice@example.org", data=body) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert [each.json() for each in answers] == [SHOWN, SHOWN]


def test_put_user_replaces_the_whole_user(api):
    api.post("/users", data=ALICE)
    api.put("/users/alice@example.org", data={"displayName": "Alicia"})
    bare = {"displayName": "Alicia", "locale": None, "attributes": None, "roles": []}
    assert api.get("/users/alice@example.org").json() == {"username": "alice@example.org", **bare}


def test_put_user_with_an_empty_json_object_unsets_everything(api):
    api.post("/users", data=ALICE)
    answer = api.put("/users/alice@example.org", json={})
    assert answer.status_code == 200
    assert answer.json()["displayName"] is None


def test_what_get_answers_can_be_put_back(api):
    api.post("/users", data=ALICE)
    assert api.put("/users/alice@example.org", json=api.get("/users/alice@example.org").json()).json() == SHOWN


def test_put_user_cannot_rename(api, refused):
    refused(api.put("/users/alice", data={"username": "bob"}), 400, "username")
    assert api.get("/users").json() == {"users": []}


@pytest.mark.case("peers", 22)
def test_delete_user_answers_204_then_404(api, refused):
    api.put("/users/alice")
    assert api.delete("/users/alice").status_code == 204
    refused(api.delete("/users/alice"), 404)
    refused(api.get("/users/alice"), 404)


def test_delete_user_leaves_the_events_of_its_synchronizations_unless_told_otherwise(api):
    ident = api.synchronize("alice")["id"]
    assert api.delete("/users/alice").status_code == 204
    assert [(each["synchronizationId"], each["mode"], each["state"]) for each in api.unlinks()] == [
        (ident, "UNLINK_ONLY", "DONE")
    ]
    assert api.get("/synchronizations").json() == {"synchronizations": []}


def test_delete_user_applies_the_mode_to_each_synchronization(api):
    api.synchronize("alice")
    api.synchronize("alice", provisioning_smtpAddress="second@example.org")
    assert api.delete("/users/alice", params={"unlinkMode": "CLEANUP"}).status_code == 204
    assert {(each["description"], each["mode"], each["state"]) for each in api.unlinks()} == {
        ("alice", "CLEANUP", "PENDING"),
        ("second@example.org", "CLEANUP", "PENDING"),
    }
    assert [task for task, _ in api.messages()].count("unlink") == 2


def test_delete_user_with_an_unknown_mode_changes_nothing(api, refused):
    api.synchronize("alice")
    refused(api.delete("/users/alice?unlinkMode=ALL"), 400, "unlinkMode", "DELETE_ALL_EVENTS")
    refused(api.delete("/users/alice?unlinkmode=CLEANUP"), 400, "unlinkmode: unknown parameter")
    assert len(api.get("/synchronizations").json()["synchronizations"]) == 1


@pytest.mark.parametrize("username", UNUSUAL)
def test_usernames_are_opaque_and_decoded_once(api, username):
    assert api.post("/users", data={"username": username}).status_code == 201
    assert api.get(path(username)).json()["username"] == username
    assert api.put(path(username), data={"displayName": "x"}).status_code == 200
    assert api.get("/users").json() == {"users": [username]}


@pytest.mark.parametrize("username", [name for name in UNUSUAL if not name.endswith(".json")])
def test_put_makes_and_delete_removes_users_of_any_name(api, username):
    assert api.put(path(username)).status_code == 204
    assert api.get("/users").json() == {"users": [username]}
    assert api.get(f"{path(username)}/synchronizations").status_code == 200
    assert api.delete(path(username)).status_code == 204
    assert api.get("/users").json() == {"users": []}


@pytest.mark.parametrize("username", ["", ".", "..", "a\nb", "\x7f", "a" * 256])
def test_names_that_no_path_can_carry_are_refused(api, refused, username):
    refused(api.post("/users", data={"username": username}), 400, "username")


def test_put_checks_the_name_in_the_path(api, refused):
    refused(api.put(path("a" * 256)), 400, "username")
    refused(api.put("/users/a%0Ab"), 400, "control characters")


def test_a_slash_in_a_name_is_not_a_slash_of_the_path(api):
    api.put(path("alice/synchronizations"))
    assert api.get("/users").json() == {"users": ["alice/synchronizations"]}
    assert api.get("/users/alice/synchronizations").status_code == 404


def test_a_resource_name_may_carry_json(api):
    assert api.put("/users/alice.json").status_code == 204
    assert api.get("/users.json").json() == {"users": ["alice"]}
    assert api.get("/users/alice.json").json()["username"] == "alice"
    assert api.get("/users/alice/synchronizations.json").json() == {"synchronizations": []}


def test_the_user_whose_name_ends_in_json_goes_before_the_suffix(api):
    api.put("/users/x")
    api.post("/users", data={"username": "x.json"})
    assert api.get("/users/x.json").json()["username"] == "x.json"
    assert api.get("/users/x.json.json").json()["username"] == "x.json"
    assert api.delete("/users/x.json").status_code == 204
    assert api.get("/users/x.json").json()["username"] == "x"


def test_xml_answers_406(api, refused):
    api.post("/users", data={"username": "x.xml"})
    for call in (api.get("/users.xml"), api.get("/users/x.xml"), api.put("/users/alice.xml")):
        refused(call, 406, "JSON")
    assert api.get("/users").json() == {"users": ["x.xml"]}
    assert api.get("/users/x.xml.json").json()["username"] == "x.xml"


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("attributes", "faculty", "name=value"),
        ("attributes", "=Science", "attributes"),
        ("locale", "not a locale", "locale"),
        ("displayName", "x" * 1001, "displayName"),
        ("roles", "", "roles"),
        ("colour", "red", "colour: unknown parameter"),
    ],
)
def test_a_wrong_field_is_named(api, refused, field, value, word):
    refused(api.post("/users", data={"username": "alice", field: value}), 400, word)
    refused(api.put("/users/alice", data={field: value}), 400, word)
    assert api.get("/users").json() == {"users": []}


@pytest.mark.parametrize(
    "wrong", [{"roles": "ROLE"}, {"attributes": {"a": 1}}, {"attributes": [{"name": "a"}]}, {"displayName": 1}]
)
def test_a_wrong_type_in_json_is_named(api, refused, wrong):
    refused(api.post("/users", json={"username": "alice", **wrong}), 400, next(iter(wrong)))


def test_a_repeated_attribute_keeps_its_order_and_every_value(api):
    pairs = ["b=2", "a=1", "b=1", "b=2", "empty="]
    shown = api.post("/users", data={"username": "alice", "attributes": pairs}).json()["attributes"]
    assert [(each["name"], each["values"]) for each in shown] == [("b", ["2", "1", "2"]), ("a", ["1"]), ("empty", [""])]


def test_many_posts_of_one_user_at_once_make_one(api):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.post("/users", data={"username": "alice"}).status_code, range(16)))
    assert sorted(answers) == [201] + [409] * 15


def test_many_puts_of_one_user_at_once_make_one(api):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.put("/users/alice", data={"locale": "en"}).status_code, range(16)))
    assert sorted(answers) == [200] * 15 + [201]


def test_a_user_taken_away_while_being_synchronized_leaves_nothing_half_made(api):
    def put(number):
        api.put("/users/alice")
        data = {"username": "alice", "type": "memory", "provisioning_smtpAddress": f"{number}@example.org"}
        return api.put("/synchronizations", data=data).status_code

    with ThreadPoolExecutor(8) as pool:
        puts = pool.map(put, range(20))
        deletes = [pool.submit(api.delete, "/users/alice") for _ in range(20)]
        assert set(puts) <= {201, 404}
        assert {each.result().status_code for each in deletes} <= {204, 404}
    api.put("/users/alice")
    assert api.delete("/users/alice").status_code == 204
    assert api.get("/synchronizations").json() == {"synchronizations": []}


def test_another_tenants_users_are_not_there(api, refused):
    api.put("/users/alice")
    api.headers["apiToken"] = api.token("other")
    assert api.get("/users").json() == {"users": []}
    refused(api.get("/users/alice"), 404)
    refused(api.delete("/users/alice"), 404)
    assert api.post("/users", data={"username": "alice"}).status_code == 201
