"""Who sits in a worker's slots: where a server hangs, the runs that wait for it must not take them all."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from schedules.due import spread

Group = tuple[int, str]
"""A tenant's id and a type of provider: runs that are likely to be slow together."""

SHARE = 0.75
FULL = timedelta(seconds=30)


def again(ident: int) -> timedelta:
    """When who found no seat comes again: after FULL and, for each, another part of it, or all came back at once."""
    return FULL * (1 + spread(ident))


class Slots:
    """Of one process. Until `share` is called there are as many as anybody asks for."""

    def __init__(self) -> None:
        self._most: int | None = None
        self._taken: Counter[Group] = Counter()
        self._lock = threading.Lock()

    def share(self, threads: int, groups: int) -> None:
        """Let one of several groups hold SHARE of `threads` at most, so that one slot at least stays for the others."""
        self._most = max(1, int(threads * SHARE)) if groups > 1 and threads > 1 else None

    @contextmanager
    def seat(self, group: Group) -> Iterator[bool]:
        """A slot for the length of the block; False, when the group has all it may have."""
        with self._lock:
            seated = self._most is None or self._taken[group] < self._most
            self._taken[group] += seated
        try:
            yield seated
        finally:
            with self._lock:
                self._taken[group] -= seated
