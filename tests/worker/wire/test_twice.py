"""The same work delivered twice, at once or one after the other, at real servers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from loop.boxes import leads_to
from provisioning import tokens
from provisioning.app import application
from sandbox.serve import serve
from term import lecture
from worker.database import transaction
from worker.ledger import UnlinkMode

DAY = timedelta(days=1)
NUMBER = 24


def lectures(term):
    return [lecture(term.now + DAY * nth / 2, f"id-{nth}") for nth in range(1, NUMBER + 1)]


@pytest.mark.case("peers", 21)
@pytest.mark.case("faults", 7)
def test_a_run_that_is_delivered_to_four_workers_at_once_is_made_once(term):
    someone = term.person(*lectures(term))
    term.wire.forget()
    with ThreadPoolExecutor(4) as pool:
        reports = [each.result() for each in [pool.submit(someone.run) for _ in range(4)]]
    outcomes = sorted(each.outcome for each in reports)
    assert sum(each.created for each in reports) == NUMBER
    assert set(outcomes) <= {"OK", "BUSY"}
    assert "BUSY" in outcomes
    assert term.changes() == NUMBER
    assert len(someone.starts()) == NUMBER
    term.wire.forget()
    assert someone.run().outcome == "OK"
    assert term.requests() == 0


@pytest.fixture
def put(term):
    """PUTs a synchronization of somebody over HTTP; the status and the item."""
    with serve(application(term.installation, term.clock)) as url, requests.Session() as session:
        with transaction(term.installation.engine) as ledger:
            token = tokens.create(ledger, next(iter(term.installation.tenants)), "a test", tokens.ROLES)
        session.headers["apiToken"] = token

        def put(username):
            assert session.put(f"{url}/api/v0/users/{username}").status_code == 204
            fields = {f"provisioning_{name}": each for name, each in leads_to(term.kind, username, username).items()}
            fields |= {"username": username, "type": term.kind}
            answer = session.put(f"{url}/api/v0/synchronizations", data=fields)
            return answer.status_code, answer.json()["synchronization"]["id"]

        yield put


@pytest.mark.case("peers", 15)
def test_who_is_provisioned_twice_has_one_synchronization_and_one_set_of_events(term, put):
    box = term.box()
    status, ident = put(box.name)
    assert status == 201
    someone = term.owner(box, ident)
    someone.tell(*lectures(term))
    assert someone.run().created == NUMBER
    before = someone.versions()
    term.wire.forget()
    assert put(box.name) == (200, ident)
    assert someone.run().outcome == "OK"
    assert someone.resync().created == 0
    assert term.changes() == 0
    assert someone.versions() == before


@pytest.mark.case("peers", 15)
def test_who_is_linked_again_finds_what_was_left_and_gets_no_second_set(term, put):
    someone = term.person(*lectures(term))
    someone.run()
    before = someone.box.standing().keys()
    term.unlink(someone.ident, UnlinkMode.UNLINK_ONLY)
    status, ident = put(someone.name)
    assert (status, ident != someone.ident) == (201, True)
    report = term.owner(someone.box, ident).run()
    assert (report.outcome, report.created, report.deleted) == ("OK", 0, 0)
    assert someone.box.standing().keys() == before
