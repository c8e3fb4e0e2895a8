"""Whether two readings speak of one calendar: two addresses, or two protocols, may lead to the same one."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from providers.base import Found
from schedules.plan import Known


def leads_here(known: Iterable[Known], found: Sequence[Found], now: datetime, *, by_id: bool) -> bool:
    """Whether `known` was written to the calendar in which `found` was read.

    It was if at least half of the events that stand are there, of those that start after `now` where there are any: a
    few may be copies that a person made. An event is told by its id where both were read in one way, else by its key.
    """
    standing = [row for row in known if row.ref]
    asked = [row for row in standing if row.start > now] or standing
    there = {each.ref.id if by_id else each.mark.key for each in found}
    met = sum((row.ref.id if by_id else row.key) in there for row in asked if row.ref)
    return bool(met) and 2 * met >= len(asked)
