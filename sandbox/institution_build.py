"""Makes a campus out of a seed: who there is, what is taught when and where, for two academic years."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sandbox.institution_listing import timetables
from sandbox.institution_model import (
    EVENT_TYPES,
    Campus,
    Course,
    Department,
    Event,
    Person,
    Programme,
    Room,
    StudentSet,
    Teacher,
    code,
    timetable_key,
)
from sandbox.institution_names import BUILDINGS, PROGRAMMES, mail_address, people_names
from sandbox.institution_oddities import odd_events, with_oddities
from sandbox.institution_year import Block, blocks, moment

DOMAIN = "EXAMPLE\\"
_SLOTS = tuple((day, clock) for day in range(5) for clock in ("09:00", "11:00", "13:15", "15:15"))
_LENGTH = timedelta(minutes=105)
_HALVES = ("A", "B")
_COURSES_A_BLOCK = 3


def build(seed: int, year: int, zone: ZoneInfo, people: int) -> Campus:
    """The campus of `seed` with the events of the academic years that begin in `year` and in the year after it.

    A quarter of the `people` teach, at least one in each programme; the others are students.
    """
    names = people_names(Random(f"{seed}"), people)
    count = max(len(PROGRAMMES), people // 4)
    teachers = [Teacher(code(seed, "staff", name), f"S{place:04}", name) for place, name in enumerate(names[-count:])]
    rooms = tuple(_rooms(seed))
    programmes = [
        _programme(seed, key, tuple(teachers[place :: len(PROGRAMMES)])) for place, key in enumerate(PROGRAMMES)
    ]
    databases = (str(year), str(year + 1))
    events = tuple(
        event
        for database in databases
        for programme in programmes
        for event in _year(Random(f"{seed}/{database}/{programme.key}"), database, programme, rooms, zone)
    )
    persons = tuple(_people(names, count))
    halves = [half for programme in programmes for half in programme.halves]
    return Campus(
        people=persons,
        rooms=rooms,
        events=events,
        timetables=tuple(timetables(databases, programmes, rooms)),
        subscriptions=_subscriptions(persons, teachers, halves, databases),
        filtered=_filtered(persons, halves, events),
    )


def _rooms(seed: int) -> Iterator[Room]:
    for key, building in BUILDINGS.items():
        for number in range(1, 11):
            name = f"{building} {number // 4}.{number:02}"
            yield Room(code(seed, "room", key, number), f"{key}{number:03}", name, key, 20 + 37 * number % 280)


def _programme(seed: int, key: str, teachers: tuple[Teacher, ...]) -> Programme:
    department_name, subjects = PROGRAMMES[key]
    department = Department(code(seed, "department", key), department_name)
    courses = tuple(
        Course(code(seed, "course", key, subject, part), f"{key}{part}{place:02}", f"{subject} {part}", department)
        for part in (1, 2)
        for place, subject in enumerate(subjects, 1)
    )
    halves = tuple(StudentSet(code(seed, "set", key, half), f"{key}-1{half}", f"{key} 1{half}") for half in _HALVES)
    return Programme(key, courses, halves, teachers)


def _people(names: list[str], teachers: int) -> Iterator[Person]:
    """Students first, then staff; the very last one's username carries a domain."""
    for place, name in enumerate(names):
        teaches = place >= len(names) - teachers
        mail = mail_address(name)
        username = DOMAIN + mail.split("@")[0].replace(".", "") if place == len(names) - 1 else mail
        yield Person(username, name, mail, ("ROLE_STAFF" if teaches else "ROLE_STUDENT", "ROLE_MEMBER"))


def _year(
    random: Random, database: str, programme: Programme, rooms: tuple[Room, ...], zone: ZoneInfo
) -> Iterator[Event]:
    for number, block in enumerate(blocks(int(database))):
        courses = programme.courses[_COURSES_A_BLOCK * number :][:_COURSES_A_BLOCK]
        series = _block(random, programme, courses, block)
        yield from with_oddities(
            [event for each in series for event in each.events(database, random.choice(rooms), zone)]
        )
    yield from odd_events(database, programme.key, programme.halves, programme.teachers, zone)


@dataclass(frozen=True, slots=True)
class _Series:
    """One activity: the same hour of the same weekday in each of `weeks`."""

    course: Course
    type: str
    slot: tuple[int, str]
    weeks: tuple[date, ...]
    halves: tuple[StudentSet, ...]
    teacher: Teacher

    def events(self, database: str, room: Room, zone: ZoneInfo) -> Iterator[Event]:
        day, clock = self.slot
        activity = code(database, self.course.id, self.type, day, clock, *(half.id for half in self.halves))
        for week in self.weeks:
            start = moment(week + timedelta(days=day), clock, zone)
            yield Event(
                database,
                activity,
                start,
                start + _LENGTH,
                self.course.name,
                EVENT_TYPES[self.type],
                course=self.course,
                rooms=(room,),
                staff=(self.teacher,),
                student_sets=self.halves,
            )


def _block(random: Random, programme: Programme, courses: tuple[Course, ...], block: Block) -> Iterator[_Series]:
    """Of each course two lectures a week for everybody, a tutorial and a lab a week for each half, and an exam.

    No half is in two places at once.
    """
    slots, teachers = iter(random.sample(_SLOTS, len(_SLOTS))), itertools.cycle(programme.teachers)
    together, apart = (programme.halves,), tuple((half,) for half in programme.halves)
    for course in courses:
        for kind, weeks, audiences in (
            ("lecture", block.weeks, together),
            ("lecture", block.weeks, together),
            ("tutorial", block.weeks, apart),
            ("lab", block.weeks, apart),
            ("exam", (block.exams,), together),
        ):
            slot = next(slots)
            for halves in audiences:
                yield _Series(course, kind, slot, weeks, halves, next(teachers))


def _subscriptions(
    persons: tuple[Person, ...], teachers: list[Teacher], halves: list[StudentSet], databases: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Each student's own set and each teacher's own timetable, of every year, beside what is added for them by hand."""
    owned = [("studentset", halves[place % len(halves)].id) for place in range(len(persons) - len(teachers))]
    owned += [("staff", teacher.id) for teacher in teachers]
    return {
        person.username: tuple(
            timetable_key(database, kind, identifier)
            for database in databases
            for kind, identifier in (own, ("user", code("user", person.username)))
        )
        for person, own in zip(persons, owned, strict=True)
    }


def _filtered(
    persons: tuple[Person, ...], halves: list[StudentSet], events: tuple[Event, ...]
) -> dict[str, frozenset[str]]:
    """The activities each person has hidden: every third student the labs of one course in each block."""
    lab, hidden = EVENT_TYPES["lab"], defaultdict(set)
    for event in events:
        if event.type == lab and event.course and event.course.code.endswith(("3", "6")):
            hidden[event.student_sets].add(event.activity)
    students = [person for person in persons if "ROLE_STUDENT" in person.roles]
    return {
        person.username: frozenset(hidden[(halves[place % len(halves)],)])
        for place, person in enumerate(students)
        if place % 3 == 1
    }
