"""What an institution calls its weeks, out of MyTimetable's maps of week labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from timetables._mytimetable_events import parsed
from timetables.base import ContractBroken, SourceEvent

ATTRIBUTE = "week_label"
"""The attribute of an event that templates read it by; one of the site's own under this name gives way."""
Labels = Mapping[tuple[int, int], str]
"""By year and week of ISO 8601."""


def week_labels(body: bytes, where: str) -> Labels:
    """The labels of a /weeklabelmaps/{key} answer; an empty object, said of a map that is not there, has none.

    Raises: ContractBroken.
    """
    content = parsed(body, where)
    labels = content.get("weeklabels", [] if not content else None) if isinstance(content, dict) else None
    if not isinstance(labels, list):
        raise ContractBroken(f"GET {where} sent no week labels; look whether the site's version is supported.")
    return {week: text for each in labels for week, text in _label(each)}


def _label(each: Any) -> list[tuple[tuple[int, int], str]]:
    """One that says no week or no text is no label."""
    if not isinstance(each, dict):
        return []
    year, week, text = each.get("year"), each.get("week"), each.get("description")
    if isinstance(year, int) and isinstance(week, int) and isinstance(text, str) and text.strip():
        return [((year, week), text)]
    return []


def labelled(events: Sequence[SourceEvent], labels: Labels, zone: ZoneInfo) -> list[SourceEvent]:
    """The events, each with the label of the week in which it starts where the clocks are those of `zone`."""
    return [_labelled(event, labels.get(_week(event.start, zone), "")) for event in events]


def _week(moment: datetime, zone: ZoneInfo) -> tuple[int, int]:
    year, week, _ = moment.astimezone(zone).isocalendar()
    return year, week


def _labelled(event: SourceEvent, label: str) -> SourceEvent:
    return replace(event, attributes={**event.attributes, ATTRIBUTE: label}) if label else event
