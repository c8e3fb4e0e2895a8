"""`carillon release` and `carillon rebuild`, beside the sandbox's servers."""

import pytest

from sandbox.faults import Fault
from worker import database as databases
from worker.ledger import Event, Synchronization, Tenant, User

NUMBER = 2


class Linked:
    """People with Google calendars, which have been filled."""

    def __init__(self, grounds, engine, people):
        self.institution = grounds.institution
        self.engine = engine
        self.people = people

    def transaction(self):
        return databases.transaction(self.engine)

    def rows(self):
        with self.transaction() as session:
            return session.query(Synchronization).order_by(Synchronization.id).all()

    def switch(self, *, on):
        for username in self.people:
            wishes = self.institution.wishes(username)
            for key in wishes.subscriptions():
                wishes.subscribe(key, enabled=on)


@pytest.fixture
def linked(carillon, grounds, database):
    people = [each.username for each in grounds.institution.people[:NUMBER]]
    carillon("token", "list")
    engine = databases.engine(database)
    with databases.transaction(engine) as session:
        tenant = session.query(Tenant).one()
        for person in people:
            user = User(tenant_id=tenant.id, username=person)
            session.add(user)
            session.flush()
            session.add(
                Synchronization(tenant_id=tenant.id, user_id=user.id, type="googlecalendar", mailbox=person, fields={})
            )
    made = Linked(grounds, engine, people)
    # Whatever an earlier test left in these calendars.
    carillon("rebuild", "--all")
    for person in people:
        carillon("sync", person)
    yield made
    made.switch(on=True)
    engine.dispose()


@pytest.fixture
def held(carillon, linked):
    linked.switch(on=False)
    for person in linked.people:
        [run] = carillon("sync", person, as_json=True, status=1)["runs"]
        assert run["status"] == "HELD"
    return linked


def run(carillon, person):
    [did] = carillon("sync", person, as_json=True)["runs"]
    return did


def test_one_word_releases_everybody_and_the_next_run_carries_it_out(carillon, held):
    said = carillon("release", "--all", as_json=True)["released"]
    assert [(each["username"], each["going"] == each["of"] > 0) for each in said] == [(p, True) for p in held.people]
    assert all(row.released_reading == row.held_reading for row in held.rows())
    for person, told in zip(held.people, said, strict=True):
        assert run(carillon, person)["deleted"] >= told["going"]
    assert "0 synchronization(s) released" in carillon("release", "--all").output


def test_only_who_is_named_is_released(carillon, held):
    shown = carillon("release", held.people[1]).output
    assert "1 synchronization(s) released; the workers carry it out now." in shown
    assert [row.released_reading is not None for row in held.rows()] == [False, True]


def test_a_dry_run_of_a_release_shows_what_would_go_and_changes_nothing(carillon, held):
    person = held.people[0]
    [told] = carillon("release", person, "--dry-run", as_json=True)["held"]
    shown = carillon("release", person, "--dry-run").output.splitlines()
    assert len([line for line in shown if line.startswith("  - ")]) == len(told["events"]) >= told["going"]
    assert shown[-1] == "1 synchronization(s) held; nothing was changed."
    everybody = carillon("release", "--all", "--dry-run", as_json=True)["held"]
    assert [each["username"] for each in everybody] == held.people
    assert [row.released_reading for row in held.rows()] == [None] * NUMBER


def test_a_dry_run_says_so_if_the_timetable_has_changed(carillon, held):
    held.switch(on=True)
    [told] = carillon("release", held.people[0], "--dry-run", as_json=True)["held"]
    assert "judges it anew" in told["reason"]


def test_somebody_who_is_not_held_is_named_before_anybody_is_released(carillon, held):
    said = carillon("release", held.people[0], "nobody@example.org", status=1).stderr
    assert "nobody@example.org: nothing of theirs is held; nobody was released" in said
    assert [row.released_reading for row in held.rows()] == [None] * NUMBER


def test_a_rebuild_adopts_what_stands_in_the_calendars(carillon, linked):
    with linked.transaction() as session:
        number = session.query(Event).count()
        session.query(Event).delete()
    seen = carillon("rebuild", "--all", "--dry-run", as_json=True)["mailboxes"]
    assert sum(each["found"] for each in seen) == number > 100
    assert {(each["known"], each["renumbered"], each["reason"]) for each in seen} == {(0, 0, "")}
    assert [row.rebuild_asked_at for row in linked.rows()] == [None] * NUMBER
    said = carillon("rebuild", "--all").output
    assert f"{NUMBER} synchronization(s) will be rebuilt by the workers." in said
    for person in linked.people:
        did = run(carillon, person)
        assert (did["status"], did["created"], did["deleted"]) == ("OK", 0, 0)
    with linked.transaction() as session:
        assert session.query(Event).count() == number


def test_a_dry_run_of_a_rebuild_tells_counts_and_what_cannot_be_read(carillon, linked, grounds):
    person = linked.people[0]
    assert "event(s) in the ledger" in carillon("rebuild", person, "--dry-run").output
    grounds.faults.add(Fault("/calendar/v3/*", "unavailable"))
    said = carillon("rebuild", person, "--dry-run", as_json=True, status=1)
    grounds.faults.clear()
    assert said["mailboxes"][0]["reason"]


@pytest.mark.usefixtures("linked")
def test_an_unknown_person_is_named_before_anybody_is_rebuilt(carillon):
    said = carillon("rebuild", "nobody@example.org", status=1).stderr
    assert "nobody@example.org: no synchronization; nobody is rebuilt" in said


@pytest.mark.parametrize("wrong", [("release",), ("release", "--all", "anna"), ("rebuild",), ("rebuild", "--all", "x")])
def test_either_users_or_everybody(carillon, wrong):
    assert "name users, or say --all" in carillon(*wrong, status=2).stderr


def test_an_unknown_tenant_is_told(carillon):
    for command in ("release", "rebuild"):
        assert "sandbox" in carillon(command, "--all", "--tenant", "another", status=1).stderr
