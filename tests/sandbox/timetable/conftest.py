"""The institution's timetable API over HTTP, asked on Anna's behalf."""

from datetime import UTC, datetime

import pytest
import requests

from sandbox.app import application
from sandbox.faults import Faults
from sandbox.institution import Institution
from sandbox.serve import serve


@pytest.fixture
def now():
    return datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def anna():
    return "anna.visser@example.edu"


@pytest.fixture
def institution(now):
    return Institution(now=now)


@pytest.fixture
def base(institution):
    with serve(application(institution, Faults())) as url:
        yield url


@pytest.fixture
def ask(base, anna):
    """Asks on Anna's behalf; `token` and `user` may be others, or None for no header."""
    with requests.Session() as session:

        def asking(path, method="GET", token="sandbox-elevated", user=anna, headers=(), **arguments):
            known = {"apiToken": token, "requestedAuth": user, **dict(headers)}
            return session.request(method, f"{base}/api/v0{path}", headers=known, timeout=5, **arguments)

        yield asking


@pytest.fixture
def write(ask):
    """Asks for messages with the token of the application that writes them."""

    def asking(path="/messages", method="GET", **arguments):
        return ask(path, method, token="sandbox-messages", user=None, **arguments)

    return asking


@pytest.fixture
def key_of(institution):
    """The key of the first timetable of a kind whose description holds a text."""

    def found(kind, text=""):
        return institution.catalogue.listed(kind, institution.databases[0], text)[0].key

    return found


@pytest.fixture
def differences():
    """What of a content has not the shape asked for, as places and reasons."""
    return lambda content, shape: list(_differences(content, shape, ""))


def _differences(content, shape, where):
    """A shape is a type, None, a list of one shape, an object by its names (`?` for one that may lack), or a tuple of
    alternatives.
    """
    if isinstance(shape, tuple):
        if all(list(_differences(content, each, where)) for each in shape):
            yield f"{where}: {content!r} is none of {shape}"
    elif isinstance(shape, list) and isinstance(content, list):
        for place, each in enumerate(content):
            yield from _differences(each, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict) and isinstance(content, dict):
        names = {name.removeprefix("?"): each for name, each in shape.items()}
        needed = {name for name in shape if not name.startswith("?")}
        yield from (f"{where}: lacks {name}" for name in sorted(needed - content.keys()))
        yield from (f"{where}: has {name}" for name in sorted(content.keys() - names.keys()))
        for name in names.keys() & content.keys():
            yield from _differences(content[name], names[name], f"{where}.{name}")
    elif type(content) is not shape and content is not shape:
        yield f"{where}: {content!r} is no {shape}"
