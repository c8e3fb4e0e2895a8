"""Microsoft 365, through Microsoft Graph, O365's connection, and an application that an administrator consented to,
or each person for themselves.

Changes travel in batches, one request for up to 20 of them. The server chooses the ids; a create carries a transaction
id of ours, so that Graph refuses a second one of the same event.

See: https://learn.microsoft.com/graph/api/resources/event and https://learn.microsoft.com/graph/json-batching
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from providers._consent import Consent, Grant
from providers._exchange import ID, INSTANCE, event_id
from providers._o365_colours import Palette
from providers._o365_consent import PersonsTokens
from providers._o365_errors import Answer, refusal
from providers._o365_outcomes import TakenError, gone, outcome
from providers._o365_payload import (
    LOOK,
    Standing,
    listing,
    to_body,
    to_found,
    to_patch,
    to_standing,
    to_standings,
    transaction_id,
)
from providers._o365_settings import Settings, Target
from providers._o365_tokens import Tokens
from providers._o365_wire import Part, Wire
from providers._outcomes import as_outcome, in_batches, told
from providers.base import (
    FIELDS,
    Capabilities,
    Change,
    Conflict,
    ContractBroken,
    Create,
    Delete,
    EventGone,
    Found,
    Marks,
    Outcome,
    Provider,
    ProviderError,
    Rejected,
    Unauthorized,
    Unavailable,
    Update,
    Window,
)

__all__ = ["Microsoft365", "Settings", "Target", "connect", "consent"]

PAGE = 999
LIVES = 5
"""How many deleted events that stand in the way of a create are stepped over in one push."""

There = Standing | ProviderError
"""What a look found, EventGone for nothing; another error where that is not known."""

Step = Part | Outcome
"""A part of a batch to send, or an outcome that needs none."""


def connect(settings: Settings, target: Target, grant: Grant | None = None) -> Provider:
    """Makes no request. With `grant`, the person's own consent opens the mailbox."""
    return Microsoft365(settings, target, settings.tokens if grant is None else PersonsTokens(grant))


def consent(settings: Settings) -> Consent | None:
    """How a person consents; None where the application speaks for everybody."""
    return settings.consent if settings.access == "delegated" else None


class Microsoft365:
    """The calendar of one mailbox. See: `providers.base.Provider`."""

    def __init__(self, settings: Settings, target: Target, tokens: Tokens | PersonsTokens) -> None:
        self.capabilities = Capabilities(batch=settings.batch)
        self._user = f"/users/{quote(target.mailbox, safe='@')}"
        self._events = f"{self._user}/calendar/events"
        self._reminder = settings.reminder
        self._colours = settings.categories
        self._palette = Palette(settings.categories, settings.painted, target.mailbox)
        self._wire = Wire(settings.root_url, tokens, settings.timeout, settings.verify)

    def push(self, changes: Sequence[Change]) -> list[Outcome]:
        return in_batches(changes, self.capabilities.batch, self._push)

    def find(self, marks: Marks, window: Window | None = None) -> list[Found]:
        found = [each for page in self._pages(marks) for each in to_found(page, marks)]
        if len({each.ref.id for each in found}) < len(found):
            # Pages are counted from the first event: when one comes or goes meanwhile, they slip.
            raise Unavailable("The calendar changed while it was read: it is read again later.")
        within = [each for each in found if window is None or each.start in window]
        return sorted(within, key=lambda each: (each.start, each.ref.id))

    def check(self) -> None:
        may = self._wire.get(f"{self._user}/calendar?$select=id,canEdit").get("canEdit")
        if not isinstance(may, bool):
            raise ContractBroken("Microsoft does not say whether the calendar can be written to: check root_url.")
        if not may:
            raise Unauthorized("The calendar may only be read: grant the application Calendars.ReadWrite.")
        if self._colours:
            self._check_colours()

    def close(self) -> None:
        self._wire.close()

    def _check_colours(self) -> None:
        try:
            self._wire.get(f"{self._user}/outlook/masterCategories?$top=1")
        except Unauthorized as error:
            raise Unauthorized(
                "The application may not give categories their colours: grant it MailboxSettings.ReadWrite, or take "
                "categories out of the settings."
            ) from error

    def _push(self, changes: Sequence[Change]) -> list[Outcome]:
        """One batch. Before it one to look at what we do not know well enough; after it, where Graph says that a create
        was carried out before, one to see what became of that event, and one to bring it to what is asked.
        """
        self._palette.prepare(self._wire, f"{self._user}/outlook/masterCategories", changes)
        outcomes = told(self._carry_out(changes, self._first_steps(changes)))
        for _ in range(LIVES):
            taken = [place for place, each in enumerate(outcomes) if isinstance(each, TakenError)]
            if not taken:
                break
            anew = self._settle([changes[place] for place in taken], [outcomes[place] for place in taken])
            for place, each in zip(taken, anew, strict=True):
                outcomes[place] = each
        return outcomes

    def _first_steps(self, changes: Sequence[Change]) -> list[Step]:
        blind = [change for change in changes if not isinstance(change, Create) and _is_blind(change)]
        seen = iter(self._look([self._place(change.ref.id, LOOK) for change in blind]))
        return [self._step(change, next(seen) if _is_blind(change) else None) for change in changes]

    def _settle(self, creates: Sequence[Any], taken: Sequence[Any]) -> list[Outcome]:
        """The outcomes of `creates`, each of which met one of `taken`."""
        ids = [error.existing for error in taken]
        try:
            seen = self._look([self._where(each) for each in creates])
            steps = [self._create_at(*each) for each in zip(creates, ids, seen, strict=True)]
            outcomes = self._carry_out(creates, steps)
        except ProviderError as error:
            return [as_outcome(error)] * len(creates)
        return [as_outcome(each) if isinstance(each, ProviderError) else each for each in outcomes]

    def _look(self, urls: Sequence[str]) -> list[There]:
        """What stands at each place, an event or a listing; one request, or none for none."""
        return [_seen(answer) for answer in self._wire.batch([Part("GET", url) for url in urls], writing=False)]

    def _carry_out(self, changes: Sequence[Change], steps: Sequence[Step]) -> list[Outcome]:
        """The outcomes of `steps`, each of them a part of a batch to send, or an outcome already."""
        answers = iter(self._wire.batch([step for step in steps if isinstance(step, Part)], writing=True))
        return [
            outcome(change, next(answers)) if isinstance(step, Part) else step
            for change, step in zip(changes, steps, strict=True)
        ]

    def _step(self, change: Change, there: There | None) -> Step:
        """What to do, knowing what a look found, if there was one."""
        if isinstance(change, Create):
            return self._create(change)
        if there is None:
            return self._change(change, change.ref.version, None)
        if isinstance(there, ProviderError):
            return gone(change) if isinstance(there, EventGone) else there
        if change.ref.version not in {None, there.ref.version}:
            return Conflict("The event was changed by somebody else.")
        if there.mark is None or there.mark.instance != change.mark.instance:
            return Conflict("The event in that place does not carry our mark: look by mark.")
        return _with_guests() if there.guests else self._change(change, there.ref.version, there)

    def _create_at(self, create: Create, existing: str | None, there: There) -> Step:
        if isinstance(there, EventGone):
            if existing is None:
                return Conflict("Microsoft knows this event from before and does not say where it is: look by mark.")
            return self._create(create, existing)
        if isinstance(there, ProviderError):
            return there
        if there.mark != create.mark:
            return Conflict("Something else stands in the place of this event.")
        if there.guests:
            return _with_guests()
        body = to_patch(create.event, create.mark, frozenset(FIELDS), there)
        return Part("PATCH", self._place(there.ref.id), body, there.ref.version)

    def _create(self, create: Create, spent: str = "") -> Part:
        """`spent` is the id of an event, deleted since, that an earlier create of the same event made."""
        own = event_id(create.mark, create.generation)
        body = to_body(create.event, create.mark, own, self._reminder)
        return Part("POST", self._events, {**body, "transactionId": transaction_id(own, spent)})

    def _change(self, change: Update | Delete, version: str | None, there: Standing | None) -> Part:
        place = self._place(change.ref.id)
        if isinstance(change, Delete):
            return Part("DELETE", place, version=version)
        return Part("PATCH", place, to_patch(change.event, change.mark, change.fields, there), version)

    def _place(self, there: str, query: str = "") -> str:
        return f"{self._events}/{quote(there, safe='')}{'?' if query else ''}{query}"

    def _where(self, create: Create) -> str:
        """Where to look for what a create made before: a listing holds nothing but what stands in the calendar, while
        an id may lead into Deleted Items.
        """
        return f"{self._events}?{listing(ID, event_id(create.mark, create.generation), PAGE)}"

    def _pages(self, marks: Marks) -> Iterator[Mapping[str, Any]]:
        # One filter on one property is what Microsoft documents: the rest is sifted here.
        url = f"{self._events}?{listing(INSTANCE, marks.instance, PAGE)}"
        used: set[str] = set()
        while url not in used:
            used.add(url)
            page = self._wire.get(url)
            yield page
            if "@odata.nextLink" not in page:
                return
            url = str(page["@odata.nextLink"])
        raise ContractBroken("Microsoft's listing leads round in a circle: report this to Carillon's developers.")


def _with_guests() -> Rejected:
    return Rejected("Somebody invited guests to the event, whom a change would notify: take it out of their hands.")


def _is_blind(change: Change) -> bool:
    """Whether it would hit whatever stands there, or must keep what we do not know of: then we look first."""
    if isinstance(change, Create):
        return False
    keeps = isinstance(change, Update) and change.merge and "category" in change.fields
    return change.ref.version is None or keeps


def _seen(answer: Answer | None) -> There:
    if answer is None:
        return Unavailable("Microsoft's answer lacks this event: it is asked again later.")
    if not answer.ok:
        return refusal(answer, writing=False)
    try:
        if not isinstance(answer.body, dict) or "value" not in answer.body:
            return to_standing(answer.body)
        standings = to_standings(answer.body)
    except ContractBroken as error:
        return error
    return standings[0] if standings else EventGone("Microsoft knows no such event.")
