"""A second way into the calendars of `providers.memory`, as o365 is one beside ews: ids and versions are spelled
otherwise. It stands outside `providers/`, whose path a test makes longer.
"""

from dataclasses import replace

from providers import memory
from providers.base import Create, Done, Ref

Settings = memory.Settings
Target = memory.Target


def connect(settings, target):
    return Mirror(memory.connect(settings, target))


class Mirror:
    capabilities = memory.Calendar.capabilities

    def __init__(self, calendar):
        self._calendar = calendar
        self.check = calendar.check
        self.close = calendar.close

    def push(self, changes):
        return [_outwards(each) for each in self._calendar.push([_inwards(each) for each in changes])]

    def find(self, marks, window=None):
        return [replace(each, ref=_spelled(each.ref)) for each in self._calendar.find(marks, window)]


def _inwards(change):
    if isinstance(change, Create):
        return change
    ref = change.ref
    assert ref.id.startswith("mirror:"), "an id that was spelled the other way opens nothing here"
    version = None if ref.version is None else ref.version.removeprefix('W/"').removesuffix('"')
    return replace(change, ref=Ref(ref.id.removeprefix("mirror:"), version))


def _outwards(outcome):
    return Done(_spelled(outcome.ref)) if isinstance(outcome, Done) and outcome.ref else outcome


def _spelled(ref):
    return Ref(f"mirror:{ref.id}", None if ref.version is None else f'W/"{ref.version}"')
