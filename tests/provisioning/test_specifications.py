"""Each source document has a page that lists every resource with the tests that show it, and the routes are those."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from provisioning.app import application
from sandbox.connectdaily import routes as connect_daily_routes
from sandbox.connectdaily_calendars import ConnectDaily
from sandbox.institution import Institution
from sandbox.timetable_api import routes as timetable_routes

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = ROOT.parent / "shared" / "specs"
SERVED = ("provisioning-api.md", "calendar-schedules.md", "notification-calendars.md", "linking.md")
PLAYED = ("timetable-api.md", "connect-daily.md")
PAGES = (*SERVED, *PLAYED)
DOCUMENTS = {
    "provisioning-api.md": ("mytimetable-provisioning-api.txt", r"^(?P<path>/\S+)$|^Method(?P<method>[A-Z]+)$"),
    "calendar-schedules.md": ("apio-calendar-schedules-api.txt", r"^(?P<method>[A-Z]+) (?P<path>/\S*\(string: .*)$"),
    "notification-calendars.md": ("mytoken-calendars-api.txt", r"^(?P<method>[A-Z]+) (?P<path>/\S+) HTTP"),
    "timetable-api.md": ("mytimetable-api.txt", r"^(?P<path>/\w\S*)(?: \(.*\))?$|^Method: (?P<method>[A-Z]+)$"),
    "connect-daily.md": (
        "connect-daily-event-api.txt",
        r"^Request Type: (?P<method>[A-Z]+)\n\n.*<context>(?P<path>/\S+).*$",
    ),
}
"""The source documents, and how each writes down a resource."""


@cache
def listed(page):
    """The tests by resource, of all tables of a page that are headed so."""
    text = (ROOT / "docs" / page).read_text()
    tables = re.findall(r"^\| Resource \| Test \|\n\|[-| ]+\|\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    rows = [row.strip("| ").split(" | ") for table in tables for row in table.splitlines()]
    return {resource.strip("`"): re.findall(r"`([^`]+)`", tests) for resource, tests in rows}


def test_a_page_lists_each_resource_once():
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text()
        for resource in listed(page):
            assert len(re.findall(rf"^\| `{re.escape(resource)}` \| `tests/", text, re.MULTILINE)) == 1, resource


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_that_a_page_names_are_there(page):
    assert listed(page)
    for resource, tests in listed(page).items():
        assert tests, resource
        for test in tests:
            file, _, name = test.partition("::")
            assert name.rpartition("::")[2] in functions(file), f"{page}: {test}"


@cache
def functions(file):
    nodes = ast.walk(ast.parse((ROOT / file).read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_route_of_the_apis_stands_on_one_page(installed):
    served = [
        f"{method} {context.path}"
        for context in iter_route_contexts(application(installed).routes)
        for method in context.methods or ()
    ]
    assert sorted(resource for page in SERVED for resource in listed(page)) == sorted(served)


@pytest.mark.parametrize("page", PLAYED)
def test_every_route_of_a_server_that_the_sandbox_plays_stands_on_its_page(page):
    if page == "timetable-api.md":
        routes = [each for each in timetable_routes(Institution()) if not each.path.endswith((".json", ".xml"))]
    else:
        routes = connect_daily_routes(ConnectDaily())
    resources = {
        f"{method} {_plain(route.path).removeprefix('/api/v0')}"
        for route in routes
        for method in route.methods - {"HEAD"}  # which comes with GET
    }
    assert {_plain(each) for each in listed(page)} == resources


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_resource_of_the_source_document_stands_on_its_page(page):
    name, pattern = DOCUMENTS[page]
    if not (SPECIFICATIONS / name).exists() and os.environ.get("CI") != "true":
        pytest.skip("the source documents are not here")
    text = (SPECIFICATIONS / name).read_text()
    known = [_plain(resource).split() for resource in listed(page)]
    asked = list(_asked(re.finditer(pattern, text, re.MULTILINE)))
    assert len(asked) >= 5
    for method, path in asked:
        assert any(there == method and where.endswith(path) for there, where in known), (method, path)


def _asked(found):
    """Methods and paths, which stand together, or the methods below the path."""
    path = ""
    for each in found:
        path = each["path"] or path
        if each["method"]:
            yield each["method"], _plain(path)


def _plain(path):
    """Without the names of parameters, however they are written down, and without a slash at the end."""
    return re.sub(r"\{[^}]*\}|\(string: \w+\)|<.*|foobar", "{}", path).rstrip("/")
