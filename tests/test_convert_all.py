"""convert-all: the real driver, with a stand-in for the conversion of one model, which does as its name says."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tf2torch import fleet, job
from tf2torch.zoo import marked, overview, sizes, table

ROOT = Path(__file__).parent.parent
RECIPE = 'network = "net"\nclasses = 10\ninput_size = 8\npreprocessing = "none"\noutput = "net/logits"\n'
# Notes when it begins and ends, and leaves on record what its name promises.
CONVERT = r"""#!/usr/bin/env bash
echo "begin $MODEL $WEIGHTS $TIMING $TF2TORCH_COMMAND" >>journal
format='{"weights": "random, seed 0", "verdict": %s, "exit_code": %s, "stage": "codegen", "error": "Too odd. Really."}'
folder=output/$MODEL
[ "${ENGINE:-native}" = native ] || folder+=/$ENGINE
trap 'echo "stopped $MODEL" >>journal; exit 130' INT
sleep 0.3
case $MODEL in
  wrong*) code=5 verdict='"FAIL"' ;;
  odd*) code=4 verdict=null ;;
  broken*) echo "no such thing" >&2 && exit 6 ;;
  slow*) for i in {1..100}; do sleep 0.1; done ;;
  *) code=0 verdict='"PASS"' ;;
esac
printf "$format" "$verdict" "$code" >"$folder/status.json"
echo "end $MODEL" >>journal
echo "${verdict//\"/} $MODEL"
exit "$code"
"""
STAND_INS = {
    "convert.sh": CONVERT,
    "venv.sh": "#!/bin/sh\necho prepared >>journal\n",
    "env.sh": "#!/bin/sh\ntouch .env\n",
    "images.sh": "#!/bin/sh\n",
}
DOCKER = """#!/bin/sh
case "$*" in *MemTotal*) echo 3221225472 ;; *NCPU*) echo 12 ;; *) echo sha256:0 ;; esac
"""
REPORT = {
    "loaded": {
        "x.pth": {
            "trainable": {"tensorflow": 61_700},
            "parameters": 61_706,
            "comparisons": {"batch 10": {"error": 2e-6, "tolerance": 1e-5, "same_top1": 10, "count": 10}},
            "float64": {"errors": {"outputs": 3e-15}},
        }
    }
}


class Place:
    """A copy of the scripts, with recipes and sizes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name, text in STAND_INS.items():
            (folder / "scripts" / name).write_text(text)
        (folder / "src").symlink_to(ROOT / "src")
        (folder / "models").mkdir()

    def add(self, *models: str, values: int = 0, engine: str = "native") -> None:
        sizes = self.folder / "models" / "sizes.csv"
        with sizes.open("a") as file:
            if not file.tell():
                file.write("model,parameters,values\n")
            for name in models:
                file.write(f"{name},1,{values}\n")
        for name in models:
            (self.folder / "models" / f"{name}.toml").write_text(RECIPE)
            output = self.folder / "output" / job.place(name, engine)
            output.mkdir(parents=True)
            (output / "report.json").write_text(json.dumps(REPORT))
            (output / "converted_pytorch.py").write_text("x = 1\n")

    def start(
        self, *arguments: str, script: str = "convert_all.sh", stderr: int = subprocess.PIPE, **variables: str
    ) -> subprocess.Popen[str]:
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        said = {"RUNTIME": "local", "WEIGHTS": "random", "TF2TORCH_COMMAND": "make convert-all SEED=0"}
        return subprocess.Popen(
            [f"scripts/{script}", *arguments],
            cwd=self.folder,
            env={**keep, **said, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def journal(self, word: str = "") -> list[str]:
        path = self.folder / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(word)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def most_at_once(lines: list[str]) -> int:
    running = highest = 0
    for line in lines:
        running += {"begin": 1, "end": -1}.get(line.split()[0], 0)
        highest = max(highest, running)
    return highest


def test_every_model_is_converted_and_the_table_says_how(place: Place) -> None:
    place.add("a", "b_1.0_224", "wrong", "odd", "broken")
    code, out, err = place.run(KEEP_GOING="1", JOBS="2")
    assert code == 5, err
    assert place.journal().count("prepared") == 1
    assert sorted(place.journal("begin")) == [
        f"begin {name} random 0 make convert SEED=0 MODEL={name}"
        for name in ("a", "b_1.0_224", "broken", "odd", "wrong")
    ]
    assert most_at_once(place.journal()) == 2
    rows = {line.split()[0]: re.split(r"\s{2,}", line) for line in out.splitlines()}
    assert rows["a"][:6] == ["a", "PASS", "61.7 k", "2.0e-06 / 1.0e-05", "3.0e-15", "10/10"]
    assert rows["wrong"][1] == "FAIL"
    assert rows["odd"][1] == "fails"
    assert "codegen, exit code 4: Too odd" in rows["odd"]
    assert "exit code 6: output/broken/convert.log" in rows["broken"]
    assert out.splitlines()[-1] == "5 models: 2 fails, 2 PASS, 1 FAIL"
    assert "PASS a\n" in err
    assert "exit code 6 broken  no such thing  -> output/broken/convert.log" in err
    assert "\x1b" not in err


def test_the_first_failure_lets_what_runs_end_and_starts_no_more(place: Place) -> None:
    place.add("odd", values=10**7)  # the largest comes first
    place.add(*"abcdef")
    code, out, _ = place.run("--json", JOBS="2")
    summary = json.loads(out)
    verdicts = [model["verdict"] for model in summary["models"]]
    assert code == summary["exit_code"] == 4
    assert 1 <= verdicts.count("PASS") <= 3
    assert verdicts.count("PASS") + verdicts.count("not started") == 6
    assert summary["models"][-1]["exit_code"] is None


@pytest.mark.parametrize(("values", "most"), [(1, 3), (10**12, 1)])
def test_as_many_run_as_the_memory_bears(place: Place, values: int, most: int) -> None:
    """One that is larger than all the memory there is runs by itself."""
    place.add("a", "b", "c", values=values)
    code, _, err = place.run(JOBS="3")
    assert code == 0, err
    assert most_at_once(place.journal()) == most


@pytest.mark.parametrize(("engine", "megabytes"), [("native", 750 + 32 + 500), ("mmdnn", 750 + 32 + 5000)])
def test_what_a_model_needs(engine: str, megabytes: int) -> None:
    assert fleet.memory(sizes.Size(10**6, 10**8), engine) == megabytes


def test_an_engine_elsewhere_has_processors_and_memory_of_its_own(place: Place) -> None:
    place.add("a")
    (place.folder / "docker").write_text(DOCKER)
    (place.folder / "docker").chmod(0o755)
    code, _, err = place.run(RUNTIME="docker", PATH=f"{place.folder}:{os.environ['PATH']}")
    assert code == 0, err
    assert "1 models, at most 6 at a time in 3072 MB" in err


@pytest.mark.parametrize(("engine", "code"), [("native", 5), ("mmdnn", 0)])
def test_the_whole_zoo_is_measured_and_written_down(place: Place, engine: str, code: int) -> None:
    """What fails with MMdnn is its result, and no failure of ours."""
    place.add("a", "wrong", engine=engine)
    (place.folder / "docs").mkdir()
    for document in (*table.DOCUMENTS.values(), overview.DOCUMENT):
        (place.folder / document).write_text(f"{marked.BEGIN}\n{marked.END}\n")
    ended, _, err = place.run(script="test_zoo.sh", ENGINE=engine, JOBS="2", TF2TORCH_COMMAND="make test-zoo SEED=0")
    assert ended == code, err
    said = "WEIGHTS=random PROOF=1 SEED=0" if engine == "native" else "WEIGHTS=random SEED=0"
    assert f"begin a random 0 make convert {said} MODEL=a" in place.journal()
    found = marked.parse(marked.inside(place.folder / table.DOCUMENTS[engine]))
    assert [found[name]["verdict"] for name in ("a", "wrong")] == ["PASS", "FAIL"]
    assert "wrong" in (place.folder / "README.md").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_them(place: Place, number: int) -> None:
    place.add("slow_a", "slow_b", "slow_c")
    with place.start(JOBS="2") as process:
        wait_until(lambda: len(place.journal("begin")) == 2)
        time.sleep(0.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert len(place.journal("stopped")) == 2
    assert out.splitlines()[-1] == "3 models: 2 stopped, 1 not started"
    assert len(place.journal("begin")) == 2


def test_on_a_terminal_those_that_run_have_a_line_each(place: Place) -> None:
    place.add("a", "b", "c")
    ours, theirs = pty.openpty()
    seen = bytearray()

    def read() -> None:
        try:
            while chunk := os.read(ours, 1 << 16):
                seen.extend(chunk)
        except OSError:  # its other side is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    with place.start(stderr=theirs, JOBS="2", TERM="xterm") as process:
        os.close(theirs)
        process.communicate(timeout=60)
    reader.join(10)
    os.close(ours)
    text = seen.decode()
    assert process.returncode == 0
    assert re.search(r"\na +\d s .*\r\nb +\d s .*\r\n0 of 3 done, 2 at work, \d s\r\n\x1b\[3A\x1b\[J", text)
    assert text.rstrip().endswith("PASS c")  # the last drawing is gone


def test_a_name_with_a_space_is_one_model(place: Place) -> None:
    place.add("my net", "b")
    code, out, _ = place.run()
    assert code == 0
    assert "2 models: 2 PASS" in out


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"MODELS": "vgg_61"}, "Did you mean vgg_"),
        ({"MODELS": "x_*"}, "'x_*'. `make list` shows"),
        ({"MODELS": " , "}, "names no model"),
        ({"JOBS": "many"}, "JOBS=many is not a number"),
        ({"JOBS": "99999999999999999999"}, "is not a number"),
        ({"MODEL": "vgg_16"}, "takes MODELS=name,pattern"),
    ],
)
def test_what_is_asked_for_in_vain(place: Place, variables: dict[str, str], words: str) -> None:
    place.add("vgg_16", "vgg_19")
    code, out, err = place.run(**variables)
    assert (code, out) == (2, "")
    assert words in err
    assert not place.journal("begin")


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
