from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf2torch import cli, engines, errors, files

pytestmark = pytest.mark.usefixtures("workplace")


def record(name: str, model: str = "net") -> Any:
    return files.read_json(Path("output", model, "mmdnn", f"{name}.json"))


def convert() -> None:
    for name in engines.NAMES:
        assert cli.main([name]) == 0


# ---- running stages


def test_a_stage_runs_once(fake_stages: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert [cli.main(["export"]), cli.main(["export"])] == [0, 0]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Exporting net (not done yet)"
    assert re.fullmatch(r"Exporting net: done in \d+\.\d s", said[1])
    assert said[2:] == ["Exporting net: unchanged, skipped"]
    assert fake_stages["export"].calls == 1
    assert record("status")["exit_code"] == 0
    assert set(record("manifest")["products"]) == {"converted.pb", "converted.npy"}


def test_a_failed_stage_runs_again(fake_stages: dict[str, Any]) -> None:
    fake_stages["export"].error = errors.InputError("There is no checkpoint.")
    assert cli.main(["export"]) == 3
    fake_stages["export"].error = None
    assert cli.main(["export"]) == 0
    assert (record("status")["exit_code"], record("status")["error"]) == (0, None)


@pytest.mark.parametrize(
    ("variable", "value", "runs"),
    [
        ("FORCE", "1", ["export", "codegen", "build", "evaluate"]),
        ("FORCE", "0", []),
        ("FORCE", "", []),
        ("FROM", "export", ["export", "codegen", "build", "evaluate"]),
        ("FROM", "build", ["build", "evaluate"]),
        ("FROM", "", []),
        ("DEVICE", "cuda", ["evaluate"]),
    ],
)
def test_what_runs_again(
    fake_stages: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    runs: list[str],
) -> None:
    convert()
    monkeypatch.setenv(variable, value)
    capsys.readouterr()
    assert cli.main(["plan"]) == 0
    planned = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [name for name, what, *_ in planned if what == "run"] == runs
    convert()
    assert [name for name, fake in fake_stages.items() if fake.calls == 2] == runs


@pytest.mark.usefixtures("fake_stages")
def test_an_evaluation_ends_with_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    convert()
    out, err = capsys.readouterr()
    compared = [" ".join(line.split()) for line in err.splitlines()[-4:]]
    assert compared[0] == "converted_pytorch.pth batch 1 max rel diff 2.0e-07 (tolerance 1.0e-06) top-1 1/1 PASS"
    assert compared[3] == (
        "KitModel(converted_pytorch.npy) batch 10 max rel diff 2.0e-07 (tolerance 1.0e-06) top-1 10/10 PASS"
    )
    assert re.fullmatch(
        r"PASS net  23\.9 M parameters  max rel diff 2\.0e-07  top-1 10/10  0 s"
        r"  -> output/net/mmdnn/report\.md\n",
        out,
    )
    assert (record("status")["verdict"], record("status")["exit_code"]) == ("PASS", 0)


def test_a_failed_comparison_is_5_and_keeps_the_files(
    fake_stages: dict[str, Any], new_result: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    fake_stages["evaluate"].products["report.json"] = json.dumps(new_result(verdict="FAIL"))
    for name in ("export", "codegen", "build"):
        assert cli.main([name]) == 0
    assert cli.main(["evaluate"]) == 5
    assert capsys.readouterr().out.startswith("FAIL net  ")
    status = record("status")
    assert (status["verdict"], status["exit_code"], status["error"]) == ("FAIL", 5, None)
    assert Path("output/net/mmdnn/report.md").is_file()
    assert cli.main(["evaluate"]) == 5  # skipped, and still a failure
    assert fake_stages["evaluate"].calls == 1


def test_a_report_of_another_version_counts_for_none(new_result: Callable[..., object]) -> None:
    files.write_json(Path("output/net/mmdnn/report.json"), new_result(schema=0))
    assert cli.main(["report"]) == 3


@pytest.mark.usefixtures("fake_stages")
def test_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    convert()
    capsys.readouterr()
    assert cli.main(["report"]) == 0
    text, verdict = capsys.readouterr().out.splitlines()
    assert text == "report.md of evaluate"
    assert verdict.startswith("PASS net")


def test_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report"]) == 3
    said = capsys.readouterr().err
    assert said == "tf2torch: net has not been evaluated yet. `make convert MODEL=net ENGINE=mmdnn` does it.\n"


# ---- plan, mark, fetch, list, info


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert cli.main(["plan", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("fake_stages")
def test_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(capsys) == [f"{name:<10} run   not done yet" for name in ("export", "codegen", "build", "evaluate")]
    convert()
    assert plan(capsys) == [
        "export     skip  unchanged",
        "codegen    skip  unchanged",
        "build      skip  unchanged",
        "evaluate   skip  unchanged",
    ]
    Path("output/net/mmdnn/converted_pytorch.py").unlink()
    assert plan(capsys) == [
        "export     skip  unchanged",
        "codegen    run   converted_pytorch.py is missing",
        "build      run   inputs changed: converted_pytorch.py",
        "evaluate   run   inputs changed: converted_pytorch.py",
    ]
    assert plan(capsys, "--force") == [f"{name:<10} run   asked for" for name in engines.NAMES]
    Path("output/net/mmdnn/converted_pytorch.py").write_text("converted_pytorch.py of codegen")
    assert plan(capsys, "--stages", "build", "evaluate", "--runs-before") == [
        "build      run   a stage before it runs",
        "evaluate   run   a stage before it runs",
    ]


@pytest.mark.usefixtures("fake_stages")
def test_a_plan_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    plan(capsys)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["export", "evaluate", "fetch"])
def test_marking_how_a_container_ended(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert cli.main(["mark", name, "137", "Out of memory."]) == 137
    assert capsys.readouterr().err == "tf2torch: Out of memory.\n"
    status = record("status")
    assert (status["stage"], status["exit_code"], status["error"]) == (name, 137, "Out of memory.")


@pytest.mark.parametrize("arguments", [["mmdnn", "1", "x"], ["export", "6", "x", "--model", "none"]])
def test_what_is_no_stage_of_a_model_is_not_put_on_record(arguments: list[str]) -> None:
    assert cli.main(["mark", *arguments]) == int(arguments[1])
    assert not list(Path("output").iterdir())


def test_a_recipe_without_a_network_needs_the_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (tmp_path / "models" / "net.toml").read_text().replace('"net"', '""', 1)
    (tmp_path / "models" / "net.toml").write_text(text)
    assert cli.main(["fetch"]) == 2
    assert "SOURCE=file" in capsys.readouterr().err


def test_random_weights_are_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "--weights", "random"]) == 0
    assert "nothing to fetch" in capsys.readouterr().err


def test_weights_that_nobody_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch"]) == 3
    assert "net" in capsys.readouterr().err
    assert record("status")["stage"] == "fetch"


def test_list_and_info_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in listed] == ["inception_v1", "inception_v3", "net"]
    assert cli.main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == listed[2]


def test_options_win_over_variables(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info", "--model", "inception_v3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "inception_v3"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("models/net.ckpt", "{models}/net.ckpt"),
        ("output/net/", "{output}/net/"),
        ("--weights=models/net.ckpt", "--weights={models}/net.ckpt"),
        ("net.toml", "{models}/net.toml"),
        ("both", "both"),
        ("tensorflow", "tensorflow"),
        ("-f", "-f"),
        ("other/models/x", "other/models/x"),
    ],
)
def test_paths_of_raw_commands(tmp_path: Path, argument: str, expected: str) -> None:
    models, output = tmp_path / "models", tmp_path / "output"
    for folder in (models, output):
        (folder / "both").write_text("x")
    assert cli._absolute(argument, models, output) == expected.format(models=models, output=output)
