"""Where the two engines' results stand, what their stages read, and which options are for which."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tf2torch import cli, closure, engines, files, stage
from tf2torch.engines import native
from tf2torch.job import ENGINES, Job

OPTIONS = [
    ("SOURCE", "models/net.pb"),
    ("INPUT", "x"),
    ("OUTPUT", "y:0"),
    ("FORMATS", "pt2"),
    ("PROOF", "1"),
    ("BISECT", "1"),
    ("AUX_LOGITS", "1"),
]


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    return new_job(engine="native")


def test_native_is_the_default(job: Job, tmp_path: Path) -> None:
    assert ENGINES[0] == "native"
    other = replace(job, engine="mmdnn")
    assert (job.output, job.work) == (tmp_path / "output/net", tmp_path / "work/net")
    assert (other.output, other.work) == (tmp_path / "output/net/mmdnn", tmp_path / "work/net/mmdnn")
    assert job.intermediate("export", "graph.json") == tmp_path / "work/net/export/graph.json"


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_has_every_stage(engine: str) -> None:
    stages = engines.stages(engine)
    assert tuple(stages) == engines.NAMES
    for name, step in stages.items():
        assert set(step.options) <= set(Job.__slots__)
        assert ("torch" in step.packages) == (name != "export")
        assert closure._file(f"tf2torch.engines.{engine}.{name}").is_file()


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"proof": True}, {"export"}),
        ({"bisect": True}, {"export", "evaluate"}),
        ({"input_names": ("x",)}, {"export"}),
        ({"output_names": ("x",)}, {"export"}),
        ({"formats": ("npy",)}, {"build", "evaluate"}),
        ({"device": "cuda"}, {"evaluate"}),
        ({"seed": 1}, {"export", "codegen"}),
    ],
)
def test_which_stages_an_option_is_for(job: Job, changes: dict[str, Any], stages: set[str]) -> None:
    def read(job: Job) -> dict[str, Any]:
        found = engines.stages("native")
        return {name: {option: getattr(job, option) for option in step.options} for name, step in found.items()}

    before, after = read(job), read(replace(job, **changes))
    assert {name for name in before if before[name] != after[name]} == stages


FILES = (
    "net.pb",
    "own.ckpt-7.meta",
    "own.ckpt-7.index",
    "own.ckpt-7.data-00000-of-00001",
    "own.ckpt-70.meta",
    "v1.ckpt",
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("net.pb", ["net.pb"]),
        ("own.ckpt-7.meta", sorted(FILES[1:4])),
        ("own.ckpt-7", sorted(FILES[1:4])),
        ("own.ckpt-7.index", sorted(FILES[1:4])),
        ("v1.ckpt", ["v1.ckpt"]),
        ("saved", ["saved_model.pb", "variables.index"]),
        ("nowhere.pb", ["nowhere.pb"]),
    ],
)
def test_the_files_of_a_source(tmp_path: Path, source: str, found: list[str]) -> None:
    for name in (*FILES, "saved/saved_model.pb", "saved/variables/variables.index"):
        files.write_text(tmp_path / name, name)
    assert [path.name for path in native.source_files(tmp_path / source)] == found


def test_a_source_takes_the_place_of_the_checkpoint(job: Job, tmp_path: Path) -> None:
    files.write_text(tmp_path / "models/net.ckpt", "published")
    files.write_text(tmp_path / "elsewhere/net.pb", "own")
    inputs = stage.key(engines.stages("native")["export"], replace(job, source=tmp_path / "elsewhere/net.pb"))["inputs"]
    assert set(inputs) == {"net.toml", "net.pb"}
    assert set(stage.key(engines.stages("native")["export"], job)["inputs"]) == {"net.toml", "net.ckpt"}


# ---- the command line


@pytest.fixture
def jobs(workplace: None, monkeypatch: pytest.MonkeyPatch) -> list[Job]:  # noqa: ARG001  # the folder it runs in
    """The jobs with which `tf2torch export` has been run, with the default engine."""
    seen: list[Job] = []
    exporting = SimpleNamespace(run=lambda job, *_: seen.append(job))
    monkeypatch.delenv("ENGINE")
    monkeypatch.setitem(sys.modules, "tf2torch.engines.native.export", exporting)  # type: ignore[arg-type]  # no module
    return seen


def test_what_is_said_reaches_the_job(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"INPUT": "a, b:1", "OUTPUT": "y", "FORMATS": "pt2,npy", "PROOF": "1", "BISECT": "0", "SOURCE": "my/x.pb"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["export"]) == 0
    (job,) = jobs
    assert (job.engine, job.source) == ("native", Path("my/x.pb"))
    assert (job.input_names, job.output_names) == (("a", "b:1"), ("y",))
    assert (job.formats, job.proof, job.bisect) == (("npy", "pt2"), True, False)
    assert Path("output/net/status.json").is_file()


@pytest.mark.parametrize(
    ("source", "model", "name"),
    [("my/frozen_graph.pb", "", "frozen_graph"), ("my/own.ckpt-7", "", "own"), ("a b-c.pb", "", "a_b_c")],
)
def test_a_source_gives_the_model_its_name(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch, source: str, model: str, name: str
) -> None:
    monkeypatch.setenv("MODEL", model)
    assert cli.main(["export", "--source", source]) == 0
    assert jobs[0].name == name


def test_without_a_source_there_is_a_default_model(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL", "")
    assert cli.main(["export"]) == 0
    assert jobs[0].name == "inception_v3"


@pytest.mark.parametrize(("name", "value"), OPTIONS)
@pytest.mark.usefixtures("workplace")
def test_mmdnn_refuses_what_only_native_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert cli.main(["export"]) == 2
    assert capsys.readouterr().err == f"tf2torch: The engine mmdnn has no {name}; ENGINE=native has.\n"


def test_an_unknown_format(jobs: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "--formats", "npy,onnx"]) == 2
    assert capsys.readouterr().err == "tf2torch: FORMATS=onnx is not known. It is npy or pt2, or both with a comma.\n"
    assert jobs == []


@pytest.mark.usefixtures("jobs")
def test_a_source_is_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "--source", "my/x.pb"]) == 0
    assert "nothing to fetch for SOURCE=my/x.pb" in capsys.readouterr().err


@pytest.mark.usefixtures("workplace")
def test_the_operations(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ops"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "activation" in lines
    assert any(line.split()[:1] == ["LeakyRelu"] for line in lines)
    assert lines[-1].endswith(" operations")
