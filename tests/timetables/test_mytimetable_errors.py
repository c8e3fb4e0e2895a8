import inspect
from datetime import UTC, datetime, timedelta

import pytest
import requests.exceptions
import urllib3.exceptions

from timetables._mytimetable_errors import FAILURES, failure, retry_after
from timetables.base import ContractBroken, SourceError, Unavailable

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIBRARY = [
    each
    for _, each in inspect.getmembers(requests.exceptions, inspect.isclass)
    if issubclass(each, requests.exceptions.RequestException) and each is not requests.exceptions.RequestException
]


@pytest.mark.parametrize("error", LIBRARY)
def test_every_error_of_the_library_has_a_row_of_its_own_line(error):
    assert len(LIBRARY) > 15
    line = error.__mro__[: error.__mro__.index(requests.exceptions.RequestException)]
    assert any(each in FAILURES for each in line)


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (requests.exceptions.ConnectTimeout(), Unavailable, "connect_timeout"),
        (requests.exceptions.ReadTimeout(), Unavailable, "read_timeout"),
        (requests.exceptions.SSLError(), Unavailable, "ca_file"),
        (requests.exceptions.ProxyError(), Unavailable, "connection"),
        (requests.exceptions.InvalidProxyURL(), ContractBroken, "InvalidProxyURL"),
        (requests.exceptions.JSONDecodeError("x", "y", 0), ContractBroken, "JSONDecodeError"),
        (urllib3.exceptions.ProtocolError(), Unavailable, "broke off"),
        (urllib3.exceptions.ReadTimeoutError(None, None, "x"), Unavailable, "read_timeout"),
        (urllib3.exceptions.DecodeError(), ContractBroken, "unpacked"),
        (urllib3.exceptions.HTTPError(), Unavailable, "HTTPError"),
        (FileNotFoundError(), Unavailable, "FileNotFoundError"),
    ],
)
def test_the_nearest_row_counts_and_says_what_to_do(error, kind, word):
    meant = failure(error, "https://x.nl/api/v0/timetable")
    assert type(meant) is kind
    assert isinstance(meant, SourceError)
    assert word in str(meant)
    assert "https://x.nl/api/v0/timetable" in str(meant)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0),
        (" 90 ", 90),
        ("9" * 400, 86_400),
        ("Fri, 20 Nov 2026 12:02:00 GMT", 120),
        ("Fri, 20 Nov 2026 12:02:00 -0000", 120),
        ("Fri, 20 Nov 2026 11:02:00 GMT", 0),
        ("Fri, 20 Nov 9999 11:02:00 GMT", 86_400),
        ("Fri, 99 Nov 2026 11:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date_and_never_longer_than_a_day(text, seconds):
    assert retry_after(text, NOW) == (None if seconds is None else timedelta(seconds=seconds))
