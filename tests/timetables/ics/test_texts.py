import time
import tomllib
from pathlib import Path

from timetables import ics
from timetables.base import Location

PAGE = (Path(__file__).parents[3] / "docs" / "ics.md").read_text()

PATTERNS = {
    "SUMMARY": (r"^(?P<module_code>[A-Z]{3}\d+) (?P<description>.+)",),
    "DESCRIPTION": (r"^Staff: (?P<staff>.+)$", r"^Type: (?P<event_type_description>.+)$", r"\n\n(?P<notes>[\s\S]+)"),
}


def event(read, *lines, patterns=None):
    (found,) = read([*lines, "UID:1", "DTSTART:20261020T090000Z"], patterns=patterns or PATTERNS)
    return found


def test_a_pattern_finds_fields_in_a_text(read):
    found = event(
        read, "SUMMARY:INF101 Algebra", r"DESCRIPTION:Type: Lecture\nStaff: A. Visser\, B. Bos\n\nBring\npens"
    )
    assert (found.module_code, found.description, found.event_type_description) == ("INF101", "Algebra", "Lecture")
    assert (found.staff, found.notes) == (("A. Visser", "B. Bos"), ("Bring\npens",))


def test_a_text_in_which_nothing_is_found_says_what_it_always_says(read):
    found = event(read, "SUMMARY:Algebra", "DESCRIPTION:Bring pens")
    assert (found.module_code, found.description, found.notes) == ("", "Algebra", ("Bring pens",))


def test_a_text_in_which_something_is_found_says_nothing_else(read):
    assert event(read, "DESCRIPTION:Staff: A. Visser").notes == ()


def test_lists_are_parted_at_semicolons_or_else_at_commas(read):
    assert event(read, r"DESCRIPTION:Staff: Visser\, A.\; Bos\, B.").staff == ("Visser, A.", "Bos, B.")
    assert event(read, r"LOCATION:Hall 1\, Hall 2").locations == (Location("Hall 1, Hall 2"),)
    places = {"LOCATION": ("(?P<locations>.+)",)}
    assert event(read, r"LOCATION:Hall 1\, Hall 2", patterns=places).locations == (
        Location("Hall 1"),
        Location("Hall 2"),
    )


def test_the_first_pattern_that_finds_a_field_counts_and_an_empty_find_is_none(read):
    patterns = {"SUMMARY": (r"(?P<module_code>\d*)x", r"(?P<module_code>[a-z]+)", r"(?P<description>[A-Z]+)")}
    found = event(read, "SUMMARY:abc x DEF", patterns=patterns)
    assert (found.module_code, found.description) == ("abc", "DEF")


def test_a_property_of_the_feeds_own_can_be_read_too(read):
    found = event(read, "X-ROOM-KEY:R1", "CATEGORIES:Lecture,Online", patterns={"X-ROOM-KEY": ("(?P<department>.+)",)})
    assert (found.department, found.attributes, found.tags) == ("R1", {"X-ROOM-KEY": "R1"}, ("Online",))


def test_a_list_that_ends_in_a_backslash_is_read_as_fast_as_any_other(read):
    begun = time.thread_time()
    found = event(read, "CATEGORIES:Lecture," + "a" * 19_000 + "\\")
    assert (found.event_type, found.tags) == ("Lecture", ("a" * 19_000 + "\\",))
    assert time.thread_time() - begun < 1


def blocks():
    """Each of the page's settings of a timetable: three ways to the files, then the patterns."""
    texts = [text.partition("```")[0] for text in PAGE.split("```toml\n")[1:]]
    return [tomllib.loads(text)["tenants"]["example"]["timetable"] for text in texts]


def test_the_patterns_of_the_page_find_what_it_says(read):
    *_, patterns = blocks()
    known = ics.Settings(url="https://timetable.example.org/ical/{username}.ics", **patterns)
    found = event(
        read,
        "UID:2026!A-20261020@timetable.example.edu",
        "SUMMARY:INF101 Algebra",
        r"DESCRIPTION:Type: Lecture\nStaff: A\; B\nGroups: INF 1A\n\nBring\npens",
        patterns=known.patterns,
    )
    assert (found.id, found.module_code, found.description) == ("2026!A-20261020", "INF101", "Algebra")
    assert (found.staff, found.student_sets, found.notes) == (("A", "B"), ("INF 1A",), ("Bring\npens",))


def test_each_way_of_the_page_can_be_written_so():
    *places, _ = blocks()
    known = [ics.Settings(**{key: value for key, value in place.items() if key != "source"}) for place in places]
    assert [[way for way in ("url", "file", "feed_of") if getattr(each, way)] for each in known] == [
        ["url"],
        ["file"],
        ["feed_of"],
    ]
