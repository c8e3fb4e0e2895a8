"""What it means that a connection broke, or that an answer cannot be read: the same at every server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from providers._causes import is_stranger, was_never_sent
from providers.base import Ambiguous, ContractBroken, ProviderError, Unavailable

Meaning = Callable[[Any, bool], ProviderError]
"""What a library's error means; the second tells whether the request was to change something."""


def in_doubt(said: str, writing: bool) -> ProviderError:
    """What it means when nobody knows whether it was done; `said` is a sentence's beginning."""
    if writing:
        return Ambiguous(f"{said}: what was sent may have been done and is looked up before it is sent again.")
    return Unavailable(f"{said}: it is asked again later.")


@dataclass(frozen=True, slots=True)
class Connection:
    """What a provider says of its own server. `lost` and `unreadable` are beginnings of sentences; `strange` is said of
    an answer to a question that cannot be read.
    """

    lost: str
    unreadable: str
    untrusted: str
    unreachable: str
    strange: str

    def faults(self) -> dict[type[Exception], Meaning]:
        """By the error of the wire, or by what a library stumbles over in half an answer."""
        return {
            requests.ConnectTimeout: self._unreachable,
            requests.ConnectionError: self._cut_or_unreachable,
            OSError: self._lost,
            **dict.fromkeys((LookupError, ValueError, TypeError, AttributeError), self.odd),
        }

    def odd(self, _error: Exception, writing: bool) -> ProviderError:
        """An answer that cannot be read."""
        return in_doubt(self.unreadable, writing) if writing else ContractBroken(self.strange)

    def _cut_or_unreachable(self, error: Exception, writing: bool) -> ProviderError:
        if is_stranger(error):
            return Unavailable(self.untrusted)
        return self._unreachable(error, writing) if was_never_sent(error) else self._lost(error, writing)

    def _unreachable(self, _error: Exception, _writing: bool) -> ProviderError:
        return Unavailable(self.unreachable)

    def _lost(self, _error: Exception, writing: bool) -> ProviderError:
        return in_doubt(self.lost, writing)
