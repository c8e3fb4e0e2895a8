"""Which event is which, from one reading of a timetable to the next."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from schedules.normalise import line
from timetables.base import SourceEvent


def key(event: SourceEvent, occurrence: int = 0) -> str:
    """Our stable name for an event: 32 lower-case hexadecimal digits.

    It follows from the source's id. Where there is none, from module, description, type and start; `occurrence` tells
    apart those that have all of these in common.
    """
    if event.id:
        return _digest(b"id", event.id, 16).hex()
    words = map(line, (event.module_code, event.description, event.event_type))
    return _digest(b"content", "\n".join([*words, str(int(event.start.timestamp())), str(occurrence)]), 16).hex()


def keys(events: Sequence[SourceEvent]) -> list[str]:
    """The key of each event, in the order given.

    Two with the same id get the same key, two without id never do. Occurrences are counted in the order of `rank`, so
    that the order of the answer does not matter.
    """
    made = [key(event) for event in events]
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if not event.id:
            alike[made[place]].append(place)
    for places in alike.values():
        for occurrence, place in enumerate(sorted(places, key=lambda each: rank(events[each]))):
            if occurrence:
                made[place] = key(events[place], occurrence)
    return made


def activity(event: SourceEvent) -> bytes:
    """Eight bytes that two events share when they are the same activity, at whatever time and place."""
    return _activity(event.module_code, event.description, event.event_type)


def of_period(schedule: int, name: str, start: datetime) -> tuple[str, bytes]:
    """The key and the activity of what a period of a calendar schedule puts into calendars at this time."""
    period = f"{schedule}\n{name}"
    key = _digest(b"period", f"{period}\n{int(start.timestamp())}", 16).hex()
    return key, _digest(b"period", period, 8)


def rank(event: SourceEvent) -> tuple[object, ...]:
    """Orders any two events that differ in anything, by their spelling only if by nothing else."""
    lists = [[part for place in event.locations for part in (place.name, place.key, place.url)]]
    lists += [list(each) for each in (event.staff, event.student_sets, event.tags, event.notes)]
    lists += [[part for pair in sorted(event.attributes.items()) for part in pair]]
    words = [event.description, event.module_code, event.event_type, event.event_type_description, event.department]
    lists += [[*words, event.conference_url, event.recording_url, event.id, event.hidden]]
    normalised = [[line(text) for text in texts] for texts in lists]
    return event.start, event.end, event.all_day, normalised, lists


# An activity recurs for weeks: looking it up takes a tenth of hashing it.
@lru_cache(4_096)
def _activity(*words: str) -> bytes:
    return _digest(b"activity", "\n".join(map(line, words)), 8)


def _digest(kind: bytes, text: str, size: int) -> bytes:
    # An id is opaque and may hold what is no text: JSON can name half a surrogate pair.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size, person=kind).digest()
