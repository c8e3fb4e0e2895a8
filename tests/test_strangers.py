"""No password and no token goes to a stranger: to a server whose certificate proves nothing, or to another address that
a server sends us on to. So it is for every server that we speak to.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from mailboxes.servers import service_key
from providers import caldav, connectdaily, ews, googlecalendar, o365
from providers.base import ContractBroken, Marks, Unauthorized, Unavailable
from sandbox.certificates import Authority
from sandbox.google_calendar import GoogleCalendar
from sandbox.serve import serve
from timetables import base as timetables
from timetables import mytimetable
from timetables.base import Person

ALICE = "alice@example.org"
SECRET = "s3cret"
ISSUED = "an-access-token"
OURS = Marks("carillon-test")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Server:
    """Answers nothing but tokens, and those only if `sells`; everybody else is sent on to `elsewhere`."""

    elsewhere: str = ""
    status: int = 302
    sells: bool = False
    had: list[Request] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        self.had.append(request)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request):
        if self.sells and request.method == "POST" and request.url.path.endswith("/token"):
            return JSONResponse({"access_token": ISSUED, "expires_in": 3600, "token_type": "Bearer"})
        if self.sells and request.url.path.endswith("/openid-configuration"):
            here = f"{request.url.scheme}://{request.url.netloc}"
            names = ("authorization_endpoint", "token_endpoint", "issuer")
            return JSONResponse(dict.fromkeys(names, f"{here}/directory/oauth2/v2.0/token"))
        if self.elsewhere:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"{self.elsewhere}{request.url.path}{query}", self.status)
        return JSONResponse({})


@pytest.fixture(scope="module")
def google():
    return GoogleCalendar([ALICE], key=service_key())


@dataclass
class Certifier:
    """An authority, with one certificate for all servers of it: a key takes its time."""

    folder: Path
    address: str = "127.0.0.1"
    born: timedelta = timedelta()

    def __post_init__(self):
        self.folder.mkdir()
        made = Authority(self.folder, now=lambda: datetime.now(UTC) + self.born)
        self.ca_file, self.certificate = str(made.ca_file), made.server(self.address)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Certifier(tmp_path_factory.mktemp("authorities") / "known")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Certifier(tmp_path_factory.mktemp("authorities") / "unknown")


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    return Certifier(tmp_path_factory.mktemp("authorities") / "past", born=timedelta(days=-30))


@pytest.fixture(scope="module")
def astray(tmp_path_factory):
    return Certifier(tmp_path_factory.mktemp("authorities") / "astray", address="192.0.2.7")


@pytest.fixture
def serving():
    with ExitStack() as servers:
        yield lambda app, certifier: servers.enter_context(serve(app, 0, certifier.certificate))


@pytest.fixture
def asking(google):
    """What asks the server at a URL something, in the way of a client."""
    with ExitStack() as opened:

        def made(client, at, **trust):
            if client == "mytimetable":
                site = {"urls": [f"{at}/api/v0/"], "token": SECRET, "connect_timeout": 10, **trust}
                source = mytimetable.connect(mytimetable.Settings(**site), "Europe/Amsterdam")
                return lambda: source.fetch(Person(ALICE), NOW, NOW + timedelta(days=1))
            module, settings = PROVIDERS[client](at, google)
            known = module.Settings.model_validate(settings | trust)
            provider = module.connect(known, module.Target.model_validate({"username": ALICE}))
            opened.callback(provider.close)
            return lambda: provider.find(OURS)

        yield made


def _ews(auth):
    login = {"username": "service", "password": SECRET}
    return lambda url, _google: (ews, {"url": f"{url}/EWS/Exchange.asmx", "auth": auth, **login})


def _ews_by_token(url, _google):
    application = {"directory": "directory", "client_id": "client", "client_secret": SECRET, "authority": url}
    return ews, {"url": f"{url}/EWS/Exchange.asmx", "auth": "oauth2", **application}


def _o365(url, _google):
    application = {"directory": "directory", "client_id": "client", "client_secret": SECRET}
    return o365, {"root_url": url, "authority": url, **application}


PROVIDERS = {
    "caldav": lambda url, _google: (caldav, {"url": f"{url}/{{mailbox}}/", "password": SECRET}),
    "connectdaily": lambda url, _google: (
        connectdaily,
        {"url": f"{url}/cd/", "user_id": "11", "token": SECRET, "calendar_id": 1},
    ),
    "ews basic": _ews("basic"),
    "ews ntlm": _ews("ntlm"),
    "ews oauth2": _ews_by_token,
    "googlecalendar": lambda url, google: (
        googlecalendar,
        {"root_url": f"{url}/", "service_account": google.service_account(url)},
    ),
    "o365": _o365,
}
CLIENTS = ["mytimetable", *PROVIDERS]
BY_TOKEN = ["ews oauth2", "googlecalendar", "o365"]
DOORS = [*((each, False) for each in CLIENTS), *((each, True) for each in BY_TOKEN)]
"""Each client, and whether it gets past the door of the sign-in."""
NOT_TRUSTED = (Unavailable, timetables.Unavailable)
NOT_FOLLOWED = (ContractBroken, timetables.ContractBroken)


def told(error):
    """Nothing that is secret."""
    said = f"{error!r} {error}"
    return SECRET not in said and ISSUED not in said and "PRIVATE" not in said


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("named", [False, True], ids=["no authority named", "another one named"])
def test_a_certificate_of_an_unknown_authority_is_refused(client, named, serving, asking, *, authority, stranger):
    server = Server()
    url = serving(server, stranger)
    with pytest.raises(NOT_TRUSTED, match=r"certificate.*ca_file") as refused:
        asking(client, url, **({"ca_file": authority.ca_file} if named else {}))()
    assert told(refused.value)
    assert server.had == []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("flaw", ["past", "astray"], ids=["run out", "of another host"])
def test_a_certificate_that_proves_nothing_is_refused(client, flaw, serving, asking, request):
    server, certifier = Server(), request.getfixturevalue(flaw)
    url = serving(server, certifier)
    with pytest.raises(NOT_TRUSTED, match="certificate"):
        asking(client, url, ca_file=certifier.ca_file)()
    assert server.had == []


@pytest.mark.parametrize("client", BY_TOKEN)
def test_a_token_does_not_go_to_a_server_that_is_not_trusted(client, serving, asking, authority, stranger):
    sign_in, server = Server(sells=True), Server()
    here, there = serving(sign_in, authority), serving(server, stranger)
    with pytest.raises(NOT_TRUSTED, match=r"certificate.*ca_file"):
        asking(client, here, ca_file=authority.ca_file, **_calendars_at(client, there))()
    assert sign_in.had
    assert server.had == []


def _calendars_at(client, url):
    return {"url": f"{url}/EWS/Exchange.asmx"} if client == "ews oauth2" else {"root_url": f"{url}/"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("client", "sells"), DOORS)
def test_nobody_follows_to_another_server(client, sells, status, serving, asking, *, authority):
    elsewhere = Server()
    server = Server(serving(elsewhere, authority), status, sells)
    ask = asking(client, serving(server, authority), ca_file=authority.ca_file)
    with pytest.raises(NOT_FOLLOWED, match=r"check |give that one as url") as refused:
        ask()
    assert told(refused.value)
    assert server.had
    assert elsewhere.had == []


def test_a_listing_that_goes_on_at_another_server_is_not_followed_there(serving, asking, authority):
    """Graph names whole addresses for the rest of a listing."""
    elsewhere = Server()
    url = serving(elsewhere, authority)

    class Leading(Server):
        def _answer(self, request):
            if "/v1.0/" in request.url.path:
                return JSONResponse({"value": [], "@odata.nextLink": f"{url}/v1.0/more"})
            return super()._answer(request)

    ask = asking("o365", serving(Leading(sells=True), authority), ca_file=authority.ca_file)
    with pytest.raises(ContractBroken, match="another server"):
        ask()
    assert elsewhere.had == []


def test_a_person_s_calendar_cannot_lead_our_password_to_another_server():
    settings = caldav.Settings(url="https://dav.example.org/{mailbox}/", password=SECRET)
    target = caldav.Target(username=ALICE, calendarUrl="https://dav.example.net/alice/")
    with pytest.raises(Unauthorized, match="password goes nowhere else") as refused:
        caldav.connect(settings, target)
    assert told(refused.value)


@pytest.mark.parametrize("client", CLIENTS)
def test_settings_that_would_say_a_secret_without_tls_are_refused(client, google):
    if client == "mytimetable":
        module, settings = mytimetable, {"urls": ["http://mail.example.org/api/v0/"], "token": SECRET}
    else:
        module, settings = PROVIDERS[client]("http://mail.example.org", google)
    with pytest.raises(ValueError, match="must begin with https") as refused:
        module.Settings.model_validate(settings)
    assert told(refused.value)


def test_a_key_that_names_a_token_endpoint_without_tls_is_refused(google):
    with pytest.raises(ValueError, match="token_uri must begin with https") as refused:
        googlecalendar.Settings.model_validate({"service_account": google.service_account("http://mail.example.org")})
    assert told(refused.value)
