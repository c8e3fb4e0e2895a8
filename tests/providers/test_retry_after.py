"""How long a server asks us to wait, in either form of `Retry-After`."""

from datetime import UTC, datetime, timedelta

import pytest

from providers._retry_after import retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Fri, 20 Nov 2026 12:01:30 GMT", 90),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("99999999999", 86_400),
        ("Fri, 20 Nov 2026 25:00:00 GMT", None),
        ("9" * 5_000, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 20 Nov 2026 12:00:30", 30),
        ("Fri, 20 Nov 2026 12:00:00 +99999999999999999999", None),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_a_wait_is_read_in_either_form(value, seconds):
    wait = retry_after(value, datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
