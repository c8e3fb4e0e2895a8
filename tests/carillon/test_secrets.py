"""Nothing secret is ever said: not in logs, messages, Flower, the ledger, errors, answers, or process lists.

One story is told first, with secrets that can be recognised, and then its places are searched.
"""

import hashlib
import os
import re
import signal
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import requests
from click.testing import CliRunner

from carillon.cli import main
from carillon.demo.api import eventually
from secrecy.linking import TENANT, link_themselves
from secrecy.stage import ADMIN, KINDS, METRICS, TENANTS, staged
from secrecy.words import TAG, TITLE

pytestmark = pytest.mark.timeout(400)  # The story takes a minute, on a busy machine two.

FAILURES = ["error", "unavailable", "html", "empty", "truncated", "cut_off", "rate_limited", "throttled"]
ABUSES = [
    ("GET", "/users", {"headers": {"apiToken": f"{TAG}-guess"}}),
    ("GET", "/users", {"headers": {"apiToken": "", "Authorization": f"Bearer {TAG}-guess"}}),
    ("GET", "/users", {"headers": {"apiToken": "", "Authorization": f"Basic {TAG}-guess"}}),
    ("GET", f"/users/{TAG}", {}),
    ("GET", f"/{TAG}", {}),
    ("GET", f"/users/%ff{TAG}", {}),
    ("GET", f"/synchronizations/{TAG}", {}),
    ("GET", f"/synchronizations?status={TAG}&limit={TAG}", {}),
    ("GET", "/users", {"headers": {"requestedAuth": f"{TAG}-nobody"}}),
    ("GET", "/users", {"headers": {"Accept": f"{TAG}/xml"}}),
    ("PUT", "/users/bob", {"data": {"locale": TAG, "attributes": TAG}}),
    ("PUT", "/users/bob", {"data": f'{{"displayName": "{TAG}', "headers": {"Content-Type": "application/json"}}),
    ("PUT", "/users/bob", {"data": TAG, "headers": {"Content-Type": f"text/{TAG}"}}),
    ("PUT", "/synchronizations", {"data": {"username": "bob", "type": TAG}}),
    ("PUT", "/synchronizations", {"json": {"username": "bob", "type": "caldav", "smtpAddress": [TAG]}}),
    ("PUT", "/synchronizations", {"json": {"username": "bob", "type": "ews", "smtpAddress": f"{TAG} x"}}),
    ("DELETE", f"/synchronizations/1?unlinkMode={TAG}", {}),
    (TAG, "/users", {}),
]
CALENDARS = "/notifications/calendars"
PAGES = [
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/api/workers?refresh=true",
    "/api/tasks",
    "/api/task/types",
    "/api/queues/length",
    "/metrics",
    "/healthcheck",
    f"/{TAG.lower()}",
]
PLACES = {
    "logs": ["carillon.synchronize run id=", "carillon.unlink unlink id=", "carillon.api request"],
    "redis": ["synchronize", "unlink", "BRPOP"],
    "flower": ["synchronize", "unlink", "broker", "redis://"],
    "database": ["synchronizations: ", "events: ", "tokens: ", "unlinks: ", "linked_accounts: ", "link_requests: "],
    "api": ["errorMessage", "statusDetail", "unlinkMode"],
    "command line": ["carillon", "ended with status", "findings"],
    "process list": ["carillon worker", "celery flower", "postgres"],
}
"""Where it was looked, and what must have been heard there."""
NOT_FOR_PEOPLE = ["logs", "redis", "flower", "database", "process list"]
"""Where no title stands: an answer or a command may well show a person their own."""


@pytest.fixture(scope="module")
def told(postgres, scratch):
    """The story, and what was said in it."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE secrets")
    url = postgres.replace("/postgres?", "/secrets?")
    with pytest.MonkeyPatch.context() as patch, staged(scratch / "secrets", url, patch) as stage:
        people = [each.username for each in stage.grounds.institution.people if "@" in each.username][: len(KINDS)]
        _name_everything(stage, people)
        stage.tokens |= {tenant: _token(stage, tenant) for tenant in (*TENANTS[1:], TENANT)}
        stage.words.hear_processes()
        linked = _succeed_and_fail(stage, people)
        _abuse(stage)
        _warn_of_renewals(stage)
        link_themselves(stage, people[0])
        _command(stage, people, linked)
        _leaf_through_flower(stage)
        stage.words.hear_processes()
        _crash(stage)
        assert stage.note_bought_tokens() >= len(people)
    with psycopg.connect(url) as connection:
        stage.words.hear_rows(connection)
    stage.words.hear("logs", (scratch / "postgres" / "log").read_bytes())
    return stage.words


def _name_everything(stage, people):
    """Titles and notes that are found nowhere else, and who the people are."""
    now = stage.grounds.institution.now()
    for number, username in enumerate(people):
        title = f"{TITLE} lecture {number}"
        stage.grounds.institution.add(username, title, now + timedelta(days=1), notes=f"{TITLE} notes")
        stage.words.titles[f"title {number}"] = title
        stage.words.people[f"person {number}"] = username
    stage.words.titles |= {"notes": f"{TITLE} notes", "anything of a person": TITLE}


def _token(stage, tenant):
    """The output shows it once, and is not searched."""
    said = _run(stage, "token", "create", "scripts", "--tenant", tenant).stdout.strip()
    stage.words.secrets[f"token of {tenant}"] = said
    return said


def _succeed_and_fail(stage, people):
    linked = {
        (tenant, kind): stage.link(tenant, kind, username)
        for tenant in TENANTS
        for kind, username in zip(KINDS, people, strict=True)
    }
    right = [linked["sandbox", kind] for kind in KINDS]
    states = {}

    def judged():
        states.update({place: stage.look(ident, place[0]) for place, ident in linked.items()})
        return all(each["status"] != "PENDING" for each in states.values())

    assert eventually(judged, 60), states
    assert {states["sandbox", kind]["status"] for kind in KINDS} == {"OK"}
    assert states["entra", "o365"]["status"] == "OK"
    assert {states["wrong", kind]["status"] for kind in KINDS} == {"UNAUTHORIZED"}
    assert {states["away", kind]["status"] for kind in KINDS} == {"RETRYING"}
    said = set()
    for kind in FAILURES:
        said |= stage.fail(kind, right, timetable=False)
    for kind in ("error", "html", "truncated", "throttled"):
        said |= stage.fail(kind, right, timetable=True)
    assert len(said) > 12, said
    for tenant in ("sandbox", "wrong", "away"):
        for kind in ("caldav", "googlecalendar"):
            ident = linked[tenant, kind]
            stage.call("GET", f"/synchronizations/{ident}/unlink-preview?unlinkMode=CLEANUP", tenant)
            stage.call("DELETE", f"/synchronizations/{ident}?unlinkMode=CLEANUP", tenant)
    assert eventually(lambda: stage.call("GET", "/unlinks").json()["unlinks"][0]["state"] == "DONE", 30)
    assert eventually(lambda: stage.call("GET", "/unlinks", "wrong").json()["unlinks"][0]["error"], 30)
    for tenant in TENANTS:
        stage.call("GET", "/unlinks", tenant)
        stage.call("GET", "/synchronizations", tenant)
    return linked


def _abuse(stage):
    for method, path, given in ABUSES:
        answer = stage.call(method, path, **given)
        assert answer.status_code >= 400, (method, path)
    for page in ("/health", "/docs", "/openapi.json"):
        stage.words.hear("api", requests.get(f"{stage.root}{page}", timeout=10).text)
    _look_at_credentials(stage)


def _look_at_credentials(stage):
    """Whoever may see how they are, and who may not."""
    for tenant in TENANTS:
        headers = {"apiToken": stage.tokens[tenant]}
        stage.words.hear("api", requests.get(f"{stage.root}/api/v1/credentials", headers=headers, timeout=10).text)
    for token, status in ((METRICS, 200), (f"{TAG}-guess", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{stage.root}/metrics", headers=headers, timeout=10)
        assert answer.status_code == status
        stage.words.hear("api", answer.text)


def _warn_of_renewals(stage):
    """A notification calendar, made with a token that rotates; its address is read, and guessed."""
    given = ("--capability", "manage_mytokens:notify", "--rotating", "--expires", "90d", "--tenant", "sandbox")
    text = _run(stage, "token", "create", "renewals", *given).stdout.strip()
    stage.words.secrets["token that rotates"] = text
    made = stage.call("POST", CALENDARS, headers={"apiToken": text}, data={"name": "Renewals"}).json()
    first = made["token_update"]["mytoken"]
    known = requests.get(f"{stage.root}/api/v1/credentials", headers={"apiToken": ADMIN}, timeout=10).json()
    ident = next(each["id"] for each in known["credentials"] if each["name"] == "renewals")
    said = {"mom_id": ident, "mytoken": first}
    added = stage.call("POST", f"{CALENDARS}/Renewals", headers={"apiToken": ""}, json=said).json()
    assert added["subscribed_tokens"] == [ident]
    stage.words.rotated |= {"its second text": first, "its third text": added["token_update"]["mytoken"]}
    stage.words.addresses["a notification calendar's"] = made["ics_path"].rpartition("/")[2]
    for address in (made["ics_path"], f"{stage.root}/calendars/{TAG}"):
        for method in ("GET", "HEAD", "POST"):
            stage.words.hear("api", requests.request(method, address, timeout=10).text)
    guess = {"name": TAG, "mytoken": f"{TAG}-guess"}
    assert stage.call("POST", CALENDARS, headers={"apiToken": ""}, json=guess).status_code == 401


def _command(stage, people, linked):
    """What an operator types, with the right settings and with others."""
    commands = [
        ["doctor"],
        ["doctor"],
        ["token", "list", "--tenant", "sandbox"],
        ["token", "revoke", "999", "--tenant", "sandbox"],
        ["secrets", "rotate"],
        *(["sync", people[2], "--tenant", tenant, "--dry-run"] for tenant in ("sandbox", "wrong")),
        *(["explain", people[2], TITLE, "--tenant", tenant] for tenant in ("sandbox", "away")),
        *(["rebuild", people[2], "--tenant", tenant, "--dry-run"] for tenant in TENANTS[1:]),
        ["migrate", "--from", "ews", "--to", "o365", "--all", "--dry-run"],
        ["release", "--all", "--dry-run"],
        *(["unlink", str(linked[t, "ews"]), "--mode", "CLEANUP", "--dry-run"] for t in ("wrong", "away")),
    ]
    for number, command in enumerate(commands):
        stage.words.hear("command line", _run(stage, *command, *(["--json"] if number % 2 else [])).output)
    for name, url in (
        ("CARILLON_DATABASE_URL", f"postgresql://somebody:{TAG}@127.0.0.1:9/none"),
        ("CARILLON_REDIS_URL", f"redis://:{TAG}@127.0.0.1:9/0"),
    ):
        stage.words.hear("command line", _run(stage, "doctor", **{name: url}).output)


def _run(stage, *arguments, **changed):
    """As on a terminal: what nobody foresaw ends in a traceback there."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**stage.environment, **changed}.items():
            patch.setenv(name, value)
        result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    assert "Traceback" not in result.output
    return result


def _leaf_through_flower(stage):
    def read(page):
        answer = requests.get(f"{stage.flower}{page}", timeout=30)
        stage.words.hear("flower", f"{answer.headers} {answer.text}")
        return answer

    for page in PAGES:
        read(page)
    workers = read("/api/workers?refresh=true").json()
    assert workers
    for worker in workers:
        read(f"/worker/{worker}")
    tasks = read("/api/tasks?limit=1000").json()
    assert {each["name"] for each in tasks.values()} >= {"synchronize", "unlink"}
    for task in list(tasks)[:20]:
        for page in (f"/task/{task}", f"/api/task/info/{task}", f"/api/task/result/{task}"):
            read(page)


def _crash(stage):
    """A worker is killed, and `carillon up` tells its last words."""
    children = Path(f"/proc/{stage.process.pid}/task/{stage.process.pid}/children").read_text().split()
    [worker] = [int(each) for each in children if b"\0worker\0" in Path(f"/proc/{each}/cmdline").read_bytes()]
    os.kill(worker, signal.SIGKILL)
    assert stage.process.wait(60) == 1


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_said(told, place):
    for word in PLACES[place]:
        assert any(word in each for each in told.said[place]), f"{word} was not heard there"
    assert told.leaks(place, ["secrets"]) == []


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"api"}))
def test_what_an_answer_gives_its_caller_is_said_nowhere_else(told, place):
    assert (len(told.rotated), len(told.addresses)) == (2, 1)
    assert told.leaks(place, ["rotated", *(["addresses"] if place != "database" else [])]) == []


@pytest.mark.parametrize("place", NOT_FOR_PEOPLE)
def test_no_title_and_no_text_of_an_event_is_said(told, place):
    kept = [each for each in told.said[place] if not each.startswith("users: ")]  # their names are kept there
    told.said[f"{place} without names"] = kept
    assert told.leaks(f"{place} without names", ["titles"]) == []


def test_nobody_is_named_in_a_log(told):
    assert told.leaks("logs", ["people"]) == []
    assert not re.search(r"[\w.]+@example\.edu", "\n".join(told.said["logs"]))


def test_the_ledger_keeps_the_hash_of_a_token(told):
    rows = "\n".join(each for each in told.said["database"] if each.startswith("tokens: "))
    for token in [ADMIN, *(word for name, word in told.secrets.items() if name.startswith("token of "))]:
        assert hashlib.sha256(token.encode()).hexdigest() in rows


def test_what_was_looked_for_would_have_been_found(told):
    """The search itself."""
    for name in ("EWS password as a header", "timetable's token"):
        told.hear("a leak", f"somewhere: {told.secrets[name]}")
    assert len(told.leaks("a leak", ["secrets"])) == 3
