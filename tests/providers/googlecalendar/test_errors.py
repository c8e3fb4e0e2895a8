"""Google Calendar: what each error means."""

import inspect
import json
from datetime import timedelta

import httplib2
import pytest
import requests
from google.auth import exceptions as auth_errors
from googleapiclient import errors as google_errors

from providers import base
from providers._googlecalendar_errors import FAULTS, fault


def test_every_error_of_the_libraries_has_a_meaning():
    modules = (google_errors, auth_errors, requests.exceptions)
    classes = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)}
    own = ("google.auth", "googleapiclient", "requests")
    errors = {each for each in classes if issubclass(each, Exception) and each.__module__.startswith(own)}
    errors = {each for each in errors if not issubclass(each, Warning)}
    assert len(errors) > 40
    general = {LookupError, ValueError, TypeError, AttributeError}
    for each in errors:
        nearest = next((kind for kind in each.__mro__ if kind in FAULTS), None)
        assert nearest is not None, each
        assert nearest not in general or each.__module__ not in {"google.auth.exceptions", "googleapiclient.errors"}, (
            each
        )


@pytest.mark.parametrize(
    ("status", "reason", "writing", "meaning"),
    [
        (400, "invalid", True, base.Rejected),
        (400, "invalid", False, base.ContractBroken),
        (401, "authError", True, base.Unauthorized),
        (403, "quotaExceeded", True, base.Throttled),
        (403, "dailyLimitExceeded", False, base.Throttled),
        (403, "userRateLimitExceeded", True, base.Throttled),
        (403, "notACalendarUser", False, base.MailboxGone),
        (403, "accessNotConfigured", False, base.Unauthorized),
        (403, "forbidden", True, base.Unauthorized),
        (404, "notFound", False, base.CalendarGone),
        (409, "conflict", True, base.Throttled),
        (412, "conditionNotMet", True, base.Conflict),
        (413, "", True, base.Rejected),
        (418, "teapot", False, base.ContractBroken),
        (503, "backendError", True, base.Ambiguous),
        (503, "backendError", False, base.Unavailable),
    ],
)
def test_a_refusal_says_what_the_caller_shall_do(status, reason, writing, meaning):
    content = json.dumps(
        {"error": {"code": status, "message": "Secret title", "errors": [{"reason": reason}]}}
    ).encode()
    found = fault(google_errors.HttpError(_response(status), content), writing=writing)
    assert type(found) is meaning
    assert str(status) in str(found)
    assert "Secret" not in str(found)
    if reason in {"quotaExceeded", "dailyLimitExceeded"}:
        assert found.retry_after >= timedelta(hours=1)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"errors": []}}', b"\xff"])
def test_a_refusal_in_strange_words_is_judged_by_its_status(content):
    assert type(fault(google_errors.HttpError(_response(403), content), writing=True)) is base.Unauthorized


def _response(status):
    return httplib2.Response({"status": str(status)})
