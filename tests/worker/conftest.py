"""A small installation: a real ledger and queue, the sandbox university over HTTP, calendars in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from providers.memory import Store
from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve
from schedules.periods import Period
from schedules.term_ics import Term
from ways import open_second_way
from worker import calendars
from worker import database as databases
from worker.calendar_tables import Effect, Group, Membership
from worker.calendars import Parent
from worker.dispatch import dispatch
from worker.installation import Installation, install
from worker.ledger import Run, Synchronization, Unlink, UnlinkMode, User
from worker.moving import move
from worker.settings import load
from worker.synchronize import Report, synchronize
from worker.unlinks import UnlinkReport, accept, carry_out

NOW = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Amsterdam")

SETTINGS = """
[tenants.uni]
name = "University"
time_zone = "Europe/Amsterdam"
instance = "carillon-test"
interval = "15min"
window = {{ past = "14d", future = "120d" }}

[tenants.uni.timetable]
source = "mytimetable"
urls = ["{url}/api/v0/"]
token = "sandbox-elevated"
read_timeout = 2.0

[tenants.uni.providers.memory]
"""


@dataclass
class World:
    """What a test turns and looks at. `now` is the clock."""

    installation: Installation
    institution: Institution
    faults: Faults
    store: Store
    now: datetime = NOW
    people: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def link(self, username: str | None = None, kind: str = "memory", **fields: str) -> int:
        """Provision a person's mailbox; the synchronization's id."""
        username = username or self.people[0]
        with databases.transaction(self.installation.engine) as session:
            tenant_id = next(iter(self.installation.tenants))
            user = session.query(User).filter_by(username=username).one_or_none()
            if user is None:
                user = User(tenant_id=tenant_id, username=username)
                session.add(user)
                session.flush()
            row = Synchronization(
                tenant_id=tenant_id,
                user_id=user.id,
                type=kind,
                mailbox=fields.get("smtpAddress", username),
                fields=fields,
                created_at=self.now,
            )
            session.add(row)
            session.flush()
            return row.id

    def move(self, ident: int, kind: str, **fields: str) -> None:
        """Let a synchronization go on another way, or at another address."""
        with databases.transaction(self.installation.engine) as session:
            row = session.get_one(Synchronization, ident)
            mailbox = fields.get("smtpAddress", row.user.username)
            move(row, kind, mailbox, fields)

    def run(self, ident: int, *, by_hand: bool = False) -> Report:
        return synchronize(self.installation, ident, self.clock, by_hand=by_hand)

    def row(self, ident: int) -> Synchronization:
        with databases.transaction(self.installation.engine) as session:
            return session.get_one(Synchronization, ident)

    def set(self, ident: int, **values: object) -> None:
        with databases.transaction(self.installation.engine) as session:
            for name, value in values.items():
                setattr(session.get_one(Synchronization, ident), name, value)

    def runs(self, ident: int) -> list[Run]:
        with databases.transaction(self.installation.engine) as session:
            return session.query(Run).filter_by(synchronization_id=ident).order_by(Run.id).all()

    def unlink(self, ident: int, mode: UnlinkMode) -> int:
        with databases.transaction(self.installation.engine) as session:
            return accept(session, session.get_one(Synchronization, ident), mode, self.now).id

    def carry_out(self, unlink: int) -> UnlinkReport:
        return carry_out(self.installation, unlink, self.clock)

    def unlink_row(self, ident: int) -> Unlink:
        with databases.transaction(self.installation.engine) as session:
            return session.get_one(Unlink, ident)

    def ours(self, mailbox: str | None = None) -> dict[str, object]:
        """Our events that stand in a mailbox, by id."""
        live = self.store.live(mailbox or self.people[0])
        return {name: stored for name, stored in live.items() if stored.mark}

    def wished(self, username: str | None = None) -> list[tuple[datetime, str]]:
        """Start and rooms of what should stand there, from the university's own books."""
        username = username or self.people[0]
        wishes = self.institution.wishes(username)
        start, end = self.now - timedelta(days=14), self.now + timedelta(days=121)
        day = self.institution.zone
        first, last = (each.astimezone(day).replace(hour=0, minute=0) for each in (start, end))
        return sorted(
            (event.start, ", ".join(room.name for room in event.rooms))
            for event in self.institution.timetable(username, first, last)
            if first <= event.start < last and not event.draft and not wishes.hides(event)
        )

    def standing(self, username: str | None = None) -> list[tuple[datetime, str]]:
        return sorted((each.event.start, each.event.location) for each in self.ours(username).values())


@pytest.fixture
def world(database: str, redis_url: str, tmp_path: Path) -> Iterator[World]:
    institution, faults = Institution(now=NOW), Faults()
    with serve(application(institution, faults)) as url:
        config = tmp_path / "carillon.toml"
        config.write_text(SETTINGS.format(url=url))
        installation = install(load(config), database, redis_url)
        tenant = next(iter(installation.tenants.values()))
        people = [each.username for each in institution.people if "ROLE_STUDENT" in each.roles]
        yield World(installation, institution, faults, tenant.providers["memory"].store, people=people)
        installation.close()


@pytest.fixture
def two_ways(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, where the type `mirror` leads to the calendars of `memory` too."""
    for tenant in world.installation.tenants.values():
        open_second_way(monkeypatch, tenant, "mirror", "memory", store=world.store)
    return world


class Holding:
    """A world in which schedules hold; its clock is PostgreSQL's, for claims go by that."""

    def __init__(self, world):
        self.world, self.engine = world, world.installation.engine
        world.now = datetime.now(UTC)
        world.installation.redis.flushall()

    def group(self, *idents):
        """A group of the people of these synchronizations."""
        with databases.transaction(self.engine) as session:
            rows = [session.get_one(Synchronization, ident) for ident in idents]
            group = Group(tenant_id=rows[0].tenant_id, name="Group")
            session.add(group)
            session.flush()
            session.add_all(Membership(group_id=group.id, user_id=row.user_id, source="api") for row in rows)
            return group.id

    def hold(self, days=1, group=None, user=None, *, name="Quiet", effect=Effect.HOLD, recurrence=None):
        """A schedule of whole days from today on; the end of the last of its first ones."""
        today = self.world.now.astimezone(ZONE).date()
        last = today + timedelta(days=days - 1)
        term = Term((Period("Quiet", today, last, recurrence=recurrence),))
        given = {"zone": ZONE, "now": self.world.now, "effect": effect}
        self.change(lambda session, parent: calendars.create(session, parent, name, term, **given), group, user)
        return datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)

    def change(self, change, group=None, user=None):
        with databases.transaction(self.engine) as session:
            return change(session, Parent(next(iter(self.world.installation.tenants)), group, user))

    def sweep(self):
        return dispatch(self.world.installation)["synchronizations"]

    def due_now(self, *idents):
        for ident in idents:
            self.world.set(ident, due_at=datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def holding(world):
    return Holding(world)
