"""Our mark as a line in an event's text, for Connect Daily keeps no properties. Pure functions.

The text is HTML. The line stands at its end and is hidden; where a site's editor shows it all the same, it is one short
line. It names the event that it belongs to: what a person copies, and what the server forks, has our text and another
guid, and is not ours.
"""

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import UUID

from providers.base import Mark

# Six values without anything that HTML or iCalendar would write in another way.
_LINE = re.compile(r"\[carillon\|([\w.~%-]*)\|([\w.~%-]*)\|([\w.~%-]*)\|([\w.~%-]*)\|([0-3])\|([\w.~%-]*)\]", re.ASCII)
_BEFORE, _AFTER = '<span style="display:none">', "</span>"
_HIDDEN = re.compile(f"{re.escape(_BEFORE)}({_LINE.pattern}){re.escape(_AFTER)}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """What the line says: the mark, the zone that days and times are meant in, and which of an hour that the clock
    shows twice: `fold` has 1 for the start and 2 for the end, where it is the second one.
    """

    mark: Mark
    zone: str
    fold: int
    guid: str

    def __str__(self) -> str:
        mark = self.mark
        values = (mark.instance, mark.synchronization, mark.key, self.zone, str(self.fold), self.guid)
        return f"[carillon|{'|'.join(quote(each, safe='') for each in values)}]"


def guid(mark: Mark, generation: int, calendar_id: int) -> str:
    """The guid we choose for a create: the same for the same mark and generation, in the form that guids have.

    All calendars of a site share them, so the calendar is a part of it.
    """
    words = "\0".join((mark.instance, mark.synchronization, mark.key, str(generation), str(calendar_id)))
    return str(UUID(bytes=hashlib.sha256(words.encode()).digest()[:16]))


def lines(text: str) -> Iterator[Line]:
    """Every line of ours in a text, or in a whole listing that is unfolded, whosever event it stands in."""
    for found in _LINE.finditer(text):
        instance, synchronization, key, zone, fold, of = (unquote(each) for each in found.groups())
        yield Line(Mark(instance, synchronization, key), zone, int(fold), of)


def line_of(text: str, guid: str) -> Line | None:
    """The line of the event with this guid; the last one, for a description may hold what looks like one."""
    ours = [each for each in lines(text) if each.guid == guid]
    return ours[-1] if ours else None


def without(text: str, guid: str) -> str:
    """The text without the lines of this event."""
    for pattern in (_HIDDEN, _LINE):
        text = pattern.sub(lambda found: "" if line_of(found[0], guid) else found[0], text)
    return text


def with_line(text: str, line: Line) -> str:
    return f"{without(text, line.guid)}{_BEFORE}{line}{_AFTER}"


def as_html(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")
