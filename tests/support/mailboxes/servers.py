"""The server of each kind of mailbox, over HTTP and behind faults, with an application or account that it knows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette

from contracts.graph import contract_if_there
from mailboxes.base import Wire
from mailboxes.connectdaily import CONTEXT, TOKEN, USER, ConnectDailyServer
from mailboxes.dav import DavServer
from mailboxes.ews import SERVICE, EwsServer, schemas, settings
from mailboxes.google import GoogleServer
from mailboxes.graph import GraphServer
from providers import googlecalendar, o365
from sandbox import ews as sandbox_ews
from sandbox import graph as microsoft
from sandbox.certificates import Authority
from sandbox.connectdaily import routes as connectdaily_routes
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.dav import calendar_server, relay
from sandbox.ews_access import Accounts
from sandbox.exchange import Exchange
from sandbox.faults import Faults, FaultyWire
from sandbox.google import routes
from sandbox.google_calendar import GoogleCalendar
from sandbox.graph_service import Graph
from sandbox.microsoft_tokens import MicrosoftTokens
from sandbox.serve import serve


def service_key() -> rsa.RSAPrivateKey:
    """Of a service account; half as long as Google's, for which reading one takes a sixth of the time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


@contextmanager
def dav(folder: Path) -> Iterator[DavServer]:
    faults = Faults()
    with calendar_server(folder, {}) as url, serve(FaultyWire(relay(url), faults)) as spoilt:
        yield DavServer(folder, url, Wire(spoilt, faults))


@contextmanager
def google(key: rsa.RSAPrivateKey, stranger: rsa.RSAPrivateKey) -> Iterator[GoogleServer]:
    """It knows the service account of `key` and not that of `stranger`."""
    (calendars, others), faults = (GoogleCalendar([], key=each) for each in (key, stranger)), Faults()
    with serve(FaultyWire(Starlette(routes=routes(calendars, faults)), faults)) as url:
        documents = (each.service_account(url) for each in (calendars, others))
        # It takes any number of requests.
        free = {"requests_per_minute": 0, "requests_per_minute_per_mailbox": 0}
        known, refused = (googlecalendar.Settings(service_account=each, root_url=url, **free) for each in documents)
        yield GoogleServer(calendars, Wire(url, faults), known, refused)


@contextmanager
def graph(authority: Authority) -> Iterator[GraphServer]:
    made, faults = Graph(Exchange(), MicrosoftTokens(), contract_if_there()), Faults()
    with serve(FaultyWire(Starlette(routes=microsoft.routes(made, faults)), faults), 0, authority.server()) as url:
        words = {"directory": made.tokens.directory, "client_id": made.tokens.client_id, "root_url": url}
        words |= {"authority": url, "ca_file": authority.ca_file, "requests_per_minute_per_mailbox": 0}
        known, refused = (
            o365.Settings.model_validate({**words, "client_secret": secret})
            for secret in (made.tokens.client_secret, "another")
        )
        yield GraphServer(made, Wire(url, faults), known, refused)


@contextmanager
def ews() -> Iterator[EwsServer]:
    exchange, faults, accounts = Exchange(), Faults(), Accounts()
    accounts.add(**SERVICE, impersonates=True)
    application = Starlette(routes=sandbox_ews.routes(exchange, faults, accounts, schemas()))
    with serve(FaultyWire(application, faults)) as url:
        yield EwsServer(exchange, Wire(url, faults), settings(url), settings(url, password="another"))


@contextmanager
def connectdaily() -> Iterator[ConnectDailyServer]:
    daily, faults = ConnectDaily(), Faults()
    daily.add_account(USER, TOKEN)
    daily.add_calendar("Everybody's", USER)
    with serve(FaultyWire(Starlette(routes=connectdaily_routes(daily, CONTEXT)), faults)) as url:
        yield ConnectDailyServer(daily, Wire(url, faults))


def of_kind(kind: str, folder: Path) -> AbstractContextManager[Any]:
    """The server of a kind, by its provider's name; `folder` is for what it keeps."""
    opened: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "caldav": lambda: dav(folder / "dav"),
        "connectdaily": connectdaily,
        "googlecalendar": lambda: google(service_key(), service_key()),
        "ews": ews,
        "o365": lambda: graph(Authority(folder)),
    }
    return opened[kind]()
