"""Which timetables a person has, out of MyTimetable's subscriptions."""

from collections import Counter
from typing import Any

from timetables._mytimetable_events import parsed
from timetables.base import ContractBroken


def subscribed(body: bytes, where: str) -> str:
    """What a /subscriptions answer says in a few words, like `4 timetables (2 studentset, 2 user), 1 switched off`.

    Raises: ContractBroken.
    """
    content = parsed(body, where)
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise ContractBroken(
            f"GET {where} sent no list of subscriptions; look whether the site's version is supported."
        )
    if not content:
        return "no timetables"
    kinds = Counter(_kind(each) for each in content)
    counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    off = sum(each.get("enabled") is False for each in content)
    what = f"{len(content)} timetable{'s' if len(content) > 1 else ''} ({counted})"
    return f"{what}, {off} switched off" if off else what


def _kind(subscription: dict[str, Any]) -> str:
    """Sites before 3.0 tell it in the key alone."""
    kind, key = subscription.get("type"), subscription.get("key")
    if isinstance(kind, str) and kind:
        return kind
    parts = key.split("!") if isinstance(key, str) else []
    return parts[1] if len(parts) > 2 else "other"  # noqa: PLR2004 - datasource, type and identifier
