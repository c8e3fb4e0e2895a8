"""What a calendar should hold by the books of a test, and what it holds."""

from collections import Counter
from datetime import timedelta

from providers.base import Window
from schedules import due


def window(campus):
    """The days a run covers now: on to where the source's term ends."""
    asked = due.window(campus.now, timedelta(days=14), timedelta(days=60), "Europe/Amsterdam")
    return Window(asked.start, campus.source.reach(asked.end))


def wished(campus, instance, person, lectures=None):
    """Start, end, place and title of every event that this person should have, and how often; with `lectures`, as if
    these were their timetable.
    """
    days = window(campus)
    lectures = campus.source.people[person] if lectures is None else lectures
    told = Counter((each.start, each.end, each.room, each.title) for each in lectures if each.start in days)
    return told + campus.year.published(instance, person, days)


def counted(campus, events, ident):
    """The same of events that stand; one that carries another mark than that of `ident` has no title of its own."""
    days = window(campus)
    return Counter(
        (each.start, each.end, each.location, each.title if each.mark.synchronization == str(ident) else "(orphan)")
        for each in events
        if each.start in days
    )
