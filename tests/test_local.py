"""The whole road without Docker, through make, in a copy of the repository."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MODEL = "inception_v1"
PRODUCTS = {
    *(f"{MODEL}.ckpt.{part}" for part in ("meta", "index", "data-00000-of-00001")),
    *(f"converted.{suffix}" for suffix in ("json", "pb", "npy")),
    *(f"converted_pytorch.{suffix}" for suffix in ("py", "npy", "pth")),
    *("report.html", "report.json", "report.md"),
}
Make = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.slow


def arguments(*words: str, **variables: str) -> list[str]:
    given = {"RUNTIME": "local", "MODEL": MODEL, "ENGINE": "mmdnn", "WEIGHTS": "random", "TIMING": "0", **variables}
    return ["make", *words, f"VENV={sys.prefix}", *(f"{name}={value}" for name, value in given.items())]


def clean_environment() -> dict[str, str]:
    said = (
        *("MODEL", "ENGINE", "WEIGHTS", "IMAGES", "RUNTIME", "GPU", "DEVICE", "FORCE", "FROM"),
        *(
            "SOURCE",
            "INPUT",
            "OUTPUT",
            "FORMATS",
            "PROOF",
            "BISECT",
            "DEVICES",
            "TIMING",
            *("NETWORK", "NUM_CLASSES", "INPUT_SHAPE", "PREPROCESS", "SCOPE_MAP", "EMA", "AUX_LOGITS"),
            "MAKEFLAGS",
            "MAKELEVEL",
            "MFLAGS",
        ),
    )
    return {name: value for name, value in os.environ.items() if name not in said}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository that uses the environment that these tests run in."""
    folder = tmp_path_factory.mktemp("local") / "repository"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".cache", ".env", "*.ckpt*", "__pycache__", ".*_cache", ".downloads"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    shutil.rmtree(folder / "output")
    (folder / "output").mkdir()
    return folder


@pytest.fixture(scope="module")
def make(copy: Path) -> Make:
    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = arguments(*words, **variables)
        return subprocess.run(command, cwd=copy, env=clean_environment(), capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def converted(make: Make, copy: Path) -> Path:
    """The results of a conversion with seeded weights."""
    result = make("convert")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"PASS {MODEL}  RANDOM WEIGHTS")
    return copy / "output" / MODEL / "mmdnn"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_everything_is_there_and_marked_random(converted: Path) -> None:
    manifest = read(converted / "manifest.json")
    assert set(manifest["products"]) == PRODUCTS
    assert {entry["weights"] for entry in manifest["products"].values()} == {"random, seed 0"}
    assert {path.name for path in converted.iterdir()} == PRODUCTS | {"manifest.json", "status.json"}
    assert manifest["command"].startswith("make convert RUNTIME=local MODEL=inception_v1 ENGINE=mmdnn WEIGHTS=random")
    assert "RANDOM WEIGHTS" in (converted / "converted_pytorch.py").read_text().splitlines()[0]
    assert "nobody trained this network" in (converted / "report.md").read_text()


def test_both_ways_of_loading_agree_with_tensorflow(converted: Path) -> None:
    report = read(converted / "report.json")
    assert len(report["loaded"]) == 2
    for entry in report["loaded"].values():
        rows = entry["comparisons"]
        assert set(rows) == {"batch 1", "batch 2", "batch 10", "images"}
        assert all(row["passed"] and 0 < row["error"] < 1e-5 for row in rows.values())
        assert (rows["images"]["same_top1"], rows["images"]["count"]) == (10, 10)
    modules = next(iter(report["loaded"].values()))["modules"]
    assert modules["passed"]
    assert modules["compared"] > 100


def test_a_second_run_does_nothing_and_ends_the_same(make: Make, converted: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in converted.iterdir() if path.name in PRODUCTS}
    result = make("convert")
    assert result.returncode == 0
    assert result.stderr.count("unchanged, skipped") == 4
    assert result.stdout.startswith(f"PASS {MODEL}")
    assert {name: (converted / name).stat().st_mtime_ns for name in before} == before


def test_plan_says_what_would_run(make: Make, converted: Path) -> None:  # noqa: ARG001  # after a conversion
    assert [line.split()[:2] for line in make("plan").stdout.splitlines()] == [
        [name, "skip"] for name in ("export", "codegen", "build", "evaluate")
    ]
    later = make("plan", FROM="build").stdout.splitlines()
    assert [line.split()[1] for line in later] == ["skip", "skip", "run", "run"]
    assert [line.split()[1] for line in make("plan", SEED="1").stdout.splitlines()] == ["run"] * 4


def test_a_checkpoint_of_the_user_is_taken_as_it_is(make: Make, converted: Path, copy: Path) -> None:
    """The same weights, this time as a file that somebody has put into models/."""
    placed = [shutil.copy(path, copy / "models") for path in converted.glob(f"{MODEL}.ckpt.[di]*")]
    assert len(placed) == 2
    saved = shutil.copytree(converted, converted.with_name("saved"))
    try:
        result = make("convert", WEIGHTS="pretrained")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"PASS {MODEL}  6.6 M parameters")
        manifest = read(converted / "manifest.json")
        assert set(manifest["source"]["files"]) == {Path(path).name for path in placed}
        assert manifest["source"]["url"] is None
        assert "RANDOM" not in (converted / "converted_pytorch.py").read_text()
        assert (converted / "converted.npy").read_bytes() == (saved / "converted.npy").read_bytes()

        data = copy / "models" / f"{MODEL}.ckpt.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:-4096])
        products = {path.name: path.read_bytes() for path in converted.iterdir() if path.name in PRODUCTS}
        result = make("convert", WEIGHTS="pretrained")
        assert result.returncode == 2
        assert "cannot be read" in result.stderr
        assert read(converted / "status.json")["exit_code"] == 3
        assert {name: (converted / name).read_bytes() for name in products} == products
    finally:
        for path in placed:
            Path(path).unlink()
        shutil.rmtree(converted)
        saved.rename(converted)


def test_weights_that_cannot_be_fetched_are_explained(make: Make, copy: Path) -> None:
    recipe = copy / "models" / f"{MODEL}.toml"
    text = recipe.read_text()
    try:
        recipe.write_text(text.replace("https://storage.googleapis.com", "http://127.0.0.1:9"))
        result = make("convert", WEIGHTS="pretrained")
    finally:
        recipe.write_text(text)
    assert result.returncode == 2
    assert f"models/{MODEL}.ckpt" in result.stderr
    assert "make demo" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("stage", ["export", "evaluate"])
def test_ctrl_c_keeps_what_was_finished(copy: Path, make: Make, converted: Path, stage: str) -> None:
    before = {path.name: path.read_bytes() for path in converted.iterdir() if path.name in PRODUCTS}
    command = arguments("convert", FROM=stage)
    with subprocess.Popen(
        command, cwd=copy, env=clean_environment(), text=True, start_new_session=True, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "..." in line and ("building" in line or "comparing" in line):
                break
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode != 0
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert read(converted / "status.json")["exit_code"] == 130
    assert {name: (converted / name).read_bytes() for name in before} == before
    assert list(copy.rglob("*.partial")) == []
    assert make("convert").returncode == 0


def test_images_of_the_user(make: Make, converted: Path, tmp_path: Path) -> None:  # noqa: ARG001  # after a conversion
    photographs = sorted((ROOT / "models/photographs").glob("*.JPEG"))[:2]
    for path in photographs:
        shutil.copy(path, tmp_path)
    (tmp_path / "labels.csv").write_text("filename,label\n" + "".join(f"{path.name},1\n" for path in photographs))
    early = make("evaluate", IMAGES=str(tmp_path))
    assert early.returncode == 2
    assert "TensorFlow has not been run on the images" in early.stderr
    result = make("convert", IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "top-1 2/2" in result.stdout


def test_mmdnn_runs_in_output_and_reads_models(make: Make, converted: Path, copy: Path) -> None:
    name = f"{MODEL}/mmdnn/{MODEL}.ckpt"
    result = make("mmdnn", CMD=f"mmtoir -f tensorflow -n {name}.meta -w output/{name} --dstNode MMdnn_Output -o own")
    assert result.returncode == 0, result.stderr
    assert (copy / "output/own.npy").read_bytes() == (converted / "converted.npy").read_bytes()
    result = make(
        "mmdnn",
        CMD=f"mmconvert -sf tensorflow -in {name}.meta -iw {name} --dstNode MMdnn_Output -df pytorch -om one.pth",
    )
    assert result.returncode == 0, result.stderr
    assert (copy / "output/one.pth").stat().st_size > 20_000_000
    assert "class KitModel" in (copy / "output/one.py").read_text()
    wrong = make("mmdnn", CMD="mmtocde --help")
    assert wrong.returncode == 2
    assert "mmtocode" in wrong.stderr


@pytest.fixture
def board(make: Make, converted: Path) -> Iterator[str]:  # noqa: ARG001  # it shows what a conversion has exported
    port = "16106"
    result = make("tensorboard", DETACH="1", TENSORBOARD_PORT=port)
    try:
        assert result.returncode == 0, result.stderr
        yield f"http://127.0.0.1:{port}"
    finally:
        make("tensorboard", STOP="1", TENSORBOARD_PORT=port)


def test_tensorboard_shows_the_graph(board: str) -> None:
    with urllib.request.urlopen(f"{board}/data/plugin/graphs/graph?run=.", timeout=20) as answer:
        assert b"MMdnn_Output" in answer.read()


# ---- the default engine

NATIVE = {
    *(f"converted_pytorch.{suffix}" for suffix in ("py", "safetensors", "sketch.safetensors", "pth")),
    *("report.html", "report.json", "report.md", "manifest.json", "status.json"),
}


@pytest.fixture(scope="module")
def native(make: Make, copy: Path) -> Path:
    """The results of a conversion with the default engine."""
    result = make("convert", ENGINE="", TIMING="1")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"PASS {MODEL}  RANDOM WEIGHTS")
    return copy / "output" / MODEL


def test_both_sides_are_timed(native: Path) -> None:
    ways = {row["way"] for row in read(native / "report.json")["timing"]["rows"] if row["median_ms"]}
    assert {"TensorFlow", "eager", "BN folded"} <= ways


def test_the_default_engine_stands_in_the_models_own_folder(native: Path) -> None:
    assert {path.name for path in native.iterdir() if path.is_file()} >= NATIVE
    assert read(native / "status.json")["engine"] == read(native / "manifest.json")["engine"] == "native"
    assert read(native / "manifest.json")["products"].keys() | {"manifest.json", "status.json"} >= NATIVE


def test_both_engines_side_by_side(make: Make, native: Path, converted: Path) -> None:  # noqa: ARG001  # after both
    shown = {line.split()[0]: line.split()[1:] for line in make("compare").stdout.splitlines()}
    assert shown[MODEL] == ["native", "mmdnn"]
    assert shown["verdict"] == ["PASS", "PASS"]
    parameters = [int(count.replace(",", "")) for count in shown["parameters"]]
    assert parameters[0] > 0


def test_a_graph_of_the_user(make: Make, converted: Path) -> None:
    """What another engine has exported, as somebody's own checkpoint; its output is said."""
    said = {"SOURCE": str(converted / f"{MODEL}.ckpt.meta"), "MODEL": "", "OUTPUT": "MMdnn_Output", "ENGINE": ""}
    inspected = json.loads(make("inspect", JSON="1", WEIGHTS="pretrained", **said).stdout)
    assert [item["name"] for item in inspected["outputs"]] == ["MMdnn_Output:0"]
    result = make("convert", WEIGHTS="pretrained", **said)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"PASS {MODEL}  ")


def test_unknown_model_names_the_nearest(make: Make) -> None:
    result = make("convert", MODEL="inception_v33")
    assert result.returncode == 2
    assert "Did you mean inception_v3" in result.stderr
