"""`carillon migrate` from Exchange's web services to Microsoft Graph, with one store behind both."""

from datetime import UTC, datetime, timedelta

import pytest

from carillon import migrate as migrating
from sandbox.faults import Fault
from worker import database as databases
from worker.leases import Mailbox, lease
from worker.ledger import Synchronization, Tenant, User

MOVE = ("migrate", "--from", "ews", "--to", "o365")
NUMBER = 3


class Linked:
    """People with mailboxes of their own and synchronizations of type `ews`, that have run."""

    def __init__(self, grounds, engine, people):
        self.exchange = grounds.exchange
        self.institution = grounds.institution
        self.engine = engine
        self.people = people

    def row(self, person):
        with databases.transaction(self.engine) as session:
            return session.query(Synchronization).join(User).filter(User.username == person).one()

    def set(self, person, **values):
        with databases.transaction(self.engine) as session:
            for name, value in values.items():
                setattr(session.get_one(Synchronization, self.row(person).id), name, value)

    def types(self):
        return [self.row(person).type for person in self.people]

    def standing(self, person):
        """What is in a mailbox: nothing can be written without another change key."""
        with self.exchange.lock:
            return {item.id: item.change_key for item in self.exchange.own(person).items()}


@pytest.fixture
def linked(carillon, grounds, database):
    people = [each.username for each in grounds.institution.people if "@" in each.username][:NUMBER]
    carillon("token", "list")
    engine = databases.engine(database)
    with databases.transaction(engine) as session:
        tenant = session.query(Tenant).one()
        for person in people:
            grounds.exchange.remove_mailbox(person)
            grounds.exchange.add_mailbox(person)
            user = User(tenant_id=tenant.id, username=person)
            session.add(user)
            session.flush()
            session.add(Synchronization(tenant_id=tenant.id, user_id=user.id, type="ews", mailbox=person, fields={}))
    for person in people:
        [run] = carillon("sync", person, as_json=True)["runs"]
        assert run["status"] == "OK", run
    grounds.exchange_faults.forget()
    yield Linked(grounds, engine, people)
    grounds.exchange_faults.clear()
    engine.dispose()


def writes(grounds):
    """What was asked of Graph that could have changed something."""
    return [each for each in grounds.exchange_faults.seen("/v1.0/*") if each.method != "GET"]


def test_a_dry_run_tells_what_would_be_adopted_and_changes_nothing(carillon, linked):
    before = [linked.standing(person) for person in linked.people]
    said = carillon(*MOVE, "--all", "--dry-run", as_json=True)["mailboxes"]
    for person, told, stood in zip(linked.people, said, before, strict=True):
        assert told["username"] == told["mailbox"] == person
        assert [told[name] for name in ("known", "found", "adopted", "missing")] == [len(stood)] * 3 + [0]
    assert linked.types() == ["ews"] * NUMBER
    assert [linked.standing(person) for person in linked.people] == before
    shown = carillon(*MOVE, "--all", "--dry-run").output
    stood = len(before[0])
    assert (
        f"1/3 {linked.people[0]}: {stood} event(s) in the ledger, {stood} found: {stood} to adopt, 0 missing" in shown
    )
    assert "3 of 3 mailbox(es) can be moved." in shown


def test_everybody_is_moved_with_every_event_and_not_one_is_written(carillon, grounds, linked):
    before = [linked.standing(person) for person in linked.people]
    idents = [linked.row(person).id for person in linked.people]
    said = carillon(*MOVE, "--all", as_json=True)["mailboxes"]
    for told, stood in zip(said, before, strict=True):
        assert (told["status"], told["adopted"], told["reason"]) == ("OK", len(stood), "")
        assert (told["created"], told["updated"], told["deleted"]) == (0, 0, 0)
    assert writes(grounds) == []
    assert [linked.standing(person) for person in linked.people] == before
    assert linked.types() == ["o365"] * NUMBER
    assert [linked.row(person).id for person in linked.people] == idents
    assert "0 of 0 mailbox(es) moved" in carillon(*MOVE, "--all").output


def test_what_was_moved_is_kept_up_to_date_the_new_way(carillon, grounds, linked):
    person = linked.people[0]
    carillon(*MOVE, person)
    grounds.exchange_faults.forget()
    grounds.institution.add(person, "Something new", datetime.now(UTC) + timedelta(days=2))
    [run] = carillon("sync", person, as_json=True)["runs"]
    assert (run["type"], run["created"], run["updated"], run["deleted"]) == ("o365", 1, 0, 0)
    assert grounds.exchange_faults.seen("/EWS/*") == []
    assert linked.types() == ["o365", "ews", "ews"]


def test_there_is_a_way_back(carillon, linked):
    before = [linked.standing(person) for person in linked.people]
    carillon(*MOVE, "--all")
    said = carillon("migrate", "--from", "o365", "--to", "ews", "--all", as_json=True)["mailboxes"]
    assert [(each["status"], each["adopted"]) for each in said] == [("OK", len(stood)) for stood in before]
    assert linked.types() == ["ews"] * NUMBER
    assert [linked.standing(person) for person in linked.people] == before


def test_a_mailbox_that_the_new_way_does_not_open_stays_as_it_is(carillon, grounds, linked):
    closed = linked.people[1]
    grounds.exchange_faults.add(Fault(f"/v1.0/users/{closed}/*", "unavailable"))
    said = carillon(*MOVE, "--all", status=1).output
    grounds.exchange_faults.clear()
    assert f"2/3 {closed}: stays as it is. " in said
    assert "2 of 3 mailbox(es) moved. The rest (1) waits for a person: see above." in said
    assert linked.types() == ["o365", "ews", "o365"]
    assert linked.row(closed).status == "OK"
    again = carillon(*MOVE, "--all", as_json=True)["mailboxes"]
    assert [each["mailbox"] for each in again] == [closed]
    assert linked.types() == ["o365"] * NUMBER


def test_another_mailbox_behind_the_same_address_is_not_moved_to(carillon, linked):
    person = linked.people[0]
    linked.exchange.remove_mailbox(person)
    linked.exchange.add_mailbox(person)
    for extra in ((), ("--dry-run",)):
        [told] = carillon(*MOVE, person, *extra, as_json=True, status=1)["mailboxes"]
        assert "events are not in the mailbox that o365 opens" in told["reason"]
    assert linked.types() == ["ews"] * NUMBER
    assert linked.standing(person) == {}


def test_a_mailbox_that_is_being_written_to_is_left_for_the_next_call(carillon, linked):
    busy = linked.people[0]
    with lease(linked.engine, Mailbox.of(linked.row(busy))):
        said = carillon(*MOVE, busy, status=1).output
    assert "A run or an unlink writes to this mailbox now; call again when it has ended." in said
    assert linked.types() == ["ews"] * NUMBER
    carillon(*MOVE, busy)
    assert linked.types() == ["o365", "ews", "ews"]


def test_paused_synchronizations_stay(carillon, linked):
    linked.set(linked.people[0], enabled=False, status="DISABLED")
    carillon(*MOVE, "--all")
    assert linked.types() == ["ews", "o365", "o365"]


def test_a_run_that_fails_after_the_move_is_told_and_goes_on_later(carillon, grounds, linked):
    person = linked.people[0]
    before = linked.standing(person)
    grounds.faults.add(Fault("/api/v0/timetable", "unavailable"))
    said = carillon(*MOVE, person, status=1).output
    grounds.faults.clear()
    assert f"1/1 {person}: moved, RETRYING: {len(before)} adopted, 0 created, 0 updated, 0 deleted. " in said
    assert linked.row(person).type == "o365"
    [run] = carillon("sync", person, as_json=True)["runs"]
    assert (run["status"], run["created"], run["updated"], run["deleted"]) == ("OK", 0, 0, 0)
    assert linked.standing(person) == before


def test_ctrl_c_ends_it_between_two_mailboxes_and_the_same_call_goes_on(carillon, linked, monkeypatch):
    before = [linked.standing(person) for person in linked.people]
    survey, asked = migrating.survey, []

    def interrupted(*arguments):
        asked.append(arguments)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return survey(*arguments)

    monkeypatch.setattr(migrating, "survey", interrupted)
    said = carillon(*MOVE, "--all", "--parallel", "1", status=1).output
    assert said.startswith(f"1/3 {linked.people[0]}: moved, OK")
    assert linked.types()[:2] == ["o365", "ews"]
    carillon(*MOVE, "--all")
    assert linked.types() == ["o365"] * NUMBER
    assert [linked.standing(person) for person in linked.people] == before


def test_naming_somebody_who_was_moved_does_no_harm(carillon, linked):
    person = linked.people[0]
    carillon(*MOVE, person)
    assert carillon(*MOVE, person, linked.people[1], as_json=True)["mailboxes"][0]["mailbox"] == linked.people[1]


def test_an_unknown_person_is_named_before_anybody_is_moved(carillon, linked):
    said = carillon(*MOVE, linked.people[0], "nobody@example.org", status=1).stderr
    assert "nobody@example.org: no enabled synchronization of type ews; nobody was moved" in said
    assert linked.types() == ["ews"] * NUMBER


def test_a_second_synchronization_of_the_mailbox_is_in_the_way(carillon, linked):
    row = linked.row(linked.people[0])
    with databases.transaction(linked.engine) as session:
        other = Synchronization(
            tenant_id=row.tenant_id, user_id=row.user_id, type="o365", mailbox=row.mailbox, fields={}
        )
        session.add(other)
    said = carillon(*MOVE, row.mailbox, status=1).output
    assert "There is a synchronization of type o365 with this mailbox already; unlink one of them." in said


@pytest.mark.usefixtures("linked")
def test_the_new_type_must_be_configured(carillon, grounds, tmp_path):
    config = tmp_path / "carillon.toml"
    text = grounds.config.read_text().partition("[tenants.sandbox.providers.o365]")[0]
    config.write_text(text)
    said = carillon(*MOVE, "--all", "--config", str(config), status=1).stderr
    assert "[tenants.sandbox.providers.o365] is not in carillon.toml: write it first" in said


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (("--from", "ews", "--to", "o365"), "name users, or say --all"),
        (("--from", "ews", "--to", "o365", "--all", "anna"), "name users, or say --all"),
        (("--from", "ews", "--to", "ews", "--all"), "the same type"),
        (("--from", "caldav", "--to", "o365", "--all"), "not two ways to the same mailboxes"),
        (("--from", "ews", "--all"), "--to"),
        (("--from", "ews", "--to", "o365", "--all", "--parallel", "0"), "--parallel"),
    ],
)
def test_wrong_usage_is_told(carillon, wrong, word):
    assert word in carillon("migrate", *wrong, status=2).stderr
