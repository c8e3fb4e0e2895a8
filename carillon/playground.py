"""Puts the sandbox together: the university, Google's calendar server, a real CalDAV server, settings that fit."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.app import application
from sandbox.dav import calendar_server
from sandbox.faults import Faults
from sandbox.google_calendar import GoogleCalendar
from sandbox.google_calendar import routes as google_routes
from sandbox.institution import Institution
from sandbox.serve import serve

DAV_PASSWORD = "sandbox-dav"  # noqa: S105 - opens nothing but the sandbox's own calendars, on loopback


@dataclass(frozen=True, slots=True)
class Playground:
    """The sandbox as it runs: where it answers, its state for whoever shares the process, and settings for Carillon."""

    url: str
    dav_url: str
    config: Path
    institution: Institution
    google: GoogleCalendar
    faults: Faults


@contextmanager
def playground(folder: Path, interval: str = "1min") -> Iterator[Playground]:
    """The sandbox on free loopback ports until the block ends; its files stand in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    institution, faults = Institution(), Faults()
    names = [person.username for person in institution.people]
    google = GoogleCalendar([name for name in names if "@" in name])
    app = application(institution, faults, google_routes(google, faults))
    with serve(app) as url, calendar_server(folder / "dav", dict.fromkeys(names, DAV_PASSWORD)) as dav_url:
        config = folder / "carillon.toml"
        (folder / "google.json").write_text(google.key_document(url))
        config.write_text(
            _SETTINGS.format(
                url=url, dav_url=dav_url, interval=interval, zone=institution.zone, **_secrets(institution)
            )
        )
        yield Playground(url, dav_url, config, institution, google, faults)


def _secrets(institution: Institution) -> dict[str, str]:
    return {"token": json.dumps(institution.elevated_token), "password": json.dumps(DAV_PASSWORD)}


_SETTINGS = """\
# Written by the sandbox at each start.
[tenants.sandbox]
name = "The sandbox university"
time_zone = "{zone}"
instance = "carillon-sandbox"
interval = "{interval}"

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
