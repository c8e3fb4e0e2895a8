"""Who belongs to which group: as the API is told, and by the rules of carillon.toml."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text

from provisioning.rights import Right
from worker import groups
from worker.database import transaction
from worker.settings import GroupSettings

GROUPS = "/api/v1/tenants/example/groups"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def members(api, group):
    answer = api.get(f"{GROUPS}/{group}/users/")
    assert answer.status_code == 200
    return {each["username"]: each["sources"] for each in answer.json()["users"]}


def test_a_person_joins_a_group_which_is_made_where_needed_and_leaves_it(api, refused):
    api.put("/users/alice")
    first = api.put(f"{GROUPS}/Law%2FOld%20Town/users/alice")
    assert (first.status_code, first.json()) == (201, {"username": "alice", "sources": ["api"]})
    assert api.put(f"{GROUPS}/Law%2FOld%20Town/users/alice").status_code == 200
    assert api.get(f"{GROUPS}/Law%2FOld%20Town/users/alice").json() == first.json()
    assert api.get(f"{GROUPS}/").json() == {"groups": [{"name": "Law/Old Town", "members": 1}]}
    gone = api.delete(f"{GROUPS}/Law%2FOld%20Town/users/alice")
    assert (gone.status_code, gone.json()) == (200, {})
    refused(api.delete(f"{GROUPS}/Law%2FOld%20Town/users/alice"), 404)
    assert members(api, "Law%2FOld%20Town") == {}
    refused(api.put(f"{GROUPS}/law/users/alice?dryRun=true"), 400, "dryRun")
    stranger = api.with_token(roles=(), right=Right.GROUP_ADMIN, group="arts")
    refused(stranger.put(f"{GROUPS}/law/users/alice?dryRun=true"), 404)
    assert api.get(f"{GROUPS}/").json() == {"groups": [{"name": "Law/Old Town", "members": 0}]}


@pytest.mark.parametrize(("group", "status"), [("%20x", 400), ("x" * 256, 400), ("..%2F..", 201), ("%C3%A9", 201)])
def test_a_group_has_a_name_that_can_stand_in_a_path(api, group, status):
    api.put("/users/alice")
    assert api.put(f"{GROUPS}/{group}/users/alice").status_code == status


def test_nobody_joins_who_is_not_of_the_tenant(api, refused):
    api.with_token(key="other").put("/users/zoe")
    refused(api.put(f"{GROUPS}/law/users/zoe"), 404)
    assert api.sql("SELECT count(*) FROM groups") == [(0,)]


def test_rules_go_by_role_and_attribute_as_a_user_changes(api):
    api.put("/users/alice", json={"roles": ["ROLE_STUDENT"], "attributes": ["faculty=Law", "faculty=Arts"]})
    api.post("/users", json={"username": "bob", "roles": ["ROLE_TEACHER"], "attributes": ["faculty=Science"]})
    api.put("/users/carol", json={"attributes": ["school=Arts"]})
    assert members(api, "students") == {"alice": ["rule"]}
    assert members(api, "Science%2FArts") == {"alice": ["rule"], "bob": ["rule"]}
    api.put("/users/alice", json={"roles": ["ROLE_TEACHER"]})
    assert members(api, "students") == {}
    assert members(api, "Science%2FArts") == {"bob": ["rule"]}


def test_a_rule_and_the_api_take_back_only_what_each_said(api, refused):
    api.put("/users/alice", json={"roles": ["ROLE_STUDENT"]})
    refused(api.delete(f"{GROUPS}/students/users/alice"), 409, "rule")
    api.put(f"{GROUPS}/students/users/alice")
    assert members(api, "students") == {"alice": ["api", "rule"]}
    api.put("/users/alice", json={"roles": []})
    assert members(api, "students") == {"alice": ["api"]}


def test_a_changed_rule_is_followed_for_everybody(api):
    engine, tenants = api.installation.engine, api.installation.tenants
    for username, role in (("alice", "ROLE_STUDENT"), ("bob", "ROLE_TEACHER")):
        api.put(f"/users/{username}", json={"roles": [role]})
    api.sql("DELETE FROM memberships")
    assert [groups.follow_all(engine, tenants) for _ in range(2)] == [1, 0]
    assert members(api, "students") == {"alice": ["rule"]}
    with groups.transaction(engine) as session:
        assert groups.follow(session, api.tenant(), {}) == 1
    assert members(api, "students") == {}


def test_members_are_changed_by_a_tenant_admin_and_listed_by_the_groups_own(api, refused):
    api.put("/users/alice")
    api.put("/users/bob")
    api.put(f"{GROUPS}/law/users/alice")
    admin = api.with_token(roles=(), right=Right.GROUP_ADMIN, group="law")
    assert members(admin, "law") == {"alice": ["api"]}
    refused(admin.put(f"{GROUPS}/law/users/bob"), 403, "Tenant Admin")
    refused(admin.delete(f"{GROUPS}/law/users/alice"), 403, "Tenant Admin")
    refused(admin.get(f"{GROUPS}/"), 404)
    reader = api.with_token(roles=(), right=Right.END_USER, group="law")
    refused(reader.get(f"{GROUPS}/law/users/"), 403, "Group Admin")


def test_a_person_who_is_deleted_meanwhile_spoils_no_rule_for_the_others(api):
    """They met the rule when it was looked at, and were gone when it was written down."""
    values = {"tenant": api.tenant()}
    people = "SELECT :tenant, name, '[\"ROLE_STUDENT\"]' FROM unnest(ARRAY['alice', 'bob', 'carol']) name"
    api.sql(f"INSERT INTO users (tenant_id, username, roles) {people}", **values)
    engine, tenants = api.installation.engine, api.installation.tenants
    with ThreadPoolExecutor(1) as thread:
        with transaction(engine) as deleting:
            deleting.execute(text("DELETE FROM users WHERE username = 'bob'"))
            following = thread.submit(groups.follow_all, engine, tenants)
            while not api.sql(WAITING) and not following.done():
                pass
        assert following.result(timeout=30) == 2
    assert members(api, "students") == {"alice": ["rule"], "carol": ["rule"]}


def test_who_a_rule_lets_join_or_leave_is_due_soon_where_the_group_has_a_schedule_that_does_something(api):
    api.synchronize("alice")
    api.synchronize("bob")
    api.put("/users/zoe", json={"roles": ["ROLE_STUDENT"]})
    path = "/api/v1/tenants/example/groups/students/calendar_schedules/"
    assert api.post(path, json={"name": "Year", "effect": "publish"}).status_code == 201
    for roles in (["ROLE_STUDENT"], []):
        api.sql("UPDATE synchronizations SET due_at = now() + interval '1 day', failures = 0")
        api.put("/users/alice", json={"roles": roles})
        soon = "SELECT username FROM synchronizations s JOIN users u ON u.id = s.user_id WHERE due_at <= now()"
        assert api.sql(soon) == [("alice",)]


def test_who_leaves_with_a_rule_that_is_gone_is_due_soon_too(api):
    api.synchronize("alice")
    api.put("/users/alice", json={"roles": ["ROLE_STUDENT"]})
    api.post("/api/v1/tenants/example/groups/students/calendar_schedules/", json={"name": "Year", "effect": "hold"})
    api.sql("UPDATE synchronizations SET due_at = now() + interval '1 day'")
    with transaction(api.installation.engine) as session:
        assert groups.follow(session, api.tenant(), {}) == 1
    assert api.sql("SELECT due_at <= now() FROM synchronizations") == [(True,)]


def test_thirty_rules_cost_a_person_no_more_statements_than_one(api):
    api.put("/users/alice", json={"roles": ["ROLE_3", "ROLE_7"], "attributes": ["faculty=Law"]})
    [(alice,)] = api.sql("SELECT id FROM users")
    rules = {f"group {n}": GroupSettings(roles=(f"ROLE_{n}",), attributes={"faculty": ("Arts",)}) for n in range(30)}
    asked, engine = [], api.installation.engine

    def follow(chosen):
        asked.clear()
        with transaction(engine) as session:
            return groups.follow(session, api.tenant(), chosen, alice), len(asked)

    assert [follow(rules)[0] for _ in range(2)] == [2, 0]
    event.listen(engine, "before_cursor_execute", noted := lambda *told: asked.append(told[2]))
    assert follow(rules) == follow({"group 0": rules["group 0"]}) == (0, 3)
    event.remove(engine, "before_cursor_execute", noted)
    assert members(api, "group%203") == members(api, "group%207") == {"alice": ["rule"]}
    assert members(api, "group%200") == {}
