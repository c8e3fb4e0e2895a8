"""Many histories of the loop, one after another, each of them followed by the promise."""

import traceback
import warnings

import redis
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from loop.boxes import opener
from loop.campus import Campus
from loop.machine import Loop
from providers import memory

PHASES = (Phase.generate, Phase.shrink)
STEPS = 15
AT_A_TIME = 200
"""Histories from one seed: Hypothesis remembers each, and a thousand are half a gigabyte."""


def law(sequences):
    """`sequences` histories of up to STEPS steps. No database of examples: a seed alone says what is tried."""
    return settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        phases=PHASES,
        deadline=None,
        database=None,
        derandomize=False,
        verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck),
    )


def machine(campus, open_box, policy, faults=None):
    """The state machine for one campus."""
    told = {"campus": campus, "open_box": staticmethod(open_box), "policy": policy, "faults": faults}
    return type("Loop", (Loop,), told)


def explore(made, sequences, number):
    """Raises whatever a history of this machine comes to that should not be; `number` is the first seed."""
    for nth, done in enumerate(range(0, sequences, AT_A_TIME)):
        seeded = seed(1_000 * nth + number)(made)
        run_state_machine_as_test(seeded, settings=law(min(AT_A_TIME, sequences - done)))


def explored(database, redis_url, policy, sequences, number):
    """The same in a process of its own, with calendars in memory; what went wrong, in words, empty if nothing did."""
    warnings.simplefilter("error")
    settings_of_memory = memory.Settings()
    campus = Campus(database, redis.Redis.from_url(redis_url), "memory", settings_of_memory)
    true = memory.connect
    memory.connect = campus.line.connect(true)
    try:
        explore(machine(campus, opener("memory", settings_of_memory), policy), sequences, number)
    except BaseException:  # noqa: BLE001 - whatever it is, the process that asked shall tell it
        return f"policy {policy}, seed {number}:\n{traceback.format_exc()}"
    finally:
        memory.connect = true
        campus.redis.close()
        campus.close()
    return ""
