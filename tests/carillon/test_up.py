"""`carillon up --sandbox` as an operator runs it: processes, a call over HTTP, Flower, and Ctrl-C."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

from carillon.demo.api import Api, eventually
from carillon.embedded import free_port, program

TOKEN = "an-administrator-of-the-sandbox"
SOON_SECONDS = 2.0


@pytest.fixture
def up(scratch: Path):
    """Everything running: the API's root, Flower's root, the process."""
    port, flower_port = free_port(), free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CARILLON_")}
    environment |= {"CARILLON_ADMIN_TOKEN": TOKEN, "FLOWER_UNAUTHENTICATED_API": "true"}
    arguments = (
        "up",
        "--sandbox",
        "--data",
        str(scratch / "up"),
        "--port",
        str(port),
        "--flower-port",
        str(flower_port),
    )
    with subprocess.Popen(
        program(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            assert eventually(lambda: _answers(port) or process.poll() is not None, 60)
            assert process.poll() is None, process.stdout.read().decode()
            yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{flower_port}", process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()["status"] == "ok"
    except (requests.RequestException, ValueError):
        return False


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in children for each in (int(child), *descendants(int(child)))]


def every(flower):
    tasks = requests.get(f"{flower}/api/tasks", timeout=10)
    return list(tasks.json().values()) if tasks.ok else []


def test_a_put_is_written_within_seconds_flower_shows_it_and_ctrl_c_ends_everything(up):
    root, flower, process = up
    api = Api(root, TOKEN)
    api.put_user("anna.visser@example.edu", "Anna Visser")
    asked = time.time()
    ident = api.put_synchronization("anna.visser@example.edu", "googlecalendar", "anna.visser@example.edu")
    assert eventually(lambda: api.synchronization(ident)["status"] == "OK", 30)
    [run] = api.synchronization(ident)["runs"]
    assert run["startedAt"] / 1000 - asked < SOON_SECONDS

    before = api.synchronization(ident)["lastSync"]
    asked = time.time()
    api.resync(ident)
    assert eventually(lambda: api.synchronization(ident)["lastSync"] != before, 30)
    assert api.synchronization(ident)["runs"][0]["startedAt"] / 1000 - asked < SOON_SECONDS
    assert api.synchronization(ident)["lastResync"]

    def shown():
        return [each for each in every(flower) if each["name"] == "synchronize"]

    assert eventually(lambda: any(each["state"] == "SUCCESS" for each in shown()), 20)
    assert {each["name"] for each in every(flower)} <= {"synchronize", "prune"}
    done = next(each for each in shown() if each["state"] == "SUCCESS")
    assert done["args"] == f"({ident}: anna.visser@example.edu → googlecalendar)"
    assert "'outcome': 'OK'" in done["result"]
    api.close()

    family = descendants(process.pid)
    assert len(family) >= 5
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert eventually(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], 10)
