"""What one person has set: which timetables, which event type groups hidden, which events filtered away."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

from sandbox.institution_model import GROUPS, Event, UnknownNameError

_RESOURCES = frozenset({"location", "zone", "equipment"})


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Whether an event type group is hidden on the screen, and whether from the calendar."""

    filtered: bool = False
    for_sync: bool = False


class Wishes:
    """Shared between threads."""

    def __init__(self, keys: Collection[str], filtered: frozenset[str]) -> None:
        self._lock = threading.Lock()
        self._subscriptions = dict.fromkeys(keys, True)
        self._groups = dict.fromkeys(GROUPS, GroupFilter())
        self._filtered = filtered

    def subscriptions(self, kinds: Collection[str] = (), *, exclude_resources: bool = False) -> dict[str, bool]:
        """Timetable key to on or off; only those of `kinds`, where any are named, and no rooms if so asked."""
        with self._lock:
            known = dict(self._subscriptions)
        return {
            key: enabled
            for key, enabled in known.items()
            for kind in (key.split("!")[1],)
            if (not kinds or kind in kinds) and not (exclude_resources and kind in _RESOURCES)
        }

    def subscribe(self, key: str, *, enabled: bool = True) -> None:
        with self._lock:
            self._subscriptions[key] = enabled

    def unsubscribe(self, key: str) -> None:
        with self._lock:
            if self._subscriptions.pop(key, None) is None:
                raise UnknownNameError(f"Subscription not found: {key}")

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
