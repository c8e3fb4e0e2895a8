"""What has to be true when things are quiet again, read from the calendars themselves."""

from collections import Counter
from datetime import timedelta

from loop.wishes import counted, wished
from worker.ledger import UnlinkMode

WHOLE = {UnlinkMode.DELETE_ALL_EVENTS, UnlinkMode.CLEANUP}
SOON = timedelta(minutes=2)
ROUNDS = 8
"""Runs of each synchronization after which all is well: a hold, its release, and some to spare."""


def settle(campus):
    """No more trouble: let everything run until it says that all is well, with one look at each calendar."""
    campus.calm()
    campus.queue.waiting.clear()
    campus.free_leases()
    for ident, row in campus.unlinks().items():
        if not row.finished_at and campus.carry_out(ident).state != "DONE":
            campus.findings.append(f"unlink {ident} does not come to its end")
    _let_holds_end(campus)
    open_ones = campus.linked()
    for ident, row in open_ones.items():
        campus.set(ident, enabled=True, resync_asked_at=campus.now, status="OK" if row.last_sync else "PENDING")
    for _ in range(ROUNDS):
        open_ones = [ident for ident in open_ones if campus.run(ident).outcome != "OK"]
        if not open_ones:
            return
        campus.pass_time(timedelta(minutes=61))
    campus.findings.append(f"synchronizations {open_ones} do not come to rest")


def _let_holds_end(campus):
    """Nobody waits any longer than something holds them."""
    for moment in (campus.now, campus.year.last_hold):
        campus.pass_time(max(moment - campus.now, timedelta()))
        campus.year.tend()
        for ident, row in campus.linked().items():
            until = campus.year.held_until(campus.instance_of(row), row.user.username)
            if row.enabled and row.deferred_until and row.due_at > until + SOON:
                campus.findings.append(f"synchronization {ident} waits until {row.due_at} for a hold until {until}")


def judge(campus, books, policy):
    """Findings for everything that is not as promised."""
    books.check()
    for ident, row in campus.linked().items():
        instance = campus.instance_of(row)
        there = books.boxes[row.mailbox].standing()
        mine = {name: each for name, each in there.items() if each.mark and each.mark.instance == instance}
        mine = {
            name: each
            for name, each in mine.items()
            if books.owners[each.mark.synchronization][1] == row.user.username
            and not _left_for_good(books, row.mailbox, name, each)
        }
        _judge_calendar(campus, books, policy, row, mine)
        _judge_ledger(
            campus, policy, ident, {name for name, each in mine.items() if each.mark.synchronization == str(ident)}
        )
    _judge_unlinks(books)
    _judge_stillness(campus)


def _left_for_good(books, mailbox, name, each):
    """A copy made behind the back of an unlink that leaves nothing: nobody looks for those marks again."""
    gone = {ident for ident, mode, _ in books.unlinked.values() if mode in WHOLE}
    return (mailbox, name) in books.too_late and each.mark.synchronization in gone


def _judge_calendar(campus, books, policy, row, mine):
    stands, wishes = counted(campus, mine.values(), row.id), wished(campus, campus.instance_of(row), row.user.username)
    if policy == "keep":
        strange = {title for *_, title in stands} - {title for *_, title in wishes} - books.titles
        if strange:
            books.find_fault(f"synchronization {row.id}: titles that nobody gave: {strange}")
        stands, wishes = (_untitled(each) for each in (stands, wishes))
    missing, surplus = wishes - stands, stands - wishes
    if policy == "respect" and missing.total() <= books.gone[row.mailbox]:
        missing = None
    if missing or surplus:
        books.find_fault(f"synchronization {row.id}: missing {missing}, too many {surplus}")


def _untitled(events):
    counted = Counter()
    for (*rest, _), number in events.items():
        counted[tuple(rest)] += number
    return counted


def _judge_ledger(campus, policy, ident, stands):
    rows = campus.known(ident)
    known = {row.ref.id for row in rows if row.ref}
    states = {row.state for row in rows} - {"written"} - ({"dismissed"} if policy == "respect" else set())
    if known != stands or states:
        campus.findings.append(
            f"synchronization {ident}: the ledger and the calendar differ: {known ^ stands} {states}"
        )


def _judge_unlinks(books):
    for ident, mode, cutoff in books.unlinked.values():
        instance, _, mailbox = books.owners[ident]
        for name, each in books.boxes[mailbox].standing().items():
            if (
                (mailbox, name) in books.too_late
                or each.mark is None
                or (each.mark.instance, each.mark.synchronization) != (instance, ident)
            ):
                continue
            future = mode is UnlinkMode.DELETE_FUTURE_EVENTS and each.start > cutoff
            if mode in WHOLE or (future and (mailbox, name) not in books.handled):
                books.find_fault(f"unlinked by {mode} and still there: {each}")


def _judge_stillness(campus):
    calls = campus.line.calls
    reports = [campus.run(ident) for ident in campus.linked()]
    if campus.line.calls != calls or any(each.outcome != "OK" for each in reports):
        campus.findings.append(f"a further run had something to do: {reports}")
