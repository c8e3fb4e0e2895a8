"""The timetables of the university: listed, searched, filtered, and found by either of their keys."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from sandbox.institution_model import Choice, NotPossibleError, Timetable, UnknownNameError

Filters = Mapping[str, Collection[str]]
_NO_FILTERS: Filters = MappingProxyType({})


class Catalogue:
    """It stands still: events come and go, timetables do not."""

    def __init__(self, timetables: Iterable[Timetable]) -> None:
        self._known = {each.key: each for each in timetables}

    def __getitem__(self, key: str) -> Timetable:
        try:
            return self._known[key]
        except KeyError:
            raise UnknownNameError(f"Timetable not found: {key}") from None

    def describe(self, key: str) -> str:
        """What the timetable of that key is called; a person's own stands in no list."""
        known = self._known.get(key)
        return known.description if known else "Personal timetable"

    def children(self, key: str) -> tuple[str, ...]:
        known = self._known.get(key)
        return known.children if known else ()

    def child(self, parent: str, key: str) -> str:
        """The whole key of the parent's child that is meant by `key`, which may lack datasource and type."""
        for each in self[parent].children:
            if key in {each, each.split("!", 2)[2]}:
                return each
        raise UnknownNameError(f"Timetable not found under {parent}: {key}")

    def listed(self, kind: str, database: str, search: str = "", filters: Filters = _NO_FILTERS) -> list[Timetable]:
        """What there is of a kind with `search` in its description and, of each of the `filters`, one of its values.

        Raises: NotPossibleError, if the kind has no such filter.
        """
        found = [each for each in self._known.values() if each.kind == kind and each.database == database]
        names = {name for each in found for name, _ in each.filters}
        if found and (wrong := filters.keys() - names):
            there = ", ".join(sorted(f"{name}Filter" for name in names)) or "none"
            raise NotPossibleError(f"Not a filter of {kind}: {min(wrong)}Filter; there is {there}")
        words = search.casefold()
        return [each for each in found if words in each.description.casefold() and _passes(each, filters)]

    def filters(self, kind: str, database: str, chosen: Filters = _NO_FILTERS) -> dict[str, list[Choice]]:
        """The values of each filter that are left when those chosen apply, sorted by name."""
        found: dict[str, set[Choice]] = {}
        for each in self.listed(kind, database, filters=chosen):
            for name, choice in each.filters:
                found.setdefault(name, set()).add(choice)
        return {name: sorted(choices, key=lambda choice: choice.name) for name, choices in found.items()}

    def hosted(self, host_key: str, kind: str | None, database: str) -> Timetable:
        """The timetable that the timetabling application knows by that key, of any kind unless one is named."""
        for each in self._known.values():
            if (each.host_key, each.database) == (host_key, database) and kind in {None, each.kind}:
                return each
        raise UnknownNameError(f"Timetable not found by host key: {host_key}")


def _passes(timetable: Timetable, filters: Filters) -> bool:
    return all(
        any(name == asked and choice.id in values for name, choice in timetable.filters)
        for asked, values in filters.items()
    )
