"""What real timetables hold besides lectures: drafts, twins, all-day and multi-day events, and the plainly strange."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sandbox.institution_model import EVENT_TYPES, Event, StudentSet, Teacher, code
from sandbox.institution_year import blocks, moment

_NOTES = "Bring your own laptop.\r\nBij vragen: de docent \N{EN DASH} “altijd welkom” 🎓"


def with_oddities(events: list[Event]) -> Iterator[Event]:
    """The events of a block, some of them changed, and a twin of one lecture that differs in nothing but its id.

    Each half's last tutorial is a draft.
    """
    tutorial = EVENT_TYPES["tutorial"]
    last = max(event.start for event in events if event.type is tutorial)
    twin = next(event for event in events if event.type is EVENT_TYPES["lecture"])
    for place, event in enumerate(events):
        yield _odd(place, replace(event, draft=event.type is tutorial and event.start == last))
    yield replace(twin, activity=code(twin.activity, "parallel"))


def _odd(place: int, event: Event) -> Event:
    match place % 23:
        case 3:
            return replace(event, notes=_NOTES)
        case 7:
            return replace(event, tags=("Web Lecture",), rooms=())
        case 11:
            return replace(event, notes="")
        case 13:
            return replace(event, staff=())
        case 17:
            return replace(event, type=None)
        case _:
            return event


def odd_events(
    database: str, programme: str, halves: tuple[StudentSet, ...], teachers: tuple[Teacher, ...], zone: ZoneInfo
) -> Iterator[Event]:
    """What happens outside the courses in one academic year; everybody of the programme is there, staff too."""

    def event(kind: str, title: str, start: tuple[date, str], end: tuple[date, str], all_day: bool = False) -> Event:
        activity = code(database, halves[0].id, title)
        span = (moment(*start, zone), moment(*end, zone))
        return Event(database, activity, *span, title, EVENT_TYPES[kind], all_day, student_sets=halves, staff=teachers)

    def days(kind: str, title: str, first: date, count: int) -> Event:
        return event(kind, title, (first, "00:00"), (first + timedelta(days=count), "00:00"), all_day=True)

    autumn, winter, spring, summer = blocks(int(database))
    yield days("excursion", f"Excursion {programme}: Zuiderzee", autumn.weeks[4] + timedelta(days=2), 1)
    yield days("excursion", f"Study weekend {programme}", _last_sunday(int(database), 10) - timedelta(days=1), 2)
    yield days(
        "symposium", f"Symposium {programme} \N{EN DASH} “Café & Société”", winter.weeks[3] + timedelta(days=3), 2
    )
    yield days("excursion", f"Study trip {programme} to Århus", _last_sunday(int(database) + 1, 3), 4)
    yield days("symposium", f"Career day {programme}", summer.weeks[5] + timedelta(days=4), 1)
    for number, block in enumerate((autumn, winter, spring, summer), 1):
        friday = (block.exams + timedelta(days=4), "17:00")
        yield event("deadline", f"Report {number} {programme}", friday, friday)
    # Somebody typed the hours the wrong way round.
    monday = spring.weeks[2]
    yield event("meeting", f"Programme committee {programme}", (monday, "17:30"), (monday, "16:00"))


def _last_sunday(year: int, month: int) -> date:
    """The day on which the clocks change in October and March, months of 31 days."""
    last = date(year, month, 31)
    return last - timedelta(days=last.isoweekday() % 7)
