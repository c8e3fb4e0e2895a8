"""Which timetables there are: their types, the lists of each, the filters of a list, and the options of one."""

from dataclasses import asdict
from typing import Any

from sandbox.institution_kinds import KINDS
from sandbox.institution_wishes import Part
from sandbox.timetable_call import Call

Json = dict[str, Any]


def types(_call: Call) -> Json:
    return {"timetableType": [kind.name for kind in KINDS]}


def types_in_detail(call: Call) -> Json:
    return {
        "timetableTypes": [
            {
                "name": kind.name,
                "description": kind.dutch if call.dutch else kind.description,
                "parent": kind.parent,
                "optionSelectable": kind.options and not kind.parent,
                "childOptionSelectable": kind.options and kind.parent,
                "weight": weight,
            }
            for weight, kind in enumerate(KINDS, 1)
        ]
    }


def timetables(call: Call) -> Json:
    found = call.institution.catalogue.listed(call.required("type"), call.database, call.get("q") or "", call.filters())
    return {"timetable": [{"description": each.description, "value": each.key} for each in call.page(found)]}


def filters(call: Call) -> Json:
    found = call.institution.catalogue.filters(call.required("type"), call.database, call.filters())
    return {
        "filterattribute": [
            {"type": name, "option": [{"name": each.name, "value": each.id} for each in choices]}
            for name, choices in found.items()
        ]
    }


def options(call: Call) -> Json:
    return _options(call, call.part("key"))


def options_of_child(call: Call) -> Json:
    return _options(call, call.institution.catalogue.child(call.part("parent"), call.part("key")))


def _options(call: Call, key: str) -> Json:
    choices = call.institution.options(key)
    return {
        "allEquivalent": _all_equivalent(call, key, list(choices)),
        "options": [asdict(e) for e in choices.values()],
    }


def _all_equivalent(call: Call, key: str, choices: list[str]) -> bool:
    """Whether each choice shows the same events."""
    events = call.institution.events_in(key)
    shown = {tuple(Part(key, frozenset({each})).shows(event) for event in events) for each in choices}
    return len(shown) <= 1
