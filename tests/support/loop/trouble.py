"""What a call to a provider can meet. Each takes the true call and the changes, and does some of the work or none."""

from dataclasses import dataclass
from typing import Any

from providers.base import Capabilities, ProviderError

BATCH = 3
"""Changes in one push: few, so that a run has several."""


class Killed(BaseException):
    """The process is no more: nothing that stands behind this is done."""


class Process:
    """The worker that runs now. `fuse` counts the beginnings and ends of its transactions until it dies, None for
    ever; after its death it can reach the ledger no more.
    """

    def __init__(self):
        self.fuse = None
        self.dead = False

    def pulse(self):
        """Just before a transaction begins, or is committed."""
        if self.dead:
            raise Killed
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.die()

    def die(self):
        self.dead, self.fuse = True, None
        raise Killed

    def restart(self):
        self.dead, self.fuse = False, None


@dataclass(frozen=True)
class Fails:
    """The whole call fails after the first `done` changes took effect, all of them if that is None."""

    error: ProviderError
    done: int | None = 0

    def __call__(self, push, changes):
        some = changes if self.done is None else changes[: self.done]
        if some:
            push(some)
        raise self.error


@dataclass(frozen=True)
class OneFails:
    """One change fails, having taken effect if `done`; the others do not."""

    error: ProviderError
    place: int
    done: bool = False

    def __call__(self, push, changes):
        place = self.place % len(changes)
        others = [each for nth, each in enumerate(changes) if nth != place or self.done]
        outcomes = push(others) if others else []
        return [*outcomes[:place], self.error, *outcomes[place + self.done :]]


@dataclass(frozen=True)
class Dies:
    """The worker dies after the first `done` changes took effect, all of them if that is None."""

    process: Process
    done: int | None = 0

    def __call__(self, push, changes):
        some = changes if self.done is None else changes[: self.done]
        if some:
            push(some)
        self.process.die()


@dataclass(frozen=True)
class Meanwhile:
    """Something else happens just before the call is carried out, or just after."""

    action: Any
    before: bool

    def __call__(self, push, changes):
        if self.before:
            self.action()
        outcomes = push(changes)
        if not self.before:
            self.action()
        return outcomes


class Line:
    """Where calls to providers pass: the troubles that wait there by the name of the call, and how many passed."""

    def __init__(self):
        self.waiting = {"push": [], "find": []}
        self.calls = 0
        self.watch = lambda _mailbox, push, changes: push(changes)

    def connect(self, true_connect):
        """As a provider module's `connect`, with trouble on the way."""
        return lambda settings, target: Troubled(self, true_connect(settings, target), target.mailbox)

    def clear(self):
        for each in self.waiting.values():
            each.clear()

    def take(self, call):
        self.calls += 1
        return self.waiting[call].pop(0) if self.waiting[call] else None


class Troubled:
    """A provider at the end of a line."""

    def __init__(self, line, provider, mailbox):
        self._line, self._provider, self._mailbox = line, provider, mailbox
        self.capabilities = Capabilities(batch=min(BATCH, provider.capabilities.batch))
        self.check, self.close = provider.check, provider.close

    def push(self, changes):
        def push(some):
            return self._line.watch(self._mailbox, self._provider.push, some)

        trouble = self._line.take("push")
        return trouble(push, list(changes)) if trouble else push(list(changes))

    def find(self, marks, window=None):
        trouble = self._line.take("find")
        if trouble is None:
            return self._provider.find(marks, window)
        # A listing that fails did nothing, whatever else would have been done by then.
        return trouble(lambda _all: self._provider.find(marks, window), [None])
