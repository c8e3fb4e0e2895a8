"""Second ways into stores, as o365 is one beside ews, for tests that need no Exchange."""

from pathlib import Path

import providers
from worker import modules


def open_second_way(monkeypatch, tenant, kind, beside, **settings):
    """Until the test ends, `kind` leads to the store of `beside`, and `tenant` has it configured with `settings`."""
    here = str(Path(__file__).parent)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, here])
    monkeypatch.setitem(modules.STORES, beside, "shared")
    monkeypatch.setitem(modules.STORES, kind, "shared")
    monkeypatch.setitem(tenant.providers, kind, modules.provider(kind).Settings(**settings))
