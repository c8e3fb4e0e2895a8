"""What the tests of the protocol's sentences have in common."""

import pytest

from providers.base import ProviderError


@pytest.fixture
def only():
    """What becomes of a single change."""

    def push(provider, change):
        (outcome,) = provider.push([change])
        return outcome

    return push


@pytest.fixture
def told():
    """The error of a push, raised for the call or told for its first change."""

    def push(provider, changes):
        try:
            return provider.push(changes)[0]
        except ProviderError as error:
            return error

    return push
