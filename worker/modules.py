"""Sources and providers, loaded by name: adding one is adding one file."""

import pkgutil
from importlib import import_module
from typing import Any, Protocol, cast

from pydantic import BaseModel

import providers
import timetables
from providers._consent import Consent, Grant
from providers.base import Provider
from timetables.base import Source

STORES = {"ews": "exchange", "o365": "exchange"}
"""Types that are ways into one store: the same mailboxes, events and marks. Every other type has a store of its own."""


class Target(Protocol):
    """What a synchronization's `provisioning_*` fields amount to."""

    @property
    def mailbox(self) -> str: ...


class Account(Target, Protocol):
    """The same where each person consents alone."""

    @property
    def account(self) -> str: ...


class ProviderModule(Protocol):
    Settings: type[BaseModel]
    Target: type[BaseModel]

    def connect(self, settings: BaseModel, target: Any, *grant: Grant) -> Provider: ...


class SourceModule(Protocol):
    Settings: type[BaseModel]

    def connect(self, settings: BaseModel, zone: str) -> Source: ...


class UnknownModuleError(Exception):
    """The message names what was asked for and what there is."""


def provider_names() -> list[str]:
    return _names(providers.__path__)


def store(kind: str) -> str:
    """The store that a type of provider is a way into."""
    return STORES.get(kind, kind)


def sharing(kind: str) -> list[str]:
    """Every type that is a way into the same store, itself among them."""
    return sorted({kind, *(each for each, name in STORES.items() if name == store(kind))})


def source_names() -> list[str]:
    return _names(timetables.__path__)


def provider(name: str) -> ProviderModule:
    """Raises: UnknownModuleError."""
    return cast("ProviderModule", _load("provider", name, provider_names(), "providers"))


def consent(name: str, settings: BaseModel) -> Consent | None:
    """How a person consents to a provider; None where nobody needs to. Raises: UnknownModuleError."""
    asked = getattr(provider(name), "consent", None)
    return cast("Consent | None", asked(settings)) if asked else None


def source(name: str) -> SourceModule:
    """Raises: UnknownModuleError."""
    return cast("SourceModule", _load("source", name, source_names(), "timetables"))


def _names(path: Any) -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(path))
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def _load(kind: str, name: str, names: list[str], package: str) -> Any:
    if name not in names:
        raise UnknownModuleError(f'no {kind} is called "{name}"; there are {", ".join(names)}')
    return import_module(f"{package}.{name}")
