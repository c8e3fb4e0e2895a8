"""Which test shows what: cases that went wrong elsewhere, and faults with what must hold under them.

A test that shows a row carries the mark `case("peers", 7)` or `case("faults", 3)`; a row may need several, each of
which shows a part. `pytest -m case` runs them all.
"""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

PEERS = {
    1: "Graph fails, and had made the event",
    2: "Graph asks for a pause, with a time or without",
    3: "more changes than Graph takes at once",
    4: "a timetable that fails, is empty, or is a tenth of yesterday's",
    5: "an event that is gone when it is changed or deleted",
    6: "an id whose event was deleted before",
    7: "other people's events that look like ours",
    8: "every change of a run is refused",
    9: "a person deletes, moves or retitles an event of ours",
    10: "only the room changes",
    11: "clocks change, and days begin at midnight somewhere else",
    12: "no length, an end before the start, whole days, several days",
    13: "two events that are alike in everything",
    14: "the same text in another spelling",
    15: "somebody is provisioned a second time",
    16: "an unlink stops in the middle, and somebody links again",
    17: "a cleanup after the ledger was lost, and another instance in the mailbox",
    18: "an unlink of future events while clocks change",
    19: "a mailbox is missing, has no licence or may not be opened",
    20: "a credential runs out",
    21: "two workers on one calendar, a server that hangs, a queue that fills",
    22: "the answers of the provisioning API, call by call",
}
FAULTS = {
    1: "kill -9 in the middle of a push",
    2: "death between the server's commit and ours",
    3: "an answer is lost after the work was done",
    4: "a server asks for a pause",
    5: "a server hangs",
    6: "one change of a batch fails",
    7: "a message is delivered twice",
    8: "Redis restarts, forgets everything, freezes",
    9: "PostgreSQL restarts, or its disk is full",
    10: "two beats, or none for an hour",
    11: "a clock is wrong, clocks change, a year ends",
    12: "a timetable of nonsense",
    13: "a timetable that would fill the memory",
    14: "a timetable that shrinks, fails, or is somebody else's",
    15: "credentials revoked, a mailbox or calendar gone",
    16: "SIGTERM in the middle of work",
}
TABLES = {"peers": PEERS, "faults": FAULTS}
ROWS = [(table, row) for table, rows in TABLES.items() for row in rows]


def _marked() -> dict[tuple[str, int], list[str]]:
    """The tests of each row, read from the marks as they are written."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in getattr(node, "decorator_list", ()):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.case":
                    table, row = map(ast.literal_eval, decorator.args)
                    found[table, row].append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


MARKED = _marked()


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[f"{table} {row}" for table, row in ROWS])
def test_every_row_is_shown_by_a_test(table: str, row: int) -> None:
    assert MARKED.get((table, row)), f"no test shows row {row} of {table}: {TABLES[table][row]}"


def test_every_mark_names_a_row() -> None:
    assert MARKED.keys() <= set(ROWS)
