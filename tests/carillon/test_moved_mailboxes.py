"""Mailboxes of Exchange that change their address or their way in, over HTTP: no event is written twice."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from providers._exchange import KEY, PROPERTY_SET, SYNCHRONIZATION
from sandbox.faults import Fault
from worker import database as databases
from worker.installation import install
from worker.ledger import Synchronization, User
from worker.moving import continued, locked, move
from worker.settings import load
from worker.synchronize import synchronize

WAYS = [("ews", "o365"), ("o365", "ews"), ("ews", "ews"), ("o365", "o365")]

numbers = itertools.count(1)


class Linked:
    """A person with a mailbox that nobody had before, at the address `old`; `new` is to be its next one."""

    def __init__(self, grounds, installation):
        self.grounds = grounds
        self.installation = installation
        self.person = grounds.institution.people[0].username
        number = next(numbers)
        self.old, self.new = f"old-{number}@example.org", f"new-{number}@example.org"
        grounds.exchange.add_mailbox(self.old)

    def link(self, kind, address):
        """As PUT does: the synchronization's id."""
        tenant_id = next(iter(self.installation.tenants))
        fields = {"smtpAddress": address}
        with databases.transaction(self.installation.engine) as session:
            user = locked(session, tenant_id, self.person)
            if user is None:
                user = User(tenant_id=tenant_id, username=self.person)
                session.add(user)
                session.flush()
            row = continued(session, user, kind, address)
            if row:
                move(row, kind, address, fields)
            else:
                row = Synchronization(tenant_id=tenant_id, user_id=user.id, type=kind, mailbox=address, fields=fields)
                session.add(row)
            session.flush()
            return row.id

    def run(self, ident):
        return synchronize(self.installation, ident, lambda: datetime.now(UTC))

    def row(self, ident):
        with databases.transaction(self.installation.engine) as session:
            return session.get_one(Synchronization, ident)

    def standing(self, address):
        with self.grounds.exchange.lock:
            return {item.id: item for item in self.grounds.exchange.own(address).items()}

    def told(self, address, name):
        """How many events of a mailbox have which value of a property of ours."""
        return Counter(each.properties[PROPERTY_SET, name] for each in self.standing(address).values())


@pytest.fixture
def linked(grounds, database, redis_url):
    installation = install(load(grounds.config), database, redis_url)
    yield Linked(grounds, installation)
    installation.close()
    grounds.exchange_faults.clear()
    assert grounds.exchange.violations == []
    assert grounds.exchange.notifications == 0


@pytest.mark.parametrize(("before", "after"), WAYS)
def test_a_mailbox_whose_old_address_is_gone_keeps_every_event(linked, before, after):
    ident = linked.link(before, linked.old)
    assert linked.run(ident).outcome == "OK"
    stood = linked.standing(linked.old)
    linked.grounds.exchange.rename(linked.old, linked.new)
    linked.grounds.institution.add(linked.person, "Something new", datetime.now(UTC) + timedelta(days=2))
    assert linked.run(ident).outcome == "MAILBOX_NOT_FOUND"
    assert linked.link(after, linked.new) == ident
    report = linked.run(ident)
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 1, 0, 0)
    assert stood.items() <= linked.standing(linked.new).items()
    assert len(linked.standing(linked.new)) == len(stood) + 1


@pytest.mark.parametrize(("before", "after"), WAYS)
def test_a_mailbox_whose_old_address_still_leads_to_it_is_written_to_by_the_new_synchronization(linked, before, after):
    first = linked.link(before, linked.old)
    assert linked.run(first).outcome == "OK"
    stood = linked.standing(linked.old).keys()
    linked.grounds.exchange.rename(linked.old, linked.new, keep_old=True)
    second = linked.link(after, linked.new)
    report = linked.run(second)
    assert (report.outcome, report.created, report.updated, report.deleted) == ("OK", 0, len(stood), 0), report
    assert linked.standing(linked.new).keys() == stood
    assert linked.told(linked.new, SYNCHRONIZATION) == {str(second): len(stood)}
    assert linked.row(first).status == "DISABLED"
    assert linked.run(second).updated == 0


@pytest.mark.parametrize(("before", "after"), [("ews", "o365"), ("o365", "ews")])
@pytest.mark.parametrize("kind", ["lost", "unavailable_after", "unavailable", "cut_off"])
def test_a_move_while_an_answer_is_missing_doubles_nothing(linked, before, after, kind):
    ident = linked.link(before, linked.old)
    linked.grounds.exchange_faults.add(Fault("/EWS/*" if before == "ews" else "/v1.0/$batch", kind))
    assert linked.run(ident).outcome == "RETRYING"
    linked.grounds.exchange_faults.clear()
    assert linked.link(after, linked.old) == ident
    report = linked.run(ident)
    assert (report.outcome, report.deleted) == ("OK", 0), report
    assert set(linked.told(linked.old, KEY).values()) == {1}
    again = linked.run(ident)
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)
    assert again.kept == len(linked.standing(linked.old))
