"""What one person has set: which timetables, which event type groups hidden, which events filtered away."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sandbox.institution_kinds import RESOURCES
from sandbox.institution_model import GROUPS, Event, UnknownNameError


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Whether an event type group is hidden on the screen, and whether from the calendar."""

    filtered: bool = False
    for_sync: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """`options` are the ids of those chosen, none meaning all; `children` the timetables it consists of, by key."""

    enabled: bool = True
    options: frozenset[str] = frozenset()
    children: Mapping[str, "Subscription"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A timetable that is shown: whole, or of what is for some student sets only what is for the `options`."""

    key: str
    options: frozenset[str] = frozenset()

    def shows(self, event: Event) -> bool:
        sets = {each.id for each in event.student_sets}
        return self.key in event.timetable_keys() and (not self.options or not sets or bool(sets & self.options))


def parts(subscriptions: Mapping[str, Subscription]) -> Iterator[Part]:
    """The timetables that are shown, for a subscription with children these; what is switched off is left out."""
    for key, each in subscriptions.items():
        if each.enabled:
            yield from parts(each.children) if each.children else (Part(key, each.options),)


class Wishes:
    """Shared between threads."""

    def __init__(self, keys: Collection[str], filtered: frozenset[str]) -> None:
        self._lock = threading.Lock()
        self._subscriptions = {key: Subscription() for key in keys}
        self._groups = dict.fromkeys(GROUPS, GroupFilter())
        self._filtered = filtered

    def subscriptions(self, kinds: Collection[str] = (), *, exclude_resources: bool = False) -> dict[str, Subscription]:
        """By timetable key; only those of `kinds`, where any are named, and no rooms if so asked."""
        with self._lock:
            known = dict(self._subscriptions)
        return {
            key: each
            for key, each in known.items()
            for kind in (key.split("!")[1],)
            if (not kinds or kind in kinds) and not (exclude_resources and kind in RESOURCES)
        }

    def subscribe(
        self, key: str, *, enabled: bool = True, options: Iterable[str] = (), children: Iterable[str] = ()
    ) -> None:
        """Add a subscription, in place of one that there may be."""
        with self._lock:
            parts = {each: Subscription() for each in children}
            self._subscriptions[key] = Subscription(enabled, frozenset(options), parts)

    def change(
        self, key: str, child: str | None = None, *, enabled: bool | None = None, options: Iterable[str] | None = None
    ) -> None:
        """Set what is named, of the subscription or of its child; None leaves that half as it is."""
        with self._lock:
            known = _found(self._subscriptions, key)
            if child is None:
                self._subscriptions[key] = _changed(known, enabled, options)
            else:
                changed = _changed(_found(known.children, child), enabled, options)
                self._subscriptions[key] = replace(known, children={**known.children, child: changed})

    def unsubscribe(self, key: str) -> None:
        with self._lock:
            _found(self._subscriptions, key)
            del self._subscriptions[key]

    def groups(self) -> dict[str, GroupFilter]:
        with self._lock:
            return dict(self._groups)

    def filter_group(self, group: str, *, filtered: bool | None = None, for_sync: bool | None = None) -> None:
        """Set what is named; None leaves that half of the wish as it is."""
        with self._lock:
            if group not in self._groups:
                raise UnknownNameError(f"Event type group not found: {group}; there are {', '.join(self._groups)}")
            known = self._groups[group]
            self._groups[group] = GroupFilter(
                known.filtered if filtered is None else filtered,
                known.for_sync if for_sync is None else for_sync,
            )

    def hides(self, event: Event) -> bool:
        """Whether the person has filtered the event away, by itself or with its group."""
        group = self.groups().get(event.type.group) if event.type else None
        return event.activity in self._filtered or bool(group and group.filtered)


def _found(subscriptions: Mapping[str, Subscription], key: str) -> Subscription:
    if key not in subscriptions:
        raise UnknownNameError(f"Subscription not found: {key}")
    return subscriptions[key]


def _changed(known: Subscription, enabled: bool | None, options: Iterable[str] | None) -> Subscription:
    return replace(
        known,
        enabled=known.enabled if enabled is None else enabled,
        options=known.options if options is None else frozenset(options),
    )
