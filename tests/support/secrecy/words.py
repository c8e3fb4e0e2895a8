"""What may be found nowhere, and where it was looked for."""

import base64
import json
import os
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import redis

TAG = "S3CRET"
"""Stands in every secret that somebody chose, and TITLE in every text of a timetable or about a person."""
TITLE = "Q7X"


@dataclass
class Words:
    """`secrets` and `titles` by what they are; `said` are texts by the place where they were found.

    `rotated` and `addresses` are secrets that an answer gives its caller, who alone shall hear them; the ledger keeps
    addresses.
    """

    secrets: dict[str, str] = field(default_factory=dict)
    rotated: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def hear(self, place, text):
        self.said[place].append(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)

    def hear_processes(self):
        """The command lines that everybody on the machine can see, but for those that started the tests."""
        above = set(_ancestors(os.getpid()))
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if int(file.parent.name) not in above:
                    self.hear("process list", file.read_bytes().replace(b"\0", b" "))
            except OSError:
                continue

    def hear_rows(self, connection, place="database"):
        """Every row of every table."""
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for (row,) in connection.execute(f'SELECT t::text FROM "{table}" t').fetchall():
                self.hear(place, f"{table}: {row}")

    def key(self, name, pem):
        """Each whole line of a private key is a secret."""
        lines = [line for line in pem.splitlines() if len(line) == 64]
        for number, line in enumerate(lines[1:-1]):
            self.secrets[f"{name}, line {number}"] = line

    def login(self, name, username, password):
        """A password, and what Basic authentication makes of it."""
        self.secrets[name] = password
        self.secrets[f"{name} as a header"] = base64.b64encode(f"{username}:{password}".encode()).decode()

    def leaks(self, place, kinds):
        """What was said at a place and should not have been, with its surroundings."""
        text = "\n".join(self.said[place])
        found = []
        for kind in kinds:
            for name, word in getattr(self, kind).items():
                for form in {word, quote(word, safe=""), json.dumps(word)[1:-1]}:
                    at = text.find(form)
                    if at >= 0:
                        found.append(f"{name}: …{text[max(0, at - 150) : at + 80]}…")
                        break
        return found


def _ancestors(pid):
    while pid:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class Eavesdropper:
    """Hears every command that a Redis is given, until that ends."""

    def __init__(self, url, words):
        # However long nothing is said.
        self._client = redis.Redis.from_url(url, socket_timeout=None)
        self._words = words
        self._thread = threading.Thread(target=self._listen)
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(10)

    def _listen(self):
        try:
            with self._client.monitor() as monitor:
                self._ready.set()
                for heard in monitor.listen():
                    self._words.hear("redis", heard["command"])
        except redis.ConnectionError:
            return
        finally:
            self._client.close()

    def join(self):
        """After its Redis has ended."""
        self._thread.join(30)
