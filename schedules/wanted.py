"""What should be in the calendar, according to one reading of a timetable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.base import Event, Window
from schedules.fingerprint import fingerprint
from schedules.identity import activity, keys, rank
from schedules.render import Rendering
from timetables.base import SourceEvent


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event that should be there; see `schedules.identity` for `key` and `activity`."""

    key: str
    event: Event
    fingerprint: bytes
    activity: bytes

    @property
    def start(self) -> datetime:
        return self.event.start


@dataclass(frozen=True, slots=True)
class Reason:
    """What became of an event of the source: `why` is `wanted` or says why not. A hidden event has an empty `key`."""

    key: str
    event: Event
    why: str


def wanted(events: Iterable[SourceEvent], rendering: Rendering, window: Window) -> tuple[Wanted, ...]:
    """Every event that is not hidden, normalised and rendered, once for each key; sorted by start and key.

    Nothing depends on the order of `events`. Of two with the same id the one that starts in `window` stands for both,
    then the earlier. Those outside the window are among them, for one of them may be what became of an event inside
    it: `plan` decides.

    Raises: TemplateProblemError.
    """
    visible = [event for event in events if not event.hidden]
    made = [_wanted(key, visible[place], rendering) for key, place in _chosen(visible, keys(visible), window).items()]
    return tuple(sorted(made, key=lambda each: (each.start, each.key)))


def reasons(events: Iterable[SourceEvent], rendering: Rendering, window: Window) -> tuple[Reason, ...]:
    """What became of each event of the source, and why; sorted by start and key. Raises: TemplateProblemError."""
    everything = sorted(events, key=rank)
    made = [*_seen([event for event in everything if not event.hidden], rendering, window)]
    made += [Reason("", rendering.event(event), f"hidden: {event.hidden}") for event in everything if event.hidden]
    return tuple(sorted(made, key=lambda each: (each.event.start, each.key)))


def _seen(visible: Sequence[SourceEvent], rendering: Rendering, window: Window) -> Iterator[Reason]:
    named = keys(visible)
    chosen = _chosen(visible, named, window)
    for place, (key, source) in enumerate(zip(named, visible, strict=True)):
        event = rendering.event(source)
        if chosen[key] != place:
            yield Reason(key, event, "the same id as another event of this timetable, which stands for both")
        elif event.start not in window:
            yield Reason(key, event, f"outside the window from {window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}")
        else:
            yield Reason(key, event, "wanted")


def _chosen(visible: Sequence[SourceEvent], named: Sequence[str], window: Window) -> dict[str, int]:
    """For each key the place of the event that stands for it."""

    def order(place: int) -> tuple[object, ...]:
        return (visible[place].start not in window, rank(visible[place]))

    chosen: dict[str, int] = {}
    for place, key in enumerate(named):
        rival = chosen.setdefault(key, place)
        if rival != place and order(place) < order(rival):
            chosen[key] = place
    return chosen


def _wanted(key: str, source: SourceEvent, rendering: Rendering) -> Wanted:
    event = rendering.event(source)
    return Wanted(key, event, fingerprint(event), activity(source))
