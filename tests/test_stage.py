from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tf2torch import closure, engines, files, stage
from tf2torch.errors import MachineError, UnsupportedError
from tf2torch.job import Job

STAGES = engines.stages("mmdnn")
EXPORT, CODEGEN, EVALUATE = (STAGES[name] for name in ("export", "codegen", "evaluate"))
KILLED = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from tf2torch import engines, files, recipe, stage
from tf2torch.job import Job

def run(job, kept, products):
    (kept / "new").write_text("new")
    (products / "converted.pb").write_text("new")
    if sys.argv[2] == "while it works":
        os.kill(os.getpid(), 9)

def write_json(path, data):
    os.kill(os.getpid(), 9)

root = Path(sys.argv[1])
sys.modules["tf2torch.engines.mmdnn.export"] = SimpleNamespace(run=run)
files.write_json = write_json
net = recipe.Recipe("net", "net", 1001, 224, "inception", "net/logits")
export = engines.stages("mmdnn")["export"]
stage.run(export, Job(net, "mmdnn", "pretrained", 0, None, "cpu", *(root / name for name in FOLDERS)))
"""


@pytest.fixture
def job(new_job: Callable[..., Job], tmp_path: Path) -> Job:
    """A job whose export has run, with a checkpoint and two images."""
    images = tmp_path / "images"
    for name in ("labels.csv", "a/1.png", "b/1.png"):
        path = images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    job = new_job(images=images)
    (job.models / "net.toml").write_text("recipe")
    (job.models / "net.ckpt.index").write_text("checkpoint")
    return job


@pytest.fixture
def exported(job: Job, fake_stages: dict[str, Any]) -> Job:
    stage.run(EXPORT, job)
    assert fake_stages["export"].calls == 1
    return job


def listing(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def everything(job: Job) -> dict[str, str]:
    return {**listing(job.work_root), **listing(job.output_root)}


# ---- when it runs


def test_a_stage_that_never_ran(job: Job) -> None:
    assert stage.stale(EXPORT, job) == "not done yet"


def test_a_finished_stage_holds(exported: Job) -> None:
    assert stage.stale(EXPORT, exported) is None
    assert listing(exported.output) == {
        "converted.pb": "converted.pb of export",
        "converted.npy": "converted.npy of export",
    }
    assert exported.intermediate("export", "export.safetensors").read_text() == "intermediate of export"


def test_it_holds_wherever_the_folders_are_mounted(exported: Job, tmp_path: Path) -> None:
    moved = tmp_path.parent / f"{tmp_path.name} moved"
    tmp_path.rename(moved)
    folders = {name: moved / getattr(exported, name).name for name in ("models", "work_root", "output_root", "images")}
    assert stage.stale(EXPORT, replace(exported, **folders)) is None  # type: ignore[arg-type]  # all are paths


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": 1}, "options changed: seed"),
        ({"weights": "random"}, "options changed: weights"),
        ({"seed": 1, "weights": "random"}, "options changed: weights, seed"),
        ({"images": None}, "inputs changed: a/1.png, b/1.png, labels.csv"),
        ({"device": "cuda"}, None),  # only evaluate reads it
    ],
)
def test_a_changed_option(exported: Job, changes: dict[str, Any], reason: str | None) -> None:
    assert stage.stale(EXPORT, replace(exported, **changes)) == reason


@pytest.mark.parametrize("changed", ["models/net.toml", "models/net.ckpt.index", "images/labels.csv", "images/b/1.png"])
@pytest.mark.parametrize("how", ["altered", "deleted"])
def test_a_changed_input(exported: Job, tmp_path: Path, changed: str, how: str) -> None:
    path = tmp_path / changed
    path.write_text("altered") if how == "altered" else path.unlink()
    name = changed.partition("/")[2]
    assert stage.stale(EXPORT, exported) == f"inputs changed: {name}"


@pytest.mark.parametrize("new", ["models/net.ckpt.data-00000-of-00001", "images/c/1.png"])
def test_a_new_input(exported: Job, tmp_path: Path, new: str) -> None:
    (tmp_path / new).parent.mkdir(exist_ok=True)
    (tmp_path / new).write_text("new")
    assert stage.stale(EXPORT, exported) == f"inputs changed: {new.partition('/')[2]}"


@pytest.mark.usefixtures("fake_stages")
def test_random_weights_need_no_checkpoint(job: Job) -> None:
    random = replace(job, weights="random")
    stage.run(EXPORT, random)
    (job.models / "net.ckpt.index").write_text("altered")
    assert stage.stale(EXPORT, random) is None


def test_images_of_the_same_name_in_two_folders_are_two_inputs(exported: Job) -> None:
    inputs = stage.key(EXPORT, exported)["inputs"]
    assert {"a/1.png", "b/1.png", "labels.csv", "net.toml", "net.ckpt.index"} == set(inputs)
    assert inputs["a/1.png"] != inputs["b/1.png"]


def test_the_source_matters(exported: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closure, "source_hash", lambda module: f"hash of {module}")
    assert stage.stale(EXPORT, exported) == "source changed: tf2torch itself"
    assert stage.key(EXPORT, exported)["source"] == "hash of tf2torch.engines.mmdnn.export"


def test_the_versions_of_packages_matter(exported: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    version = stage._version
    monkeypatch.setattr(stage, "_version", lambda name: "0" if name in ("numpy", "tf-slim") else version(name))
    assert stage.stale(EXPORT, exported) == "packages changed: tf-slim, numpy"


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert stage._version("no-such-package-at-all") is None


def test_no_key_imports_a_framework(python: Callable[..., object], tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tf2torch import engines, recipe, stage
from tf2torch.job import Job
net = recipe.load(Path({str(Path(__file__).parents[1] / "models")!r}), "inception_v3")
for engine in ("native", "mmdnn"):
    job = Job(net, engine, "random", 0, None, "cpu", Path("models"), Path("work"), Path("output"))
    assert all(stage.key(each, job)["source"] for each in engines.stages(engine).values())
"""
    python(code, hide=("tensorflow", "torch", "mmdnn", "numpy", "PIL"), cwd=tmp_path)


PLACES = {
    "converted.pb": "output/net/mmdnn/converted.pb",
    "export.safetensors": "work/net/mmdnn/export/export.safetensors",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_result_that_was_touched(exported: Job, tmp_path: Path, name: str) -> None:
    path = tmp_path / PLACES[name]
    path.write_text("spoilt")
    assert stage.stale(EXPORT, exported) == f"{name} is not what was written"
    path.unlink()
    assert stage.stale(EXPORT, exported) == f"{name} is missing"
    stage.run(EXPORT, exported)
    assert stage.stale(EXPORT, exported) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": 1}', '{"key": {}, "products": {}}'])
def test_a_broken_stamp_counts_for_none(exported: Job, fake_stages: dict[str, Any], content: str) -> None:
    (exported.work / "export.stamp.json").write_text(content)
    assert stage.stale(EXPORT, exported) is not None
    stage.run(EXPORT, exported)
    assert stage.stale(EXPORT, exported) is None
    assert fake_stages["export"].calls == 2


# ---- what a run leaves


@pytest.mark.parametrize("error", [UnsupportedError("Cumsum"), RuntimeError(), KeyboardInterrupt(), MemoryError()])
def test_a_run_that_stops_leaves_the_earlier_results(
    exported: Job, fake_stages: dict[str, Any], error: BaseException
) -> None:
    before = everything(exported)
    fake_stages["export"].products = {"converted.pb": "half"}
    fake_stages["export"].error = error
    changed = replace(exported, seed=1)
    with pytest.raises(type(error)):
        stage.run(EXPORT, changed)
    assert everything(exported) == before
    assert sorted(path.name for path in exported.work.iterdir()) == ["export", "export.stamp.json"]
    assert stage.stale(EXPORT, exported) is None
    assert stage.stale(EXPORT, changed) == "options changed: seed"


def test_a_first_run_that_stops_leaves_nothing(job: Job, fake_stages: dict[str, Any]) -> None:
    fake_stages["export"].error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        stage.run(EXPORT, job)
    assert everything(job) == {}


def test_a_full_disk_is_said(exported: Job, fake_stages: dict[str, Any]) -> None:
    fake_stages["export"].error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(MachineError, match="No space left"):
        stage.run(EXPORT, replace(exported, seed=1))
    assert stage.stale(EXPORT, exported) is None


def test_what_is_not_made_any_more_is_gone(exported: Job, fake_stages: dict[str, Any]) -> None:
    (exported.output / "notes.txt").write_text("of the user")
    fake_stages["export"].products = {"converted.pb": "new", "more.pb": "new"}
    fake_stages["export"].kept = {"new.json": "new"}
    stage.run(EXPORT, replace(exported, seed=1))
    assert listing(exported.output) == {"converted.pb": "new", "more.pb": "new", "notes.txt": "of the user"}
    assert listing(exported.work / "export") == {"new.json": "new"}


def test_the_stages_do_not_touch_each_other(exported: Job, fake_stages: dict[str, Any]) -> None:
    before = everything(exported)
    stage.run(CODEGEN, exported)
    assert before.items() < everything(exported).items()
    assert stage.stale(CODEGEN, exported) is None
    fake_stages["export"].products["converted.pb"] = "new"
    stage.run(EXPORT, replace(exported, seed=1))
    assert stage.stale(CODEGEN, exported) == "inputs changed: converted.pb"
    assert (exported.output / "converted_pytorch.py").is_file()


@pytest.mark.parametrize("moment", ["while it works", "before its stamp"])
def test_a_killed_run_is_repeated(exported: Job, python: Callable[..., object], tmp_path: Path, moment: str) -> None:
    folders = f"FOLDERS = {[path.name for path in (exported.models, exported.work_root, exported.output_root)]}\n"
    changed = replace(exported, images=None)
    python(folders + KILLED, tmp_path, moment, cwd=tmp_path, status=-9)
    reason = "inputs changed: a/1.png, b/1.png, labels.csv" if moment == "while it works" else "not done yet"
    assert stage.stale(EXPORT, changed) == reason
    assert stage.stale(EXPORT, exported) == (None if moment == "while it works" else "not done yet")
    stage.run(EXPORT, changed)
    assert stage.stale(EXPORT, changed) is None
    assert sorted(path.name for path in exported.work.iterdir()) == ["export", "export.stamp.json"]


def test_a_stop_while_publishing_is_repeated(
    exported: Job, fake_stages: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    fake_stages["export"].products = {"converted.pb": "new"}
    with monkeypatch.context() as patch:
        patch.setattr(files, "copy", stop)
        with pytest.raises(KeyboardInterrupt):
            stage.run(EXPORT, exported)
    assert stage.stale(EXPORT, exported) is not None
    stage.run(EXPORT, exported)
    assert listing(exported.output) == {"converted.pb": "new"}


def test_one_run_at_a_time(job: Job, fake_stages: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is held while the stage works, and the key is taken after it: a run that waited sees today's inputs."""
    events: list[object] = []
    alone, key = files.alone, stage.key

    def watched(folder: Path, activity: str) -> Any:
        events.append(folder)
        return alone(folder, activity)

    monkeypatch.setattr(files, "alone", watched)
    monkeypatch.setattr(stage, "key", lambda *arguments: events.append("key") or key(*arguments))
    monkeypatch.setattr(fake_stages["export"], "run", lambda *_: events.append("run"))
    stage.run(EXPORT, job)
    assert events == [job.work, "key", "run"]


@pytest.mark.usefixtures("fake_stages")
def test_seconds_and_image_are_on_record(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "image.json"
    record.write_text('{"side": "tensorflow"}')
    monkeypatch.setattr(stage, "IMAGE_RECORD", record)
    monkeypatch.setenv("TF2TORCH_IMAGE", "sha256:abc")
    seconds = stage.run(EXPORT, job)
    stamp = stage.read_stamp("export", job)
    assert stamp is not None
    assert stamp["image"] == {"side": "tensorflow", "id": "sha256:abc"}
    assert 0 <= stamp["seconds"] <= seconds + 0.01
    assert stamp["products"]["converted.pb"] == files.sha256(job.output / "converted.pb")


def test_outside_of_an_image_there_is_none(exported: Job) -> None:
    stamp = stage.read_stamp("export", exported)
    assert stamp is not None
    assert stamp["image"] is None


def test_the_module_of_a_stage(job: Job) -> None:
    assert [stage.module_of(each, job) for each in STAGES.values()] == [
        f"tf2torch.engines.mmdnn.{name}" for name in ("export", "codegen", "build", "evaluate")
    ]
    assert "torch" in EVALUATE.packages
    assert "torch" not in EXPORT.packages
