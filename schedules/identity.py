"""Which event is which, from one reading of a timetable to the next."""

from collections import defaultdict
from collections.abc import Sequence
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
    words = [*_words(event), str(int(event.start.timestamp())), str(occurrence)]
    return _digest(b"content", "\n".join(words), 16).hex()


def keys(events: Sequence[SourceEvent]) -> list[str]:
    """The key of each event, in the order given. Two with the same id get the same key; two equal ones without id get
    two.

    Occurrences are counted in the order of `rank`, so that the order of the answer does not matter.
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
    return _digest(b"activity", "\n".join(_words(event)), 8)


def rank(event: SourceEvent) -> tuple[object, ...]:
    """Orders any two events that differ in anything, whatever order they came in."""
    places = tuple((place.name, place.key, place.url) for place in event.locations)
    people = (event.staff, event.student_sets, event.tags, event.notes, event.department)
    links = (event.conference_url, event.recording_url, event.event_type_description, event.event_type)
    words = (event.description, event.module_code, event.id, event.hidden, tuple(sorted(event.attributes.items())))
    return (event.start, event.end, event.all_day, places, people, links, words)


def _words(event: SourceEvent) -> tuple[str, str, str]:
    return line(event.module_code), line(event.description), line(event.event_type)


def _digest(kind: bytes, text: str, size: int) -> bytes:
    # An id is opaque and may hold what is no text: JSON can name half a surrogate pair.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size, person=kind).digest()
