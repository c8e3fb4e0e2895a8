"""Microsoft 365: what each error means."""

import inspect
from datetime import timedelta

import msal
import O365.connection
import pytest
import requests

from providers import _o365_door, _o365_tokens, base
from providers._o365_errors import FAULTS, Answer, fault, refusal, whole_refusal

CODES = {
    "ErrorItemNotFound": base.EventGone,
    "ErrorInvalidUser": base.MailboxGone,
    "ErrorNonExistentMailbox": base.MailboxGone,
    "ResourceNotFound": base.MailboxGone,
    "MailboxNotEnabledForRESTAPI": base.MailboxGone,
    "ErrorAccessDenied": base.Unauthorized,
    "ApplicationThrottled": base.Throttled,
    "ErrorInvalidMailboxItemId": base.EventGone,
    "ErrorQuotaExceeded": base.Unavailable,
    "ErrorMailboxMoveInProgress": base.Unavailable,
    "ErrorFolderNotFound": base.CalendarGone,
}


def test_every_error_of_the_libraries_has_a_meaning():
    modules = (O365.connection, msal.exceptions, msal, requests.exceptions, _o365_door, _o365_tokens)
    classes = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    own = ("O365", "msal", "requests", "providers")
    errors = {each for each in classes if issubclass(each, Exception) and each.__module__.startswith(own)}
    errors = {each for each in errors if not issubclass(each, Warning)}
    assert len(errors) > 25
    general = {LookupError, ValueError, TypeError, AttributeError, RuntimeError}
    for each in errors:
        nearest = next((kind for kind in each.__mro__ if kind in FAULTS), None)
        assert nearest is not None, each
        assert nearest not in general or each.__module__.startswith(("requests", "msal")), each


def test_every_fault_makes_an_error_of_ours():
    for kind in (requests.ReadTimeout, requests.ConnectTimeout, ValueError, O365.connection.TokenExpiredError):
        for writing in (True, False):
            assert isinstance(fault(kind("secret"), writing=writing), base.ProviderError)
            assert "secret" not in str(fault(kind("secret"), writing=writing))


def _answer(status, code="", message="Secret title of alice@example.org", headers=None):
    return Answer(status, headers or {}, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("status", "writing", "meaning"),
    [
        (400, True, base.Rejected),
        (400, False, base.ContractBroken),
        (401, True, base.Unauthorized),
        (403, False, base.Unauthorized),
        (404, False, base.MailboxGone),
        (409, True, base.Conflict),
        (410, True, base.EventGone),
        (412, True, base.Conflict),
        (413, True, base.Rejected),
        (418, True, base.ContractBroken),
        (422, True, base.Rejected),
        (424, True, base.Unavailable),
        (429, True, base.Throttled),
        (500, True, base.Ambiguous),
        (502, False, base.Unavailable),
        (503, True, base.Ambiguous),
        (504, False, base.Unavailable),
    ],
)
def test_a_status_says_what_the_caller_shall_do(status, writing, meaning):
    for code in ("", "SomethingNew", "not a word", None):
        found = refusal(_answer(status, code), writing=writing)
        assert type(found) is meaning
        assert str(status) in str(found)
        assert "Secret" not in str(found)
        assert "alice" not in str(found)
        assert "not a word" not in str(found)


@pytest.mark.parametrize(("code", "meaning"), CODES.items())
def test_microsofts_word_counts_for_more_than_the_status(code, meaning):
    for status in (400, 403, 404, 429, 503):
        found = refusal(_answer(status, code), writing=True)
        assert type(found) is meaning
        assert code in str(found)


@pytest.mark.parametrize("body", [None, "", "<html>", [], {"error": "x"}, {"error": {}}, {"error": {"code": 7}}])
def test_a_refusal_in_strange_words_is_judged_by_its_status(body):
    assert type(refusal(Answer(403, {}, body), writing=True)) is base.Unauthorized
    assert type(refusal(Answer(503, {}, body), writing=True)) is base.Ambiguous


def test_too_many_requests_at_once_are_told_from_too_many_in_all():
    said = "Application is over its MailboxConcurrency limit."
    assert "lower batch to 4" in str(refusal(_answer(429, "ApplicationThrottled", said), writing=True))
    assert "lower batch to 4" not in str(refusal(_answer(429, "ApplicationThrottled"), writing=True))


def test_a_wait_is_read_whatever_the_case_of_its_header_and_may_be_missing():
    for name in ("Retry-After", "retry-after"):
        assert refusal(_answer(429, headers={name: "17"}), writing=True).retry_after == timedelta(seconds=17)
    assert refusal(_answer(429), writing=True).retry_after is None
    assert refusal(_answer(429, headers={"Retry-After": "soon"}), writing=True).retry_after is None


def test_a_failing_server_that_names_a_wait_is_asked_then_if_nothing_can_have_been_done():
    busy = _answer(503, headers={"Retry-After": "17"})
    assert refusal(busy, writing=False).retry_after == timedelta(seconds=17)
    assert type(refusal(busy, writing=True)) is base.Ambiguous


@pytest.mark.parametrize("status", [400, 404, 409, 410, 412, 413, 422])
def test_a_refusal_of_a_whole_batch_is_no_word_on_an_event_or_a_mailbox(status):
    found = whole_refusal(_answer(status, "ErrorItemNotFound"), writing=True, batch=True)
    assert type(found) is base.ContractBroken
    assert "root_url" in str(found)


def test_a_missing_page_is_no_word_on_a_mailbox_where_graph_does_not_say_so():
    assert type(whole_refusal(Answer(404), writing=False, batch=False)) is base.ContractBroken
    known = whole_refusal(_answer(404, "ErrorInvalidUser"), writing=False, batch=False)
    assert type(known) is base.MailboxGone
    assert type(whole_refusal(_answer(404, "ErrorItemNotFound"), writing=False, batch=False)) is base.CalendarGone
