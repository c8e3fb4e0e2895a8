"""The pages of docs/ say what the code says: every setting, variable, status, dependency and error sentence."""

import ast
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Ge, Le
from pydantic_core import PydanticUndefined

from schedules.render import DEFAULT_TEMPLATES, VARIABLES, Templates, compile_templates
from schedules.retry import Status
from worker import modules
from worker.ledger import UnlinkMode
from worker.settings import ApiSettings, GroupSettings, GuardSettings, TenantSettings, WindowSettings

ROOT = Path(__file__).parents[1]
PACKAGES = ("carillon", "provisioning", "worker", "schedules", "timetables", "providers")
SECTIONS = {"window", "guard", "render", "groups"}


def _page(name):
    return (ROOT / "docs" / name).read_text()


def _rows(text):
    """The tables of a text: the cells of each row by the names in backquotes in its first cell."""
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
        cells = line.split(" | ")
        for name in re.findall(r"`([^`]+)`", cells[0]):
            found[name] = cells
    return found


def _section(page, heading):
    """From the heading with this text in backquotes to the next heading."""
    return re.search(rf"^#+ `{re.escape(heading)}`\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)[1]


def _models():
    own = {
        "[api]": ApiSettings,
        "[tenants.KEY]": TenantSettings,
        "[tenants.KEY.window]": WindowSettings,
        "[tenants.KEY.guard]": GuardSettings,
        "[tenants.KEY.groups.NAME]": GroupSettings,
    }
    sources = {f'source = "{name}"': modules.source(name).Settings for name in modules.source_names()}
    providers = {
        f"[tenants.KEY.providers.{name}]": modules.provider(name).Settings
        for name in modules.provider_names()
        if name != "memory"
    }
    return own | sources | providers


SETTINGS = [
    pytest.param(heading, name, field, id=f"{heading} {name}")
    for heading, model in _models().items()
    for name, field in model.model_fields.items()
    if name not in SECTIONS
]


@pytest.mark.parametrize(("heading", "name", "field"), SETTINGS)
def test_a_setting_stands_on_the_page_with_its_default_and_bounds(heading, name, field):
    cells = _rows(_section(_page("configuration.md"), heading))[field.alias or name]
    assert _shown(field.default) in cells[2]
    for bound in _bounds(field):
        assert _shown(bound) in cells[3]


def _bounds(field):
    """The narrowest of each kind: an annotation may tighten the one that it is made from."""
    least = [bound.ge for bound in field.metadata if isinstance(bound, Ge)]
    most = [bound.le for bound in field.metadata if isinstance(bound, Le)]
    return [*([max(least)] if least else []), *([min(most)] if most else [])]


def _shown(value):
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    if isinstance(value, timedelta):
        return f"`{_length(value)}`"
    return f"`{value}`"


def _length(value):
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value.total_seconds() % size == 0:
            return f"{value.total_seconds() / size:.0f}{unit}"
    return f"{value.total_seconds():.0f}s"


def test_no_setting_on_the_page_is_gone():
    page = _page("configuration.md")
    for heading, model in _models().items():
        known = {field.alias or name for name, field in model.model_fields.items()}
        assert set(_rows(_section(page, heading))) <= known, heading
    assert set(_rows(_section(page, "[tenants.KEY.render]"))) == set(Templates.__dataclass_fields__)


def test_every_environment_variable_stands_on_the_page():
    read = {
        node.value
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and re.fullmatch(r"CARILLON_[A-Z_]+", str(node.value))
    }
    assert set(_rows(_section_of_environment())) == read


def _section_of_environment():
    return _page("configuration.md").partition("## The environment")[2]


def test_every_template_variable_stands_on_the_page_with_its_meaning():
    rows = _rows(_page("templates.md"))
    assert set(rows) == set(VARIABLES)
    for name, meaning in VARIABLES.items():
        assert meaning.partition(": attributes")[0].rstrip(".") in rows[name][1]


def test_every_template_on_the_page_renders():
    blocks = re.findall(r"^```toml\n(.*?)^```", _page("templates.md"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        given = tomllib.loads(block)["tenants"]["example"]["render"]
        alternatives = {name: (text,) if isinstance(text, str) else tuple(text) for name, text in given.items()}
        every = {
            name: alternatives.get(name, getattr(DEFAULT_TEMPLATES, name)) for name in Templates.__dataclass_fields__
        }
        compile_templates(Templates(**every))
    assert Templates(**every) == DEFAULT_TEMPLATES


def test_every_status_and_unlink_mode_stands_on_the_page():
    rows = _rows(_page("provisioning-api.md"))
    assert set(get_args(Status)) <= set(rows)
    assert {mode.value for mode in UnlinkMode} <= set(rows)


@pytest.mark.parametrize("kind", modules.provider_names())
def test_every_provisioning_field_stands_on_the_page(kind):
    page = _page("provisioning-api.md")
    table = re.search(rf"^\| `{kind}` \|.*\n(\| \|.*\n)*", page, re.MULTILINE)[0]
    fields = modules.provider(kind).Target.model_fields
    own = {f"provisioning_{field.alias or name}" for name, field in fields.items() if name != "username"}
    assert set(re.findall(r"`(provisioning_\w+)`", table)) == own


def test_the_scope_that_google_is_asked_for_stands_on_its_page():
    from providers._googlecalendar_wire import SCOPE  # noqa: PLC0415 - said in one place of the code

    (scope,) = re.findall(r"^\s*(https://www\.googleapis\.com/auth/\S+)$", _page("google.md"), re.MULTILINE)
    assert scope == SCOPE


def test_every_dependency_stands_on_the_page_and_no_other():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    chapters = re.split(r"^## ", _page("dependencies.md"), flags=re.MULTILINE)[1:4]
    for chapter, wanted in zip(chapters, (project["dependencies"], extras["embedded"], extras["dev"]), strict=True):
        assert list(_rows(chapter)) == sorted((re.match(r"[\w-]+", each)[0] for each in wanted), key=_name_order)


def _name_order(name):
    return name != "O365", name


def _sentences():
    """Every text of the code, an f-string's with `…` for what it puts in."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def _error_sentences():
    return re.findall(r"^\| (?!Sentence|---)([^|]+?) \| [^|]+ \| [^|]+ \|$", _page("troubleshooting.md"), re.MULTILINE)


def test_every_error_sentence_on_the_page_stands_in_the_code():
    texts = "\n".join(re.sub(r"%[\w.]+", "…", text) for text in _sentences())
    asked = _error_sentences()
    assert len(asked) > 50
    lost = [each for each in asked if not re.search(".{0,90}".join(map(re.escape, each.split("…"))), texts)]
    assert lost == []
