"""Mailboxes and credentials that are refused: a reason to read, waits that grow, and nobody else is concerned."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from providers import o365
from sandbox.certificates import application_certificate
from term import lecture

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


def lectures(term):
    return [lecture(term.now + DAY * nth, f"id-{nth}") for nth in range(1, 5)]


def missing(server, kind, name):
    {
        "googlecalendar": lambda: server.google.remove_account(name),
        "ews": lambda: server.exchange.remove_mailbox(name),
        "o365": lambda: server.exchange.remove_mailbox(name),
    }[kind]()


def unlicensed(server, _kind, name):
    server.exchange.unlicense(name)


def out_of_scope(server, _kind, name):
    server.exchange.put_out_of_scope(name)


TROUBLES = [
    ("googlecalendar", missing, "MAILBOX_NOT_FOUND", "provisioning_smtpAddress"),
    ("ews", missing, "MAILBOX_NOT_FOUND", "provisioning_smtpAddress"),
    ("ews", unlicensed, "MAILBOX_NOT_FOUND", "no mailbox that can be used"),
    ("ews", out_of_scope, "UNAUTHORIZED", "ApplicationImpersonation"),
    ("o365", missing, "MAILBOX_NOT_FOUND", "provisioning_smtpAddress"),
    ("o365", unlicensed, "MAILBOX_NOT_FOUND", "licence"),
    ("o365", out_of_scope, "UNAUTHORIZED", "Calendars.ReadWrite"),
]


@pytest.mark.case("peers", 19)
@pytest.mark.parametrize(("kind", "trouble", "status", "word"), TROUBLES)
def test_a_mailbox_that_does_not_open_is_left_alone_for_longer_each_time_and_others_go_on(  # noqa: PLR0917 - a table
    open_term, server_of, kind, trouble, status, word
):
    term = open_term(kind)
    well, ill, also_well = (term.person(*lectures(term)) for _ in range(3))
    trouble(server_of(kind), kind, ill.name)
    waits = []
    for _ in range(3):
        reports = [each.run() for each in (well, ill, also_well)]
        assert [each.outcome for each in reports] == ["OK", status, "OK"]
        assert word in ill.row().status_detail
        waits.append(term.due_in(ill.ident))
        term.now += waits[-1]
    assert waits[0] > QUARTER * 0.8
    assert waits[2] > 1.8 * waits[1] > 3 * waits[0]
    assert well.at_rest()
    assert len(also_well.starts()) == 4


@pytest.mark.case("faults", 15)
def test_a_calendar_that_its_owner_deleted_is_asked_once_at_each_step_and_never_made_anew(term):
    someone = term.person(*lectures(term))
    someone.run()
    someone.box.mailbox.lose()
    changed = [each | {"locations": [{"name": "Room 9"}]} for each in lectures(term)]
    someone.tell(*changed)
    waits = []
    for _ in range(4):
        term.wire.forget()
        assert someone.run().outcome == "MAILBOX_NOT_FOUND"
        # Over CalDAV only two looks tell a calendar that is gone from an event that is.
        assert 1 <= len([each for each in term.wire.seen() if "token" not in each.path]) <= 3
        assert someone.row().status_detail
        waits.append(term.due_in(someone.ident))
        term.now += waits[-1]
    assert all(later > 1.8 * wait for wait, later in itertools.pairwise(waits))


@pytest.mark.case("faults", 15)
@pytest.mark.case("peers", 8)
def test_credentials_that_are_revoked_cost_one_request_at_each_step_and_change_nothing(open_term, server_of, kind):
    server = server_of(kind)
    term = open_term(kind, settings=server.refused)
    someone = term.person(*lectures(term))
    waits = []
    for _ in range(6):
        term.wire.forget()
        assert someone.run().outcome == "UNAUTHORIZED"
        # Connect Daily refuses an account and a single event in the same words: a second request tells which it is.
        assert term.requests() <= {"connectdaily": 2, "o365": 3}.get(kind, 1)
        assert someone.row().status_detail
        waits.append(term.due_in(someone.ident))
        term.now += waits[-1]
    assert waits[-1] > timedelta(hours=5)
    assert someone.starts() == []


@pytest.mark.case("peers", 20)
def test_a_certificate_that_has_expired_is_told_with_its_day_and_without_a_request(open_term, server_of):
    known, made = server_of("o365").settings, application_certificate(days=-3)
    words = {"directory": known.directory, "client_id": known.client_id, "root_url": known.root_url}
    words |= {"authority": known.authority, "ca_file": known.ca_file}
    pem = made.certificate + made.private_key
    term = open_term("o365", settings=o365.Settings.model_validate({**words, "certificate": pem}))
    someone = term.person(*lectures(term))
    assert someone.run().outcome == "UNAUTHORIZED"
    assert f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}" in someone.row().status_detail
    assert "make a new one" in someone.row().status_detail
    assert term.requests() == 0
    assert term.due_in(someone.ident) > QUARTER * 0.8
