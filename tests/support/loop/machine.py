"""The state machine: rules for all that can happen, and the promise at the end."""

import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from loop import promise
from loop.books import Books, said
from loop.timetables import Lecture
from loop.trouble import Dies, Fails, Meanwhile, OneFails
from loop.year_rules import YearRules
from providers import base
from sandbox.faults import Fault
from timetables import base as source
from worker.ledger import UnlinkMode

SOME = st.integers(0, 30)
ROOMS = ("Room 1", "Room 2", "Room 3")
TITLES = ("Algebra", "Botany", "Chemistry")
LONG = timedelta(hours=3)
SPANS = [timedelta(seconds=30), timedelta(minutes=3), timedelta(minutes=61), timedelta(hours=7), timedelta(hours=25)]
WHOLE_CALL = [
    base.Throttled("slow down"),
    base.Throttled("slow down", timedelta(minutes=20)),
    base.Unavailable("away"),
    base.Ambiguous("no answer"),
    base.Unauthorized("refused"),
    base.MailboxGone("no mailbox"),
    base.ContractBroken("half an answer"),
]
ONE_CHANGE = [
    base.Rejected("not this one"),
    base.Conflict("changed"),
    base.Throttled("slow down"),
    base.Unavailable("away"),
    base.Ambiguous("no answer"),
]
AT_SOURCE = [
    source.Unavailable("away"),
    source.Throttled("slow down", timedelta(minutes=5)),
    source.ContractBroken("half an answer"),
    source.PersonUnknown("unknown"),
]


ON_THE_WIRE = [
    *("throttled", "busy", "error", "unavailable", "unavailable_after", "lost", "cut_off", "html", "truncated", "empty")
]
CHANGES = st.lists(
    st.tuples(
        SOME, st.sampled_from(["move", "far", "room", "rename", "id", "double", "vanish", "add", "add", "shrink"])
    ),
    min_size=1,
    max_size=4,
)
TROUBLES = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.sampled_from(WHOLE_CALL), st.sampled_from([0, 1, 2, None])),
        st.tuples(
            st.just("find"), st.sampled_from([each for each in WHOLE_CALL if not isinstance(each, base.Ambiguous)])
        ),
        st.tuples(st.just("one"), st.sampled_from(ONE_CHANGE), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("source"), st.sampled_from(AT_SOURCE)),
        st.tuples(st.just("wire"), st.sampled_from(ON_THE_WIRE)),
        st.tuples(st.just("death"), st.sampled_from(["push", "find"]), st.sampled_from([0, 1, 2, None])),
        st.tuples(st.just("fuse"), st.integers(0, 12)),
        st.tuples(
            st.just("meanwhile"),
            st.sampled_from(["push", "push", "find", "fetch"]),
            st.booleans(),
            st.sampled_from(
                [
                    *("taken over", "taken over", "unlinked", "linked", "edited", "rewritten", "paused", "swept"),
                    *("schedule goes", "membership", "term"),
                ]
            ),
            SOME,
            st.sampled_from(UnlinkMode),
        ),
    ),
    min_size=1,
    max_size=3,
)


class Loop(YearRules):
    """One history of `campus`. Subclasses say which campus, what opens its mailboxes, the policy, and where the wire
    to the mailboxes can be spoiled, if there is one.
    """

    campus = None
    open_box = None
    policy = "restore"
    faults = None

    def __init__(self):
        super().__init__()
        self.campus.reset(self.policy)
        opened = [type(self).open_box() for _ in range(3)]
        self.boxes = {box.name: box for box in opened}
        self.books = Books(self.campus, self.boxes)
        self.people = [box.name for box in opened[:2]]
        self.numbers = 0

    @initialize(size=st.integers(2, 7), ran=st.booleans())
    def begin(self, size, ran):
        for nth in range(size):
            self._timetable(0).append(self._lecture(nth - 2, named=nth % 3 > 0))
            self._timetable(1).append(self._lecture(nth * 2 - 1, named=nth % 3 > 1))
        idents = [self._link(0, 0, 0), self._link(0, 1, 1)]
        for ident in idents if ran else []:
            self.campus.run(ident)

    # The timetable.

    @rule(who=st.integers(0, 1), changes=CHANGES)
    def timetable_changes(self, who, changes):
        for change in changes:
            self._change(who, *change)

    # Workers and beats, and their trouble.

    @rule(which=SOME, changes=CHANGES, troubles=TROUBLES, resync=st.booleans(), later=st.booleans())
    def a_run(self, which, changes, troubles, resync, later=False):
        if later:
            self.campus.pass_time(timedelta(minutes=3))
        if row := self._chosen(which):
            for change in changes:
                self._change(self.people.index(row.user.username), *change)
            if resync:
                self.campus.ask_resync(row.id)
            with self._under(troubles):
                self.campus.run(row.id)

    @rule(which=SOME, changes=CHANGES, troubles=TROUBLES)
    def a_run_delivered_twice(self, which, changes, troubles):
        self.a_run(which, changes, troubles, resync=False)
        self.a_run(which, (), (), resync=False)

    @rule(which=SOME, changes=CHANGES, troubles=TROUBLES)
    def a_later_run(self, which, changes, troubles):
        self.a_run(which, changes, troubles, resync=False, later=True)

    @rule(which=SOME, by_hand=st.booleans())
    def a_run_without_trouble(self, which, by_hand):
        if row := self._chosen(which):
            self.campus.run(row.id, by_hand=by_hand)

    @rule(beats=st.integers(1, 2), number=st.integers(1, 4), twice=st.booleans(), troubles=TROUBLES)
    def a_sweep(self, beats, number, twice, troubles):
        for _ in range(beats):
            self.campus.beat()
        with self._under(troubles):
            for _ in range(number):
                self.campus.deliver(twice=twice)

    @rule(which=SOME, troubles=TROUBLES)
    def an_unlink_goes_on(self, which, troubles):
        unfinished = [ident for ident, row in self.campus.unlinks().items() if not row.finished_at]
        if unfinished:
            with self._under(troubles):
                self.campus.carry_out(unfinished[which % len(unfinished)])

    @rule(span=st.sampled_from(SPANS), flushed=st.booleans())
    def time_passes(self, span, flushed):
        """And the queue's server may have lost everything meanwhile."""
        self.campus.pass_time(span)
        if flushed:
            self.campus.queue.waiting.clear()

    # Administrators.

    @rule(instance=st.sampled_from([0, 0, 0, 1]), who=st.integers(0, 1), box=st.integers(0, 2))
    def link(self, instance, who, box):
        self._link(instance, who, box)

    @rule(which=SOME, mode=st.sampled_from(UnlinkMode), troubles=TROUBLES, again=st.booleans())
    def unlink(self, which, mode, troubles, again):
        if row := self._chosen(which):
            unlink = self._unlink(which, mode)
            with self._under(troubles):
                self.campus.carry_out(unlink)
            if again:
                instance = self.campus.instances.index(self.campus.instance_of(row))
                self._link(instance, self.people.index(row.user.username), list(self.boxes).index(row.mailbox))

    @rule(which=SOME, what=st.sampled_from(["pause", "resume", "resync"]))
    def ask(self, which, what):
        if row := self._chosen(which):
            if what == "resync":
                self.campus.ask_resync(row.id)
            else:
                self.campus.pause(row.id, enabled=what == "resume")

    # People.

    @rule(box=st.integers(0, 2), which=SOME, how=st.sampled_from(["move", "rename", "delete", "copy", "add", "clear"]))
    def person_edits(self, box, which, how):
        self._edit(list(self.boxes.values())[box], which, how)

    # The promise.

    @invariant()
    def nothing_foreign_is_touched_and_nothing_doubled(self):
        self.books.check()
        self._assert_no_fault()

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:
                self.calm()
                promise.settle(self.campus)
                promise.judge(self.campus, self.books, self.policy)
                self._assert_no_fault()
        finally:
            for box in self.boxes.values():
                box.close()

    # How it is done.

    def _assert_no_fault(self):
        assert not self.campus.findings, "\n".join(self.campus.findings)

    def _timetable(self, who):
        return self.campus.source.people[self.people[who]]

    def _lecture(self, day, *, named):
        self.numbers += 1
        start = (self.campus.now + timedelta(days=day)).replace(hour=9 + self.numbers % 3)
        ident = f"id-{self.numbers}" if named else ""
        return Lecture(start, TITLES[self.numbers % 3], ROOMS[self.numbers % 2], ident)

    def _change(self, who, which, how):
        """The timetable becomes another one; `shrink` leaves nothing, a quarter, a half or three quarters of it."""
        lectures = self._timetable(who)
        if how == "add":
            lectures.append(self._lecture(which * 3 - 5, named=which % 2 > 0))
        elif how == "shrink":
            del lectures[len(lectures) * (which % 4) // 4 :]
        elif lectures:
            old = lectures.pop(which % len(lectures))
            lectures += self._changed(old, how)

    def _changed(self, old, how):
        """What became of a lecture: itself as another, itself and a double, or nothing."""
        self.numbers += 1
        other = {
            "move": {"start": old.start + timedelta(hours=self.numbers % 5 + 1)},
            "far": {"start": old.start + timedelta(days=80)},
            "room": {"room": ROOMS[(ROOMS.index(old.room) + 1) % 3]},
            "rename": {"title": TITLES[(TITLES.index(old.title) + 1) % 3]},
            "id": {"id": f"id-{self.numbers}"},
            "double": {"id": old.id and f"id-{self.numbers}"},
        }.get(how)
        kept = [old] if how == "double" else []
        return kept if other is None else [*kept, replace(old, **other)]

    def calm(self):
        """Take back every trouble that nobody has met."""
        self.campus.calm()
        if self.faults:
            self.faults.clear()

    @contextmanager
    def _under(self, troubles):
        for trouble in troubles:
            self._wait(*trouble)
        yield
        self.calm()

    def _wait(self, what, *how):
        campus, waiting = self.campus, self.campus.line.waiting
        match what, how:
            case "push", (error, done):
                # Only what leaves doubt may have been done.
                doubtful = isinstance(error, base.Ambiguous | base.Unavailable)
                waiting["push"].append(Fails(error, done if doubtful else 0))
            case "find", (error,):
                waiting["find"].append(Fails(error))
            case "one", (error, place, done):
                waiting["push"].append(OneFails(error, place, done and isinstance(error, base.Ambiguous)))
            case "source", (error,):
                campus.source.errors.append(error)
            case "wire", (kind,):
                for paths in {box.mailbox.paths() for box in self.boxes.values()} if self.faults else ():
                    self.faults.add(Fault(paths, kind, seconds=0, times=1))
            case "death", (call, done):
                waiting[call].append(Dies(campus.process, done if call == "push" else 0))
            case "fuse", (fuse,):
                campus.process.fuse = fuse
            case "meanwhile", (call, before, *rest):
                met = campus.source.meanwhile if call == "fetch" else waiting[call]
                met.append(Meanwhile(lambda: self._intervene(before, *rest), before))

    def _chosen(self, which):
        rows = list(self.campus.linked().values())
        return rows[which % len(rows)] if rows else None

    def _link(self, instance, who, box):
        person, mailbox = self.people[who], list(self.boxes)[box]
        ident = self.campus.link(self.campus.instances[instance], person, mailbox)
        self.books.linked(ident, self.campus.instances[instance], person, mailbox)
        return ident

    def _unlink(self, which, mode):
        if row := self._chosen(which):
            unlink = self.campus.unlink(row.id, mode)
            self.books.unlink_accepted(unlink, row.id, mode)
            return unlink
        return None

    def _intervene(self, before, what, which, mode):
        actor = self.campus.acting[-1]
        match what:
            case "taken over":
                self.campus.free_leases()
                again = self.campus.carry_out if actor.unlink else self.campus.run
                report = again(actor.unlink or actor.synchronization)
                self.books.frames[-1].overtaken |= bool(report) and said(report) not in {"GONE", "BUSY"}
            case "unlinked":
                self._unlink(which, mode)
                self.campus.deliver()
            case "linked":
                self.campus.run(self._link(0, which % 2, which % 3))
            case "edited":
                self._edit(self.boxes[actor.mailbox], which, ("move", "rename", "delete", "copy")[which % 4])
            case "rewritten":
                self._change(which % 2, which, ("move", "room", "id", "vanish")[which % 4])
            case "paused":
                self.campus.pause(actor.synchronization, enabled=False)
            case "swept":
                self.campus.beat()
                self.campus.deliver(twice=not before)
            case _:
                self.the_year_changes(which, what)

    def _edit(self, box, which, how):
        there = box.standing()
        ours = sorted(name for name, each in there.items() if each.mark)
        self.numbers += 1
        if how == "add":
            start = self.campus.now + timedelta(days=which % 20)
            self.books.add(box, base.Event(f"Own {self.numbers}", start, start + LONG, "Europe/Amsterdam"))
        elif how == "clear":
            for name in self.books.own[box.name].keys() & there.keys():
                self.books.delete(box, name)
        elif ours:
            self._edit_ours(box, ours[which % len(ours)], how)

    def _edit_ours(self, box, name, how):
        match how:
            case "move":
                start = box.standing()[name].start + timedelta(hours=self.numbers % 4 + 1)
                self.books.edit(box, name, start=start)
            case "rename":
                self.books.edit(box, name, title=f"Mine {self.numbers}")
            case "delete":
                self.books.delete(box, name)
            case "copy":
                self.books.copy(box, name)
