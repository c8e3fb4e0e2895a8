"""Google Calendar: what is said beforehand."""

import json

import pytest
from pydantic import ValidationError

from providers import googlecalendar

ALICE = "alice@example.org"


@pytest.mark.parametrize("key", ["", "no JSON", "[]", "{}", '{"type": "service_account", "client_email": "x"}'])
def test_what_is_no_key_is_told_and_never_quoted(key):
    with pytest.raises(ValidationError, match="service_account") as raised:
        googlecalendar.Settings(service_account=key)
    assert "must be the JSON text" in str(raised.value)
    assert "client_email" not in str(raised.value)


def test_a_broken_private_key_is_never_quoted(google):
    document = json.loads(google.service_account("http://localhost"))
    document["private_key"] = "-----BEGIN PRIVATE KEY-----\nsecretstuff\n-----END PRIVATE KEY-----\n"
    with pytest.raises(ValidationError) as raised:
        googlecalendar.Settings(service_account=json.dumps(document))
    assert "secretstuff" not in str(raised.value)


def test_settings_take_no_unknown_key(settings):
    with pytest.raises(ValidationError, match="root_uri"):
        googlecalendar.Settings(service_account=settings.service_account, root_uri="http://localhost")


@pytest.mark.parametrize("root", ["localhost", "ftp://example.org/", ""])
def test_a_root_must_be_a_web_address(settings, root):
    with pytest.raises(ValidationError, match="root_url"):
        googlecalendar.Settings(service_account=settings.service_account, root_url=root)


def test_the_settings_name_google_when_nothing_else_is_said(settings):
    assert googlecalendar.Settings(service_account=settings.service_account).root_url == "https://www.googleapis.com/"


def test_a_target_is_the_address_given_or_a_username_that_is_one():
    target = googlecalendar.Target.model_validate
    assert target({"username": "Alice@Example.org"}).mailbox == ALICE
    assert target({"username": "alice", "smtpAddress": ALICE}).mailbox == ALICE
    for fields in (
        {"username": "alice"},
        {"username": "alice", "smtpAddress": "alice"},
        {"username": "a", "smtpAddress": "a b@c.d"},
    ):
        with pytest.raises(ValidationError, match="must be the account"):
            target(fields)
    with pytest.raises(ValidationError, match="smtpAdress"):
        target({"username": ALICE, "smtpAdress": ALICE})


def test_each_calendar_of_an_account_is_a_mailbox_of_its_own():
    def mailbox(calendar):
        return googlecalendar.Target.model_validate({"username": ALICE, "calendarId": calendar}).mailbox

    assert mailbox("team@group.calendar.google.com") == f"{ALICE} team@group.calendar.google.com"
    assert {mailbox(name) for name in ("primary", ALICE, "Alice@Example.org")} == {ALICE}
