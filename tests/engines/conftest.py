"""A small network in TensorFlow's files, and child processes in which one framework or both cannot be imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "src"

# A finder that comes first and refuses, as an image without the package would.
HIDE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (hidden by the test)", name=name)
sys.meta_path.insert(0, Refuse())
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_python(
    code: str, *arguments: str | Path, hide: tuple[str, ...] = (), cwd: Path, status: int | None = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter; fails the test with its stderr unless it ends with `status`."""
    done = subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hide) + code, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def python() -> Run:
    return run_python


@pytest.fixture(scope="session")
def save_network(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with the checkpoint of a kind of network, made on first use."""
    for package in ("tensorflow", "torch", "mmdnn", "tf_slim"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    made: dict[str, Path] = {}

    def save(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            run_python(f"import runpy; runpy.run_path({str(HERE / 'small_networks.py')!r}, run_name='__main__')",
                       kind, folder, cwd=folder)  # fmt: skip
            made[kind] = folder
        return made[kind]

    return save
