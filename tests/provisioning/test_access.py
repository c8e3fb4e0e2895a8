"""Who may call, and for whom."""

import hashlib

import pytest

from provisioning import tokens
from worker.database import transaction

CALLS = [
    ("GET", "/users"),
    ("GET", "/users/alice"),
    ("POST", "/users"),
    ("PUT", "/users/alice"),
    ("DELETE", "/users/alice"),
    ("GET", "/synchronizations"),
    ("PUT", "/synchronizations"),
    ("GET", "/synchronizations/1"),
    ("PATCH", "/synchronizations/1"),
    ("POST", "/synchronizations/1/resync"),
    ("DELETE", "/synchronizations/1"),
    ("GET", "/synchronizations/1/unlink-preview"),
    ("POST", "/synchronizations/1/release"),
    ("GET", "/synchronizations/1/release-preview"),
    ("GET", "/users/alice/synchronizations"),
    ("DELETE", "/users/alice/synchronizations"),
    ("DELETE", "/users/alice/synchronizations/memory"),
    ("GET", "/unlinks"),
    ("GET", "/unlinks/1"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_needs_a_known_token_with_the_role(api, refused, method, path):
    api.headers = {}
    missing = api.call(method, path)
    refused(missing, 401, "apiToken")
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    refused(api.call(method, path, headers={"apiToken": "guess"}), 401, "unknown")
    refused(api.call(method, path, headers={"apiToken": api.token(roles=[])}), 403, "ROLE_API_PROVISIONING")


def test_a_bearer_token_is_the_same_thing(api):
    token = api.headers.pop("apiToken")
    assert api.get("/users", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert api.get("/users", headers={"Authorization": f"bearer {token}"}).status_code == 200


@pytest.mark.parametrize("value", ["Basic YWxpY2U6c2VjcmV0", "Bearer", "Bearer ", "", "ÿ"])
def test_any_other_authorization_answers_401(api, refused, value):
    api.headers = {"Authorization": value.encode("latin-1")}
    refused(api.get("/users"), 401)


def test_a_revoked_token_is_unknown_from_the_next_call_on(api, refused):
    assert api.get("/users").status_code == 200
    with transaction(api.installation.engine) as session:
        [token] = tokens.listed(session, api.tenant())
        assert not tokens.revoke(session, api.tenant("other"), token.id)
        assert tokens.revoke(session, api.tenant(), token.id)
        assert not tokens.revoke(session, api.tenant(), token.id)
    refused(api.get("/users"), 401)


def test_only_the_hash_of_a_token_is_kept(api):
    token = api.token()
    assert token.startswith(tokens.PREFIX)
    assert (hashlib.sha256(token.encode()).digest(),) in api.sql("SELECT digest FROM tokens")
    assert token not in str(api.sql("SELECT t::text FROM tokens t"))


def test_tokens_are_never_the_same(api):
    assert len({api.token() for _ in range(10)}) == 10


def test_a_given_token_can_be_given_again_with_other_rights(api):
    assert api.token(token="given", elevated=True) == "given"
    api.token(token="given", roles=[])
    with transaction(api.installation.engine) as session:
        found = tokens.find(session, "given")
        assert (found.roles, found.elevated) == ([], False)
    assert api.sql("SELECT count(*) FROM tokens") == [(2,)]


def test_a_given_token_that_was_revoked_stays_revoked_when_it_is_given_again(api):
    api.token(token="given")
    api.sql("UPDATE tokens SET revoked_at = now()")
    api.token(token="given")
    with transaction(api.installation.engine) as session:
        assert tokens.find(session, "given") is None


def test_an_unknown_role_is_refused(api):
    with pytest.raises(tokens.UnknownRoleError, match="ROLE_API_PROVISIONING"):
        api.token(roles=["ROLE_KING"])


def test_a_tenant_that_is_no_longer_configured_answers_403(api, refused):
    api.sql("INSERT INTO tenants (key) VALUES ('gone') ON CONFLICT DO NOTHING")
    [(ident,)] = api.sql("SELECT id FROM tenants WHERE key = 'gone'")
    with transaction(api.installation.engine) as session:
        token = tokens.create(session, ident, "a test")
    refused(api.get("/users", headers={"apiToken": token}), 403, "carillon.toml")
    api.sql("DELETE FROM tokens WHERE tenant_id = :ident", ident=ident)
    api.sql("DELETE FROM tenants WHERE id = :ident", ident=ident)


def test_requested_auth_needs_an_elevated_token(api, refused):
    api.put("/users/alice")
    refused(api.get("/users", headers={"requestedAuth": "alice"}), 403, "elevated")


@pytest.mark.parametrize("name", ["nobody", "", "x" * 4000])
def test_requested_auth_for_nobody_answers_403(api, refused, name):
    refused(api.acting(name).get("/users"), 403, "nobody")


def test_an_elevated_token_without_requested_auth_acts_for_everybody(api):
    api.put("/users/alice")
    assert api.get("/users", headers={"apiToken": api.token(elevated=True)}).json() == {"users": ["alice"]}


def test_an_acting_caller_sees_that_person_only(api, refused):
    for name in ("alice", "bob"):
        api.synchronize(name)
    api.delete("/synchronizations/2?unlinkMode=UNLINK_ONLY")
    alice = api.acting("alice")
    assert alice.get("/users").json() == {"users": ["alice"]}
    assert alice.get("/users/alice").status_code == 200
    assert alice.get("/users/alice/synchronizations").status_code == 200
    assert [each["id"] for each in alice.get("/synchronizations").json()["synchronizations"]] == [1]
    assert alice.get("/synchronizations/1").status_code == 200
    assert alice.unlinks() == []
    for path in ("/users/bob", "/users/nobody", "/users/bob/synchronizations", "/unlinks/1"):
        refused(alice.get(path), 403, "requestedAuth")


def test_an_acting_caller_changes_that_person_only(api, refused):
    for name in ("alice", "bob"):
        api.synchronize(name)
    bob = {"username": "bob"}
    alice = api.acting("alice")
    before = api.get("/synchronizations").json(), api.get("/users/bob").json()
    for answer in (
        alice.post("/users", data=bob),
        alice.put("/users/bob"),
        alice.put("/users/bob", data={"locale": "en"}),
        alice.delete("/users/bob"),
        alice.put("/synchronizations", data={**bob, "type": "memory"}),
        alice.get("/synchronizations/2"),
        alice.patch("/synchronizations/2", data={"enabled": "false"}),
        alice.post("/synchronizations/2/resync"),
        alice.delete("/synchronizations/2?unlinkMode=CLEANUP"),
        alice.get("/synchronizations/2/unlink-preview?unlinkMode=CLEANUP"),
        alice.post("/synchronizations/2/release"),
        alice.get("/synchronizations/2/release-preview"),
        alice.delete("/users/bob/synchronizations?unlinkMode=CLEANUP"),
        alice.delete("/users/bob/synchronizations/memory?unlinkMode=CLEANUP"),
    ):
        refused(answer, 403, "requestedAuth")
    assert (api.get("/synchronizations").json(), api.get("/users/bob").json()) == before
    assert alice.put("/users/alice", data={"locale": "en"}).status_code == 200
    assert alice.put("/synchronizations", data={"username": "alice", "type": "memory"}).status_code == 200
    assert alice.delete("/users/alice").status_code == 204


@pytest.mark.parametrize("name", ["Zoë", "学生", "DOMAIN\\user"])
def test_requested_auth_may_hold_any_name_in_utf_8(api, name):
    api.post("/users", data={"username": name})
    alice = api.acting(name)
    alice.headers["requestedAuth"] = name.encode()
    assert alice.get("/users").json() == {"users": [name]}


def test_requested_auth_in_latin_1_is_understood(api):
    api.post("/users", data={"username": "Zoë"})
    alice = api.acting("Zoë")
    alice.headers["requestedAuth"] = "Zoë".encode("latin-1")
    assert alice.get("/users").json() == {"users": ["Zoë"]}
