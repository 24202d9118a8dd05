"""scripts/benchmark.sh without a framework: which commands it runs, and in which order."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIDES = ["benchmark --side tensorflow", "benchmark --side pytorch"]


@pytest.mark.parametrize(("runs", "more"), [("", ""), ("2", " --runs 2")])
@pytest.mark.parametrize("code", [0, 3])
def test_one_side_after_the_other(tmp_path: Path, runs: str, more: str, code: int) -> None:
    """A side that fails ends it, with its exit code."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "scripts/venv.sh").write_text("#!/bin/sh\n")
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nshift 2; echo "$@"; exit {code}\n')
    python.chmod(0o755)
    variables = {"PATH": os.environ["PATH"], "RUNTIME": "local", "VENV": str(tmp_path / "venv"), "RUNS": runs}
    done = subprocess.run(
        [tmp_path / "scripts/benchmark.sh"], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    expected = [f"{side}{more}" for side in SIDES]
    assert done.stdout.splitlines() == (expected[:1] if code else expected)
