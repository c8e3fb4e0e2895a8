"""The kinds of timetable that the university has, the default order in menus being theirs here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`parent`: it consists of other timetables. `options`: one can take a part of it, of a parent's children too."""

    name: str
    description: str
    dutch: str
    parent: bool = False
    options: bool = False


KINDS = (
    Kind("module", "Course", "Vak", options=True),
    Kind("pos", "Programme of study", "Opleiding", parent=True, options=True),
    Kind("studentset", "Student set", "Studentgroep"),
    Kind("staff", "Member of staff", "Medewerker"),
    Kind("location", "Room", "Zaal"),
    Kind("zone", "Building", "Gebouw", parent=True),
    Kind("user", "Personal timetable", "Persoonlijk rooster"),
)
RESOURCES = frozenset({"location", "zone", "equipment"})
"""The kinds that tell of things and not of people; `excludeResourceTimetables` leaves them out."""
