"""`make benchmark` without the measuring: what it needs, runs, prints and writes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tf2torch
from tf2torch import cli, errors, files
from tf2torch.benchmark import child, command

pytestmark = pytest.mark.usefixtures("workplace")

MEASURED: dict[str, Any] = {
    "conversion": {
        "seconds": {"load": 0.5, "passes": 0.5, "write": 0.5, "build": 0.25},
        "weights_megabytes": 95.0,
        "peak_megabytes": {"imports": 230.0, "codegen": 430.0, "build": 600.0},
        "process_seconds": 5.0,
    },
    "latency": {
        "pairs": {"channels_last": [[1.1, 1.0], [1.0, 1.0], [1.05, 1.0]], "contiguous": [[2.0, 1.0]]},
        "threads": 2,
        "torch": "2.13.0",
    },
    "capture": {
        "compile": {"graphs": 1, "breaks": []},
        "export": {"dynamic": ["batch"], "checked": [{"shape": [3, 3, 8, 8], "equal": True, "error": 0.0}]},
    },
}
MMDNN_CANNOT = "MMdnn cannot convert this network."


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked of children. Those of export take 4 s for the native engine, and MMdnn refuses."""
    seen: list[tuple[Any, ...]] = []

    def run(measurement: str, given: argparse.Namespace, folder: Path, *arguments: object) -> dict[str, Any]:
        assert given.engine == "native"
        assert folder.is_dir()
        seen.append((measurement, *arguments))
        if measurement != "export":
            return MEASURED[measurement]
        if arguments[0] == "mmdnn":
            raise errors.UnsupportedError(MMDNN_CANNOT)
        return {"tensorflow": "2.21.0"} if arguments[0] == "checkpoint" else {"seconds": 1.0, "process_seconds": 4.0}

    monkeypatch.setattr(child, "run", run)
    return seen


@pytest.fixture
def exported(workplace: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # which sets another model
    monkeypatch.setenv("MODEL", "inception_v3")
    files.write_text(Path(".cache/work/inception_v3/export/weights.safetensors"), "")


def rows(table: str) -> dict[str, str]:
    """The last word of each line by what stands before its first gap."""
    return {line.strip().partition("  ")[0]: line.split()[-1] for line in table.splitlines()}


@pytest.mark.usefixtures("exported")
def test_both_sides(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark", "--side", "tensorflow", "--runs", "2"]) == 0
    assert [call[1] for call in calls] == ["checkpoint", "mmdnn", "native", "native"]
    assert cli.main(["benchmark", "--side", "pytorch"]) == 0
    assert [call[0] for call in calls[4:]] == [*["conversion"] * 5, "latency", "capture"]
    out = capsys.readouterr().out
    shown = rows(out)
    names = ("codegen + build, without imports", "peak memory of codegen", "torch.compile", "torch.export, dynamic")
    assert [shown[name] for name in names] == ["met"] * 4
    assert shown["ratio, channels_last"] == "MISSED"
    assert f"The export of the engine mmdnn was not measured: {MMDNN_CANNOT}" in out
    written = files.read_json(Path("output/inception_v3/benchmark.json"))
    assert written["schema"] == command.SCHEMA
    assert {figure["name"]: figure["value"] for figure in written["figures"]}["export, whole process"] == 4.0
    assert written["runs"]["latency"]["pairs"]["contiguous"] == [[2.0, 1.0]]
    assert "| codegen + build, without imports | 1.75 s |" in Path("output/inception_v3/benchmark.md").read_text()
    assert [*Path(".cache/work/inception_v3/benchmark").iterdir()] == [
        Path(".cache/work/inception_v3/benchmark/tensorflow.json")
    ]


def test_an_export_that_is_no_slower(calls: list[tuple[Any, ...]]) -> None:  # noqa: ARG001  # no child is to run
    runs = {"native": [{"process_seconds": 4.0, "seconds": 1.0}], "mmdnn": [{"process_seconds": 4.5, "seconds": 0.5}]}
    measured = {name: [found] if name == "conversion" else found for name, found in MEASURED.items()}
    found = {row.name: row for row in command.summary("net", {**measured, "export": {"engines": runs}})}
    assert (found["export, whole process"].met, found["export, without imports"].met) == (True, False)
    assert found["export, whole process"].target == "at most 4.50 s (mmtoir's)"


def test_a_network_that_nobody_wrote_by_hand(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    files.write_text(Path(".cache/work/net/export/weights.safetensors"), "")
    assert cli.main(["benchmark", "--side", "pytorch", "--runs", "1"]) == 0
    out = capsys.readouterr().out
    assert len(calls) == 3
    assert "Nothing to compare the latency with: only inception_v3 and resnet_v1_50 were written by hand." in out
    assert "Export was not measured" in out
    assert "ratio" not in out


def test_nothing_to_measure(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark", "--side", "pytorch"]) == 3
    assert "net has not been exported yet, so there is nothing to measure. `make convert MODEL=net WEIGHTS=random`" in (
        capsys.readouterr().err
    )
    assert calls == []


def test_a_source_of_the_users_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark", "--side", "pytorch", "--source", "x.pb", "--engine", "native"]) == 2
    assert "MODEL= instead of SOURCE=" in capsys.readouterr().err


def given(model: str) -> argparse.Namespace:
    return argparse.Namespace(
        **dict.fromkeys(("images", "source", "input", "output", "formats", "start"), ""),
        **dict.fromkeys(("network", "num_classes", "input_shape", "preprocess", "scope_map"), ""),
        **dict.fromkeys(("force", "offline", "proof", "bisect", "ema", "aux_logits"), False),
        model=model,
        engine="native",
        weights="random",
        seed=0,
        device="cpu",
        devices="1",
        timing=0,
        models_folder="models",
        work_folder=".cache/work",
        output_folder="output",
    )


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """For children, as the scripts do it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(tf2torch.__file__).parents[1]))


@pytest.mark.usefixtures("importable")
def test_an_error_of_the_child(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="Unknown model 'inception_v9'"):
        child.run("latency", given("inception_v9"), tmp_path, tmp_path, 1)


@pytest.mark.usefixtures("importable")
def test_a_child_that_breaks_down(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="measures nothing ended with 1"):
        child.run("nothing", given("net"), tmp_path)
    assert "ModuleNotFoundError" in capfd.readouterr().err


def test_the_command_imports_no_framework(python: Callable[..., object], tmp_path: Path) -> None:
    python("import tf2torch.benchmark.command", hide=("torch", "tensorflow"), cwd=tmp_path)
