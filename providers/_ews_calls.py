"""Requests to one mailbox; what went wrong is told in our words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from exchangelib.errors import EWSError
from exchangelib.restriction import Q
from exchangelib.util import TNS

from providers._ews_errors import FAULTS, fault
from providers._ews_items import LISTED, MARKED, Standing, to_ref, to_standing
from providers._ews_services import CreateItem, DeleteItem, FindItem, GetFolder, GetItem, Person, UpdateItem
from providers._ews_settings import Settings, Target
from providers.base import (
    Ambiguous,
    CalendarGone,
    ContractBroken,
    Done,
    EventError,
    EventGone,
    ProviderError,
    Ref,
    Rejected,
    Throttled,
    Unavailable,
)

FEW = 20
"""So many ids are asked for by name; for more, all events of ours are listed."""


class Calls:
    """One mailbox's calendar, as EWS has it. Each call is one request, but for a listing of many pages.

    All that ask raise as `providers.base.Provider.push`, what reads but Ambiguous.
    """

    def __init__(self, settings: Settings, target: Target) -> None:
        self.person = Person(target.account, settings.access, settings.wire)

    def entry(self, told: dict[str, Any]) -> Any:
        """What `create` takes for an event. Makes no request. Raises: ValueError, TypeError, EWSError."""
        return CreateItem(account=self.person).entry(told)

    def change(self, ref: Ref, told: dict[str, Any]) -> Any:
        """What `update` takes for an event. Makes no request. Raises: ValueError, TypeError, EWSError."""
        return UpdateItem(account=self.person).change(ref, told)

    def create(self, entries: Sequence[Any]) -> list[Ref | ProviderError]:
        """Where each event stands, or why it does not."""
        with _translated(writing=True):
            answers = CreateItem(account=self.person).create(entries)
        made = _told(answers, len(entries), _written, writing=True)
        return [_of_all(each) if isinstance(each, EventGone) else each for each in made]

    def update(self, changes: Sequence[Any]) -> list[Ref | ProviderError]:
        """Where each event stands now, or why it was not changed."""
        with _translated(writing=True):
            answers = UpdateItem(account=self.person).update(changes)
        return _told(answers, len(changes), _written, writing=True)

    def delete(self, refs: Sequence[Ref]) -> list[Done | ProviderError]:
        with _translated(writing=True):
            answers = DeleteItem(account=self.person).delete(refs)
        return _told(answers, len(refs), lambda _message: Done(), writing=True)

    def look(self, ids: Sequence[str]) -> list[Standing | ProviderError]:
        """What stands at each of Exchange's ids."""
        with _translated(writing=False):
            answers = GetItem(account=self.person).get(ids, MARKED)
            return _told(answers, len(ids), lambda items: to_standing(items[0]), writing=False)

    def search(self, own_ids: Sequence[str]) -> list[list[Standing]]:
        """What carries each of the ids that we give."""
        wanted = Q(own_id__in=list(own_ids)) if len(own_ids) <= FEW else Q(own_id__exists=True)
        there = [to_standing(item) for item in self._items(wanted, MARKED)]
        by_id: dict[str, list[Standing]] = {own_id: [] for own_id in own_ids}
        for each in there:
            by_id.get(each.id, []).append(each)
        return [by_id[own_id] for own_id in own_ids]

    def listing(self, wanted: Q) -> list[Any]:
        """Items that are as `wanted`, complete, as elements with what `LISTED` names."""
        return self._items(wanted, LISTED)

    def rights(self) -> Any:
        """The element that tells what the service account may do with the calendar, None where nothing does."""
        with _translated(writing=False):
            (folders,) = _told(GetFolder(account=self.person).rights(), 1, lambda folders: folders, writing=False)
            if isinstance(folders, ProviderError):
                raise _of_all(folders)
            return folders.find(f"*/{{{TNS}}}EffectiveRights")

    def _items(self, wanted: Q, fields: Sequence[str]) -> list[Any]:
        """All that are as `wanted`, page by page; Exchange ends a page early, or gives an empty one, when it is busy.

        See: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange
        """
        items: list[Any] = []
        totals, last = set(), False
        while not last:
            # The last item that we have is asked for again: if it is where it was, nothing has slipped past.
            again = min(1, len(items))
            with _translated(writing=False):
                folder = self._page(wanted, fields, len(items) - again)
                page = list(folder.find(f"{{{TNS}}}Items"))
                totals.add(int(folder.get("TotalItemsInView")))
                last = folder.get("IncludesLastItemInRange") == "true"
            if len(page) <= again and not last:
                raise Throttled("Exchange lists nothing more for now: too much at a time; the rest follows later.")
            if len(totals) > 1 or [to_ref(each) for each in page[:again]] != [to_ref(each) for each in items[-again:]]:
                raise Unavailable("The calendar changed while it was read: it is read again later.")
            items += page[again:]
        if totals != {len(items)}:
            raise ContractBroken("Exchange's listing is not whole: check url, and whether a proxy changes answers.")
        return items

    def _page(self, wanted: Q, fields: Sequence[str], offset: int) -> Any:
        answers = FindItem(account=self.person).find(wanted, fields, offset)
        (folder,) = _told(answers, 1, lambda folder: folder, writing=False)
        if isinstance(folder, ProviderError):
            raise _of_all(folder)
        return folder


@contextmanager
def _translated(*, writing: bool) -> Iterator[None]:
    try:
        yield
    except tuple(FAULTS) as error:
        raise _of_all(fault(error, writing=writing)) from error


def _of_all(meaning: ProviderError) -> ProviderError:
    """What an error means where no single event was spoken of: Exchange says of calendars too that it finds no item."""
    if isinstance(meaning, EventGone):
        return CalendarGone(
            "Exchange finds no such calendar, or the service account may not see it: share it, or check the mailbox."
        )
    if isinstance(meaning, Rejected):
        return Unavailable(str(meaning))
    return ContractBroken(str(meaning)) if isinstance(meaning, EventError) else meaning


def _told(answers: Sequence[Any], count: int, read: Callable[[Any], Any], *, writing: bool) -> list[Any]:
    """What `read` makes of each part's answer, and our error of one that failed."""
    if len(answers) != count:
        said = f"Exchange answered to {len(answers)} of {count} parts"
        raise Ambiguous(f"{said}: all are looked up.") if writing else ContractBroken(f"{said}: check url.")
    return [fault(each, writing=writing) if isinstance(each, EWSError) else read(each) for each in answers]


def _written(items: Any) -> Ref | ProviderError:
    try:
        return to_ref(items[0])
    except (ContractBroken, LookupError, TypeError):
        return Ambiguous("Exchange's answer to a change lacks an id: the event is looked up before it is sent again.")
