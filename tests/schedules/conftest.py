"""Short ways to say what a test is about.

The fixtures live as long as the session and keep nothing, so that Hypothesis may use them.
"""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base import Event, Found, Mark, Ref, Window
from schedules.fingerprint import fingerprint
from schedules.plan import Known
from schedules.render import DEFAULT_TEMPLATES, Rendering
from schedules.wanted import Wanted
from timetables.base import SourceEvent

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
OURS = "7"


class Build:
    """Everything is counted in hours from MONDAY; the window is the hours from 0 to 100."""

    ours = OURS
    window = Window(MONDAY, MONDAY + timedelta(hours=100))

    def at(self, hour):
        return MONDAY + timedelta(hours=hour)

    def source(self, hour=0, **fields):
        given = {"id": f"id {hour}", "module_code": "CS1", "description": "Logic", "event_type": "LEC"}
        start = fields.pop("start", self.at(hour))
        return SourceEvent(start, fields.pop("end", start + timedelta(hours=1)), **given | fields)

    def wish(self, key, hour=0, title="Logic", activity=b"logic", **fields):
        start = self.at(hour)
        event = Event(title, start, start + timedelta(hours=1), "Europe/Amsterdam", **fields)
        return Wanted(key, event, fingerprint(event), activity)

    def row(self, wish, state="written", **fields):
        """What the ledger says when `wish` was written."""
        stands = state not in {"creating", "dismissed"}
        given = {
            "generation": 0,
            "fingerprint": wish.fingerprint,
            "activity": wish.activity,
            "start": wish.start,
            "ref": Ref(f"at {wish.key}", "1") if stands else None,
        }
        return Known(wish.key, state=state, **given | fields)

    def found(self, key, hour=0, place=None, version="1", synchronization=OURS):
        start = self.at(hour)
        mark = Mark("carillon-test", synchronization, key)
        return Found(mark, Ref(place or f"at {key}", version), start, start + timedelta(hours=1), "Logic")

    def after(self, plan, rows):
        """What the ledger says when every change of `plan` was carried out."""
        gone = {row.key for row in (*plan.deletes, *plan.forgotten)} | {each.known.key for each in plan.updates}
        written = [*plan.creates, *(each.wanted for each in plan.updates)]
        kept = {row.key: row for row in rows if row.key not in gone}
        return [*(kept | {wish.key: self.row(wish) for wish in written}).values()]


@pytest.fixture(scope="session")
def build():
    return Build()


@pytest.fixture(scope="session")
def rendering():
    return Rendering(DEFAULT_TEMPLATES, "Europe/Amsterdam")
