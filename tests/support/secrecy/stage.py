"""`carillon up` before the sandbox's servers, with four tenants: one that is right, one whose secrets are wrong, one
whose servers are away, and one that signs in with an application's secret.
"""

import os
import signal
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from carillon import embedded
from carillon import playground as grounds_module
from carillon.demo.api import eventually
from sandbox.certificates import application_certificate
from sandbox.faults import Fault
from sandbox.google_calendar import GoogleCalendar
from sandbox.institution import Institution
from sandbox.microsoft_tokens import MicrosoftTokens
from secrecy import linking
from secrecy.words import TAG, TITLE, Eavesdropper, Words
from worker.secret_keys import new_key

KINDS = ("caldav", "connectdaily", "googlecalendar", "ews", "o365")
TENANTS = ("sandbox", "wrong", "away", "entra")
NOWHERE = "127.0.0.1:9"
DAV, EWS, TIMETABLE = f"{TAG}-dav-password", f"{TAG}-ews: password", f"{TAG}-timetable-token"
DAILY = f"{TAG}-connect-daily-token"
METRICS = f"{TAG}-metrics-token"
ADMIN, DATABASE, REDIS = f"{TAG}-admin-token", f"{TAG}-database-password", f"{TAG}-redis-password"


@dataclass
class Stage:
    """What runs. `tokens` are those of the API, by tenant."""

    words: Words
    grounds: Any
    sign_in: MicrosoftTokens
    root: str
    flower: str
    environment: dict[str, str]
    process: subprocess.Popen
    tokens: dict[str, str]

    def call(self, method, path, tenant="sandbox", **given):
        """A call to the API; what it answers is heard."""
        headers = {"apiToken": self.tokens[tenant], **given.pop("headers", {})}
        answer = requests.request(method, f"{self.root}/api/v0{path}", headers=headers, timeout=30, **given)
        self.words.hear("api", f"{answer.headers} {answer.text}")
        return answer

    def link(self, tenant, kind, username):
        self.call("PUT", f"/users/{username}", tenant, data={"displayName": f"{TITLE} {username.partition('@')[0]}"})
        answer = self.call("PUT", "/synchronizations", tenant, data={"username": username, "type": kind})
        return answer.json()["synchronization"]["id"]

    def look(self, ident, tenant="sandbox"):
        return self.call("GET", f"/synchronizations/{ident}", tenant).json()["synchronization"]

    def fail(self, kind, idents, *, timetable):
        """One run of each, during which the servers have a fault. What their `statusDetail` says then."""
        before = {ident: self.look(ident)["failures"] for ident in idents}
        self.spoil(kind, timetable=timetable)
        for ident in idents:
            self.call("POST", f"/synchronizations/{ident}/resync")
        assert eventually(lambda: all(self.look(each)["failures"] > before[each] for each in idents), 30), kind
        self.restore()
        return {self.look(ident)["statusDetail"] for ident in idents}

    def spoil(self, kind, *, timetable):
        if timetable:
            self.grounds.faults.add(Fault("/api/v0/*", kind))
            return
        self.grounds.faults.add(Fault("/calendar/*", kind))
        self.grounds.faults.add(Fault("/batch/*", kind))
        self.grounds.faults.add(Fault("/cd/*", kind))
        self.grounds.dav_faults.add(Fault("*", kind))
        self.grounds.exchange_faults.add(Fault("*", kind))

    def restore(self):
        for each in (self.grounds.faults, self.grounds.dav_faults, self.grounds.exchange_faults):
            each.clear()

    def note_bought_tokens(self):
        """The access tokens that the sandbox's sign-ins have sold so far."""
        bought = [*self.grounds.google.tokens._granted, *self.sign_in._tokens]
        self.words.secrets |= {f"access token {number}": token for number, token in enumerate(bought)}
        return len(bought)


@contextmanager
def staged(folder, database_url, monkeypatch):
    """A stage until the block ends; its files stand in `folder`."""
    words, sign_in = Words(), MicrosoftTokens()
    monkeypatch.setattr(grounds_module, "DAV_PASSWORD", DAV)
    monkeypatch.setattr(grounds_module, "EWS_PASSWORD", EWS)
    monkeypatch.setattr(grounds_module, "CONNECT_DAILY_TOKEN", DAILY)
    monkeypatch.setattr(grounds_module, "MicrosoftTokens", lambda: sign_in)
    institution = Institution(elevated_token=TIMETABLE)
    with ExitStack() as stack:
        grounds = stack.enter_context(
            grounds_module.playground(folder / "grounds", future="30d", institution=institution)
        )
        redis_url = stack.enter_context(_redis(folder / "redis", words))
        port, key = embedded.free_port(), new_key()
        _settings(grounds, sign_in, words, port)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CARILLON_")},
            "CARILLON_CONFIG": str(grounds.config),
            "CARILLON_DATA": str(folder / "data"),
            "CARILLON_DATABASE_URL": database_url.replace("postgres:@", f"postgres:{DATABASE}@"),
            "CARILLON_REDIS_URL": redis_url,
            "CARILLON_ADMIN_TOKEN": ADMIN,
            "CARILLON_SECRET_KEY": key,
            "TIMETABLE_TOKEN": TIMETABLE,
            "FLOWER_UNAUTHENTICATED_API": "true",
            "COLUMNS": "400",
        }
        words.secrets |= {"admin token": ADMIN, "database's password": DATABASE, "Redis' password": REDIS}
        words.secrets |= {"timetable's token": TIMETABLE, "any chosen secret": TAG}
        words.secrets |= {
            "key of what is encrypted": key,
            "Google's client secret": grounds.google.tokens.client_secret,
        }
        stage = stack.enter_context(_up(words, grounds, sign_in, environment, port))
        yield stage


@contextmanager
def _redis(folder, words):
    """A Redis with a password, whose every command is heard."""
    import redis  # noqa: PLC0415 - beside a function of that name

    open_url = embedded.start_redis(folder)
    url = open_url.replace("redis://", f"redis://:{REDIS}@")
    with redis.Redis.from_url(open_url) as client:
        client.config_set("requirepass", REDIS)
    heard = Eavesdropper(url, words)
    try:
        yield url
    finally:
        embedded.end_redis(url)
        heard.join()
        words.hear("logs", (folder / "redis.log").read_text())


def _settings(grounds, sign_in, words, port):
    """Five sections made of the sandbox's one."""
    folder = grounds.config.parent
    right = grounds.config.read_text().replace(f'token = "{TIMETABLE}"', 'token = "env:TIMETABLE_TOKEN"')
    strangers = GoogleCalendar([])
    (folder / "wrong.json").write_text(strangers.service_account(grounds.url))
    pem = application_certificate()
    (folder / "wrong.pem").write_text(pem.private_key + pem.certificate)
    for name in ("google.json", "wrong.json", "graph.pem", "wrong.pem"):
        words.key(f"key of {name}", (folder / name).read_text().replace("\\n", "\n"))
    wrong = _named(right, "wrong").replace("env:TIMETABLE_TOKEN", f"{TAG}-wrong-timetable-token")
    wrong = wrong.replace(DAV, f"{TAG}-wrong-dav").replace(EWS, f"{TAG}-wrong-ews")
    wrong = wrong.replace(DAILY, f"{TAG}-wrong-connect-daily")
    wrong = wrong.replace("google.json", "wrong.json").replace("graph.pem", "wrong.pem")
    certificate = f'certificate = "file:{folder.resolve()}/graph.pem"'
    entra = _named(right, "entra").replace(certificate, f'client_secret = "{sign_in.client_secret}"')
    login = right[right.index('username = "svc-carillon"') : right.index('auth = "basic"')]
    application = f'directory = "{sign_in.directory}"\nclient_id = "{sign_in.client_id}"\n'
    application += f'client_secret = "{sign_in.client_secret}"\nauthority = "{grounds.microsoft_url}/"\n'
    entra = entra.replace(login, application).replace('auth = "basic"', 'auth = "oauth2"')
    away = _named(right, "away")
    for url in (grounds.url, grounds.dav_url, grounds.microsoft_url):
        away = away.replace(url.partition("://")[2], NOWHERE)
    words.secrets["application's secret"] = sign_in.client_secret
    words.login("CalDAV password", "anna.visser@example.edu", DAV)
    words.login("EWS password", "svc-carillon", EWS)
    api = f'[api]\nmetrics_token = "{METRICS}"\npublic_url = "http://127.0.0.1:{port}"\n'
    people = linking.section(grounds, sign_in, _named(right, linking.TENANT))
    grounds.config.write_text(f"{right}\n{wrong}\n{away}\n{entra}\n{people}\n{api}")


def _named(text, tenant):
    return text.replace("tenants.sandbox", f"tenants.{tenant}").replace("carillon-sandbox", f"carillon-{tenant}")


@contextmanager
def _up(words, grounds, sign_in, environment, port):
    flower_port = embedded.free_port()
    arguments = embedded.program("up", "--port", str(port), "--flower-port", str(flower_port))
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        root, flower = (f"http://127.0.0.1:{each}" for each in (port, flower_port))
        try:
            assert eventually(lambda: _answers(root) or process.poll() is not None, 60)
            assert process.poll() is None, process.stdout.read().decode()
            yield Stage(words, grounds, sign_in, root, flower, environment, process, {"sandbox": ADMIN})
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            words.hear("command line", process.stdout.read())
            process.wait(60)
            for log in Path(environment["CARILLON_DATA"], "log").glob("*"):
                words.hear("logs", log.read_bytes())


def _answers(root):
    try:
        return requests.get(f"{root}/health", timeout=5).json()["status"] == "ok"
    except (requests.RequestException, ValueError):
        return False
