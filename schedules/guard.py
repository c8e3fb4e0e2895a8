"""The brake: a plan that would empty or gut a calendar waits until it is confirmed.

A source that fails often looks like a source with little to say. What it says an hour later, or what an operator
says, decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from schedules.plan import Known, Plan
from schedules.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Limits:
    """How many future events a plan may take away unasked: `floor`, or `share` (0 to 1) of them where that is more.

    `confirm_after` is how long a hold lasts before the same reading again confirms it.
    """

    floor: int = 10
    share: float = 0.4
    confirm_after: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hold:
    """A plan that waits since `since`: it would take away `going` of `of` future events, for what `reading` wanted."""

    since: datetime
    reading: str
    going: int
    of: int


def guard(  # noqa: PLR0917 - a plan, what it is judged by, and what was judged before
    plan: Plan, known: Sequence[Known], now: datetime, limits: Limits, held: Hold | None, reading: str
) -> Hold | None:
    """Why `plan` must wait, or None: carry it out.

    Counted are the events in the plan's window that stand and start after `now`. All of them going is too many,
    however few they are. A hold with the same `reading` that is `limits.confirm_after` old lets the plan pass; with
    another reading the clock starts again.
    """
    of = sum(row.ref is not None and row.start > now and row.start in plan.window for row in known)
    going = sum(row.start > now for row in plan.deletes)
    if not going or (going < of and going <= max(limits.floor, limits.share * of)):
        return None
    since = held.since if held and held.reading == reading else now
    return None if now - since >= limits.confirm_after else Hold(since, reading, going, of)


def reading(wanted: Iterable[Wanted]) -> str:
    """Which wish it was: 32 hexadecimal digits that follow from the keys and fingerprints, in any order."""
    each_one = sorted(wish.key.encode() + wish.fingerprint for wish in wanted)
    return blake2b(b"\n".join(each_one), digest_size=16).hexdigest()


def sentence(hold: Hold) -> str:
    """What an administrator reads about it."""
    return (
        f"Held since {hold.since:%Y-%m-%d %H:%M} UTC and nothing changed: the timetable leaves out {hold.going} of "
        f"{hold.of} future events. If that is right, it is carried out once the reading has stayed the same "
        "for as long as confirm_after says; if it is wrong, correct the timetable."
    )
