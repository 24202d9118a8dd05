"""The whole road in one command: a child process per stage."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tf2torch import cli, files, road

pytestmark = pytest.mark.usefixtures("workplace")

Start = Callable[..., AbstractContextManager[subprocess.Popen[str]]]


def children(monkeypatch: pytest.MonkeyPatch, **codes: int) -> list[str]:
    """Stands in for the child processes; `codes` are the exit codes that are not 0."""
    ran: list[str] = []

    def run(command: str, _: object) -> int:
        ran.append(command)
        return codes.get(command, 0)

    monkeypatch.setattr(road, "_child", run)
    return ran


@pytest.mark.parametrize(
    ("arguments", "first"), [([], "fetch"), (["--weights", "random"], "export"), (["--source", "my/x.pb"], "export")]
)
def test_every_stage_runs(monkeypatch: pytest.MonkeyPatch, arguments: list[str], first: str) -> None:
    ran = children(monkeypatch)
    assert cli.main(["convert", "--engine", "native", *arguments]) == 0
    assert ran == [*(["fetch"] if first == "fetch" else []), "export", "codegen", "build", "evaluate"]


@pytest.mark.parametrize("code", [1, 3, 5, 130])
def test_the_first_failure_ends_it(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    ran = children(monkeypatch, codegen=code)
    assert cli.main(["convert", "--weights", "random"]) == code
    assert ran == ["export", "codegen"]


def test_a_child_that_was_killed_for_its_memory_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    children(monkeypatch, build=137)
    assert cli.main(["convert", "--weights", "random"]) == 137
    status = files.read_json(Path("output/net/mmdnn/status.json"))
    assert (status["stage"], status["exit_code"]) == ("build", 137)


def test_a_child_has_the_same_options(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = tmp_path / "python"
    names = ("MODEL", "ENGINE", "WEIGHTS", "SEED", "OUTPUT", "PROOF", "BISECT", "FROM", "MODELS_FOLDER")
    script.write_text(
        f'#!/bin/sh\nprintf \'["%s"\' "$3"\nprintf \',"%s"\' {" ".join(f"${name}" for name in names)}\necho ]\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    said = ["--engine", "native", "--weights", "random", "--seed", "7", "--output", "a:0", "--proof", "--from", "build"]
    assert cli.main(["convert", *said]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == ["export", "codegen", "build", "evaluate"]
    assert rows[0][1:] == ["net", "native", "random", "7", "a:0", "1", "0", "build", "models"]


SLEEPING = """#!/bin/sh
trap 'echo put right; exit 130' INT
echo working
while :; do sleep 0.1; done
"""
CONVERT = """
import sys
from tf2torch import cli
sys.executable = sys.argv[1]
sys.exit(cli.main(["convert", "--model", "net", "--weights", "random"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_child_and_waits_for_it(start_python: Start, tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "python"
    script.write_text(SLEEPING)
    script.chmod(0o755)
    with start_python(CONVERT, script, cwd=tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "put right\n", "")


def test_an_unknown_model_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = children(monkeypatch)
    assert cli.main(["convert", "--model", "nonsense"]) == 2
    assert ran == []
