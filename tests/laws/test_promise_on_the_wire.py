"""The same promise with every provider, at servers that speak the real protocols and fail on the wire as well."""

import pytest

from loop.histories import explore
from mailboxes import servers

SHARE = 20
"""One history with each of these providers on so many of one in memory: they take that much longer."""


@pytest.fixture(params=["caldav", "connectdaily", "googlecalendar", "ews", "o365"])
def kind(request):
    return request.param


@pytest.fixture
def server(kind, tmp_path):
    with servers.of_kind(kind, tmp_path) as server:
        yield server


@pytest.mark.timeout(7_200)
def test_the_promise_is_kept_at_real_servers_too(open_machine, kind, server, sequences, first_seed):
    made = open_machine(kind, server.settings, "restore", server, server.wire.faults)
    explore(made, max(2, sequences // SHARE), first_seed)
