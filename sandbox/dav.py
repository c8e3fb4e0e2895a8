"""A real CalDAV server, Radicale, with a calendar for each person; and a person who uses such a calendar."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import icalendar
import requests
from lxml import etree
from requests.auth import HTTPBasicAuth
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

CALENDAR = "timetable"
_PASSWORDS = "passwords"
_START_SECONDS = 20.0
_CONFIGURATION = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/{passwords}
htpasswd_encryption = plain
delay = 0.01
[rights]
type = owner_only
[storage]
filesystem_folder = {folder}/collections
"""
_CREATED, _ALREADY_THERE = 201, 409
_NAMES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:caldav"}
_LISTING = b"""\
<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:prop><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter>
</c:calendar-query>"""


@contextmanager
def calendar_server(folder: Path, users: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """The base URL of a Radicale that keeps everything under `folder`, until the block ends. Port 0 takes a free one.

    `users` are names with their passwords; each finds a calendar at `/{name}/timetable/` that nobody else may see.
    What a folder already holds from an earlier time is kept.

    Raises: RuntimeError, with the server's own words, when it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _PASSWORDS).unlink(missing_ok=True)
    (folder / _PASSWORDS).touch(mode=0o600)
    with _reserved(port) as taken, _started(folder, taken):
        url = f"http://127.0.0.1:{taken}"
        for name, password in users.items():
            enrol(folder, url, name, password)
        yield url


def enrol(folder: Path, url: str, user: str, password: str) -> "Person":
    """Give one more person an account and a calendar at the server that runs on `folder`."""
    with (folder / _PASSWORDS).open("a", encoding="utf-8") as passwords:
        passwords.write(f"{user}:{password}\n")
    person = Person(url, user, password)
    answer = person.send("MKCALENDAR")
    if answer.status_code not in {_CREATED, _ALREADY_THERE}:
        raise RuntimeError(f"Radicale made no calendar: it answered {answer.status_code}.")
    return person


@contextmanager
def _reserved(port: int) -> Iterator[int]:
    """A port that nobody else is given. Radicale takes none by itself, and may share one that nobody listens at."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()[1]


@contextmanager
def _started(folder: Path, port: int) -> Iterator[None]:
    configuration, log = folder / "radicale.ini", folder / "radicale.log"
    settings = _CONFIGURATION.format(port=port, folder=folder.resolve(), passwords=_PASSWORDS)
    configuration.write_text(settings, encoding="utf-8")
    command = [sys.executable, "-m", "radicale", "--config", str(configuration)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as server:
        try:
            _await(server, log)
            yield
        finally:
            _stop(server)


def _await(server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "server ready" not in (text := log.read_text(encoding="utf-8", errors="replace")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Radicale did not start: {text[-2000:]}")
        time.sleep(0.02)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=10)
        return
    server.kill()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a calendar program: reads their calendar and changes it, whoever wrote what is in it."""

    url: str
    user: str
    password: str

    def events(self) -> dict[str, icalendar.Event]:
        """Every event by the name of its object; of one that repeats, the event itself."""
        answer = self._done(self.send("REPORT", body=_LISTING, kind="application/xml", Depth="1"))
        listed: dict[str, icalendar.Event] = {}
        for response in etree.fromstring(answer.content).iterfind("d:response", _NAMES):
            path = urlsplit(response.findtext("d:href", "", _NAMES)).path
            text = response.findtext(".//c:calendar-data", "", _NAMES)
            listed[unquote(path.rsplit("/", 1)[-1])] = icalendar.Calendar.from_ical(text).events[0]
        return listed

    def add(self, title: str, start: datetime, end: datetime, location: str = "", description: str = "") -> str:
        """Add an event of one's own; the name of its object."""
        event = icalendar.Event()
        event.add("UID", str(uuid.uuid4()))
        event.add("DTSTAMP", datetime.now(UTC))
        for name, value in (("SUMMARY", title), ("DTSTART", start), ("DTEND", end)):
            event.add(name, value)
        for name, text in (("LOCATION", location), ("DESCRIPTION", description)):
            if text:
                event.add(name, text)
        calendar = icalendar.Calendar.new(subcomponents=[event])
        return self.put(f"{event['UID']}.ics", calendar.to_ical())

    def put(self, name: str, text: bytes) -> str:
        """Store an object as it is, in the place of what was there."""
        self._done(self.send("PUT", name, body=text, kind="text/calendar"))
        return name

    def change(self, name: str, edit: Callable[[icalendar.Event], None]) -> None:
        """Open an event, edit it, save it."""
        calendar = icalendar.Calendar.from_ical(self._done(self.send("GET", name)).content)
        edit(calendar.events[0])
        self.put(name, calendar.to_ical())

    def move(self, name: str, by: timedelta) -> None:
        """Drag an event to another time."""

        def edit(event: icalendar.Event) -> None:
            event.start, event.end = event.start + by, event.end + by

        self.change(name, edit)

    def remove(self, name: str) -> None:
        self._done(self.send("DELETE", name))

    def send(self, method: str, name: str = "", body: bytes = b"", kind: str = "", **headers: str) -> requests.Response:
        """Ask something of the calendar, or of the object `name` in it, with whatever answer."""
        address = f"{self.url}/{quote(self.user, safe='@')}/{CALENDAR}/{quote(name, safe='@')}"
        login = HTTPBasicAuth(self.user.encode(), self.password.encode())
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, address, data=body, headers={"Content-Type": kind, **headers}, auth=login, timeout=30
            )

    @staticmethod
    def _done(answer: requests.Response) -> requests.Response:
        answer.raise_for_status()
        return answer


def relay(url: str) -> ASGIApp:
    """An application that hands every request on to the server at `url`, so that one can count or spoil them."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await run_in_threadpool(_hand_on, url, request, await request.body())
        await response(scope, receive, send)

    return app


def _hand_on(url: str, request: Request, body: bytes) -> Response:
    path = request.scope["raw_path"].decode("ascii")
    headers = {name: value for name, value in request.headers.items() if name not in {"host", "connection"}}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(
            request.method, url + path, data=body, headers=headers, timeout=30, allow_redirects=False
        )
    passed = {name: value for name, value in answer.headers.items() if name.lower() in {"etag", "content-type"}}
    return Response(answer.content, answer.status_code, passed)
