"""Jobs in empty folders, and child processes in which packages cannot be imported."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tf2torch import files
from tf2torch.evaluate.report import SCHEMA
from tf2torch.job import Job
from tf2torch.recipe import Recipe

SOURCE = Path(__file__).parents[1] / "src"

# A finder that comes first and refuses, as an image without the package would.
HIDE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (hidden by the test)", name=name)
sys.meta_path.insert(0, Refuse())
"""

RECIPE = """
network = "net"
classes = 1001
input_size = 224
preprocessing = "inception"
output = "net/logits"
"""
VARIABLES = (
    *("MODEL", "ENGINE", "WEIGHTS", "SEED", "IMAGES", "DEVICE", "FORCE", "OFFLINE", "FROM"),
    *("SOURCE", "INPUT", "OUTPUT", "FORMATS", "PROOF", "BISECT", "DEVICES", "TIMING"),
    *("NETWORK", "NUM_CLASSES", "INPUT_SHAPE", "PREPROCESS", "SCOPE_MAP", "EMA", "AUX_LOGITS"),
)
FOLDERS = ("MODELS_FOLDER", "WORK_FOLDER", "OUTPUT_FOLDER", "TF2TORCH_COMMAND", "TF2TORCH_IMAGE")

Run = Callable[..., subprocess.CompletedProcess[str]]
NewJob = Callable[..., Job]


def run_python(
    code: str, *arguments: str | Path, hide: tuple[str, ...] = (), cwd: Path, status: int | None = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter; fails the test with its stderr unless it ends with `status`."""
    done = subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hide) + code, *map(str, arguments)],
        cwd=cwd,
        env=child_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done


def child_environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "TF_CPP_MIN_LOG_LEVEL": "3", **more}


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """Skips the test unless these packages are installed."""

    def check(*packages: str) -> None:
        for package in packages:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed")

    return check


@pytest.fixture(scope="session")
def python() -> Run:
    return run_python


@pytest.fixture(scope="session")
def start_python() -> Callable[..., object]:
    """Starts code in a fresh interpreter; after the block it is killed, if it still runs."""

    @contextmanager
    def start(code: str, *arguments: str | Path, cwd: Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=cwd,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return start


class FakeStage:
    """Stands in for the module of a stage: writes `kept` and `products`, then raises `error`, if there is one."""

    def __init__(self, name: str) -> None:
        self.kept = {f"{name}.safetensors": f"intermediate of {name}"}
        self.products = {product: f"{product} of {name}" for product in PRODUCTS[name]}
        self.error: BaseException | None = None
        self.calls = 0

    def run(self, job: Job, kept: Path, products: Path) -> None:  # noqa: ARG002  # the signature of every stage
        self.calls += 1
        for folder, contents in ((kept, self.kept), (products, self.products)):
            for file, text in contents.items():
                (folder / file).write_text(text)
        if self.error:
            raise self.error


def result(**changes: object) -> Any:
    """The content of a report.json: an evaluation that passed, but for the changes."""
    row = {"passed": True, "error": 2e-7, "tolerance": 1e-6, "float32_error": 1e-7, "same_top1": 10, "count": 10}
    comparisons = {"batch 1": {**row, "same_top1": 1, "count": 1}, "batch 10": row}
    parts = dict.fromkeys(("modules", "gradients", "trainable", "float64"))
    loaded = {
        name: {"passed": True, "parameters": 23_851_784, "comparisons": comparisons, "accuracy": None, **parts}
        for name in ("converted_pytorch.pth", "KitModel(converted_pytorch.npy)")
    }
    about = {
        "schema": SCHEMA,
        "model": "net",
        "engine": "mmdnn",
        "weights": "pretrained",
        "verdict": "PASS",
        "device": "CPU",
    }
    rest = {"tensorflow": "2.21.0", "torch": "2.13.0", "published_accuracy": None, "loaded": loaded, "notes": []}
    return json.loads(json.dumps({**about, **rest, **changes}))  # every row a dictionary of its own


PRODUCTS = {
    "export": ("converted.pb", "converted.npy"),
    "codegen": ("converted_pytorch.py", "converted_pytorch.npy"),
    "build": ("converted_pytorch.pth",),
    "evaluate": ("report.json", "report.md"),
}


@pytest.fixture
def new_result() -> Callable[..., Any]:
    return result


@pytest.fixture
def fake_stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeStage]:
    """The stages of the engine mmdnn, by name, as fakes that need no framework."""
    fakes = {name: FakeStage(name) for name in PRODUCTS}
    for name, fake in fakes.items():
        if name == "evaluate":
            fake.products["report.json"] = json.dumps(result())
        monkeypatch.setitem(sys.modules, f"tf2torch.engines.mmdnn.{name}", fake)  # type: ignore[arg-type]  # no module
    return fakes


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The current folder has three recipes and an empty output/; no option comes from outside.

    MODEL is net and ENGINE mmdnn, the engine that fake_stages stands in for.
    """
    for name in (*VARIABLES, *FOLDERS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("net", "inception_v3", "inception_v1"):
        files.write_text(tmp_path / "models" / f"{name}.toml", RECIPE)
    (tmp_path / "output").mkdir()
    monkeypatch.setenv("MODEL", "net")
    monkeypatch.setenv("ENGINE", "mmdnn")
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def new_job(tmp_path: Path) -> NewJob:
    """A job of the model `net`, whose folders are below tmp_path; keywords are fields of the job or of its recipe."""
    models = tmp_path / "models"
    models.mkdir(exist_ok=True)

    def make(**changes: object) -> Job:
        recipe = Recipe("net", "net", 1001, 224, "inception", "net/logits")
        recipe = replace(recipe, **{name: changes.pop(name) for name in recipe.__slots__ if name in changes})
        job = Job(recipe, "mmdnn", "pretrained", 0, None, "cpu", models, tmp_path / "work", tmp_path / "output")
        return replace(job, **changes)  # type: ignore[arg-type]  # whatever the test gives

    return make
