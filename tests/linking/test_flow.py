"""A person links their own calendar: asked by the portal, consenting at the identity provider, written to at once."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

import requests

PORTAL = "https://portal.example.org/calendar?tab=links"


def test_who_has_not_consented_is_not_linked(way):
    report = way.run()
    assert report.outcome == "NOT_LINKED"
    assert "let them link their calendar" in report.detail
    assert way.row().status == "NOT_LINKED"
    assert way.events() == 0


def test_a_person_consents_and_is_written_to(way):
    way.run()
    answer = way.link()
    assert answer.status_code == 200, answer.text
    assert "Your calendar is linked" in answer.text
    report = way.run()
    assert report.outcome == "OK"
    assert report.created > 0
    assert way.events() == report.created


def test_whoever_waited_runs_at_once(way):
    way.run()
    before = way.row()
    way.link()
    after = way.row()
    assert (before.failures, after.failures) == (1, 0)
    assert after.due_at < before.due_at - timedelta(minutes=10)
    sent = [each.decode() for each in way.house.installation.redis.lrange("now", 0, -1)]
    assert any(f"({way.ident}: {way.account} " in each for each in sent)


def test_the_portal_is_returned_to_with_a_word_in_the_query(way):
    answer = way.link(json={"returnUrl": PORTAL})
    assert (answer.status_code, answer.headers["location"]) == (302, f"{PORTAL}&link=done")


def test_what_the_identity_provider_is_asked_is_the_least_there_is(way, parts):
    asked = parts(way.open())
    scopes = set(asked["scope"].split())
    events = "https://www.googleapis.com/auth/calendar.events"
    graph = "https://graph.microsoft.com/Calendars.ReadWrite"
    assert scopes == (
        {"openid", "email", events} if way.kind == "googlecalendar" else {"openid", "profile", "offline_access", graph}
    )
    assert asked["login_hint"] == way.account
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43
    assert asked["redirect_uri"] == f"{way.house.api}/link/{way.kind}/callback"


def test_nothing_between_us_and_the_browser_keeps_a_page_or_an_address(way):
    opened = way.browser.get(way.address())
    done = way.browser.get(way.say(opened.headers["location"]))
    for answer in (opened, done):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    cookie = opened.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=lax", f"Path=/link/{way.kind}/callback", "Max-Age=600"):
        assert word in cookie
    assert "Secure" not in cookie  # this is http on loopback
    assert "Max-Age=0" in done.headers["set-cookie"]


def test_an_address_names_nobody(way):
    address = way.address(json={"returnUrl": PORTAL})
    assert urlsplit(address).path == f"/link/{way.kind}"
    for word in (way.account, way.account.partition("@")[0], "portal.example"):
        assert word not in address


def test_what_is_kept_opens_nothing(way):
    question = way.open()
    (request,) = way.house.requests()
    assert b"code_verifier" not in bytes(request.kept)
    way.browser.get(way.say(question))
    (request,) = way.house.requests()
    assert (request.kept, bool(request.answered_at)) == (None, True)
    stored = bytes(way.linked().refresh_token)
    assert way.refresh_token() in way.consents.refresh_tokens()
    assert way.refresh_token().encode() not in stored
    assert base64.urlsafe_b64decode(stored)[:1] == b"\x80"  # Fernet


def test_a_token_of_the_api_is_needed_to_ask_for_an_address_and_none_to_open_it(way):
    answer = requests.post(f"{way.house.api}/api/v0/synchronizations/{way.ident}/link", timeout=20)
    assert answer.status_code == 401
    assert way.open().startswith("http")


def test_two_windows_do_not_disturb_each_other(way):
    first, second = way.open(), way.open()
    assert way.browser.get(way.say(first)).status_code == 200
    assert way.browser.get(way.say(second)).status_code == 200
    assert way.run().outcome == "OK"


def test_another_calendar_of_a_linked_account_needs_no_consent_of_its_own(way_of):
    way = way_of("googlecalendar")
    way.house.google.google.add_calendar(way.account, "second@group.calendar.google.com")
    way.link()
    way.ident = way.house.provision("googlecalendar", way.account, calendarId="second@group.calendar.google.com")
    assert way.run().outcome == "OK"


def test_consent_opens_the_mailbox_of_nobody_else(way_of):
    way, other = way_of("o365"), way_of("o365")
    way.link()
    assert way.run().outcome == "OK"
    assert other.run().outcome == "NOT_LINKED"
    *_, token = (each for each, person in way.tokens._persons.items() if person.account == way.account)
    theirs = f"{way.house.graph.wire.url}/v1.0/users/{other.account}/calendar"
    answer = requests.get(
        theirs, headers={"Authorization": f"Bearer {token}"}, verify=way.house.far_side.ca_file, timeout=20
    )
    assert answer.status_code == 403


def test_the_hash_of_an_address_is_kept_and_not_the_address(way, parts):
    ticket = parts(way.address())["ticket"]
    (request,) = way.house.requests()
    assert bytes(request.digest) == hashlib.sha256(ticket.encode()).digest()
