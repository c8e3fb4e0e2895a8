"""How the institution's time is divided: databases, terms, and weeks with names of their own."""

from typing import Any

from sandbox.institution_terms import LABEL_MAPS, default_labels, week_labels
from sandbox.institution_year import label
from sandbox.timetable_call import Call

Json = dict[str, Any]


def databases(call: Call) -> Json:
    return {"database": list(call.institution.databases)}


def databases_in_detail(call: Call) -> Json:
    return {"databases": [{"key": each, "label": label(each)} for each in call.institution.databases]}


def all_terms(call: Call) -> Json:
    return {
        "terms": [
            {
                "id": term.id,
                "key": term.key,
                "name": term.name,
                "dateRanges": [{"startDate": start, "endDate": end} for start, end in term.ranges],
            }
            for term in call.institution.terms(dutch=call.dutch)
        ]
    }


def labels(call: Call) -> Json:
    """The default map in the old form: a week is one number, of the year since 1900 and of two digits."""
    found = week_labels(_default(call), call.institution.databases, dutch=call.dutch)
    return {"weeklabel": [{"week": (each.year - 1900) * 100 + each.week, "value": each.description} for each in found]}


def label_maps(call: Call) -> Json:
    default = _default(call)
    return {"weeklabelmaps": [{"key": key, "isDefault": key == default} for key in LABEL_MAPS]}


def label_map(call: Call) -> Json:
    key = call.part("key")
    found = week_labels(key, call.institution.databases, dutch=call.dutch)
    weeks = [{"year": each.year, "week": each.week, "description": each.description} for each in found]
    return {"key": key, "isDefault": key == _default(call), "weeklabels": weeks}


def _default(call: Call) -> str:
    """The map of the person asked for, or of anybody."""
    return default_labels(call.caller.person.roles if call.caller.person else ())
