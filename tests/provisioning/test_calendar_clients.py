"""Clients that nobody here wrote subscribe to a notification calendar: vdirsyncer fetches it, and khal shows it."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from provisioning import tokens
from provisioning.tokens import Capability
from worker import credentials
from worker.database import transaction

BASE = "/notifications/calendars"
TOOLS = ("vdirsyncer", "khal")

VDIRSYNCER = """
[general]
status_path = "{folder}/status/"

[pair renewals]
a = "there"
b = "here"
collections = null

[storage there]
type = "http"
url = "{url}"

[storage here]
type = "filesystem"
path = "{folder}/events/"
fileext = ".ics"
"""
KHAL = """
[calendars]
[[renewals]]
path = {folder}/events/
readonly = True

[locale]
local_timezone = Europe/Amsterdam
default_timezone = Europe/Amsterdam
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M

[sqlite]
path = {folder}/khal.db
"""


class Client:
    """A person's computer, with a home of its own."""

    def __init__(self, folder, url):
        self.folder = folder
        (folder / "events").mkdir()
        for name, settings in (("vdirsyncer", VDIRSYNCER), ("khal", KHAL)):
            (folder / name).write_text(settings.format(folder=folder, url=url))

    def run(self, tool, *arguments):
        program = Path(sys.executable).with_name(tool)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        done = subprocess.run(
            [program, "-c", self.folder / tool, *arguments],
            env={**kept, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{tool} {arguments}: {done.stdout}{done.stderr}"
        assert "rror" not in done.stderr + done.stdout
        return done.stdout + done.stderr

    def fetch(self):
        return self.run("vdirsyncer", "sync")

    def shown(self):
        """What the person sees of the next two years."""
        line = "{start-date} {start-time} {title}|{uid}"
        said = self.run("khal", "list", "--day-format", "", "--format", line, "2026-09-01", "700d")
        return [each for each in said.splitlines() if each]


@pytest.fixture(autouse=True)
def _tools():
    lacking = [tool for tool in TOOLS if not Path(sys.executable).with_name(tool).exists()]
    assert not lacking or os.environ.get("CI") != "true", f"{lacking} are needed when CI=true"
    if lacking:
        pytest.skip(f"{lacking} are not here; the extra dev brings them")


@pytest.fixture
def numbers(api):
    """Two tokens that end: the number of its row, by name."""
    made = {}
    for name, days in (("portal", 90), ("scripts", 400)):
        with transaction(api.installation.engine) as session:
            end = api.clock() + timedelta(days=days)
            made[name] = tokens.find(session, tokens.create(session, api.tenant(), name, (), expires_at=end)).id
    return made


@pytest.fixture
def client(api, numbers, tmp_path):
    caller = api.with_token(roles=[], capabilities=[Capability.NOTIFY])
    address = caller.post(BASE, json={"name": "Renewals"}).json()["ics_path"]
    tenant = api.installation.tenants[api.tenant()]
    for number in numbers.values():
        ident = credentials.identify(tenant, credentials.Kind.API_TOKEN, str(number))
        said = {"mom_id": ident, "comment": "Ask Eva; then\nBob, or “Zoë”."}
        assert caller.post(f"{BASE}/Renewals", json=said).status_code == 200
    made = Client(tmp_path, address)
    made.run("vdirsyncer", "discover")
    made.fetch()
    return made


def test_vdirsyncer_and_khal_show_when_each_credential_ends(client):
    portal, scripts = client.shown()
    assert portal.startswith("2026-11-30 09:00 API token portal expires|")
    assert scripts.startswith("2027-10-06 10:00 API token scripts expires|")


def test_khal_shows_the_comment_as_it_was_written(client):
    said = "\n".join(client.run("khal", "list", "--format", "{description}", "2026-11-30", "1d").splitlines())
    assert "Ask Eva; then\nBob, or “Zoë”." in said
    assert "Make a new token with `carillon token create`" in said


def test_a_second_fetch_changes_nothing(client):
    files = {each.name: each.stat().st_mtime_ns for each in (client.folder / "events").iterdir()}
    assert len(files) == 2
    assert "Copying" not in client.fetch()
    assert {each.name: each.stat().st_mtime_ns for each in (client.folder / "events").iterdir()} == files


def test_a_renewed_credential_moves_and_a_revoked_one_goes(api, client, numbers):
    later = api.clock() + timedelta(days=365)
    api.sql("UPDATE tokens SET expires_at = :later WHERE id = :id", later=later, id=numbers["portal"])
    client.fetch()
    portal, _ = client.shown()
    assert portal.startswith("2027-09-01 10:00 API token portal expires|")
    with transaction(api.installation.engine) as session:
        assert tokens.revoke(session, api.tenant(), numbers["scripts"])
    client.fetch()
    assert [each.partition("|")[0] for each in client.shown()] == [portal.partition("|")[0]]
