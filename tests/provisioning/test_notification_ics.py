"""What a notification calendar says, at the address that is its only key."""

from dataclasses import replace
from datetime import timedelta

import icalendar
import pytest
import requests
from sqlalchemy import event

from provisioning import tokens
from provisioning.app import application
from provisioning.tokens import Capability
from worker import credentials
from worker.database import transaction
from worker.notifications import TITLES
from worker.settings import ApiSettings

BASE = "/notifications/calendars"


@pytest.fixture
def notifier(api):
    return api.with_token(roles=[], capabilities=[Capability.NOTIFY])


@pytest.fixture
def portal(api):
    """A token that ends in 90 days: the number of its row, and its id as a credential."""
    text = api.token(roles=[], expires_at=api.clock() + timedelta(days=90))
    with transaction(api.installation.engine) as session:
        number = tokens.find(session, text).id
    tenant = api.installation.tenants[api.tenant()]
    return number, credentials.identify(tenant, credentials.Kind.API_TOKEN, str(number))


@pytest.fixture
def address(api, notifier, portal):
    """Of a calendar that warns of that token."""
    api.sql("UPDATE tokens SET created_at = :now", now=api.clock())
    made = notifier.post(BASE, json={"name": "Renewals"}).json()
    said = {"mom_id": portal[1], "comment": "Ask Eva."}
    assert notifier.post(f"{BASE}/Renewals", json=said).status_code == 200
    return made["ics_path"]


def fetch(address, **headers):
    return requests.get(address, headers={name.replace("_", "-"): each for name, each in headers.items()}, timeout=5)


def events(address):
    calendar = icalendar.Calendar.from_ical(fetch(address).content)
    calendar.validate()
    assert calendar.errors == []
    return calendar.events


def test_the_calendar_needs_no_token_and_is_read_by_icalendar(api, portal, address):
    answer = fetch(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.content)
    calendar.validate()
    assert (calendar["METHOD"], calendar["NAME"]) == ("PUBLISH", "Renewals")
    [event] = calendar.events
    assert event["UID"] == portal[1]
    assert event["SUMMARY"] == "API token a test expires"
    assert event["DESCRIPTION"].startswith("Ask Eva.\n\nMake a new token with `carillon token create`")
    assert event.start == api.clock() + timedelta(days=90)
    assert len(event.walk("VALARM")) == 6


def test_a_caller_that_knows_the_calendar_is_told_so(address):
    first = fetch(address)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert fetch(address).headers["etag"] == tag
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = fetch(address, If_None_Match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
    for other in ('"other"', tag.strip('"')):
        assert fetch(address, If_None_Match=other).status_code == 200


def test_a_head_says_what_a_get_would(address):
    got = fetch(address)
    head = requests.head(address, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length", "cache-control"):
        assert head.headers[name] == got.headers[name]
    assert requests.head(address, headers={"If-None-Match": got.headers["etag"]}, timeout=5).status_code == 304


def test_the_calendar_is_another_one_when_an_alarm_has_gone_by(api, address):
    tag = fetch(address).headers["etag"]
    api.clock.now += timedelta(days=59)
    assert fetch(address, If_None_Match=tag).status_code == 304
    api.clock.now += timedelta(days=2)
    answer = fetch(address, If_None_Match=tag)
    assert answer.status_code == 200
    assert b"TRIGGER:-P14D" in answer.content
    assert b"TRIGGER:-P30D" not in answer.content


def test_a_renewed_credential_moves(api, portal, address):
    tag = fetch(address).headers["etag"]
    later = api.clock() + timedelta(days=400)
    api.sql("UPDATE tokens SET expires_at = :later WHERE id = :id", later=later, id=portal[0])
    assert fetch(address).headers["etag"] != tag
    [event] = events(address)
    assert (event["UID"], event.start) == (portal[1], later)


def test_a_revoked_credential_leaves_the_calendar_and_the_list(api, notifier, portal, address):
    with transaction(api.installation.engine) as session:
        assert tokens.revoke(session, api.tenant(), portal[0])
    assert events(address) == []
    assert "subscribed_tokens" not in notifier.get(BASE).json()["calendars"][0]


@pytest.fixture
def read_of_people(api):
    """How many consents each statement that looked for any gave."""
    numbers = []

    def note(_connection, cursor, statement, *_):
        if "linked_accounts" in statement:
            numbers.append(cursor.rowcount)

    event.listen(api.installation.engine, "after_cursor_execute", note)
    yield numbers
    event.remove(api.installation.engine, "after_cursor_execute", note)


def test_of_thousands_of_consents_only_what_is_warned_of_is_read(api, notifier, address, read_of_people):
    api.sql(
        "INSERT INTO linked_accounts"
        " (tenant_id, type, account, username, refresh_token, granted_at, renewed_at, ends_at)"
        " SELECT :tenant, 'o365', 'zoë' || n, 'zoë' || n, '', :now, :now, :until FROM generate_series(1, 100) AS n",
        tenant=api.tenant(),
        now=api.clock(),
        until=api.clock() + timedelta(days=80),
    )
    everything = api.get("/api/v1/credentials").json()["credentials"]
    read_of_people.clear()
    assert len(events(address)) == 1
    assert read_of_people == []
    [ident] = [each["id"] for each in everything if each["username"] == "zoë7"]
    notifier.post(f"{BASE}/Renewals", json={"mom_id": ident})
    assert [each["SUMMARY"] for each in events(address)] == [
        "Consent providers.o365.consent of zoë7 expires",
        "API token a test expires",
    ]
    assert set(read_of_people) == {1}


def test_a_credential_that_never_ends_any_more_leaves_the_calendar(api, portal, address):
    api.sql("UPDATE tokens SET expires_at = NULL WHERE id = :id", id=portal[0])
    assert events(address) == []


def test_a_credential_that_ended_stays_without_alarms(api, address):
    api.clock.now += timedelta(days=100)
    [event] = events(address)
    assert event.walk("VALARM") == []


def test_an_empty_calendar_can_be_subscribed_to(notifier):
    assert events(notifier.post(BASE, json={"name": "Empty"}).json()["ics_path"]) == []


@pytest.mark.parametrize("secret", ["A" * 32, "x", "A" * 5000, "%00", "%ff", "..%2F" * 3])
@pytest.mark.usefixtures("address")
def test_another_address_leads_nowhere(api, refused, secret):
    refused(fetch(f"{api.url}/calendars/{secret}"), 404)


def test_a_part_of_the_secret_is_no_key(address, refused):
    for wrong in (address[:-1], address.swapcase(), f"{address}x"):
        refused(fetch(address.rpartition("/")[0] + "/" + wrong.rpartition("/")[2]), 404, "no calendar")


def test_only_reading_is_done_there(address, refused):
    answer = requests.post(address, timeout=5)
    refused(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_tenant_that_is_configured_no_more_tells_nothing(api, installed, listening, address):
    others = {ident: each for ident, each in installed.tenants.items() if ident != api.tenant()}
    with listening(application(replace(installed, tenants=others), api.clock)) as root:
        assert fetch(f"{root}/calendars/{address.rpartition('/')[2]}").status_code == 404


def test_the_address_is_the_public_one_where_that_is_set(api, notifier, installed, listening, address):
    settings = replace(installed.settings, api=ApiSettings(public_url="https://carillon.example.org/in/"))
    with listening(application(replace(installed, settings=settings), api.clock)) as root:
        answer = requests.get(f"{root}/api/v0{BASE}", headers=notifier.headers, timeout=5)
    [listed] = answer.json()["calendars"]
    assert listed["ics_path"] == f"https://carillon.example.org/in/calendars/{address.rpartition('/')[2]}"


def test_the_secret_stands_in_no_log(address, logged):
    fetch(address)
    lines = []
    while not any("method=GET" in each for each in lines):
        # A call's line is written after its answer: that of the one before may come first.
        lines += [record.getMessage() for record in logged(1)]
    assert "/calendars/{secret}" in lines[-1]
    assert not [each for each in lines if address.rpartition("/")[2] in each]


def test_every_kind_of_credential_has_a_title():
    assert set(TITLES) == set(credentials.Kind)
