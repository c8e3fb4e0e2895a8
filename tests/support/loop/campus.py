"""Two Carillons in one process over one ledger, and people with mailboxes: what a test drives the whole loop with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session

from loop import clock
from loop.boxes import leads_to
from loop.timetables import Timetables
from loop.trouble import Killed, Line, Process
from loop.year import Year
from schedules.render import DEFAULT_TEMPLATES, Rendering
from worker import database as databases
from worker import known as rows
from worker.dispatch import dispatch
from worker.installation import Installation
from worker.ledger import Synchronization, Unlink, UnlinkMode, User
from worker.ledger import Tenant as TenantRow
from worker.settings import Settings, Tenant, TenantSettings
from worker.synchronize import synchronize
from worker.unlinks import accept, carry_out

NOW = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)
CONFIRM_AFTER = timedelta(hours=1)
FLOOR, SHARE = 2, 0.4
ZONE = "Europe/Amsterdam"
RENDERING = Rendering(DEFAULT_TEMPLATES, ZONE)


@dataclass
class Messages:
    """The queue: what was sent and not yet delivered."""

    waiting: list = field(default_factory=list)

    def synchronize(self, ident, _label, *, urgent=False, claim=None):
        self.waiting.insert(0 if urgent else len(self.waiting), ("synchronize", ident, claim))
        return True

    def unlink(self, ident, _label):
        self.waiting.append(("unlink", ident, None))
        return True


@dataclass(frozen=True)
class Actor:
    """Who writes now: a synchronization, which an operator may run by hand, or the unlink of one."""

    instance: str
    synchronization: int
    person: str
    mailbox: str
    unlink: int | None = None
    mode: UnlinkMode | None = None
    by_hand: bool = False


class Campus:
    """`now` is the clock, and PostgreSQL's follows it. `admin` is a way to the ledger on which no worker dies."""

    def __init__(self, database, redis, kind, settings, *, instances=("here", "there")):
        self.now = NOW
        self.kind = kind
        self.process, self.line, self.source, self.queue = Process(), Line(), Timetables(), Messages()
        self.redis = redis
        # Without the look at each connection that production takes: this server does not go away.
        url = database.replace("postgresql://", "postgresql+psycopg://")
        given = {"pool_size": 5, "hide_parameters": True, "connect_args": clock.CONNECT}
        self.admin, self.engine = (create_engine(url, **given) for _ in range(2))
        clock.make(self.admin)
        for name in ("begin", "commit"):
            event.listen(self.engine, name, lambda _connection: self._pulse())
        self.settings = settings
        self.instances = instances
        self.acting = []
        self.findings = []
        self.began = self.ended = lambda _actor, _report: None
        self.reset("restore")

    def close(self):
        self.engine.dispose()
        self.admin.dispose()

    def reset(self, policy):
        """An empty ledger, no trouble, and the first moment again."""
        self.now = NOW
        clock.put(self.admin, NOW)
        self.calm()
        self.line.calls = 0
        self.year = Year(self)
        self.source.term_ends = None
        self.queue.waiting.clear()
        self.findings.clear()
        self.source.people.clear()
        with self.admin.begin() as connection:
            for table in ("unlinks", "synchronizations", "calendar_schedules", "groups", "users", "leases"):
                connection.execute(text(f"DELETE FROM {table}"))
        tenants = {name: self._tenant(name, policy) for name in self.instances}
        ids = self._tenant_ids(tenants)
        self.tenant_ids = {tenant.settings.instance: ident for ident, tenant in ids.items()}
        self.installation = Installation(
            Settings(None, tenants),
            self.engine,
            self.redis,
            self.queue,
            ids,
            dict.fromkeys(ids, self.source),
        )

    def _tenant(self, name, policy):
        guard = {"floor": FLOOR, "share": SHARE, "confirm_after": "1h", "tenant_floor": 100}
        settings = TenantSettings(
            name=name,
            time_zone=ZONE,
            instance=name,
            policy=policy,
            guard=guard,
            window={"past": "14d", "future": "60d"},
        )
        return Tenant(name, settings, ("", settings), {self.kind: self.settings}, RENDERING)

    def _tenant_ids(self, tenants):
        with databases.transaction(self.admin) as session:
            known = {row.key: row for row in session.query(TenantRow)}
            session.add_all(TenantRow(key=key) for key in tenants if key not in known)
            session.flush()
            return {row.id: tenants[row.key] for row in session.query(TenantRow) if row.key in tenants}

    def _pulse(self):
        if self.acting:
            self.process.pulse()

    # What an administrator asks for.

    def link(self, instance, username, mailbox):
        """As PUT /synchronizations; the synchronization's id."""
        tenant_id = self.tenant_ids[instance]
        fields = leads_to(self.kind, username, mailbox)
        with databases.transaction(self.admin) as session:
            user = session.query(User).filter_by(username=username, tenant_id=tenant_id).one_or_none()
            user = user or User(tenant_id=tenant_id, username=username)
            session.add(user)
            session.flush()
            same = {"tenant_id": tenant_id, "user_id": user.id, "type": self.kind, "mailbox": mailbox}
            row = session.query(Synchronization).filter_by(**same).one_or_none()
            row = row or Synchronization(**same, fields=fields, created_at=self.now)
            session.add(row)
            session.flush()
            return row.id

    def unlink(self, ident, mode):
        """As DELETE /synchronizations/{id}; the unlink's id, None if there is no such synchronization any more."""
        with databases.transaction(self.admin) as session:
            row = session.get(Synchronization, ident)
            if row is None:
                return None
            accepted = accept(session, row, mode, self.now)
        if mode is not UnlinkMode.UNLINK_ONLY:
            self.queue.unlink(accepted.id, "")
        return accepted.id

    def pause(self, ident, *, enabled):
        """As PATCH /synchronizations/{id}."""
        self.set(ident, enabled=enabled, status="OK" if enabled else "DISABLED")

    def ask_resync(self, ident):
        self.set(ident, resync_asked_at=self.now)

    def set(self, ident, **values):
        with databases.transaction(self.admin) as session:
            row = session.get(Synchronization, ident)
            for name, value in values.items():
                if row:
                    setattr(row, name, value)

    # What workers and beats do.

    def run(self, ident, claim=None, *, by_hand=False):
        """One delivery of a run, or a run by hand; None if the worker died in it."""
        row, given = self.row(ident), (self.installation, ident, self.clock, claim)
        if row is None:
            return synchronize(*given)
        actor = Actor(self.instance_of(row), ident, row.user.username, row.mailbox, by_hand=by_hand)
        return self._act(actor, lambda: synchronize(*given, by_hand=by_hand))

    def carry_out(self, ident):
        """One delivery of an unlink; None if the worker died in it."""
        with databases.transaction(self.admin) as session:
            row = session.get_one(Unlink, ident)
        unlinking = {"unlink": ident, "mode": UnlinkMode(row.mode)}
        actor = Actor(self.instance_of(row), row.synchronization_id, row.username, row.mailbox, **unlinking)
        return self._act(actor, lambda: carry_out(self.installation, ident, self.clock))

    def deliver(self, *, twice=False):
        """The next message, if there is one; twice, it comes again."""
        if self.queue.waiting:
            task, ident, claim = self.queue.waiting.pop(0)
            for _ in range(1 + twice):
                if task == "synchronize":
                    self.run(ident, claim)
                else:
                    self.carry_out(ident)

    def beat(self):
        dispatch(self.installation, self.clock)

    def _act(self, actor, action):
        self.acting.append(actor)
        self.began(actor, None)
        report = None
        try:
            report = action()
        except Killed:
            self.process.restart()
        finally:
            self.acting.pop()
        if report and "defect of Carillon" in report.detail:
            self.findings.append(f"a defect: {report.detail}")
        self.ended(actor, report)
        return report

    def instance_of(self, row):
        return self.installation.tenants[row.tenant_id].settings.instance

    def calm(self):
        """Take back every trouble that nobody has met."""
        self.line.clear()
        self.process.restart()
        self.source.errors.clear()
        self.source.meanwhile.clear()

    # What there is.

    def clock(self):
        return self.now

    def pass_time(self, span):
        """Let `span` go by, for PostgreSQL too."""
        self.now += span
        clock.put(self.admin, self.now)

    def free_leases(self):
        """Whoever holds a mailbox has held it for too long."""
        with self.admin.begin() as connection:
            connection.execute(text("UPDATE leases SET expires_at = '-infinity'"))

    def row(self, ident):
        with Session(self.admin) as session:
            return session.get(Synchronization, ident)

    def linked(self):
        """Every synchronization, by id."""
        with Session(self.admin) as session:
            return {row.id: row for row in session.query(Synchronization).order_by(Synchronization.id)}

    def unlinks(self):
        with Session(self.admin) as session:
            return {row.id: row for row in session.query(Unlink).order_by(Unlink.id)}

    def known(self, ident):
        with Session(self.admin) as session:
            return rows.load(session, ident)
