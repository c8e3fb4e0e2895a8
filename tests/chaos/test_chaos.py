"""`make chaos` in short, so that it cannot rot. What it looks for takes minutes and 200 people to be found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.case("faults", 1)
@pytest.mark.case("faults", 8)
@pytest.mark.case("faults", 9)
@pytest.mark.timeout(400)
def test_after_a_short_storm_every_calendar_is_as_it_should_be() -> None:
    short = {"CHAOS_PEOPLE": "16", "CHAOS_MINUTES": "0.25", "CHAOS_HURRY": "1", "PYTHONPATH": "tests"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARILLON_", "CHAOS_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "chaos"], cwd=ROOT, env=environment | short, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "kill -9 worker" in ran.stdout
