"""The brake: a plan that would empty or gut a calendar waits until it is confirmed.

A source that fails often looks like a source with little to say. What it says an hour later, or what an operator
says, decides. Where many calendars of one institution are held at once, only an operator does: an hour is no long time
for a source that is ill.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from schedules.plan import Known, Plan
from schedules.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Limits:
    """How many events a plan may take away unasked: `floor`, or `share` (0 to 1) of them where that is more.

    `confirm_after` is how long a hold lasts before the same reading again confirms it. None does while a tenant has at
    least `tenant_floor` calendars held, and more than `tenant_share` (0 to 1) of those with events in them.
    """

    floor: int = 10
    share: float = 0.4
    confirm_after: timedelta = timedelta(hours=1)
    tenant_floor: int = 5
    tenant_share: float = 0.1

    def passed(self, going: int, of: int) -> bool:
        """Whether `going` of `of` are too many. All of them are, however few."""
        return 0 < going == of or going > max(self.floor, self.share * of)


@dataclass(frozen=True, slots=True)
class Hold:
    """A plan that waits since `since`: it would take away `going` of `of` events, for what `reading` wanted.

    `tenant` is the key of an institution that is held as a whole, empty while only the calendar is.
    """

    since: datetime
    reading: str
    going: int
    of: int
    tenant: str = ""

    def confirmed(self, now: datetime, limits: Limits) -> bool:
        """Whether the same reading has come for long enough."""
        return now - self.since >= limits.confirm_after


def guard(  # noqa: PLR0917 - a plan, what it is judged by, and what was judged before
    plan: Plan, known: Sequence[Known], now: datetime, limits: Limits, held: Hold | None, reading: str
) -> Hold | None:
    """Why `plan` must wait until it is confirmed or released, or None: carry it out.

    Counted are the events in the plan's window that stand: those that start after `now`, and if too few of these go,
    all. A hold goes on with the same `reading`; with another one the clock starts again.
    """
    standing = [row for row in known if row.ref and row.start in plan.window]
    since = held.since if held and held.reading == reading else now
    for begun in (False, True):
        going, of = (sum(begun or row.start > now for row in rows) for rows in (plan.deletes, standing))
        if limits.passed(going, of):
            return Hold(since, reading, going, of)
    return None


def reading(wanted: Iterable[Wanted]) -> str:
    """Which wish it was: 32 hexadecimal digits that follow from the keys and fingerprints, in any order."""
    each_one = sorted(wish.key.encode() + wish.fingerprint for wish in wanted)
    return blake2b(b"\n".join(each_one), digest_size=16).hexdigest()


def sentence(hold: Hold) -> str:
    """What an administrator reads about it."""
    said = (
        f"Held since {hold.since:%Y-%m-%d %H:%M} UTC and nothing changed: the timetable leaves out {hold.going} of "
        f"{hold.of} events"
    )
    if hold.tenant:
        return (
            f"{said}, and so do many others of the institution at once. Their source looks ill, so no second reading "
            "lets anything pass: correct the timetables; if they are right, say "
            f"`carillon release --all --tenant {hold.tenant}`."
        )
    return (
        f"{said}. If that is right, it is carried out once the reading has stayed the same for as long as "
        "confirm_after says, unless many calendars of the institution are held, or at once by a release; if it is "
        "wrong, correct the timetable."
    )
