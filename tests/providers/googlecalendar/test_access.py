"""Google Calendar: accounts, calendars, credentials and tokens."""

import json
from datetime import timedelta

import pytest
from starlette.responses import Response
from starlette.routing import Route, Router

from providers import base, googlecalendar
from providers.base import Delete, Done, Mark, Marks, Ref
from sandbox.faults import Fault
from sandbox.google_calendar import GoogleCalendar

ALICE = "alice@example.org"
EVENTS = "/calendar/v3/calendars/primary/events"
BATCH = "/batch/calendar/v3"
OURS = Marks("carillon-test", "7")


def test_a_check_leaves_nothing_behind(provider, google, faults):
    provider.check()
    assert google.mailbox(ALICE) == []
    assert [each.path for each in faults.seen()] == ["/token", EVENTS]


def test_a_calendar_that_may_only_be_read_is_told(connected, google, creates):
    google.add_calendar(ALICE, "team@group.calendar.google.com", role="reader")
    provider = connected(calendarId="team@group.calendar.google.com")
    with pytest.raises(base.Unauthorized, match="share it"):
        provider.check()
    with pytest.raises(base.Unauthorized, match="share it"):
        provider.push(creates(2))


def test_a_calendar_beside_the_own_one_can_be_written_to(connected, google, creates):
    google.add_calendar(ALICE, "team@group.calendar.google.com", role="writer")
    provider = connected(calendarId="team@group.calendar.google.com")
    provider.check()
    assert isinstance(provider.push(creates(1))[0], Done)
    assert google.mailbox(ALICE) == []


def test_a_calendar_that_is_gone_is_told(connected, creates):
    provider = connected(calendarId="gone@group.calendar.google.com")
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.CalendarGone):
            call()


def test_an_account_that_left_is_told(provider, connected, google, creates):
    provider.check()
    google.remove_account(ALICE)
    for call in (provider.check, lambda: provider.find(OURS), lambda: provider.push(creates(1))):
        with pytest.raises(base.MailboxGone, match="provisioning_smtpAddress"):
            call()
    with pytest.raises(base.MailboxGone):
        connected("never@example.org").check()


def test_an_account_without_a_calendar_is_told(provider, google, creates):
    google.remove_calendar(ALICE)
    with pytest.raises(base.MailboxGone):
        provider.push(creates(1))


def test_a_missing_delegation_says_what_to_add_where(provider, google):
    google.tokens.delegated = frozenset()
    with pytest.raises(base.Unauthorized, match=r"auth/calendar\.events under domain-wide delegation"):
        provider.check()


def test_another_key_is_refused(connected, url, service_keys):
    stranger = GoogleCalendar([], key=service_keys[1])
    other = googlecalendar.Settings(service_account=stranger.service_account(url), root_url=url)
    with pytest.raises(base.Unauthorized, match="key is still valid"):
        connected(settings=other).check()


def test_a_token_that_ran_out_or_was_revoked_is_bought_anew(connected, google, faults, creates):
    provider = connected()
    provider.check()
    google.tokens.revoke()
    provider.check()
    google.tokens.revoke()
    assert all(isinstance(each, Done) for each in provider.push(creates(3)))
    google.tokens.revoke()
    assert len(connected().find(OURS)) == 3
    assert len(faults.seen("/token")) == 4


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttled", base.Throttled),
        ("error", base.Unavailable),
        ("unavailable", base.Unavailable),
        ("lost", base.Unavailable),
        ("html", base.ContractBroken),
        ("empty", base.ContractBroken),
    ],
)
def test_without_a_token_nothing_was_done_and_nobody_asks_twice(provider, faults, creates, kind, error):
    faults.add(Fault("/token", kind, times=1))
    with pytest.raises(error):
        provider.push(creates(1))
    assert len(faults.seen("/token")) == 1
    assert faults.seen(BATCH) == []


@pytest.mark.parametrize(
    ("status", "wait", "meaning"),
    [
        (429, "17", base.Throttled),
        (429, None, base.Throttled),
        (503, "17", base.Throttled),
        (503, "soon", base.Unavailable),
        (500, "17", base.Unavailable),
    ],
)
def test_a_token_endpoint_may_ask_for_a_wait(far_side, elsewhere, status, wait, meaning):
    async def token(_request):
        return Response("{}", status, {"Retry-After": wait} if wait else {})

    provider = elsewhere(far_side.url)
    far_side.application = Router(routes=[Route("/token", token, methods=["POST"])])
    for call in (
        provider.check,
        lambda: provider.find(OURS),
        lambda: provider.push([Delete(Mark("a", "b", "c"), Ref("abcde"))]),
    ):
        with pytest.raises(meaning) as raised:
            call()
        if meaning is base.Throttled:
            assert raised.value.retry_after == (timedelta(seconds=17) if wait else None)


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        ({"error": "internal_failure"}, base.Unavailable),
        ({"error": "invalid_request", "error_description": "temporarily_unavailable"}, base.Unavailable),
        ({"error": "access_denied"}, base.Unauthorized),
        ({"error": "disabled_client"}, base.Unauthorized),
        ({"error": {"code": 400}}, base.ContractBroken),
        ({"message": "?"}, base.ContractBroken),
        ([], base.ContractBroken),
    ],
)
def test_a_refused_grant_says_what_the_caller_shall_do(far_side, elsewhere, creates, told, meaning):
    asked = []

    async def token(_request):
        asked.append(1)
        return Response(json.dumps(told), 400)

    provider = elsewhere(far_side.url)
    far_side.application = Router(routes=[Route("/token", token, methods=["POST"])])
    with pytest.raises(meaning):
        provider.push(creates(1))
    assert len(asked) == 1
