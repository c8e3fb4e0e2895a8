"""What servers say of our credentials is remembered when it changes, and a mailbox's own refusal is not that."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from providers import memory
from providers._held import Held
from providers.base import CredentialRefused, MailboxGone, Unauthorized, Unavailable
from providers.memory import Fault
from timetables import base as source
from worker import credentials
from worker import database as databases
from worker.credential_tables import CredentialVerdict
from worker.ledger import UnlinkMode
from worker.verdicts import FRESH, JUST_NOW, note

REASON = "The server refuses the service account: give it a new password."


class Guarded(memory.Settings):
    """Calendars that ask for a password."""

    @property
    def credentials(self):
        return (Held("PASSWORD", "password"),)


@pytest.fixture
def guarded(world):
    tenant = next(iter(world.installation.tenants.values()))
    tenant.providers["memory"] = Guarded(store=world.store)
    return world


def known(world):
    """The timetable's token and the calendars' password, as they are known now."""
    with databases.transaction(world.installation.engine) as session:
        return credentials.of_tenant(session, world.installation, next(iter(world.installation.tenants)))


def written(world):
    """Where the rows stand in the file: a row that is written anew stands elsewhere."""
    with databases.transaction(world.installation.engine) as session:
        statement = databases.text("SELECT ctid::text, xmin::text FROM credential_verdicts ORDER BY credential")
        return session.execute(statement).all()


def refuse(world, error, times=1):
    world.store.faults += [Fault("push", error) for _ in range(times)]


def test_a_run_that_is_well_tells_that_both_were_accepted(guarded):
    assert guarded.run(guarded.link()).outcome == "OK"
    assert [(each.refused, each.last_accepted_at) for each in known(guarded)] == [("", guarded.now)] * 2


def test_what_is_accepted_again_and_again_is_written_once_an_hour(guarded):
    idents = [guarded.link(name) for name in guarded.people[:3]]
    guarded.run(idents[0])
    first = written(guarded)
    for ident in idents[1:]:
        guarded.now += FRESH / 3
        guarded.run(ident)
    assert written(guarded) == first
    guarded.now += FRESH
    guarded.run(guarded.link(guarded.people[3]))
    assert written(guarded) != first


def test_a_routine_run_that_finds_nothing_new_looks_at_no_verdict(guarded):
    ident = guarded.link()
    guarded.run(ident)
    before = written(guarded)
    asked = []
    event.listen(guarded.installation.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    for wait in (timedelta(), JUST_NOW, FRESH):
        asked.clear()
        guarded.now += 2 * wait
        assert guarded.run(ident).outcome == "OK"
        assert len(asked) == 10, asked
    assert written(guarded) == before


def test_a_refused_credential_is_kept_with_its_reason_until_the_next_success(guarded, caplog):
    one, other = guarded.link(), guarded.link(guarded.people[1])
    since = guarded.now
    refuse(guarded, CredentialRefused(REASON), times=2)
    with caplog.at_level(logging.WARNING, "carillon.credentials"):
        assert guarded.run(one).outcome == "UNAUTHORIZED"
        first = written(guarded)
        guarded.now += timedelta(minutes=5)
        assert guarded.run(other).outcome == "UNAUTHORIZED"
    token, password = known(guarded)
    assert (token.refused, token.refused_at) == ("", None)
    assert (password.refused, password.refused_at) == (REASON, since)
    assert written(guarded) == first
    assert [each.getMessage() for each in caplog.records] == ["refused tenant=1 credential=providers.memory.password"]
    assert guarded.run(one).outcome == "OK"
    token, password = known(guarded)
    assert (password.refused, password.refused_at, password.last_accepted_at) == ("", None, guarded.now)
    # The timetable was read all along.
    assert token.last_accepted_at == since


def test_a_refusal_that_another_process_met_is_taken_back_within_a_minute(guarded):
    idents = [guarded.link(name) for name in guarded.people[:3]]
    guarded.run(idents[0])
    other = replace(guarded.installation, noted={})
    note(other, (next(iter(other.tenants)), "memory"), CredentialRefused(REASON), guarded.now, read=False, asked=True)
    guarded.now += JUST_NOW / 2
    guarded.run(idents[1])
    assert known(guarded)[1].refused == REASON
    guarded.now += JUST_NOW
    guarded.run(idents[2])
    assert known(guarded)[1].refused == ""


def test_another_reason_replaces_the_first_and_since_stays(guarded):
    ident, since = guarded.link(), guarded.now
    refuse(guarded, CredentialRefused(REASON))
    refuse(guarded, CredentialRefused("It was switched off."))
    guarded.run(ident)
    guarded.now += timedelta(hours=1)
    guarded.run(ident)
    password = known(guarded)[1]
    assert (password.refused, password.refused_at) == ("It was switched off.", since)


@pytest.mark.parametrize("error", [Unauthorized("No right to this mailbox."), MailboxGone("No such mailbox.")])
def test_a_mailbox_that_refuses_says_nothing_of_the_credential(guarded, error):
    guarded.run(guarded.link())
    before = known(guarded)[1]
    refuse(guarded, error)
    guarded.now += timedelta(hours=2)
    assert guarded.run(guarded.link(guarded.people[1])).outcome in {"UNAUTHORIZED", "MAILBOX_NOT_FOUND"}
    assert known(guarded)[1] == before


def test_a_refused_timetable_token_is_its_own_and_a_run_without_a_write_mends_it(guarded):
    ident = guarded.link()
    guarded.run(ident)
    tenant_id, tenant = next(iter(guarded.installation.tenants.items()))
    wrong = tenant.source[1].model_copy(update={"token": type(tenant.source[1].token)("wrong")})
    right = guarded.installation.sources[tenant_id]
    guarded.installation.sources[tenant_id] = type(right)(wrong, right._zone)
    guarded.now += timedelta(hours=2)
    assert guarded.run(ident).outcome == "UNAUTHORIZED"
    token, password = known(guarded)
    assert "check token" in token.refused
    assert (password.refused, password.last_accepted_at) == ("", guarded.now - timedelta(hours=2))
    guarded.installation.sources[tenant_id] = right
    guarded.now += timedelta(hours=2)
    assert guarded.run(ident).outcome == "OK"
    token, password = known(guarded)
    assert (token.refused, token.last_accepted_at) == ("", guarded.now)
    # The timetable was unchanged, so that nobody asked the calendar.
    assert password.last_accepted_at == guarded.now - timedelta(hours=4)


@pytest.mark.parametrize("error", [Unavailable("The server is away."), CredentialRefused(REASON)])
def test_a_timetable_that_is_read_again_is_known_whatever_the_calendars_say(guarded, error):
    ident, group = guarded.link(), (next(iter(guarded.installation.tenants)), "memory")
    refused = source.CredentialRefused("The token is refused: check token.")
    note(guarded.installation, group, refused, guarded.now, read=False, asked=False)
    assert known(guarded)[0].refused == str(refused)
    refuse(guarded, error)
    assert guarded.run(ident).outcome != "OK"
    token, password = known(guarded)
    assert (token.refused, token.last_accepted_at) == ("", guarded.now)
    assert (bool(password.refused), password.last_accepted_at) == (isinstance(error, CredentialRefused), None)


def test_an_unlink_meets_refusals_too(guarded):
    ident = guarded.link()
    guarded.run(ident)
    unlink = guarded.unlink(ident, UnlinkMode.DELETE_ALL_EVENTS)
    guarded.store.faults.append(Fault("find", CredentialRefused(REASON)))
    assert guarded.carry_out(unlink).state == "RETRYING"
    assert known(guarded)[1].refused == REASON
    assert guarded.carry_out(unlink).state == "DONE"
    assert known(guarded)[1].refused == ""


def test_workers_that_meet_the_same_at_the_same_time_do_not_wait_for_each_other(guarded):
    group = (next(iter(guarded.installation.tenants)), "memory")
    errors = [None, CredentialRefused(REASON), None, source.CredentialRefused("The token is refused.")] * 8
    with ThreadPoolExecutor(8) as threads:
        noted = [
            threads.submit(note, guarded.installation, group, each, guarded.now, read=True, asked=True)
            for each in errors
        ]
    assert [each.result() for each in noted] == [None] * len(errors)
    assert len(written(guarded)) == 2


def test_what_is_taken_out_of_the_settings_is_known_no_more(guarded):
    guarded.run(guarded.link())
    tenant = next(iter(guarded.installation.tenants.values()))
    tenant.providers["memory"] = memory.Settings(store=guarded.store)
    assert [each.name for each in known(guarded)] == ["timetable.token"]
    with databases.transaction(guarded.installation.engine) as session:
        assert session.query(CredentialVerdict).count() == 2
