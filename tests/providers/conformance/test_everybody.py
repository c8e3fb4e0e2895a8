"""An error that speaks of the whole server says so, and one that speaks of a mailbox does not."""

from datetime import timedelta

import httplib2
import pytest
from googleapiclient.errors import HttpError

from providers import base
from providers._googlecalendar_errors import fault
from providers.base import Create, Marks

OURS = Marks("carillon-test", "17")


def raised(call):
    with pytest.raises(base.ProviderError) as error:
        call()
    return error.value


def test_a_server_that_nobody_reaches_speaks_of_everybody(wired):
    provider = wired.connect()
    provider.find(OURS)
    wired.spoil("cut_off")
    assert raised(lambda: provider.find(OURS)).everybody


def test_a_server_that_hangs_speaks_of_everybody(wired):
    wired.spoil("slow", seconds=3, times=1)
    assert raised(lambda: wired.connect_impatient().find(OURS)).everybody


def test_a_server_that_is_not_available_speaks_of_everybody(wired):
    wired.spoil("unavailable")
    error = raised(lambda: wired.connect().find(OURS))
    assert type(error) is base.Unavailable
    assert error.everybody


def test_so_does_one_that_is_not_there_for_a_write(wired, lecture, mark):
    provider = wired.connect()
    provider.find(OURS)
    wired.spoil("unavailable")
    try:
        (error,) = provider.push([Create(lecture(), mark())])
    except base.ProviderError as whole:
        error = whole
    assert isinstance(error, base.Unavailable | base.Ambiguous)
    assert error.everybody


@pytest.mark.parametrize("kind", ["full", "throttled"])
def test_a_mailbox_that_is_full_or_throttled_speaks_for_itself(wired, lecture, mark, kind):
    provider = wired.connect()
    wired.spoil(kind)
    try:
        (error,) = provider.push([Create(lecture(), mark())])
    except base.ProviderError as whole:
        error = whole
    assert not error.everybody


def test_refused_credentials_are_an_answer(wired):
    assert not raised(lambda: wired.connect_refused().find(OURS)).everybody


@pytest.mark.parametrize(
    ("reason", "limit", "everybody"),
    [
        ("rateLimitExceeded", "limit 'Queries per minute' of service", True),
        ("rateLimitExceeded", "limit 'Queries per day' of service", True),
        ("rateLimitExceeded", "limit 'Queries per minute per user' of service", False),
        ("rateLimitExceeded", "Rate Limit Exceeded", False),
        ("userRateLimitExceeded", "limit 'Queries per minute' of service", False),
        ("quotaExceeded", "Calendar usage limits exceeded.", False),
        ("dailyLimitExceeded", "Daily Limit Exceeded.", True),
    ],
)
def test_google_tells_the_projects_quotas_from_a_users(reason, limit, everybody):
    content = b'{"error": {"message": "%s", "errors": [{"reason": "%s"}]}}' % (limit.encode(), reason.encode())
    error = fault(HttpError(httplib2.Response({"status": "403", "retry-after": "7"}), content), writing=True)
    assert type(error) is base.Throttled
    assert (error.everybody, error.retry_after) == (everybody, timedelta(seconds=7))
