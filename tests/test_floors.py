"""Imports go one way, as docs/design.md draws it; read from the code itself."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
MAY_IMPORT = {
    "providers": {"providers"},
    "timetables": {"timetables"},
    "schedules": {"schedules", "providers", "timetables"},
    "worker": {"worker", "schedules", "providers", "timetables"},
    "provisioning": {"provisioning", "worker", "schedules", "providers", "timetables"},
    "carillon": {"carillon", "provisioning", "worker", "schedules", "providers", "timetables", "sandbox"},
    "sandbox": {"sandbox"},
}
FILES = [(floor, path) for floor in MAY_IMPORT for path in sorted((HOUSE / floor).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """The full names of the modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(("floor", "path"), FILES, ids=[str(path.relative_to(HOUSE)) for _, path in FILES])
def test_a_file_imports_from_its_own_floor_and_below(floor: str, path: Path):
    ours = {name.partition(".")[0] for name in imported(path)} & MAY_IMPORT.keys()
    assert ours <= MAY_IMPORT[floor]


@pytest.mark.parametrize("floor", ["providers", "timetables"])
def test_a_provider_or_source_imports_only_its_base_and_what_is_shared(floor: str):
    for path in sorted((HOUSE / floor).glob("*.py")):
        public = {f"{floor}.{each.stem}" for each in path.parent.glob("[!_]*.py")} - {f"{floor}.base"}
        assert not imported(path) & public, f"{path.name} imports another module of its kind"


def test_schedules_knows_of_sources_and_providers_only_their_contracts():
    for path in sorted((HOUSE / "schedules").glob("*.py")):
        below = {name for name in imported(path) if name.startswith(("providers.", "timetables."))}
        assert all(name.split(".")[1] == "base" for name in below), path.name


def test_only_the_edges_of_a_task_and_of_a_request_catch_whatever_there_is():
    caught = [
        path.relative_to(HOUSE).as_posix()
        for floor, path in FILES
        if floor != "sandbox"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert caught == ["worker/edge.py", "provisioning/edge.py"]


def test_no_module_is_longer_than_three_hundred_lines():
    long = {str(path.relative_to(HOUSE)): n for _, path in FILES if (n := len(path.read_text().splitlines())) > 300}
    assert long == {}
