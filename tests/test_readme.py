"""What README.md and its neighbours say can be done as they say it."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from carillon.cli import main
from sandbox.certificates import application_certificate
from sandbox.google_calendar import GoogleCalendar
from worker.settings import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _blocks(kind, text):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_first_configuration_loads(tmp_path, monkeypatch):
    (block,) = _blocks("toml", README)
    for name in re.findall(r"env:(\w+)", block):
        monkeypatch.setenv(name, "word")
    (tmp_path / "carillon.toml").write_text(block)
    tenant = load(tmp_path / "carillon.toml").tenants["example"]
    assert list(tenant.providers) == ["caldav"]


def test_the_first_configuration_asks_for_the_variables_that_are_exported():
    (block,) = _blocks("toml", README)
    exported = re.findall(r"(\w+)=…", "".join(_blocks("sh", README)))
    assert set(re.findall(r"env:(\w+)", block)) <= set(exported)


def test_the_example_of_the_settings_loads(tmp_path):
    text = (ROOT / "carillon.example.toml").read_text()
    for name in re.findall(r"file:([\w.]+)", text):
        (tmp_path / name).write_text("word\n")
    (tmp_path / "google.json").write_text(GoogleCalendar([]).service_account("http://127.0.0.1:1"))
    application = application_certificate()
    (tmp_path / "graph.pem").write_text(application.private_key + application.certificate)
    (tmp_path / "carillon.toml").write_text(text)
    tenant = load(tmp_path / "carillon.toml").tenants["example"]
    assert set(tenant.providers) == {"caldav", "connectdaily", "ews", "googlecalendar", "o365"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_carillon_command_is_one(page):
    for line in _carillon_lines(page.read_text()):
        group, words = main, shlex.split(line, comments=True)
        while isinstance(group, click.Group):
            name, *words = words
            group = group.get_command(click.Context(group), name)
        assert group is not None, line
        group.make_context(line, words)


def _carillon_lines(text):
    fenced = [line for block in _blocks("sh", text) for line in block.splitlines()]
    quoted = re.findall(r"`(?:\.venv/bin/)?carillon ([a-z][^`…]*)`", text)
    prose = [each for each in quoted if re.match(r"(doctor|sync|explain|up|demo) ", each) and "USER" not in each]
    return prose + [
        found[1].rstrip(")") for line in fenced if (found := re.search(r"(?:^|bin/|api |\()carillon (.*)$", line))
    ]


def test_every_make_target_is_one():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), target


def _anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_named_in_the_readme():
    named = {Path(target).name for target in LINK.findall(README)}
    assert {page.name for page in (ROOT / "docs").iterdir()} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_toml_example_is_toml(page):
    for block in _blocks("toml", page.read_text()):
        tomllib.loads(block)
