"""What becomes of many changes that travel in several requests."""

from collections.abc import Callable, Sequence
from typing import Any

from providers._outcomes import told
from providers.base import ProviderError, Throttled, Unavailable


class Portions:
    """The requests of one push. After one that failed as a whole none is sent."""

    def __init__(self) -> None:
        self._failure: ProviderError | None = None

    def send(self, items: Sequence[Any], size: int, request: Callable[[Sequence[Any]], list[Any]]) -> list[Any]:
        """The answers of `request` to `items`, at most `size` at a time; an error for each that had none."""
        answers: list[Any] = []
        for start in range(0, len(items), size):
            answers += self._answers(items[start : start + size], request)
        return answers

    def told(self, outcomes: Sequence[Any]) -> list[Any]:
        """`outcomes` as a push tells them: an error of all is raised, unless the server told what became of some.

        Raises: as `providers.base.Provider.push`.
        """
        failure = self._failure
        if failure is not None and all(each is failure or isinstance(each, UnsentError) for each in outcomes):
            raise failure
        return told(outcomes)

    def _answers(self, portion: Sequence[Any], request: Callable[[Sequence[Any]], list[Any]]) -> list[Any]:
        if self._failure is not None:
            return [_unsent(self._failure)] * len(portion)
        try:
            return request(portion)
        except ProviderError as error:
            self._failure = error
            return [error] * len(portion)


class UnsentError(Unavailable):
    """It was not sent, because what came before it failed."""


def _unsent(failure: ProviderError) -> ProviderError:
    if isinstance(failure, Throttled):
        return failure
    return UnsentError(f"It was not sent after another request had failed: {failure}", everybody=failure.everybody)
