"""The sandbox's Google: tokens, and what they are good for."""

from datetime import timedelta

import pytest
import requests

from sandbox.google_calendar import GoogleCalendar
from sandbox.google_tokens import GRANT

ALICE = "alice@example.org"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"sub": "nobody@example.org"}, "invalid_grant"),
        ({"iss": "other@sandbox.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "https://example.org/"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"iat": 1}, "invalid_grant"),
        ({"scope": "https://mail.google.com/"}, "unauthorized_client"),
        ({"scope": ""}, "unauthorized_client"),
    ],
)
def test_a_grant_with_a_wrong_claim_is_refused(client, claims, error):
    answer = client.buy(**claims)
    assert (answer.status_code >= 400, answer.json()["error"]) == (True, error)


def test_a_grant_signed_with_another_key_is_refused(client, google, monkeypatch):
    other = GoogleCalendar([])
    monkeypatch.setattr(google, "service_account", other.service_account)
    assert client.buy().json()["error"] == "invalid_grant"


@pytest.mark.parametrize("form", [{}, {"grant_type": "password"}, {"grant_type": GRANT, "assertion": "a.b.c"}])
def test_what_is_no_grant_is_refused(served, form):
    assert requests.post(f"{served[2]}/token", form, timeout=5).status_code == 400


def test_a_token_runs_out(client, google, monkeypatch, reason):
    assert client("GET").status_code == 200
    monkeypatch.setattr(google.tokens._now, "now", google.tokens._now.now + timedelta(seconds=3601))
    assert reason(client("GET")) == (401, "authError")


def test_nothing_is_told_without_a_token(client, reason):
    assert reason(client("GET", headers={"Authorization": "Bearer made-up"})) == (401, "authError")


def test_another_persons_calendar_is_not_found(client, reason):
    assert reason(client("GET", calendar="bob@example.org")) == (404, "notFound")
    assert client("GET", calendar=ALICE).status_code == 200
