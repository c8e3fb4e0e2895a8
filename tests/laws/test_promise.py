"""Nothing lost, nothing doubled, nothing deleted by mistake: whatever fails and whenever, once things are quiet every
calendar equals its person's timetable.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from loop.histories import explored

POLICIES = ("restore", "respect", "keep")


@pytest.mark.timeout(7_200)
def test_once_things_are_quiet_every_calendar_equals_its_timetable(ledgers, redis_url, sequences, first_seed):
    # A process each: a history waits for PostgreSQL a third of the time.
    with ProcessPoolExecutor(len(POLICIES), mp_context=get_context("spawn")) as pool:
        tasks = [
            pool.submit(explored, ledger, redis_url, policy, sequences, first_seed + nth)
            for nth, (policy, ledger) in enumerate(zip(POLICIES, ledgers, strict=True))
        ]
        found = "\n".join(task.result() for task in tasks)
    assert not found.strip(), found
