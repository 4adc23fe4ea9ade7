"""The example of an engine other than Dask runs, and does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

EXAMPLE = Path(__file__).parents[1] / "examples/ray_workers.py"


def test_the_example_of_ray_gives_what_fit_in_memory_gives():
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "2000 rows in 4 parts, 5 epochs" in done.stdout
    [difference] = re.findall(r"difference from fit in memory: (\S+)", done.stdout)
    assert float(difference) < 1e-12


def test_the_example_of_ray_opens_with_a_title_and_a_question():
    lines = EXAMPLE.read_text().splitlines()
    assert lines[0] == '"""'
    assert lines[1].endswith("?")
    assert set(lines[2]) == {"="}
