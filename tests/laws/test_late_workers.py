"""What the machine found: a worker sleeps before it sends, and another one takes the mailbox over meanwhile."""

from collections import Counter

import pytest

from loop import promise
from providers import base, memory


@pytest.fixture
def loop(open_machine):
    made = open_machine("memory", memory.Settings(), "restore")()
    made.begin(4, ran=True)
    yield made
    for box in made.boxes.values():
        box.close()


def test_what_a_late_worker_made_a_second_time_goes_at_the_next_look(loop):
    # A conflict makes it plan the create with the next generation; before it sends that, another run makes the first.
    troubles = [("one", base.Conflict("changed"), 0, False), ("meanwhile", "push", True, "taken over", 0, None)]
    loop.a_run(0, [(5, "add")], troubles, resync=False)
    box = next(iter(loop.boxes.values()))
    twice = [mark for mark, number in Counter(each.mark for each in box.standing().values()).items() if number == 2]
    assert len(twice) == 1
    promise.settle(loop.campus)
    promise.judge(loop.campus, loop.books, "restore")
    assert loop.campus.findings == []
