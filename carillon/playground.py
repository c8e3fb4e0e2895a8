"""Puts the sandbox together: the university, Google's calendar server, a real CalDAV server, settings that fit."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.app import application
from sandbox.dav import calendar_server, relay
from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes as google_routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.institution import Institution
from sandbox.serve import serve

DAV_PASSWORD = "sandbox-dav"  # noqa: S105 - opens nothing but the sandbox's own calendars, on loopback


@dataclass(frozen=True, slots=True)
class Playground:
    """The sandbox as it runs: where it answers, its state for whoever shares the process, and settings for Carillon.

    `dav_url` is the CalDAV server behind a wire that counts and can fail, `dav_server_url` the server itself.
    """

    url: str
    dav_url: str
    dav_server_url: str
    config: Path
    institution: Institution
    google: GoogleCalendar
    faults: Faults
    dav_faults: Faults


@contextmanager
def playground(folder: Path, interval: str = "1min", future: str = "180d") -> Iterator[Playground]:
    """The sandbox on free loopback ports until the block ends; its files stand in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    institution, faults, dav_faults = Institution(), Faults(), Faults()
    names = [person.username for person in institution.people]
    google = GoogleCalendar([name for name in names if "@" in name])
    app = application(institution, faults, google_routes(google, faults))
    passwords = dict.fromkeys(names, DAV_PASSWORD)
    with (
        serve(app) as url,
        calendar_server(folder / "dav", passwords) as dav_server_url,
        serve(FaultyWire(relay(dav_server_url), dav_faults)) as dav_url,
    ):
        config = folder / "carillon.toml"
        (folder / "google.json").write_text(google.service_account(url))
        config.write_text(_settings(institution, url, dav_url, interval, future))
        yield Playground(url, dav_url, dav_server_url, config, institution, google, faults, dav_faults)


def _settings(institution: Institution, url: str, dav_url: str, interval: str, future: str) -> str:
    token, password = json.dumps(institution.elevated_token), json.dumps(DAV_PASSWORD)
    zone = institution.zone.key
    return _SETTINGS.format(
        url=url, dav_url=dav_url, interval=interval, future=future, zone=zone, token=token, password=password
    )


_SETTINGS = """\
# Written by the sandbox at each start.
[tenants.sandbox]
name = "The sandbox university"
time_zone = "{zone}"
instance = "carillon-sandbox"
interval = "{interval}"
window = {{ past = "14d", future = "{future}" }}

[tenants.sandbox.timetable]
source = "mytimetable"
urls = ["{url}/api/v0/"]
token = {token}

[tenants.sandbox.providers.caldav]
url = "{dav_url}/{{mailbox}}/timetable/"
username = "{{mailbox}}"
password = {password}

[tenants.sandbox.providers.googlecalendar]
service_account = "file:google.json"
root_url = "{url}/"
"""
