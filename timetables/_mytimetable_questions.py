"""What is asked of MyTimetable for one person, and what a validator remembers of the answer."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from timetables._mytimetable_wire import NOTHING, Version

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for one person, and its digest: an answer to another question proves nothing."""

    headers: Mapping[str, str | bytes]
    window: tuple[datetime, datetime]
    week_labels: str = ""
    terms: tuple[str, ...] = ()

    @property
    def span(self) -> dict[str, str]:
        return dict(zip(("startDate", "endDate"), map(milliseconds, self.window), strict=True))

    def digest(self) -> str:
        asked = {name: value for name, value in self.headers.items() if name != "apiToken"}
        beside = [each for each in (self.week_labels, self.terms) if each]
        return hashlib.sha256(repr((asked, self.span, *beside)).encode()).hexdigest()[:32]

    def reaching(self, reach: Version) -> "Question":
        """The same, up to where the terms reach."""
        end = _EPOCH + timedelta(milliseconds=int(reach.digest))
        return replace(self, window=(self.window[0], end))


@dataclass(frozen=True, slots=True)
class Known:
    """What a validator says of an earlier reading: which versions answered which question.

    Where terms are read, `reach` is their version; for a digest it has the end that followed from them, in
    milliseconds, which is all that they are read for.
    """

    question: str
    versions: tuple[Version, ...] = ()
    reach: Version = NOTHING

    def __str__(self) -> str:
        told = (*self.versions, self.reach) if self.reach.digest else self.versions
        return orjson.dumps([self.question, *([each.etag, each.digest] for each in told)]).decode()

    @classmethod
    def read(cls, validator: str | None, question: Question) -> "Known":
        """What `validator` says, if it is ours and about the same question; else that nothing is known."""
        digest = question.digest()
        with suppress(ValueError, TypeError):
            asked, *told = orjson.loads(validator or "")
            if asked == digest:
                versions, reach = [Version(*each) for each in told], NOTHING
                if question.terms:
                    *versions, reach = versions
                return cls(digest, tuple(versions), reach)
        return cls(digest)


def milliseconds(moment: datetime) -> str:
    """Since 1970, as the API takes a time."""
    return str(int(moment.timestamp() * 1000))
