"""Exchange: what each error means."""

import inspect
from datetime import timedelta

import pytest
import requests
import spnego.exceptions
from exchangelib import errors as library
from lxml import etree

from providers import _ews_tokens, _ews_wire, base
from providers._ews_errors import FAULTS, fault
from providers._ews_wire import RefusedError


def _raisable(module, package):
    classes = {each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, Exception)}
    return {each for each in classes if each.__module__.startswith(package) and not issubclass(each, Warning)}


def test_every_error_of_the_libraries_has_a_meaning():
    errors = _raisable(library, "exchangelib") | _raisable(requests.exceptions, "requests")
    errors |= _raisable(spnego.exceptions, "spnego") | {etree.XMLSyntaxError}
    errors |= _raisable(_ews_wire, "providers._ews") | _raisable(_ews_tokens, "providers._ews")
    assert len(errors) > 400
    # What exchangelib raises when a query finds nothing or too much: we ask no such questions.
    idle = {library.DoesNotExist, library.MultipleObjectsReturned}
    for each in errors - idle:
        assert any(kind in FAULTS for kind in each.__mro__), each


def test_a_code_that_speaks_of_an_event_is_never_that_of_a_mailbox():
    """The usual meaning of a code without a row of its own is a refusal of that event alone."""
    unnamed = _raisable(library, "exchangelib.errors") - set(FAULTS)
    codes = {each for each in unnamed if issubclass(each, library.ResponseMessageError)}
    assert len(codes) > 250
    assert {type(fault(each("x"), writing=True)) for each in codes} == {base.Rejected}
    assert {type(fault(each("x"), writing=False)) for each in codes} == {base.ContractBroken}


@pytest.mark.parametrize(
    ("name", "writing", "meaning"),
    [
        ("ServerBusy", True, base.Throttled),
        ("ExceededConnectionCount", False, base.Throttled),
        ("ExceededFindCountLimit", False, base.Throttled),
        ("InternalServerError", True, base.Ambiguous),
        ("InternalServerError", False, base.Unavailable),
        ("TimeoutExpired", True, base.Ambiguous),
        ("MailboxMoveInProgress", True, base.Unavailable),
        ("BatchProcessingStopped", True, base.Unavailable),
        ("NoRespondingCASInDestinationSite", True, base.Unavailable),
        ("RecoverableItemsAccessDenied", True, base.Unauthorized),
        ("AccessDenied", True, base.Unauthorized),
        ("ImpersonateUserDenied", False, base.Unauthorized),
        ("PasswordExpired", False, base.CredentialRefused),
        ("NonExistentMailbox", True, base.MailboxGone),
        ("AccountDisabled", True, base.MailboxGone),
        ("FolderNotFound", False, base.CalendarGone),
        ("ItemNotFound", True, base.EventGone),
        ("IrresolvableConflict", True, base.Conflict),
        ("InvalidIdMalformed", False, base.Conflict),
        ("QuotaExceeded", True, base.Unavailable),
        ("QuotaExceeded", False, base.Unavailable),
        ("PropertyValidationFailure", True, base.Rejected),
        ("InvalidServerVersion", True, base.ContractBroken),
        ("SchemaValidation", True, base.ContractBroken),
    ],
)
def test_a_response_code_says_what_the_caller_shall_do(name, writing, meaning):
    told = fault(getattr(library, f"Error{name}")("alice@example.org has a secret"), writing=writing)
    assert type(told) is meaning
    assert f"Error{name}" in str(told)
    assert str(told).endswith(".")
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("status", "writing", "meaning"),
    [
        (302, True, base.ContractBroken),
        (400, True, base.ContractBroken),
        (401, True, base.CredentialRefused),
        (403, False, base.Unauthorized),
        (404, False, base.ContractBroken),
        (413, True, base.Rejected),
        (418, False, base.ContractBroken),
        (429, True, base.Throttled),
        (440, True, base.ContractBroken),
        (500, True, base.Ambiguous),
        (503, True, base.Ambiguous),
        (503, False, base.Unavailable),
        (504, True, base.Ambiguous),
    ],
)
def test_a_status_says_what_the_caller_shall_do(status, writing, meaning):
    told = fault(RefusedError(status, timedelta(seconds=9)), writing=writing)
    assert type(told) is meaning
    assert str(status) in str(told)
    if meaning is base.Throttled:
        assert told.retry_after == timedelta(seconds=9)


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(1.5, timedelta(seconds=1.5)), (0, None), (None, None), (-3, None), (10**9, timedelta(days=1))],
)
def test_a_wait_is_as_long_as_it_can_be_meant(seconds, wait):
    busy = library.ErrorServerBusy("x", back_off=seconds)
    assert fault(busy, writing=True).retry_after == wait
