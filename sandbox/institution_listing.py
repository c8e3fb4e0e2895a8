"""Which timetables there are of a campus, and how each is found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.institution_model import Choice, Course, Programme, Room, Timetable, code, timetable_key
from sandbox.institution_names import BUILDINGS

_Filters = tuple[tuple[str, Choice], ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A timetable before it is one of a database; `children` by kind and identifier."""

    kind: str
    identifier: str
    description: str
    host_key: str
    filters: _Filters = ()
    children: tuple[tuple[str, str], ...] = ()

    def timetable(self, database: str) -> Timetable:
        children = tuple(timetable_key(database, *each) for each in self.children)
        key = timetable_key(database, self.kind, self.identifier)
        return Timetable(key, self.description, self.host_key, self.filters, children)


def timetables(
    databases: Iterable[str], programmes: Iterable[Programme], rooms: tuple[Room, ...]
) -> Iterator[Timetable]:
    """Of each database the same: programmes, their courses, student sets and staff, rooms and buildings."""
    entries = [entry for each in programmes for entry in _of_programme(each)]
    entries += [_room(each) for each in rooms]
    entries += [_building(key, [each for each in rooms if each.building == key]) for key in BUILDINGS]
    for database in databases:
        for entry in entries:
            yield entry.timetable(database)


def _of_programme(programme: Programme) -> Iterator[_Entry]:
    department = programme.courses[0].department
    found = (("department", Choice(department.id, department.name)),)
    modules = tuple(("module", each.id) for each in programme.courses)
    subject = department.name.split(" / ")[-1].removeprefix("Faculty of ")
    yield _Entry("pos", code("pos", department.id), f"BSc {subject}", programme.key, found, modules)
    for course in programme.courses:
        yield _Entry("module", course.id, f"{course.code} {course.name}", course.code, (*found, _level(course)))
    for half in programme.halves:
        yield _Entry("studentset", half.id, half.name, half.key, found)
    for teacher in programme.teachers:
        yield _Entry("staff", teacher.id, teacher.name, teacher.key, found)


def _level(course: Course) -> tuple[str, Choice]:
    """The half of the subject: the digit after the three letters of its code."""
    level = course.code[3]
    return "level", Choice(level, f"Level {level}")


def _room(room: Room) -> _Entry:
    building = Choice(code("zone", room.building), BUILDINGS[room.building])
    return _Entry("location", room.id, room.name, room.key, (("zone", building),))


def _building(key: str, rooms: list[Room]) -> _Entry:
    children = tuple(("location", each.id) for each in rooms)
    return _Entry("zone", code("zone", key), BUILDINGS[key], key, children=children)
