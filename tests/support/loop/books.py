"""What an onlooker writes down while the loop works, and finds fault with at once: whose each event is, what people did
to it, and what each worker may touch.
"""

from collections import Counter
from dataclasses import dataclass, field

from loop.campus import CONFIRM_AFTER, FLOOR, SHARE
from loop.wishes import counted, window, wished
from providers.base import Delete
from worker.ledger import UnlinkMode


@dataclass
class Frame:
    """One run under way: the future events it may take away by its ledger, of `stock` in all, those it did take away,
    and what it was told to write. It was `overtaken` if another worker had its mailbox meanwhile. As it began,
    `calls` were made in all, the year had been changed `changes` times, and it was `held` if a schedule held it.
    """

    standing: dict
    stock: int
    calls: int
    changes: int
    held: bool
    deleted: set = field(default_factory=set)
    word: str = ""
    wishes: Counter | None = None
    published: Counter = field(default_factory=Counter)
    alone: bool = True
    overtaken: bool = False


class Books:
    """Findings go to `campus.findings`; whoever drives the loop looks there after each step."""

    def __init__(self, campus, boxes):
        self.campus = campus
        self.boxes = boxes
        self.owners = {}
        self.own = {name: {} for name in boxes}
        self.copies = set()
        self.too_late = set()
        self.gone = Counter()
        self.titles = set()
        self.handled = set()
        self.left = {}
        self.unlinked = {}
        self.since = {}
        self.disturbed = set()
        self.frames = []
        campus.line.watch, campus.source.read = self.watch, self.read
        campus.began, campus.ended = self.began, self.ended

    def find_fault(self, said):
        self.campus.findings.append(said)

    # What goes on.

    def linked(self, ident, instance, person, mailbox):
        self.owners[str(ident)] = (instance, person, mailbox)
        for key in [key for key in self.left if self.owners[key] == (instance, person, mailbox)]:
            del self.left[key]

    def read(self, word, lectures):
        actor = self.campus.acting[-1]
        published = self.campus.year.published(actor.instance, actor.person, window(self.campus))
        self.frames[-1].word = f"{word} {sorted(published)}"
        self.frames[-1].published = published
        self.frames[-1].wishes = wished(self.campus, actor.instance, actor.person, lectures)

    def _told_since(self, actor, frame, report):
        """Since when the runs that could tell of it have been told this timetable."""
        known = self.since.get(actor.synchronization)
        if known is None or frame.word not in {known[0], ""}:
            known = (frame.word, self.campus.now)
        if report and frame.word:
            self.since[actor.synchronization] = known
        return known[1]

    def began(self, actor, _report):
        for frame in self.frames:
            frame.alone = False
        campus, now, there = self.campus, self.campus.now, self.boxes[actor.mailbox].standing()
        row = campus.row(actor.synchronization)
        asked = actor.unlink or actor.by_hand or row.resync_asked_at
        held = not asked and campus.year.held_until(actor.instance, actor.person) > now
        rows = [] if actor.unlink else self.campus.known(actor.synchronization)
        mine = {row.ref.id: row for row in rows if row.ref and row.start > now}
        others = [
            name
            for name, each in there.items()
            if each.mark and name not in mine and self._is_of(each.mark, actor) and each.start > now
        ]
        self.frames.append(Frame(mine, len(mine) + len(others), campus.line.calls, campus.year.changes, held))

    def ended(self, actor, report):
        frame = self.frames.pop()
        since = self._told_since(actor, frame, report)
        self._judge_hold(actor, frame, report)
        self._judge_calendar(actor, frame, report)
        if frame.overtaken and report and said(report) != "LOST":
            self.find_fault(f"{actor} lost its lease and recorded something: {report}")
        going = frame.deleted & frame.standing.keys()
        if actor.unlink or not going or not frame.alone:
            return
        if report and report.outcome == "HELD":
            self.find_fault(f"synchronization {actor.synchronization} was held and took {len(going)} event(s) away")
        stock = frame.stock - self._beside(actor, frame)
        much = len(going) > max(FLOOR, SHARE * stock) or len(going) == stock
        if much and self.campus.now - since < CONFIRM_AFTER:
            self.find_fault(f"{len(going)} of {stock} future events went unasked")

    def _beside(self, actor, frame):
        """How many stand that schedules go on to publish: no emptied timetable hides behind them."""
        there = self.boxes[actor.mailbox].standing()
        staying = [there[name] for name in frame.standing.keys() & there.keys()]
        return sum((each.start, each.end, each.location, each.title) in frame.published for each in staying)

    def _judge_hold(self, actor, frame, report):
        if frame.held and (frame.word or self.campus.line.calls > frame.calls):
            self.find_fault(f"{actor} read or wrote while a calendar schedule held it: {report}")
        if report and report.detail.startswith("Held by a calendar schedule") and not frame.held:
            self.find_fault(f"{actor} waits for a calendar schedule that does not hold it: {report}")

    def _judge_calendar(self, actor, frame, report):
        """Where nobody else had a hand in it, a run that says that all is well leaves the calendar as it was told."""
        if frame.overtaken:
            self.disturbed.add(actor.mailbox)
        wishes = wished(self.campus, actor.instance, actor.person)
        told = frame.changes == self.campus.year.changes and frame.wishes == wishes
        well = report and not actor.unlink and (report.outcome, report.detail) == ("OK", "")
        if not (well and told and frame.alone) or actor.mailbox in self.disturbed:
            return
        there = self.boxes[actor.mailbox].standing().values()
        ours = [each for each in there if each.mark and self._is_of(each.mark, actor)]
        stands = counted(self.campus, ours, actor.synchronization)
        if stands != wishes:
            self.find_fault(f"{actor} says that all is well: missing {wishes - stands}, too many {stands - wishes}")

    def watch(self, mailbox, push, changes):
        """A push, with a look at the calendar before and after it."""
        box, actor = self.boxes[mailbox], self.campus.acting[-1]
        before = box.standing()
        try:
            return push(changes)
        finally:
            after = box.standing()
            self._judge(actor, before, after)
            if self.frames[-1].overtaken:
                # What a worker sends that slept until another had its mailbox may double an event until the next look.
                self.copies |= {(mailbox, name) for name in after.keys() - before.keys()}
            refs = {each.ref.id for each in changes if isinstance(each, Delete)}
            self.frames[-1].deleted |= refs & (before.keys() - after.keys())

    def _judge(self, actor, before, after):
        for name, each in before.items():
            if after.get(name) != each and not self._may_touch(actor, each, after.get(name)):
                self.find_fault(f"{actor} touched what is not its own: {each}, now {after.get(name)}")
        for name in after.keys() - before.keys():
            mark = after[name].mark
            if actor.unlink or mark is None or (mark.instance, mark.synchronization) != self._mark(actor):
                self.find_fault(f"{actor} made what it should not: {after[name]}")

    def _may_touch(self, actor, each, now):
        if each.mark is None or each.mark.instance != actor.instance:
            return False
        if actor.unlink is None:
            return self._is_of(each.mark, actor)
        if now is not None and (now.title, now.start, now.location) != (each.title, each.start, each.location):
            return False
        cutoff = self.unlinked[actor.unlink][2]
        if actor.mode is UnlinkMode.DELETE_FUTURE_EVENTS and each.start <= cutoff:
            return False
        return actor.mode is UnlinkMode.CLEANUP or self._mark(actor) == (each.mark.instance, each.mark.synchronization)

    def _is_of(self, mark, actor):
        """It is this person's, through whatever synchronization of theirs."""
        return mark.instance == actor.instance and self.owners[mark.synchronization][1] == actor.person

    @staticmethod
    def _mark(actor):
        return actor.instance, str(actor.synchronization)

    # What people do.

    def add(self, box, event):
        name = box.add(event)
        self.own[box.name][name] = box.standing()[name]

    def edit(self, box, name, **what):
        box.edit(name, **what)
        self.titles |= {what["title"]} if "title" in what else set()
        self._handled(box, name)

    def delete(self, box, name):
        title = box.standing()[name].title
        box.delete(name)
        if name not in self.own[box.name]:
            self.gone[box.name] += 1
            self.titles.add(title)
        self._handled(box, name)

    def copy(self, box, name):
        mark = box.standing()[name].mark
        made = (box.name, box.copy(name))
        self.copies.add(made)
        self.disturbed.add(box.name)
        if mark.synchronization in {ident for ident, _, _ in self.unlinked.values()}:
            # The unlink may have listed the calendar before.
            self.too_late.add(made)

    def _handled(self, box, name):
        self.handled.add((box.name, name))
        self.disturbed.add(box.name)
        for known in (self.own[box.name], *self.left.values()):
            there = box.standing()
            if known.pop(name, None) and name in there:
                known[name] = there[name]

    # What administrators take away.

    def unlink_accepted(self, unlink, ident, mode):
        self.unlinked[unlink] = (str(ident), mode, self.campus.now)
        instance, _, mailbox = self.owners[str(ident)]
        if mode is UnlinkMode.CLEANUP:
            for key in [key for key in self.left if self.owners[key][::2] == (instance, mailbox)]:
                del self.left[key]

    def note_what_is_left(self):
        """After a step: what an unlink left standing shall stand like this from now on."""
        for ident, mode, cutoff in self.unlinked.values():
            if mode not in {UnlinkMode.UNLINK_ONLY, UnlinkMode.DELETE_FUTURE_EVENTS} or ident in self.left:
                continue
            instance, person, mailbox = self.owners[ident]
            later = [key for key, owner in self.owners.items() if owner == (instance, person, mailbox)]
            cleaned = any(
                other is UnlinkMode.CLEANUP and self.owners[key][::2] == (instance, mailbox)
                for key, other, _ in self.unlinked.values()
            )
            if not cleaned and max(later, key=int) == ident:
                whole = mode is UnlinkMode.UNLINK_ONLY
                self.left[ident] = {
                    name: each
                    for name, each in self.boxes[mailbox].standing().items()
                    if each.mark and each.mark.synchronization == ident and (whole or each.start <= cutoff)
                }

    def check(self):
        """What holds at every moment."""
        self.note_what_is_left()
        there = {name: box.standing() for name, box in self.boxes.items()}
        for name, own in self.own.items():
            for each, standing in own.items():
                if there[name].get(each) != standing:
                    self.find_fault(f"a person's own event: {standing}, now {there[name].get(each)}")
        for ident, left in self.left.items():
            mailbox = self.owners[ident][2]
            for name, standing in left.items():
                if there[mailbox].get(name) != standing:
                    self.find_fault(f"left by an unlink: {standing}, now {there[mailbox].get(name)}")
        for box, events in there.items():
            made = Counter(each.mark for name, each in events.items() if each.mark and (box, name) not in self.copies)
            for mark, number in made.items():
                if number > 1:
                    self.find_fault(f"{mark} stands {number} times in {box}")


def said(report):
    """How a run or an unlink ended."""
    return getattr(report, "outcome", None) or report.state
