"""The sandbox's EWS serves clients that nobody here wrote: exchangelib, and ews-javascript-api under Node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ews_soap import ALICE
from exchangelib import (
    BASIC,
    DELEGATE,
    IMPERSONATION,
    NTLM,
    Account,
    CalendarItem,
    Configuration,
    Credentials,
    EWSDate,
    EWSDateTime,
    EWSTimeZone,
    FailFast,
)
from exchangelib.version import EXCHANGE_2016, Version

ROOT = Path(__file__).parents[3]
MODULES = ROOT / ".node" / "node_modules"
AMSTERDAM = EWSTimeZone("Europe/Amsterdam")


@pytest.fixture
def account(served):
    """An account at the sandbox, opened in one of the ways there are."""
    opened = []

    def open_(username, auth, access):
        version = Version(build=EXCHANGE_2016)
        credentials = Credentials(username, "secret")
        configuration = Configuration(
            service_endpoint=served[2],
            credentials=credentials,
            auth_type=auth,
            version=version,
            retry_policy=FailFast(),
        )
        zone = {"default_timezone": AMSTERDAM}
        opened.append(Account(ALICE, config=configuration, access_type=access, autodiscover=False, **zone))
        return opened[-1]

    yield open_
    for each in opened:
        each.protocol.close()


@pytest.mark.parametrize(
    ("username", "auth", "access"),
    [("service", BASIC, IMPERSONATION), ("SANDBOX\\service", NTLM, IMPERSONATION), ("helper", BASIC, DELEGATE)],
)
def test_exchangelib_makes_finds_changes_and_deletes(account, exchange, username, auth, access):
    calendar = account(username, auth, access).calendar
    start, end = (EWSDateTime(2026, 11, 23, hour, tzinfo=AMSTERDAM) for hour in (9, 10))
    made = CalendarItem(folder=calendar, subject="A", start=start, end=end, body="B", reminder_is_set=False)
    made.save()
    (found,) = calendar.filter(subject="A", start__gte=start)
    assert (found.id, found.start, found.body, found.reminder_is_set) == (made.id, start, "B", False)
    found.subject = "C"
    found.save(update_fields=["subject"])
    assert [each.subject for each in calendar.view(start, end)] == ["C"]
    assert [(kind, item.subject) for kind, item in calendar.sync_items()] == [("create", "C")]
    found.delete()
    assert exchange.calendar(ALICE).items() == []


def test_exchangelib_reads_its_own_all_day_item_back(account, exchange):
    calendar = account("service", BASIC, IMPERSONATION).calendar
    first, last = EWSDate(2026, 10, 24), EWSDate(2026, 10, 26)
    CalendarItem(folder=calendar, subject="A", start=first, end=last, is_all_day=True).save()
    (found,) = calendar.all()
    assert (found.is_all_day, found.start, found.end) == (True, first, last)
    assert (
        exchange.calendar(ALICE).items()[0].end - exchange.calendar(ALICE).items()[0].start
    ).total_seconds() == 73 * 3600


@pytest.fixture(scope="module")
def modules():
    """Where the npm package lies; `.ci/run` puts it there."""
    places = [MODULES, *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)))]
    there = [each for each in places if (each / "ews-javascript-api").exists()]
    missing = "Node" if shutil.which("node") is None else "" if there else "the npm package ews-javascript-api"
    assert not missing or os.environ.get("CI") != "true", f"{missing} is needed when CI=true; .ci/run installs it"
    if missing:
        pytest.skip(f"{missing} is not there; .ci/run installs it")
    return there[0]


def test_ews_javascript_api_goes_the_whole_way(exchange, served, modules):
    script = Path(__file__).with_name("client.js")
    command = [shutil.which("node"), str(script), served[2], "service", "secret", ALICE]
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(modules)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["found"] == [told["created"]]
    assert told["bound"] == ["Größe ∂", "line one\nline two", "2026-11-23T09:00:00.000Z", False]
    assert told["property"] == ["key-1"]
    assert told["synced"] == [["Create"], ["Update"], ["Delete"]]
    assert exchange.calendar(ALICE).items() == []
