"""Puts the sandbox together: the university, all its calendar servers, of which CalDAV's is a real one, settings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp

from sandbox.app import application
from sandbox.certificates import Authority, application_certificate
from sandbox.connectdaily import routes as connectdaily_routes
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.dav import calendar_server, relay
from sandbox.ews import routes as ews_routes
from sandbox.ews_access import Accounts
from sandbox.exchange import Exchange
from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes as google_routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.graph import routes as graph_routes
from sandbox.graph_service import Graph
from sandbox.institution import Institution
from sandbox.microsoft_tokens import MicrosoftTokens
from sandbox.serve import serve

DAV_PASSWORD = "sandbox-dav"  # noqa: S105 - opens nothing but the sandbox's own calendars, on loopback
EWS_PASSWORD = "sandbox-ews"  # noqa: S105 - as above
EWS_USER = "svc-carillon"
CONNECT_DAILY_TOKEN = "sandbox-cd"  # noqa: S105 - as above
CONNECT_DAILY_USER = "11"


@dataclass(frozen=True, slots=True)
class Playground:
    """The sandbox as it runs: where it answers, its state for whoever shares the process, and settings for Carillon.

    `dav_url` is the CalDAV server behind a wire that counts and can fail, `dav_server_url` the server itself. Exchange
    and Microsoft Graph answer at `microsoft_url`, over TLS.
    """

    url: str
    dav_url: str
    dav_server_url: str
    microsoft_url: str
    config: Path
    institution: Institution
    google: GoogleCalendar
    exchange: Exchange
    faults: Faults
    dav_faults: Faults
    exchange_faults: Faults
    connectdaily: ConnectDaily

    def calendar_number(self, username: str) -> int:
        """That of a person's own calendar in Connect Daily."""
        return 2 + [person.username for person in self.institution.people].index(username)


@contextmanager
def playground(
    folder: Path,
    interval: str = "1min",
    future: str = "180d",
    institution: Institution | None = None,
    public_url: str | None = None,
) -> Iterator[Playground]:
    """The sandbox on free loopback ports until the block ends; its files stand in `folder`.

    With `public_url`, where people reach Carillon's API, each of them consents alone to `googlecalendar`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    institution = institution or Institution()
    faults, dav_faults, exchange_faults = Faults(), Faults(), Faults()
    names = [person.username for person in institution.people]
    addresses = [name for name in names if "@" in name]
    google, exchange, tokens = GoogleCalendar(addresses), Exchange(addresses), MicrosoftTokens()
    daily = _connect_daily(institution)
    routes = [*google_routes(google, faults), *connectdaily_routes(daily, "/cd")]
    app = application(institution, faults, routes)
    authority = Authority(folder)
    with (
        serve(app) as url,
        serve(_microsoft(exchange, tokens, exchange_faults), certificate=authority.server()) as microsoft_url,
        calendar_server(folder / "dav", dict.fromkeys(names, DAV_PASSWORD)) as dav_server_url,
        serve(FaultyWire(relay(dav_server_url), dav_faults)) as dav_url,
    ):
        (folder / "google.json").write_text(google.service_account(url))
        (folder / "graph.pem").write_text(_certificate(tokens))
        config = folder / "carillon.toml"
        settings = _SETTINGS + (_CONSENT if public_url else _SERVICE_ACCOUNT)
        words = {"url": url, "dav_url": dav_url, "microsoft_url": microsoft_url, "interval": interval, "future": future}
        words |= {"ca_file": str(authority.ca_file), "directory": tokens.directory, "client_id": tokens.client_id}
        words |= {"folder": str(folder.resolve()), "zone": institution.zone.key, "token": institution.elevated_token}
        words |= {"dav_password": DAV_PASSWORD, "ews_user": EWS_USER, "ews_password": EWS_PASSWORD}
        words |= {"daily_user": CONNECT_DAILY_USER, "daily_token": CONNECT_DAILY_TOKEN}
        words |= {"public_url": public_url or "", **_google_client(google, public_url)}
        config.write_text(settings.format_map({name: json.dumps(word)[1:-1] for name, word in words.items()}))
        servers = (url, dav_url, dav_server_url, microsoft_url)
        yield Playground(*servers, config, institution, google, exchange, faults, dav_faults, exchange_faults, daily)


def _microsoft(exchange: Exchange, tokens: MicrosoftTokens, faults: Faults) -> ASGIApp:
    """EWS and Microsoft Graph over one store, with one service account and one application."""
    accounts = Accounts()
    accounts.add(EWS_USER, EWS_PASSWORD, impersonates=True)
    routes = [*ews_routes(exchange, faults, accounts), *graph_routes(Graph(exchange, tokens), faults)]
    return FaultyWire(ExceptionMiddleware(Router(routes)), faults)


def _connect_daily(institution: Institution) -> ConnectDaily:
    """With calendar 1 for everybody, and one for each person in their order."""
    daily = ConnectDaily(institution.zone)
    daily.add_account(CONNECT_DAILY_USER, CONNECT_DAILY_TOKEN)
    for name in ("Timetables", *(person.name for person in institution.people)):
        daily.add_calendar(name, CONNECT_DAILY_USER)
    return daily


def _google_client(google: GoogleCalendar, public_url: str | None) -> dict[str, str]:
    """The application that people consent to, with the address that they are sent back to."""
    if public_url:
        google.tokens.consents.redirect_uris.add(f"{public_url}/link/googlecalendar/callback")
    return {"google_id": google.tokens.client_id, "google_secret": google.tokens.client_secret}


def _certificate(tokens: MicrosoftTokens) -> str:
    """The application's certificate with its key, known to the token endpoint."""
    made = application_certificate()
    tokens.register(made.certificate)
    return made.private_key + made.certificate


_SETTINGS = """\
# Written by the sandbox at each start. Its servers take any number of requests.
[tenants.sandbox]
name = "The sandbox university"
time_zone = "{zone}"
instance = "carillon-sandbox"
interval = "{interval}"
window = {{ past = "14d", future = "{future}" }}

[tenants.sandbox.timetable]
source = "mytimetable"
urls = ["{url}/api/v0/"]
token = "{token}"

[tenants.sandbox.providers.caldav]
url = "{dav_url}/{{mailbox}}/timetable/"
username = "{{mailbox}}"
password = "{dav_password}"

[tenants.sandbox.providers.connectdaily]
url = "{url}/cd/"
user_id = "{daily_user}"
token = "{daily_token}"
calendar_id = 1

[tenants.sandbox.providers.ews]
url = "{microsoft_url}/EWS/Exchange.asmx"
username = "{ews_user}"
password = "{ews_password}"
auth = "basic"
ca_file = "{ca_file}"

[tenants.sandbox.providers.o365]
directory = "{directory}"
client_id = "{client_id}"
certificate = "file:{folder}/graph.pem"
root_url = "{microsoft_url}/"
authority = "{microsoft_url}/"
ca_file = "{ca_file}"
requests_per_minute_per_mailbox = 0

[tenants.sandbox.providers.googlecalendar]
root_url = "{url}/"
requests_per_minute = 0
requests_per_minute_per_mailbox = 0
"""
_SERVICE_ACCOUNT = """\
service_account = "file:{folder}/google.json"
"""
_CONSENT = """\
access = "delegated"
client_id = "{google_id}"
client_secret = "{google_secret}"
sign_in_url = "{url}/"
token_url = "{url}/"

[api]
public_url = "{public_url}"
"""
