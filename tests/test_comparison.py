from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf2torch import cli, files

pytestmark = pytest.mark.usefixtures("workplace")

Result = Callable[..., Any]


def convert(engine: str, report: Any, lines: int, **status: object) -> None:
    """What a conversion with an engine leaves."""
    folder = Path("output/net", "" if engine == "native" else engine)
    about = {"verdict": "PASS", "weights": "pretrained", "stage": "evaluate", "exit_code": 0, "error": None, **status}
    files.write_json(folder / "status.json", {**about, "engine": engine})
    if report:
        files.write_json(folder / "report.json", report)
    files.write_text(folder / "converted_pytorch.py", "x = 1\n" * lines)


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    assert cli.main(["compare"]) == 0
    table = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    return {line[:16].strip(): line[16:].split() for line in table}


def test_two_verdicts(new_result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    convert("native", new_result(), 153)
    convert("mmdnn", new_result(verdict="FAIL"), 2011, verdict="FAIL", exit_code=5)
    assert shown(capsys) == {
        "net": ["native", "mmdnn"],
        "verdict": ["PASS", "FAIL"],
        "weights": ["pretrained", "pretrained"],
        "error": ["2.0e-07", "2.0e-07"],
        "tolerance": ["1.0e-06", "1.0e-06"],
        "top-1 equal": ["10/10", "10/10"],
        "parameters": ["23,851,784", "23,851,784"],
        "source lines": ["153", "2,011"],
    }


def test_an_engine_that_failed(new_result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    """An old report and old source of it count for nothing."""
    convert("native", new_result(), 153)
    convert("mmdnn", new_result(), 2011, verdict=None, stage="codegen", exit_code=4, error="MMdnn cannot.")
    assert cli.main(["compare"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\nmmdnn: MMdnn cannot.\n")
    assert cli.main(["compare", "--json"]) == 0
    columns = json.loads(capsys.readouterr().out)["engines"]
    assert columns["mmdnn"]["verdict"] == "failed in codegen"
    assert columns["mmdnn"]["source lines"] is columns["mmdnn"]["error"] is None
    assert columns["native"]["source lines"] == 153


def test_an_engine_that_has_not_tried(new_result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    convert("native", new_result(), 153)
    assert cli.main(["compare"]) == 3
    assert "The engine mmdnn has not converted net yet. `make compare MODEL=net` runs both." in capsys.readouterr().err
