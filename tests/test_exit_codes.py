"""How a command ends: the code, the words, and what stays behind."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tf2torch import cli, errors, files

STATUS = Path("output/net/mmdnn/status.json")
RUNNING = """
import signal, sys, time
from types import SimpleNamespace
from tf2torch import cli

def run(job, kept, products):
    (products / "converted.pb").write_text("half")
    WORK

sys.modules["tf2torch.engines.mmdnn.export"] = SimpleNamespace(run=run)
sys.exit(cli.main(["export", "--model", "net", "--engine", "mmdnn"]))
"""

WORKS = {
    "sleeping": """
    print("working", flush=True)
    time.sleep(60)
""",
    "dropping it": """
    class Finalised:
        def __del__(self):
            print("working", flush=True)
            time.sleep(60)
    Finalised()
    time.sleep(60)
""",
    "putting things right": """
    try:
        print("working", flush=True)
        time.sleep(60)
    finally:
        time.sleep(2 * cli._AGAIN)
        print("done", flush=True)
""",
}

pytestmark = pytest.mark.usefixtures("workplace")

ENDS: dict[str, tuple[BaseException, int, str]] = {
    "usage": (errors.UsageError("The recipe names no network."), 2, "The recipe names no network."),
    "input": (errors.InputError("There is no checkpoint."), 3, "There is no checkpoint."),
    "unsupported": (errors.UnsupportedError("Cumsum (a, b)"), 4, r"Cumsum \(a, b\)"),
    "parity": (errors.ParityError("A tuple, not a tensor."), 5, "A tuple, not a tensor."),
    "machine": (errors.MachineError("No GPU."), 6, "No GPU."),
    "no space": (OSError(28, "No space left on device"), 6, "No space left to write .*work/net/mmdnn.*"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "Stopped. What was finished is kept; .*"),
    "memory": (MemoryError(), 137, "Out of memory. .*"),
    "a fault": (ZeroDivisionError("division"), 1, "Unexpected ZeroDivisionError: division. .*output/error.log.*"),
}


@pytest.mark.parametrize(("error", "code", "words"), ENDS.values(), ids=ENDS)
def test_how_a_stage_ends(
    fake_stages: dict[str, Any], capfd: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    fake_stages["export"].error = error
    assert cli.main(["export"]) == code
    out, err = capfd.readouterr()
    announced, said = err.splitlines()
    assert announced == "Exporting net (not done yet)"
    assert re.fullmatch(f"tf2torch: {words}", said)
    assert out == ""
    status = files.read_json(STATUS)
    assert (status["stage"], status["exit_code"], status["verdict"]) == ("export", code, None)
    assert f"tf2torch: {status['error']}" == said
    assert sorted(path.name for path in Path("output/net/mmdnn").iterdir()) == ["manifest.json", "status.json"]


def test_every_error_has_a_code_of_its_own() -> None:
    family = [error for error in errors.Tf2TorchError.__subclasses__() if error.__module__ == errors.__name__]
    codes = [error.exit_code for error in family]
    assert sorted(codes) == [2, 3, 4, 5, 6]
    assert len(family) == len(set(codes))


def test_the_traceback_of_a_fault_is_kept(fake_stages: dict[str, Any]) -> None:
    fake_stages["export"].error = ZeroDivisionError("division")
    assert cli.main(["export"]) == 1
    log = Path("output/error.log").read_text()
    assert log.startswith("Traceback (most recent call last):")
    assert log.rstrip().endswith("ZeroDivisionError: division")


def test_a_fault_that_cannot_be_logged_is_printed(
    fake_stages: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    fake_stages["export"].error = ZeroDivisionError("division")
    Path("output/error.log").mkdir()
    assert cli.main(["export"]) == 1
    assert "Traceback (most recent call last):" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["fetch", "export", "evaluate", "report", "plan", "info", "tensorboard"])
def test_an_unknown_model(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert cli.main([command, "--model", "inception_3"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tf2torch: Unknown model 'inception_3'")
    assert "Did you mean inception_v3, inception_v1?" in said
    assert not list(Path("output").iterdir())


@pytest.mark.parametrize(
    ("name", "known"),
    [("WEIGHTS", "pretrained or random"), ("ENGINE", "native or mmdnn"), ("FROM", "export or codegen or build")],
)
@pytest.mark.parametrize("command", ["export", "list"])
def test_an_unknown_choice_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, known: str, command: str
) -> None:
    monkeypatch.setenv(name, "foo")
    assert cli.main([command]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tf2torch: {name}=foo is not known. It is ")
    assert known in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["transform"], ["export", "--engine", "foo"], ["export", "--weights", "foo"], ["export", "--seed", "x"]],
)
def test_a_wrong_command_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: tf2torch")


def test_a_seed_that_is_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SEED", "many")
    with pytest.raises(SystemExit) as caught:
        cli.main(["export"])
    assert caught.value.code == 2
    assert "invalid int value: 'many'" in capsys.readouterr().err


def test_a_folder_of_images_that_is_not_there(
    fake_stages: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGES", "photos")
    assert cli.main(["export"]) == 3
    assert "IMAGES=photos is not a folder" in capsys.readouterr().err
    assert fake_stages["export"].calls == 0


@pytest.mark.parametrize("folder", ["--work-folder", "--output-folder"])
def test_a_folder_that_cannot_be_written(
    fake_stages: dict[str, Any], capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    """Nobody, not even root, makes folders in sysfs."""
    assert cli.main(["export", folder, "/sys/tf2torch"]) == 6
    said = capsys.readouterr().err
    assert "tf2torch: Cannot write /sys/tf2torch as user" in said
    assert "make env" in said
    assert fake_stages["export"].calls == 0


def test_a_model_that_leads_elsewhere_leaves_nothing_there(workplace: None, tmp_path: Path) -> None:  # noqa: ARG001
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(["export", "--model", "..", "--network", "net"]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_no_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--models-folder", "nowhere"]) == 2
    assert "There is no folder nowhere" in capsys.readouterr().err


Start = Callable[..., AbstractContextManager[subprocess.Popen[str]]]


def _running(work: str) -> str:
    return RUNNING.replace("    WORK\n", WORKS[work])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_run(start_python: Start, tmp_path: Path, number: signal.Signals) -> None:
    with start_python(_running("sleeping"), cwd=tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err.splitlines()[1].startswith("tf2torch: Stopped.")
    assert len(err.splitlines()) == 2
    assert (files.read_json(STATUS)["stage"], files.read_json(STATUS)["exit_code"]) == ("export", 130)
    assert list((tmp_path / ".cache" / "work" / "net" / "mmdnn").iterdir()) == []
    assert not (tmp_path / "output" / "net" / "mmdnn" / "converted.pb").exists()


@pytest.mark.parametrize(
    ("work", "printed", "noted"),
    [("dropping it", "", "Exception ignored in"), ("putting things right", "done\n", "")],
)
def test_a_signal_that_python_drops_comes_again(
    start_python: Start, tmp_path: Path, work: str, printed: str, noted: str
) -> None:
    """An exception in a finaliser is dropped; so are some in C++. It does not come upon what puts things right."""
    with start_python(_running(work), cwd=tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, process.returncode) == (printed, 130)
    assert noted in err
    assert err.splitlines()[-1].startswith("tf2torch: Stopped.")
