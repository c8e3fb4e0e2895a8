"""Exchange through EWS, with exchangelib and one service account for all mailboxes.

Changes of a kind travel many to a request, each with an outcome of its own. Exchange gives the ids, so a create looks
first whether its event is there, by an id of ours that events carry. What shall be removed is touched first, for a
removal alone takes no notice of the version.

See: https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfoNotFoundError

from exchangelib import EWSDateTime
from exchangelib.errors import EWSError
from exchangelib.restriction import Q
from exchangelib.util import TNS

from providers._ews_calls import Calls
from providers._ews_items import Standing, to_change, to_claim, to_create, to_found
from providers._ews_outcomes import Portions
from providers._ews_settings import Settings, Target
from providers._exchange import event_id
from providers.base import (
    Ambiguous,
    Capabilities,
    Change,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    Done,
    EventGone,
    Found,
    Marks,
    Outcome,
    Provider,
    ProviderError,
    Ref,
    Rejected,
    Unauthorized,
    Update,
    Window,
)

__all__ = ["ExchangeCalendar", "Settings", "Target", "connect"]

BATCH = 300
WRITES = 150
"""Creates or updates in one request: Exchange counts the work after each, and lets the next ones wait."""
MARGIN = timedelta(days=1)
_UNSAYABLE = (ValueError, TypeError, OverflowError, ZoneInfoNotFoundError, EWSError)


def connect(settings: Settings, target: Target) -> Provider:
    """Makes no request."""
    return ExchangeCalendar(settings, target)


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to be sent for a change."""

    kind: Literal["create", "change", "remove"]
    what: Any


class ExchangeCalendar:
    """The default calendar of one mailbox. See: `providers.base.Provider`."""

    capabilities = Capabilities(batch=BATCH)

    def __init__(self, settings: Settings, target: Target) -> None:
        self._calls = Calls(settings, target)
        self._reminder = settings.reminder
        self._delegate = settings.access == "delegate"

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        portions = Portions()
        outcomes: list[Outcome] = []
        for start in range(0, len(changes), BATCH):
            outcomes += self._push(changes[start : start + BATCH], portions)
        return portions.told(outcomes)

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        wanted = Q(instance=marks.instance)
        if window is not None:
            # Exchange reads the ends of all-day events in zones of its own: ask for a day more, and sift here.
            wanted &= Q(start__gte=_ews(window.start, -MARGIN)) & Q(start__lt=_ews(window.end, MARGIN))
        found = [to_found(item, marks) for item in self._calls.listing(wanted)]
        within = [each for each in found if each is not None and (window is None or each.start in window)]
        return sorted(within, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        rights = self._calls.rights()
        if rights is None:
            raise ContractBroken("Exchange does not say whether the calendar can be written to: check url.")
        if rights.findtext(f"{{{TNS}}}CreateContents") not in {"true", "1"}:
            raise Unauthorized("The service account may not write to this calendar: give it the right to do so.")

    def close(self) -> None:
        """Nothing: the connections are the service account's, and serve the next mailbox."""

    def _push(self, changes: Sequence[Change], portions: Portions) -> list[Any]:
        """One batch: a request to look at what is there, where we must, and up to two for each kind of step."""
        outcomes: list[Any] = [
            self._step(change, there) for change, there in zip(changes, self._look(changes, portions), strict=True)
        ]
        for kind, size, request in (
            ("create", WRITES, self._calls.create),
            ("change", WRITES, self._calls.update),
            ("remove", BATCH, self._calls.delete),
        ):
            places = [place for place, each in enumerate(outcomes) if isinstance(each, _Step) and each.kind == kind]
            answers = portions.send([outcomes[place].what for place in places], size, request)
            for place, answer in zip(places, answers, strict=True):
                outcomes[place] = _after(changes[place], answer)
        return self._without_missing(changes, outcomes)

    def _look(self, changes: Sequence[Change], portions: Portions) -> list[Any]:
        """For each change what is there: of a create a list; None where we need not know; or an error."""
        found: list[Any] = [None] * len(changes)
        for asked, request in ((_own_id, self._calls.search), (_blind_id, self._calls.look)):
            ids = {place: wanted for place, change in enumerate(changes) if (wanted := asked(change)) is not None}
            answers = portions.send(list(ids.values()), BATCH, request)
            for place, answer in zip(ids, answers, strict=True):
                found[place] = answer
        return found

    def _step(self, change: Change, there: Any) -> Any:
        """What to do where a look found `there`: a step, or an outcome already."""
        if isinstance(there, ProviderError):
            return there
        try:
            return self._create(change, there) if isinstance(change, Create) else self._change(change, there)
        except _UNSAYABLE as error:
            return Rejected(f"This event cannot be said in EWS ({type(error).__name__}): correct it.")

    def _create(self, create: Create, there: Sequence[Standing]) -> Any:
        if not there:
            return _Step("create", self._calls.entry(to_create(create, self._reminder)))
        ours = next((each for each in there if each.mark == create.mark), None)
        if ours is None:
            return Conflict("Something else stands in the place of this event.")
        return _Step("change", self._calls.change(ours.ref, to_change(create, ours)))

    def _change(self, change: Update | Delete, there: Standing | None) -> Any:
        ref = change.ref
        if there is not None and ref.version is None:
            if there.mark is None or there.mark.instance != change.mark.instance:
                return Conflict("The event in that place does not carry our mark: look by mark.")
            ref = Ref(ref.id, there.ref.version)
        elif there is not None and ref.version != there.ref.version:
            return Conflict("The event was changed by somebody else.")
        told = to_claim(change) if isinstance(change, Delete) else to_change(change, there)
        return _Step("change", self._calls.change(ref, told))

    def _without_missing(self, changes: Sequence[Change], outcomes: list[Any]) -> list[Any]:
        """`outcomes` with the word for a missing event; to a delegate, Exchange says so of what it may not see too."""
        missing = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, EventGone)]
        unseen = None
        if missing and self._delegate and not any(isinstance(each, Done | Ambiguous) for each in outcomes):
            try:
                self._calls.rights()
            except ProviderError as error:
                unseen = error
        for place in missing:
            outcomes[place] = unseen or (Done() if isinstance(changes[place], Delete) else outcomes[place])
        return outcomes


def _after(change: Change, answer: Any) -> Any:
    """What follows from the server's answer to a step: an outcome, or the next step."""
    if isinstance(answer, Ref):
        return _Step("remove", answer) if isinstance(change, Delete) else Done(answer)
    if isinstance(answer, EventGone) and isinstance(change, Create):
        return Conflict("What stood in the place of this event is gone again: look by mark.")
    return answer


def _own_id(change: Change) -> str | None:
    return event_id(change.mark, change.generation) if isinstance(change, Create) else None


def _blind_id(change: Change) -> str | None:
    """Where we must look: what has no version hits whatever stands there, and categories are the person's too."""
    if isinstance(change, Create):
        return None
    category = isinstance(change, Update) and "category" in change.fields
    return change.ref.id if change.ref.version is None or category else None


def _ews(moment: Any, margin: timedelta) -> EWSDateTime:
    return EWSDateTime.from_datetime(moment + margin)
