"""Tokens that rotate: their text changes with what they change, and a lost answer locks nobody out."""

from threading import Barrier, Thread

import pytest

from provisioning import tokens
from provisioning.tokens import Capability
from worker import credentials
from worker.database import transaction

BASE = "/notifications/calendars"


@pytest.fixture
def rotating(api):
    return api.with_token(roles=[], capabilities=[Capability.NOTIFY], rotating=True)


def update(answer):
    assert answer.status_code in {200, 201}
    return answer.json()["token_update"]["mytoken"]


def with_text(caller, text):
    caller.headers["apiToken"] = text
    return caller.get(BASE).status_code


def test_what_a_rotating_token_changes_answers_with_its_new_text(rotating):
    texts = [rotating.headers["apiToken"]]
    texts.append(update(rotating.post(BASE, json={"name": "Renewals"})))
    rotating.headers["apiToken"] = texts[-1]
    answer = rotating.delete(f"{BASE}/Renewals")
    assert answer.json().keys() == {"token_update"}
    assert answer.headers["cache-control"] == "no-store"
    texts.append(update(answer))
    assert len(set(texts)) == 3
    assert [with_text(rotating, text) for text in reversed(texts)] == [200, 401, 401]


def test_adding_a_credential_is_such_a_change(api, rotating):
    text = api.token(roles=[], expires_at=api.clock.now.replace(year=2027))
    with transaction(api.installation.engine) as session:
        number = tokens.find(session, text).id
    rotating.headers["apiToken"] = update(rotating.post(BASE, json={"name": "Renewals"}))
    tenant = api.installation.tenants[api.tenant()]
    ident = credentials.identify(tenant, credentials.Kind.API_TOKEN, str(number))
    answer = rotating.post(f"{BASE}/Renewals", json={"mom_id": ident})
    assert with_text(rotating, update(answer)) == 200
    assert answer.json()["subscribed_tokens"] == [ident]


def test_reading_changes_no_text(rotating):
    update(rotating.post(BASE, json={"name": "Renewals"}))
    assert rotating.get(BASE).json()["calendars"][0].keys() == {"name", "ics_path"}
    assert rotating.get(f"{BASE}/Renewals", allow_redirects=False).status_code == 302
    assert with_text(rotating, rotating.headers["apiToken"]) == 200


def test_the_old_text_holds_until_the_new_one_is_used(rotating):
    old = rotating.headers["apiToken"]
    new = update(rotating.post(BASE, json={"name": "Renewals"}))
    assert with_text(rotating, old) == 200
    assert with_text(rotating, new) == 200
    assert with_text(rotating, old) == 401
    assert with_text(rotating, new) == 200


def test_a_lost_answer_locks_nobody_out(rotating):
    """The call is made again with the old text; what was lost is worth nothing from then on."""
    lost = update(rotating.post(BASE, json={"name": "a"}))
    heard = update(rotating.post(BASE, json={"name": "b"}))
    assert with_text(rotating, lost) == 401
    assert with_text(rotating, heard) == 200


def test_a_call_that_fails_changes_no_text(api, rotating, refused):
    refused(rotating.delete(f"{BASE}/nothing"), 404)
    refused(rotating.post(f"{BASE}/nothing", json={"mom_id": "x"}), 404)
    assert api.sql("SELECT next_digest FROM rotating_tokens") == [(None,)]


def test_another_token_does_not_rotate(api):
    caller = api.with_token(roles=[], capabilities=[Capability.NOTIFY])
    assert "token_update" not in caller.post(BASE, json={"name": "Renewals"}).json()
    assert caller.delete(f"{BASE}/Renewals").status_code == 204


def test_a_rotated_token_is_still_the_same_token(api, rotating):
    """Revoked with all its texts, and one credential whatever its text."""
    before = api.sql("SELECT id, name FROM tokens ORDER BY id")
    new = update(rotating.post(BASE, json={"name": "Renewals"}))
    old = rotating.headers["apiToken"]
    assert api.sql("SELECT id, name FROM tokens ORDER BY id") == before
    with transaction(api.installation.engine) as session:
        assert tokens.revoke(session, api.tenant(), before[-1][0])
    assert [with_text(rotating, text) for text in (old, new)] == [401, 401]


def test_a_new_text_may_be_used_by_two_calls_at_once(api, rotating):
    for number in range(10):
        rotating.headers["apiToken"] = update(rotating.post(BASE, json={"name": str(number)}))
        start, found = Barrier(4), []

        def look(start=start, found=found):
            start.wait()
            with transaction(api.installation.engine) as session:
                found.append(tokens.find(session, rotating.headers["apiToken"]))

        threads = [Thread(target=look) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len({each.id for each in found}) == 1


def test_no_text_is_kept(api, rotating):
    texts = [rotating.headers["apiToken"], update(rotating.post(BASE, json={"name": "Renewals"}))]
    kept = str(api.sql("SELECT tokens::text, rotating_tokens::text FROM tokens LEFT JOIN rotating_tokens ON true"))
    assert not any(text.removeprefix(tokens.PREFIX) in kept for text in texts)
