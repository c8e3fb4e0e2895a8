"""Requests to one Google calendar, sent alone or many at once; what went wrong is told in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus as Status
from typing import Any

from googleapiclient.errors import HttpError

from providers._consent import Grant
from providers._googlecalendar_consent import Voice
from providers._googlecalendar_errors import FAULTS, fault
from providers._googlecalendar_settings import Settings, Target
from providers._googlecalendar_wire import Wire, service
from providers.base import Ambiguous, CalendarGone, ContractBroken, MailboxGone, ProviderError, Unavailable

ABOUT_ONE = {
    Status.BAD_REQUEST,
    Status.NOT_FOUND,
    Status.GONE,
    Status.PRECONDITION_FAILED,
    Status.REQUEST_ENTITY_TOO_LARGE,
}
"""What speaks of one event, or of one calendar, wherever it speaks of a part of a batch."""


class Calls:
    """The events of one calendar, as the API has them. Nothing is sent before it is asked for."""

    def __init__(self, settings: Settings, target: Target, grant: Grant | None = None) -> None:
        self._grant = grant
        self._settings = settings
        self._target = target
        self._wire = Wire(settings.timeout, settings.ca_file)

    def page(self, **options: Any) -> dict[str, Any]:
        """One page of the listing. Raises: as `providers.base.Provider.find`."""
        request = self._service.events().list(calendarId=self._target.calendar, **options)
        with self._translated(writing=False):
            answer = request.execute(num_retries=0)
            return dict(answer)

    def about(self, method: str, version: str | None = None, **options: Any) -> Any:
        """A request about one event, for a batch; with a version, carried out only if the event still has that."""
        # No sendUpdates: without it nobody is told, and Google warns that «none» can lose events for some people.
        request = getattr(self._service.events(), method)(calendarId=self._target.calendar, **options)
        if version is not None:
            request.headers["If-Match"] = version
        return request

    def batch(self, requests: Sequence[Any], *, writing: bool) -> list[Any]:
        """What each request was answered, or the HttpError it met; in one HTTP request, or none for none.

        Raises: as `providers.base.Provider.push`.
        """
        answers: dict[str, Any] = {}

        def keep(place: str, answer: Any, error: HttpError | None) -> None:
            answers[place] = answer if error is None else error

        batch = self._service.new_batch_http_request(callback=keep)
        for place, request in enumerate(requests):
            batch.add(request, request_id=str(place))
        with self._translated(writing=writing, batch=True):
            batch.execute()
        return [answers[str(place)] for place in range(len(requests))]

    def fault(self, error: Exception, *, writing: bool) -> ProviderError:
        """What `error`, of a class in FAULTS, means; `writing` tells whether the request was to change something."""
        meaning = fault(error, writing=writing)
        if isinstance(meaning, CalendarGone) and self._target.calendar == "primary":
            return MailboxGone("The account has no Google Calendar: check provisioning_smtpAddress and its services.")
        return meaning

    def close(self) -> None:
        self._wire.close()

    @cached_property
    def _service(self) -> Any:
        # Made when it is needed: it takes milliseconds, and a target that is only checked for sense needs none.
        account = self._target.account
        voice = Voice(self._grant) if self._grant else self._settings.speaking_for(account, self._wire)
        return service(self._settings.root_url, voice, self._wire)

    @contextmanager
    def _translated(self, *, writing: bool, batch: bool = False) -> Iterator[None]:
        self._wire.written = False
        try:
            yield
        except ProviderError as error:
            # The library sends parts that met a 401 once more, and for that it needs another token.
            if writing and self._wire.written:
                raise Ambiguous(f"{error} Part of what was sent may have been done.") from error
            raise
        except tuple(FAULTS) as error:
            meaning = self.fault(error, writing=writing)
            # Where nobody answers a whole request, nobody answers another mailbox's either.
            everybody = meaning.everybody or isinstance(meaning, Unavailable | Ambiguous)
            # A batch that cannot be read comes without an answer of its own.
            if (
                batch
                and isinstance(error, HttpError)
                and error.resp is not None
                and int(error.resp.status) in ABOUT_ONE
            ):
                # The parts have answers of their own: this one is no word on an event or a calendar.
                meaning = ContractBroken(f"Google answered {error.resp.status} to a whole batch: check root_url.")
            # The library sends parts that met a 401 once more; what then goes wrong says nothing of the others.
            if writing and self._wire.written and not isinstance(meaning, Ambiguous):
                raise Ambiguous(f"{meaning} Part of what was sent may have been done.") from error
            meaning.everybody = everybody
            raise meaning from error
