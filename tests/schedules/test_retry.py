import inspect
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import base as provider
from schedules.due import next_due
from schedules.render import TemplateProblemError
from schedules.retry import LONGEST_PAUSE, decide
from timetables import base as source

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
EVERY = [
    each
    for module in (provider, source)
    for _, each in inspect.getmembers(module, inspect.isclass)
    if issubclass(each, Exception) and each.__module__ == module.__name__
]
LASTING = [
    provider.Unauthorized,
    provider.MailboxGone,
    provider.CalendarGone,
    provider.ContractBroken,
    source.Unauthorized,
    source.PersonUnknown,
    source.ContractBroken,
    RuntimeError,
]


def wait(error, failures=0, ident=1):
    return decide(error, failures, NOW, QUARTER, ident).due_at - NOW


def test_success_is_due_again_after_the_interval():
    made = decide(None, 7, NOW, QUARTER, 1)
    assert (made.status, made.due_at, made.failures, made.detail) == ("OK", next_due(NOW, QUARTER, 1), 0, "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (provider.Throttled, "RETRYING"),
        (provider.Unavailable, "RETRYING"),
        (provider.Ambiguous, "RETRYING"),
        (provider.Unauthorized, "UNAUTHORIZED"),
        (provider.MailboxGone, "MAILBOX_NOT_FOUND"),
        (provider.CalendarGone, "MAILBOX_NOT_FOUND"),
        (source.Throttled, "RETRYING"),
        (source.Unavailable, "RETRYING"),
        (source.Unauthorized, "UNAUTHORIZED"),
        (source.PersonUnknown, "FAILED"),
    ],
)
@pytest.mark.parametrize("failures", [0, 30])
def test_a_known_reason_has_its_status_however_often(error, status, failures):
    made = decide(error("Do this."), failures, NOW, QUARTER, 1)
    assert (made.status, made.failures, made.detail) == (status, failures + 1, "Do this.")


@pytest.mark.parametrize("error", [provider.ContractBroken, source.ContractBroken, TemplateProblemError, KeyError])
def test_for_any_other_reason_a_person_is_asked_after_three_failures(error):
    said = [decide(error("Do this."), failures, NOW, QUARTER, 1).status for failures in range(5)]
    assert said == ["RETRYING", "RETRYING", "RETRYING", "FAILED", "FAILED"]


def test_a_defect_never_tells_what_it_was_about():
    made = decide(ValueError("the title of an event"), 0, NOW, QUARTER, 1)
    assert made.detail == "ValueError: this is a defect of Carillon; see the log."
    assert decide(provider.ContractBroken(), 0, NOW, QUARTER, 1).detail.startswith("ContractBroken: ")


@given(st.sampled_from([*EVERY, RuntimeError]), st.integers(0, 1_000), st.integers(1, 10**9))
def test_waits_grow_and_have_an_end(error, failures, ident):
    here, later = wait(error(""), failures, ident), wait(error(""), failures + 1, ident)
    assert timedelta(seconds=27) <= here <= later <= timedelta(hours=6)


@pytest.mark.parametrize("error", LASTING)
def test_what_fails_for_good_is_tried_less_than_thirty_times_a_day(error):
    for ident in range(50):
        now, failures = NOW, 0
        while now < NOW + timedelta(days=1):
            now, failures = decide(error(""), failures, now, QUARTER, ident).due_at, failures + 1
        assert failures < 30


def test_what_passes_is_tried_soon_and_at_least_every_hour():
    assert timedelta(seconds=27) <= wait(provider.Unavailable("")) <= timedelta(seconds=30)
    assert 0.9 * HOUR <= wait(provider.Unavailable(""), 100) <= HOUR


def test_those_who_failed_together_come_back_one_after_another():
    assert len({wait(source.Unavailable(""), 3, ident) for ident in range(100)}) == 100


@pytest.mark.parametrize("throttled", [provider.Throttled, source.Throttled])
def test_a_server_is_given_the_pause_it_asks_for(throttled):
    for ident in range(20):
        assert 3 * HOUR <= wait(throttled("", 3 * HOUR), 0, ident) <= 3.3 * HOUR
    assert wait(throttled("", timedelta(seconds=1)), 5) == wait(throttled(""), 5)
    assert wait(throttled("", timedelta(days=-1))) == wait(throttled(""))
    assert wait(throttled("", timedelta(days=4_000))) <= 1.1 * LONGEST_PAUSE
