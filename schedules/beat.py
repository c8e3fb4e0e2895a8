"""What beat sends, and how often. One entry looks for everything that is due: a schedule with an entry a person does
not scale.

Any number of beats may run: a task that finds nothing to do costs a query.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beat:
    """Send the task named `task` every `seconds`."""

    name: str
    task: str
    seconds: float


BEAT = (
    Beat("dispatch what is due", "dispatch", 5),
    Beat("work out holds", "holds", 300),
    Beat("give back the consent that nobody needs", "links", 300),
    Beat("follow the rules of groups", "groups", 3_600),
    Beat("prune old runs", "prune", 3_600),
)
