"""What only the calendars in memory have: their life, and faults on demand."""

import pytest
from pydantic import ValidationError

from providers import memory
from providers.base import (
    Ambiguous,
    Create,
    Done,
    Marks,
    Rejected,
    Unavailable,
)

OURS = Marks("carillon-test")


class CrashError(BaseException):
    """The process dies."""


@pytest.fixture
def settings():
    return memory.Settings()


@pytest.fixture
def connect(settings):
    return lambda name="alice": memory.connect(settings, memory.Target(username=name))


@pytest.fixture
def creates(lecture, mark):
    return [Create(lecture(), mark(f"k{number}")) for number in range(4)]


def keys(provider):
    return sorted(each.mark.key for each in provider.find(OURS))


def test_calendars_live_as_long_as_their_settings(connect, creates):
    connect().push(creates)
    assert keys(connect()) == ["k0", "k1", "k2", "k3"]
    assert memory.connect(memory.Settings(), memory.Target(username="alice")).find(OURS) == []


def test_the_mailbox_is_the_username_unless_another_account_is_named():
    assert memory.Target(username="alice").mailbox == "alice"
    assert (
        memory.Target.model_validate({"username": "alice", "smtpAddress": "a@example.org"}).mailbox == "a@example.org"
    )


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError):
        memory.Target.model_validate({"username": "alice", "calendarId": "x"})
    with pytest.raises(ValidationError):
        memory.Settings.model_validate({"url": "x"})


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        (memory.Fault("push", CrashError(), 0, done=False), []),
        (memory.Fault("push", CrashError(), 0, done=True), ["k0"]),
        (memory.Fault("push", CrashError(), 2, done=False), ["k0", "k1"]),
        (memory.Fault("push", CrashError(), -1, done=True), ["k0", "k1", "k2", "k3"]),
    ],
)
def test_a_process_can_die_at_any_point_of_a_push(settings, connect, creates, fault, written):
    settings.store.faults.append(fault)
    with pytest.raises(CrashError):
        connect().push(creates)
    assert keys(connect()) == written


@pytest.mark.parametrize("done", [False, True])
def test_one_change_can_be_left_in_doubt(settings, connect, creates, done):
    settings.store.faults.append(memory.Fault("push", Ambiguous("Lost."), 1, done, raised=False))
    outcomes = connect().push(creates)
    assert [type(each) for each in outcomes] == [Done, Ambiguous, Done, Done]
    assert ("k1" in keys(connect())) is done


def test_a_fault_strikes_once_and_only_where_it_fits(settings, connect, creates):
    provider = connect()
    settings.store.faults += [
        memory.Fault("push", Rejected("No."), 3, raised=False),
        memory.Fault("find", Unavailable("Later.")),
    ]
    assert all(isinstance(each, Done) for each in provider.push(creates[:2]))
    assert isinstance(provider.push(creates)[3], Rejected)
    with pytest.raises(Unavailable):
        provider.find(OURS)
    assert keys(provider) == ["k0", "k1", "k2"]
    assert settings.store.faults == []


def test_a_check_can_fail(settings, connect):
    settings.store.faults.append(memory.Fault("check", Unavailable("Later.")))
    with pytest.raises(Unavailable):
        connect().check()


def test_calls_are_counted(settings, connect, creates):
    provider = connect()
    provider.push(creates)
    provider.find(OURS)
    provider.check()
    assert settings.store.calls == ["push", "find", "check"]
