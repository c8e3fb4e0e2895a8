"""What a university is made of: departments, rooms, staff, student sets, courses, people and events."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


def code(*parts: object) -> str:
    """32 upper-case hex digits that are always the same for the same parts, as a timetabling database's ids look."""
    return hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest().upper()


@dataclass(frozen=True, slots=True)
class Department:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Room:
    id: str
    key: str
    name: str
    building: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Teacher:
    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class StudentSet:
    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Course:
    id: str
    code: str
    name: str
    department: Department


@dataclass(frozen=True, slots=True)
class Programme:
    """The courses of one department, and who learns and teaches them."""

    key: str
    courses: tuple[Course, ...]
    halves: tuple[StudentSet, ...]
    teachers: tuple[Teacher, ...]


@dataclass(frozen=True, slots=True)
class EventType:
    """`group` is the event type group a person can filter, by id and by description."""

    id: str
    description: str
    dutch: str
    color: str
    group: str


EVENT_TYPES = {
    each.id: each
    for each in (
        EventType("lecture", "Lecture", "Hoorcollege", "#1f77b4", "Lecture"),
        EventType("tutorial", "Tutorial", "Werkcollege", "#2ca02c", "Tutorial"),
        EventType("lab", "Lab session", "Practicum", "#9467bd", "Tutorial"),
        EventType("exam", "Exam", "Tentamen", "#d62728", "Exam"),
        EventType("excursion", "Excursion", "Excursie", "#8c564b", "Excursion"),
        EventType("symposium", "Symposium", "Symposium", "#e377c2", "Other"),
        EventType("deadline", "Deadline", "Inlevermoment", "#7f7f7f", "Other"),
        EventType("meeting", "Meeting", "Bijeenkomst", "#bcbd22", "Other"),
    )
}
GROUPS = tuple(dict.fromkeys(each.group for each in EVENT_TYPES.values()))


@dataclass(frozen=True, slots=True)
class Person:
    """`mail` names the mailbox; it is the username too, but for the one whose username carries a domain."""

    username: str
    name: str
    mail: str
    roles: tuple[str, ...]

    @property
    def feed_token(self) -> str:
        """The secret in the address of the person's iCalendar feed."""
        return code("t", self.username)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `start` and `end` are aware and in UTC. `personal` are the usernames it was added for by hand."""

    database: str
    activity: str
    start: datetime
    end: datetime
    title: str
    type: EventType | None = None
    all_day: bool = False
    course: Course | None = None
    rooms: tuple[Room, ...] = ()
    staff: tuple[Teacher, ...] = ()
    student_sets: tuple[StudentSet, ...] = ()
    tags: tuple[str, ...] = ()
    notes: str | None = None
    draft: bool = False
    personal: tuple[str, ...] = ()

    def id(self, zone: ZoneInfo) -> str:
        """Datasource, activity and local day: another day gives another id, another time or room keeps it."""
        return f"{self.database}!{self.activity}-{self.start.astimezone(zone):%Y%m%d}"

    def timetable_keys(self) -> tuple[str, ...]:
        """The timetables it stands in."""
        course = [timetable_key(self.database, "module", self.course.id)] if self.course else []
        return (
            *course,
            *(timetable_key(self.database, "studentset", each.id) for each in self.student_sets),
            *(timetable_key(self.database, "staff", each.id) for each in self.staff),
            *(timetable_key(self.database, "location", each.id) for each in self.rooms),
            *(timetable_key(self.database, "user", code("user", each)) for each in self.personal),
        )


def timetable_key(database: str, kind: str, identifier: str) -> str:
    return f"{database}!{kind}!{identifier}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What one can pick, by its identifier: a value of a filter, or an option of a timetable."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Timetable:
    """Something one can subscribe to.

    `host_key` is what the timetabling application calls it, `filters` what it is found by, a name and a value each;
    `children` are the keys of the timetables that one with children consists of.
    """

    key: str
    description: str
    host_key: str = ""
    filters: tuple[tuple[str, Choice], ...] = ()
    children: tuple[str, ...] = ()

    @property
    def database(self) -> str:
        return self.key.split("!", 2)[0]

    @property
    def kind(self) -> str:
        return self.key.split("!", 2)[1]


@dataclass(frozen=True, slots=True)
class Campus:
    """Everything that stands still: who and what there is, and what each person is subscribed to from the start.

    `filtered` are the activities each person has hidden.
    """

    people: tuple[Person, ...]
    rooms: tuple[Room, ...]
    events: tuple[Event, ...]
    timetables: tuple[Timetable, ...]
    subscriptions: dict[str, tuple[str, ...]]
    filtered: dict[str, frozenset[str]]


class UnknownNameError(LookupError):
    """The institution has no such person, event, room, timetable or event type group; the message says which."""


class NotPossibleError(ValueError):
    """A change that cannot be made; the message says why."""
