"""An institution whose timetable API says what a test lets it say, whose people have calendars at real servers, and the
whole of a run in between.
"""

import fnmatch
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from starlette.responses import Response
from starlette.routing import Route, Router

from loop.boxes import Box, leads_to, opener
from providers.base import Marks
from sandbox.ews_call import OPERATIONS
from sandbox.faults import Fault, Faults, FaultyWire
from sandbox.serve import serve
from schedules.render import DEFAULT_TEMPLATES, Rendering
from worker import database as databases
from worker.installation import install
from worker.ledger import Synchronization, Unlink, User
from worker.mailbox import calendar
from worker.modules import source as source_module
from worker.settings import Settings, Tenant, TenantSettings
from worker.synchronize import synchronize
from worker.unlinks import accept, carry_out

NOW = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)
GROUPS = b'{"filteringEnabled": false}'
CHANGING = {"PUT", "POST", "PATCH", "DELETE", "CreateItem", "UpdateItem", "DeleteItem"}
INSTANCES = ("here", "there")
CALLS = {
    "caldav": [("*", "PUT"), ("*", "DELETE")],
    "connectdaily": [("/cd/restapi/*", "POST"), ("/cd/restapi/*", "PUT"), ("/cd/restapi/*", "DELETE")],
    "googlecalendar": [("/batch/*", "POST")],
    "ews": [("/EWS/operations/*", "CreateItem"), ("/EWS/operations/*", "UpdateItem")],
    "o365": [("/v1.0/$batch", "POST")],
}
"""Where and how each provider sends its changes."""
ITEMS = {
    "caldav": ["*"],
    "connectdaily": ["/cd/restapi/*"],
    "googlecalendar": ["/calendar/v3/*"],
    "ews": ["/EWS/items/*"],
    "o365": ["/v1.0/users/*"],
}
"""Where faults find single changes."""


def lecture(start, ident="", title="Algebra", room="Room 1", **other):
    """An event as the timetable API tells it, two hours long."""
    told = {"startDate": milliseconds(start), "endDate": milliseconds(start + timedelta(hours=2))}
    told |= {"activityDescription": title, "locations": [{"name": room}], "eventType": {"description": "Lecture"}}
    return told | ({"id": ident} if ident else {}) | other


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


class Told:
    """The timetable API: what it says of each username, a list of events or a whole `Response`."""

    def __init__(self):
        self.people = {}

    def routes(self):
        return [Route("/api/v0/timetable", self._timetable), Route("/api/v0/eventtypegroups", self._groups)]

    async def _timetable(self, request):
        told = self.people.get(request.headers["requestedAuth"], [])
        return told if isinstance(told, Response) else Response(json.dumps(told), media_type="application/json")

    async def _groups(self, _request):
        return Response(GROUPS, media_type="application/json")


@dataclass
class Person:
    """Somebody with a mailbox and a synchronization. `box` is their calendar as its server has it."""

    term: "Term"
    box: Box
    ident: int

    @property
    def name(self):
        return self.box.name

    def tell(self, *events):
        """What their timetable says from now on."""
        self.term.told.people[self.name] = list(events)

    def run(self):
        return synchronize(self.term.installation, self.ident, self.term.clock)

    def resync(self):
        self.term.set(self.ident, resync_asked_at=self.term.now)
        return self.run()

    def row(self):
        return self.term.row(self.ident)

    def starts(self):
        """When our events start, and where they are, as they stand at the server."""
        return sorted((each.start, each.location) for each in self.box.standing().values() if each.mark)

    def told_again(self):
        """The same timetable in another order and with another unknown field, so that it is looked at anew."""
        self.tell(*({**each, "revision": self.term.now.isoformat()} for each in self.term.told.people[self.name][::-1]))

    def at_rest(self):
        """Whether neither the same timetable again nor a look at the calendar finds anything to do."""
        before = self.versions()
        self.term.wire.forget()
        self.told_again()
        idle = [self.run(), self.run(), self.resync()]
        assert [(each.outcome, each.created, each.updated, each.deleted) for each in idle] == [("OK", 0, 0, 0)] * 3
        return self.term.changes() == 0 and self.versions() == before

    def versions(self, instance=INSTANCES[0]):
        """Id and version of each of our events, as the server tells them."""
        row = self.row()
        with calendar(self.term.tenant(instance), row.type, row.user.username, row.fields) as provider:
            return {each.ref.id: each.ref.version for each in provider.find(Marks(instance))}


@dataclass
class Term:
    """`kind` is the type of everybody's calendar, `now` the clock, `url` where the timetable API is; `wire` are the
    faults and requests at the calendars' server.
    """

    kind: str
    server: object
    installation: object
    told: Told
    wire: Faults
    url: str
    now: datetime = NOW
    open_boxes: list = field(default_factory=list)

    def clock(self):
        return self.now

    def tenant(self, instance=INSTANCES[0]):
        return next(each for each in self.installation.tenants.values() if each.key == instance)

    def batch(self):
        """How many changes of one calendar travel together."""
        row = self.row(self.person().ident)
        with calendar(self.tenant(), row.type, row.user.username, row.fields) as provider:
            return provider.capabilities.batch

    def box(self):
        """A calendar that nobody had before."""
        self.open_boxes.append(opener(self.kind, self.server.settings if self.kind == "memory" else self.server)())
        return self.open_boxes[-1]

    def person(self, *events, box=None, instance=INSTANCES[0]):
        """Somebody new with a timetable, or the owner of `box` once more."""
        box = box or self.box()
        made = self.owner(box, self.link(box.name, instance))
        if events:
            made.tell(*events)
        return made

    def owner(self, box, ident):
        """Whose calendar that is, and whose synchronization."""
        return Person(self, box, ident)

    def link(self, username, instance=INSTANCES[0]):
        """As PUT /synchronizations does for the first time."""
        tenant_id = next(ident for ident, each in self.installation.tenants.items() if each.key == instance)
        with databases.transaction(self.installation.engine) as session:
            user = session.query(User).filter_by(username=username, tenant_id=tenant_id).one_or_none()
            user = user or User(tenant_id=tenant_id, username=username)
            session.add(user)
            session.flush()
            place = {"type": self.kind, "mailbox": username, "fields": leads_to(self.kind, username, username)}
            row = Synchronization(tenant_id=tenant_id, user_id=user.id, created_at=self.now, **place)
            session.add(row)
            session.flush()
            return row.id

    def row(self, ident):
        with databases.transaction(self.installation.engine) as session:
            return session.get_one(Synchronization, ident)

    def set(self, ident, **values):
        with databases.transaction(self.installation.engine) as session:
            for name, value in values.items():
                setattr(session.get_one(Synchronization, ident), name, value)

    def unlink(self, ident, mode):
        """As DELETE /synchronizations/{id}; the unlink's id."""
        with databases.transaction(self.installation.engine) as session:
            return accept(session, session.get_one(Synchronization, ident), mode, self.now).id

    def carry_out(self, unlink):
        return carry_out(self.installation, unlink, self.clock)

    def unlink_row(self, ident):
        with databases.transaction(self.installation.engine) as session:
            return session.get_one(Unlink, ident)

    def drop(self, ident):
        """The ledger loses a synchronization and all it knew of it."""
        with databases.transaction(self.installation.engine) as session:
            session.delete(session.get_one(Synchronization, ident))

    def due_in(self, ident):
        """How long PostgreSQL says it takes until the synchronization is due."""
        with self.installation.engine.connect() as connection:
            chosen = text("SELECT due_at - clock_timestamp() FROM synchronizations WHERE id = :ident")
            return connection.execute(chosen, {"ident": ident}).scalar_one()

    def spoil(self, kind, *, seconds=1.0, times=None):
        """What carries changes meets a fault."""
        for path, method in CALLS[self.kind]:
            self.wire.add(Fault(path, kind, seconds, times, method))

    @contextmanager
    def spoiling(self, kind, *places, seconds=1.0):
        """The changes at these places of those that are sent meet a fault, each of them alone."""
        count, take = itertools.count(), self.wire.take

        def nth(method, path):
            single = method in CHANGING and any(fnmatch.fnmatchcase(path, each) for each in ITEMS[self.kind])
            return Fault(path, kind, seconds) if single and next(count) in places else take(method, path)

        self.wire.take = nth
        yield
        del self.wire.take

    def requests(self):
        """How many requests came to the calendars' server since it was last asked to forget them."""
        return len(self.wire.seen())

    def changes(self):
        """How many changes of events the server was sent, however they travelled."""
        whole = [each for each in self.wire.seen() if each.method in {"PUT", "PATCH", "DELETE"}]
        whole += self.wire.seen("/cd/restapi/*", "POST")
        parts = [each for each in self.wire.seen(parts=True) if each.method in CHANGING]
        # EWS counts operations beside the items in them.
        return len(whole) + sum(not each.path.startswith(OPERATIONS) for each in parts)


@contextmanager
def term(kind, server, stores, *, zone="Europe/Amsterdam", policy="restore", settings=None):
    """Two installations of one institution over one ledger, `here` and `there`. `stores` are the addresses of
    PostgreSQL and Redis, `settings` the provider's where they are not those of the server.
    """
    told = Told()
    with serve(FaultyWire(Router(routes=told.routes()), Faults())) as url:
        installation = installed(url, {kind: settings or server.settings}, stores, zone, policy)
        made = Term(kind, server, installation, told, server.wire.faults, url)
        server.wire.faults.forget()
        yield made
        server.wire.faults.clear()
        for box in made.open_boxes:
            box.close()
        installation.close()


def installed(url, providers, stores, zone="Europe/Amsterdam", policy="restore"):
    """As a process of Carillon puts itself together, for the timetable API at `url`."""
    source = source_module("mytimetable").Settings(urls=[f"{url}/api/v0/"], token="a-token", read_timeout=5)
    return install(
        Settings(None, {name: _tenant(name, zone, policy, source, providers) for name in INSTANCES}), *stores
    )


def _tenant(name, zone, policy, source, providers):
    window = {"past": "14d", "future": "60d"}
    settings = TenantSettings(name=name, time_zone=zone, instance=name, policy=policy, window=window)
    return Tenant(name, settings, ("mytimetable", source), providers, Rendering(DEFAULT_TEMPLATES, zone))
