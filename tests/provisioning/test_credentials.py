"""`GET /api/v1/credentials`: what the tenant holds, how long it is good, and why it is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from provisioning import tokens
from provisioning.app import application
from provisioning.schemas import milliseconds
from worker.credential_tables import CredentialVerdict
from worker.credentials import of_tenant
from worker.database import transaction

PATH = "/api/v1/credentials"


def listed(api, name=None):
    items = api.get(PATH).json()["credentials"]
    return items if name is None else [each for each in items if each["name"] == name]


def judge(api, name, **said):
    """What a server said of the credential with this name."""
    with transaction(api.installation.engine) as session:
        found = of_tenant(session, api.installation, api.tenant())
        ident = next(each.id for each in found if each.name == name)
        session.add(CredentialVerdict(tenant_id=api.tenant(), credential=ident, **said))


def test_everything_the_tenant_holds_is_listed_with_what_is_known_of_it(api):
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    items = answer.json()["credentials"]
    assert [(each["kind"], each["name"], each["state"]) for each in items] == [
        ("TIMETABLE_TOKEN", "timetable.token", "unknown"),
        ("PASSWORD", "providers.caldav.password", "unknown"),
        ("API_TOKEN", "a test", "ok"),
    ]
    nothing = {"username": None, "expires": None, "remainingDays": None, "reason": "", "refusedAt": None}
    assert all(each.items() >= (nothing | {"lastAcceptedAt": None}).items() for each in items)
    assert len({each["id"] for each in items}) == 3


def test_the_list_can_be_taken_in_pieces(api, refused):
    whole = api.get(PATH).json()["credentials"]
    assert api.get(f"{PATH}?limit=2").json()["credentials"] == whole[:2]
    assert api.get(f"{PATH}?limit=2&offset=2").json()["credentials"] == whole[2:]
    assert api.get(f"{PATH}?offset=3").json()["credentials"] == []
    for wrong in ("limit=0", "limit=many", "offset=-1", "page=2"):
        refused(api.get(f"{PATH}?{wrong}"), 400, wrong.partition("=")[0])


def test_a_piece_of_peoples_credentials_is_all_that_is_read_of_them(api):
    api.sql(
        "INSERT INTO linked_accounts"
        " (tenant_id, type, username, account, refresh_token, granted_at, renewed_at, ends_at)"
        " SELECT :tenant, 'o365', 'user' || n, 'user' || n, '', :now, :now, :now FROM generate_series(1, 50) AS n",
        tenant=api.tenant(),
        now=api.clock.now,
    )
    whole, read = api.get(PATH).json()["credentials"], []

    def noted(_connection, cursor, statement, *_rest):
        if "FROM linked_accounts" in statement:
            read.append(cursor.rowcount)

    event.listen(api.installation.engine, "after_cursor_execute", noted)
    pieces = [api.get(f"{PATH}?limit=5&offset={at}").json()["credentials"] for at in range(0, 60, 5)]
    event.remove(api.installation.engine, "after_cursor_execute", noted)
    assert len(whole) == 53
    assert [each for piece in pieces for each in piece] == whole
    assert read == [2, *[5] * 9, 3, 0]


@pytest.mark.parametrize(
    ("left", "state", "days"),
    [(timedelta(days=90), "ok", 90), (timedelta(days=29, hours=1), "expiring", 29), (timedelta(), "expired", 0)],
)
def test_a_token_tells_how_long_it_still_holds(api, left, state, days):
    api.token(expires_at=api.clock.now + left)
    (item,) = [each for each in listed(api, "a test") if each["expires"]]
    assert (item["state"], item["remainingDays"]) == (state, days)
    assert item["expires"] == milliseconds(api.clock.now + left)


def test_a_refused_credential_tells_why_and_since_when(api):
    judge(api, "providers.caldav.password", refused="Our password is refused: correct it.", refused_at=api.clock.now)
    (item,) = listed(api, "providers.caldav.password")
    assert (item["state"], item["reason"]) == ("refused", "Our password is refused: correct it.")
    assert item["refusedAt"] == milliseconds(api.clock.now)


def test_when_a_credential_was_last_accepted_is_told(api):
    judge(api, "timetable.token", accepted_at=api.clock.now)
    (item,) = listed(api, "timetable.token")
    assert (item["reason"], item["refusedAt"], item["lastAcceptedAt"]) == ("", None, milliseconds(api.clock.now))


def test_a_revoked_token_leaves_the_list(api):
    before = listed(api)
    api.token()
    assert len(listed(api)) == len(before) + 1
    with transaction(api.installation.engine) as session:
        newest = tokens.listed(session, api.tenant())[-1]
        assert tokens.revoke(session, api.tenant(), newest.id)
    assert listed(api) == before


def test_nothing_secret_is_told(api):
    said = api.get(PATH).text
    assert api.headers["apiToken"] not in said
    assert "secret" not in said


def test_another_tenant_sees_its_own_only(api):
    other = api.with_token(key="other")
    assert {each["name"] for each in listed(other)} == {"timetable.token", "a test"}
    assert not {each["id"] for each in listed(other)} & {each["id"] for each in listed(api)}


def test_it_needs_a_token_that_provisions_and_acts_for_nobody(api, refused):
    api.put("/users/alice")
    refused(api.acting("alice").get(PATH), 403, "requestedAuth")
    refused(api.with_token(roles=()).get(PATH), 403, "ROLE_API_PROVISIONING")
    api.headers = {}
    refused(api.get(PATH), 401, "apiToken")


def test_an_expired_token_is_refused_and_told_so(api, refused):
    end = api.clock.now + timedelta(hours=1)
    scripts = api.with_token(expires_at=end)
    assert scripts.get(PATH).status_code == 200
    api.clock.now = end
    answer = scripts.get(PATH)
    refused(answer, 401, f"expired on {end:%Y-%m-%d}", "carillon token create")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    refused(scripts.get("/users"), 401, "expired")


def test_calls_with_an_expired_token_count_as_wrong_ones(api, refused, listening):
    settings = api.installation.settings
    few = replace(settings, api=settings.api.model_copy(update={"wrong_tokens_per_minute": 5}))
    with listening(application(replace(api.installation, settings=few), api.clock)) as url:
        scripts = replace(api.with_token(expires_at=api.clock.now), url=url)
        for _ in range(5):
            assert scripts.get(PATH).status_code == 401
        refused(scripts.get(PATH), 429, "Too many wrong tokens")


def test_a_token_is_made_anew_with_the_end_that_is_asked_now(api):
    text = api.token(token="given by an operator", expires_at=api.clock.now)
    api.headers["apiToken"] = text
    assert api.get(PATH).status_code == 401
    api.token(token=text)
    assert api.get(PATH).status_code == 200


def test_capabilities_are_kept_once_each(api):
    api.token(roles=(), capabilities=[tokens.Capability.NOTIFY, "manage_mytokens:notify"])
    with transaction(api.installation.engine) as session:
        assert [each.capabilities for each in tokens.listed(session, api.tenant())] == [[], ["manage_mytokens:notify"]]
