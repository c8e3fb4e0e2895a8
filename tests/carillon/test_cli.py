"""The command line, as administrators and help desks use it."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis
from sqlalchemy.orm import Session

from worker import database as databases
from worker.calendar_tables import Group
from worker.dispatch import BEAT_KEY
from worker.ledger import Synchronization, Tenant, User


@pytest.fixture
def anna(carillon, grounds, database):
    """A person with a synchronization with CalDAV; her username and its id."""
    carillon("token", "list")
    username = grounds.institution.people[0].username
    engine = databases.engine(database)
    with Session(engine) as session, session.begin():
        tenant = session.query(Tenant).one()
        user = User(tenant_id=tenant.id, username=username)
        session.add(user)
        session.flush()
        row = Synchronization(tenant_id=tenant.id, user_id=user.id, type="caldav", mailbox=username, fields={})
        session.add(row)
        session.flush()
        ident = row.id
    engine.dispose()
    return username, ident


def test_a_token_is_shown_once_listed_without_its_text_and_refused_when_revoked(carillon):
    made = carillon("token", "create", "portal", as_json=True)
    [listed] = carillon("token", "list", as_json=True)["tokens"]
    assert listed["name"] == "portal"
    assert made["token"] not in carillon("token", "list").output
    carillon("token", "revoke", str(listed["id"]))
    assert carillon("token", "list", as_json=True)["tokens"][0]["revoked"]
    assert "no token" in carillon("token", "revoke", str(listed["id"]), status=1).stderr


def test_a_token_can_be_confined_to_calendar_schedules_and_to_a_group(carillon, database):
    made = ("token", "create", "timetablers", "--right", "Group Admin")
    assert "--group" in carillon(*made, status=1).stderr
    assert "no group" in carillon(*made, "--group", "Science", status=1).stderr
    assert "goes with" in carillon("token", "create", "x", "--group", "Science", status=1).stderr
    engine = databases.engine(database)
    with Session(engine) as session, session.begin():
        session.add(Group(tenant_id=session.query(Tenant).one().id, name="Science"))
    engine.dispose()
    carillon(*made, "--group", "Science")
    carillon("token", "create", "all", "--right", "Tenant Admin")
    listed = carillon("token", "list", as_json=True)["tokens"]
    assert [(each["right"], each["group"], each["roles"]) for each in listed] == [
        ("Group Admin", "Science", []),
        ("Tenant Admin", None, []),
    ]
    assert "Group Admin" in carillon("token", "list").output


def test_the_first_token_can_come_from_the_environment(carillon):
    said = carillon("token", "list", as_json=True, CARILLON_ADMIN_TOKEN="a-long-text-of-an-operator")
    assert [each["name"] for each in said["tokens"]] == ["CARILLON_ADMIN_TOKEN"]


def test_a_dry_run_prints_the_plan_and_changes_nothing(carillon, anna):
    username, _ = anna
    [plan] = carillon("sync", username, "--dry-run", as_json=True)["plans"]
    assert plan["creates"] > 50
    lines = carillon("sync", username, "--dry-run").output.splitlines()
    assert sum(line.startswith("  + ") for line in lines) == plan["creates"]
    assert carillon("sync", username, "--dry-run", as_json=True)["plans"] == [plan]


def test_sync_then_explain_then_unlink(carillon, anna):
    username, ident = anna
    [run] = carillon("sync", username, as_json=True)["runs"]
    assert (run["status"], run["failed"]) == ("OK", 0)
    events = carillon("explain", username, as_json=True)["events"]
    written = [each for each in events if each["ledger"] == "written"]
    assert len(written) == run["created"]
    assert {each["why"] for each in written} == {"wanted"}
    assert any(each["why"].startswith("hidden: ") and each["ledger"] is None for each in events)
    title = written[0]["title"]
    assert title in carillon("explain", username, title[:8]).output
    assert "no such event" in carillon("explain", username, "this title is nobody's").output
    going = carillon("unlink", str(ident), "--mode", "DELETE_ALL_EVENTS", "--dry-run", as_json=True)
    assert going["count"] == run["created"]
    done = carillon("unlink", str(ident), "--mode", "DELETE_ALL_EVENTS", as_json=True)
    assert (done["state"], done["removed"]) == ("DONE", run["created"])
    assert "no enabled synchronization" in carillon("sync", username, status=1).stderr


def test_doctor_says_what_is_well(carillon, anna):
    said = carillon("doctor", as_json=True, status=1)
    found = {each["what"]: each for each in said["findings"]}
    assert found["settings"]["well"]
    assert found["database"]["well"]
    assert found["redis"]["well"]
    assert f"It knows {anna[0]} as ROLE_STUDENT" in found["sandbox: timetable"]["sentence"]
    assert found["sandbox: caldav"]["sentence"] == f"The calendar of {anna[0]} can be written to."
    assert found["sandbox: googlecalendar"]["well"]


@pytest.mark.usefixtures("anna")
def test_doctor_says_what_is_not_and_what_to_do(carillon, grounds, tmp_path):
    config = tmp_path / "carillon.toml"
    text = grounds.config.read_text().replace("sandbox-elevated", "wrong").replace("sandbox-dav", "wrong")
    config.write_text(text)
    said = carillon("doctor", "--config", str(config), status=1, CARILLON_REDIS_URL="redis://127.0.0.1:9/0").output
    assert "Redis does not answer" in said
    assert "CARILLON_REDIS_URL" in said
    assert "token" in next(line for line in said.splitlines() if "sandbox: timetable" in line)
    assert "password" in next(line for line in said.splitlines() if "sandbox: caldav" in line)


@pytest.fixture
def stranger(anna, database):
    """Newer than `anna`, and known to nobody."""
    engine = databases.engine(database)
    with Session(engine) as session, session.begin():
        user = User(tenant_id=session.query(Tenant).one().id, username="nobody@example.org")
        session.add(user)
        session.flush()
        told = {"tenant_id": user.tenant_id, "user_id": user.id, "mailbox": user.username}
        row = Synchronization(type="caldav", fields={}, **told)
        session.add(row)
        session.flush()
        assert row.id > anna[1]
    yield lambda **changed: _set(engine, changed)
    engine.dispose()


def _set(engine, changed):
    with Session(engine) as session, session.begin():
        session.query(Synchronization).filter_by(mailbox="nobody@example.org").update(changed)


def test_doctor_names_whom_it_tried_without_success(carillon, stranger):
    stranger(status="PENDING")
    lines = carillon("doctor", status=1).output.splitlines()
    for part in ("timetable", "caldav"):
        assert next(each for each in lines if f"sandbox: {part}" in each).endswith("(tried with nobody@example.org)")


@pytest.mark.parametrize("status", ["FAILED", "MAILBOX_NOT_FOUND", "NOT_LINKED", "DISABLED"])
def test_doctor_does_not_take_one_persons_trouble_for_the_servers(carillon, stranger, anna, status):
    stranger(status=status)
    found = {each["what"]: each["sentence"] for each in carillon("doctor", as_json=True, status=1)["findings"]}
    assert f"It knows {anna[0]}" in found["sandbox: timetable"]
    assert found["sandbox: caldav"] == f"The calendar of {anna[0]} can be written to."


def test_doctor_says_how_long_ago_the_beat_was_seen(carillon):
    with redis.Redis.from_url(carillon.environment["CARILLON_REDIS_URL"]) as client:
        client.set(BEAT_KEY, time.time() - 90)
    said = {each["what"]: each["sentence"] for each in carillon("doctor", as_json=True, status=1)["findings"]}["beat"]
    assert said.startswith("Beat and worker gave their last sign of life 9")
    assert "`carillon beat`" in said


def test_wrong_settings_are_all_told(carillon, tmp_path):
    config = tmp_path / "carillon.toml"
    config.write_text('[tenants.x]\nname = "X"\ncolour = "red"\n')
    said = carillon("sync", "anna", "--config", str(config), status=1).stderr
    assert "colour: unknown key" in said
    assert "time_zone: missing" in said
    assert "timetable.source: missing" in said


def test_an_unreachable_database_is_one_sentence(carillon):
    said = carillon("token", "list", status=1, CARILLON_DATABASE_URL="postgresql://me:hidden@127.0.0.1:9/x").stderr
    assert "CARILLON_DATABASE_URL" in said
    assert "hidden" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("url", ["nonsense", "mysql://me:hidden@127.0.0.1/x", "postgresql://[::1/x", "sqlite://"])
def test_an_address_that_is_no_postgresqls_is_one_sentence(carillon, url):
    said = carillon("token", "list", status=1, CARILLON_DATABASE_URL=url).stderr
    assert said.startswith("carillon: CARILLON_DATABASE_URL is no address of a PostgreSQL")
    assert "hidden" not in said


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1", "redis://:hidden@127.0.0.1:99999/0"])
def test_an_address_that_is_no_redis_is_one_sentence(carillon, url):
    said = carillon("token", "list", status=1, CARILLON_REDIS_URL=url).stderr
    assert said.startswith("carillon: CARILLON_REDIS_URL is no address of a Redis")
    assert "hidden" not in said


def test_a_title_in_brackets_is_shown_as_it_is(carillon, anna, grounds):
    title = "Groups [A] and [/b]"
    grounds.institution.add(anna[0], title, datetime.now(UTC) + timedelta(days=2))
    assert title in carillon("sync", anna[0], "--dry-run").output
    assert title in carillon("explain", anna[0], "Groups [A]").output


def test_a_tenant_that_was_taken_out_of_the_settings_is_named(carillon, anna, grounds, tmp_path):
    config = tmp_path / "carillon.toml"
    text = grounds.config.read_text().replace("tenants.sandbox", "tenants.another")
    config.write_text(text)
    for command in (("sync", anna[0]), ("explain", anna[0]), ("unlink", str(anna[1]), "--mode", "CLEANUP")):
        said = carillon(*command, "--config", str(config), status=1).stderr
        assert f"the tenant of synchronization {anna[1]} is not in {config} any more" in said


@pytest.mark.parametrize(
    "wrong",
    [
        ("unlink", "1"),
        ("unlink", "1", "--mode", "ALL"),
        ("sync",),
        ("nothing",),
        ("up", "--port", "x"),
        ("token", "revoke", "x"),
        ("token", "revoke", "9" * 30),
    ],
)
def test_wrong_usage_exits_with_2(carillon, wrong):
    carillon(*wrong, status=2)


def test_unknown_people_and_synchronizations_are_named(carillon):
    assert (
        "nobody@example.org has no enabled synchronization" in carillon("sync", "nobody@example.org", status=1).stderr
    )
    assert "no synchronization 4711" in carillon("unlink", "4711", "--mode", "CLEANUP", status=1).stderr
