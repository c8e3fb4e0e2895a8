"""Whether two readings speak of one calendar: two addresses, or two protocols, may lead to the same one."""

from collections.abc import Iterable
from datetime import datetime

from providers.base import Found
from schedules.plan import Known


def leads_here(
    known: Iterable[Known], found: Iterable[Found], synchronization: str, now: datetime, *, by_id: bool
) -> bool:
    """Whether what `synchronization` knows was written to the calendar in which `found` was read.

    It was if at least half of the events that stand are there, of those that start after `now` where there are any: a
    few may be copies that a person made. An event is told by its id where both were read in one way, else by its mark.
    """
    standing = [row for row in known if row.ref]
    asked = [row for row in standing if row.start > now] or standing
    if by_id:
        ids = {each.ref.id for each in found}
        met = sum(row.ref.id in ids for row in asked if row.ref)
    else:
        marks = {(each.mark.synchronization, each.mark.key) for each in found}
        met = sum((row.marked_by or synchronization, row.key) in marks for row in asked)
    return bool(met) and 2 * met >= len(asked)
