"""The shell scripts on machines that this one is not: stand-ins for docker and nvidia-smi come first on PATH."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
Result = subprocess.CompletedProcess[str]
Run = Callable[..., Result]

ENGINE = """case "$*" in
  "info -f {{.DockerRootDir}}") echo / ;;
  "info -f {{.MemTotal}}") echo 17179869184 ;;
  "info -f {{.ID}} {{.ServerVersion}}") echo ID 26 ;;
  "version -f {{.Server.Version}}") echo 26.1.5 ;;
  *"--gpus all"*) exit GPU ;;
  "compose version") echo Docker Compose version 2.26.1 ;;
  "buildx version") echo buildx 0.13.1 ;;
esac"""
WITHOUT_GPU = ENGINE.replace("GPU", "1")
WITH_GPU = ENGINE.replace("GPU", "0")
OLD = WITHOUT_GPU.replace("26.1.5", "20.10.1")
NO_BUILDX = WITHOUT_GPU.replace("echo buildx 0.13.1", "exit 1")
LITTLE_MEMORY = WITHOUT_GPU.replace("17179869184", "2147483648")
FULL_DISK = "echo; echo /dev/x 1 1 1048576 1 /"
NO_ENGINE = '[ "$2" != -f ] || echo 0; echo "Cannot connect to the Docker daemon" >&2; exit 1'
DENIED = 'echo "permission denied while trying to connect" >&2; exit 1'


def card(driver: str, capability: str) -> str:
    return f'[ "$1" = -L ] && echo "GPU 0" || echo "Some Card, {driver}, {capability}"'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script in a copy of what it needs, with stand-ins for commands and nothing of this machine's settings."""
    copy = tmp_path / "repository"
    copy.mkdir()
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    shutil.copytree(ROOT / "docker", copy / "docker", ignore=shutil.ignore_patterns("*.whl"))
    for name in ("models", "output", "src"):
        (copy / name).mkdir()
    commands = tmp_path / "bin"
    commands.mkdir()

    def run_script(
        script: str, *arguments: str, stand_ins: Mapping[str, str], **variables: str
    ) -> subprocess.CompletedProcess[str]:
        for name, body in stand_ins.items():
            (commands / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
            (commands / name).chmod(0o755)
        environment = {"PATH": f"{commands}:{os.environ['PATH']}", "HOME": str(tmp_path), **variables}
        return subprocess.run(
            [copy / "scripts" / script, *arguments],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_script


def environment_file(result: Result) -> dict[str, str]:
    path = Path(result.args[0]).parent.parent / ".env"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    ("docker", "gpu", "code", "files", "device"),
    [
        (WITHOUT_GPU, "auto", 0, "compose.yaml", "auto"),
        (WITHOUT_GPU, "0", 0, "compose.yaml", "cpu"),
        (WITHOUT_GPU, "1", 6, "", ""),
        (WITH_GPU, "auto", 0, "compose.yaml:compose.gpu.yaml", "auto"),
        (WITH_GPU, "1", 0, "compose.yaml:compose.gpu.yaml", "cuda"),
        (WITH_GPU, "0", 0, "compose.yaml", "cpu"),
        (WITH_GPU, "yes", 2, "", ""),
    ],
)
def test_env_decides_on_the_gpu(
    run: Run, docker: str, gpu: str, code: int, files: str | None, device: str | None
) -> None:
    result = run("env.sh", stand_ins={"docker": docker}, GPU=gpu)
    assert result.returncode == code, result.stderr
    if code:
        assert "GPU=" in result.stderr
        return
    written = environment_file(result)
    assert (written["COMPOSE_FILE"], written["DEVICE"]) == (files, device)
    assert (written["HOST_UID"], written["HOST_GID"]) == (str(os.getuid()), str(os.getgid()))


def test_env_says_that_it_falls_back_to_the_cpu(run: Run) -> None:
    assert "runs on the CPU: the engine has no GPU to give" in run("env.sh", stand_ins={"docker": WITHOUT_GPU}).stderr


def test_env_keeps_lines_of_the_user(run: Run) -> None:
    first = run("env.sh", stand_ins={"docker": WITHOUT_GPU})
    path = Path(first.args[0]).parent.parent / ".env"
    path.write_text(path.read_text().replace(f"HOST_UID={os.getuid()}", "HOST_UID=99999") + "MODEL=vgg_16\n")
    second = run("env.sh", stand_ins={"docker": WITHOUT_GPU})
    assert environment_file(second)["MODEL"] == "vgg_16"
    assert environment_file(second)["HOST_UID"] == str(os.getuid())
    assert path.read_text().count("HOST_UID=") == 1


def test_env_keeps_what_was_said_of_the_gpu(run: Run) -> None:
    """`make env GPU=0` lasts, until the next; what is said for one conversion does not."""
    said = [
        (("env.sh",), {"GPU": "0"}, ("0", "cpu")),
        (("env.sh", "--quiet"), {}, ("0", "cpu")),
        (("env.sh", "--quiet"), {"GPU": "1"}, ("0", "cuda")),
        (("env.sh", "--quiet"), {}, ("0", "cpu")),
        (("env.sh",), {"GPU": "auto"}, (None, "auto")),
        (("env.sh", "--quiet"), {"GPU": "1"}, (None, "cuda")),
        (("env.sh", "--quiet"), {}, (None, "auto")),
    ]
    for words, variables, wanted in said:
        written = environment_file(run(*words, stand_ins={"docker": WITH_GPU}, **variables))
        assert (written.get("GPU"), written["DEVICE"]) == wanted


def test_env_passes_on_a_folder_with_a_torch_wheel(run: Run, tmp_path: Path) -> None:
    wheels = tmp_path / "some wheels"
    wheels.mkdir()
    plain = tmp_path / "wheels"
    plain.mkdir()
    (plain / "torch-2.13.0-cp311-none-any.whl").touch()
    assert environment_file(run("env.sh", stand_ins={"docker": WITHOUT_GPU}, PIP_FIND_LINKS=str(plain)))[
        "WHEELS"
    ] == str(plain)


@pytest.mark.parametrize(
    ("stand_ins", "finding", "remedy"),
    [
        ({"docker": NO_ENGINE}, "BAD   engine     no engine answers", "systemctl start docker"),
        ({"docker": DENIED}, "BAD   engine     no permission", "usermod -aG docker"),
        ({"docker": OLD}, "too old", "Docker Engine 23"),
        (
            {"docker": NO_BUILDX},
            "docker buildx does not answer",
            "docker-buildx",
        ),
        (
            {"docker": LITTLE_MEMORY},
            "note  memory     2 GB",
            "give Docker more memory",
        ),
        (
            {"docker": WITHOUT_GPU, "df": FULL_DISK},
            "BAD   disk       1 GB free",
            "make clean",
        ),
        (
            {"docker": WITHOUT_GPU, "nvidia-smi": card("580.65", "9.0")},
            "the engine cannot give it to a container",
            "nvidia-ctk runtime configure",
        ),
        ({"docker": WITH_GPU, "nvidia-smi": card("580.65", "9.0")}, "driver 580 suits the default wheels", ""),
        ({"docker": WITH_GPU, "nvidia-smi": card("550.10", "8.0")}, "driver 550 does not suit", "whl/cu128"),
        ({"docker": WITH_GPU, "nvidia-smi": card("580.65", "6.1")}, "do not suit the default wheels", "whl/cu126"),
    ],
)
def test_doctor_names_what_is_wrong_and_what_mends_it(
    run: Run, stand_ins: Mapping[str, str], finding: str, remedy: str
) -> None:
    result = run("doctor.sh", stand_ins={"nvidia-smi": "exit 1", **stand_ins})
    assert finding in result.stdout
    assert remedy in result.stdout


def test_doctor_finds_a_stale_env(run: Run) -> None:
    first = run("env.sh", stand_ins={"docker": WITHOUT_GPU})
    path = Path(first.args[0]).parent.parent / ".env"
    path.write_text("HOST_UID=99999\nHOST_GID=99999\n")
    result = run("doctor.sh", stand_ins={"docker": WITHOUT_GPU, "nvidia-smi": "exit 1"})
    assert "BAD   .env       stale" in result.stdout
    assert "make env" in result.stdout


@pytest.mark.parametrize(
    ("docker", "python", "code", "words"),
    [
        (WITHOUT_GPU, None, 0, "in Docker and without Docker"),
        (WITHOUT_GPU, "exit 1", 0, "in Docker."),
        (NO_ENGINE, None, 0, "without Docker"),
        (NO_ENGINE, "exit 1", 6, "Neither Docker nor RUNTIME=local"),
    ],
)
def test_doctor_says_which_way_works(run: Run, docker: str, python: str | None, code: int, words: str) -> None:
    stand_ins = {"docker": docker, "nvidia-smi": "exit 1", **({"python3": python} if python else {})}
    result = run("doctor.sh", stand_ins=stand_ins)
    assert result.returncode == code
    assert words in result.stderr


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"RUNTIME": "docker"}, 6, "no Docker engine with Compose v2 and buildx answers"),
        ({"RUNTIME": "podman"}, 2, "auto, docker or local"),
        ({"RUNTIME": "local", "PYTHON": "false"}, 6, "No Python 3.11, 3.12 or 3.13"),
        ({"IMAGES": "nowhere"}, 3, "IMAGES=nowhere is not a folder"),
        ({"SOURCE": "nowhere.pb"}, 3, "SOURCE=nowhere.pb is not there"),
    ],
)
def test_convert_says_what_is_missing(run: Run, variables: dict[str, str], code: int, words: str) -> None:
    result = run("convert.sh", stand_ins={"docker": NO_ENGINE}, **variables)
    assert result.returncode == code
    assert words in result.stderr
    assert result.stderr.count("tf2torch: ") == 1


@pytest.mark.parametrize(
    ("answers", "variables", "wheel", "asked_for"),
    [
        (True, {}, False, "unset"),  # compose.yaml asks for the CPU index
        (False, {}, False, ""),  # pip's default index
        (False, {}, True, "unset"),
        (False, {"TORCH_INDEX_URL": "https://example.org/simple"}, False, "https://example.org/simple"),
    ],
    ids=["the index answers", "it does not", "a wheel is at hand", "an index was named"],
)
def test_cpu_wheels_are_taken_where_they_can_be_had(
    run: Run, tmp_path: Path, answers: bool, variables: dict[str, str], wheel: bool, asked_for: str
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    if wheel:
        (wheels / "torch-2.13.0-cp311-none-any.whl").touch()
    record = tmp_path / "asked_for"
    docker = WITHOUT_GPU.replace(
        'case "$*" in',
        f"""case "$*" in
  *urllib*) exit {0 if answers else 1} ;;
  *"build codegen"*) printf '%s' "${{TORCH_INDEX_URL-unset}}" >{record} ;;
  "image inspect"*) exit 1 ;;""",
    )
    result = run("images.sh", stand_ins={"docker": docker}, WHEELS=str(wheels), **variables)
    assert result.returncode == 0, result.stderr
    assert record.read_text() == asked_for
    assert ("with CUDA and several GB large" in result.stderr) == (asked_for == "")


LISTING = """case "$*" in
  *" run "*) printf '%s|%s|%s\\n' "$SOURCE" "$SOURCE_FOLDER" "$SOURCE_NAME" >&2 ;;
  "image inspect"*) echo "sha256:0" ;;
esac"""


def test_a_source_is_mounted_from_where_it_is(run: Run, tmp_path: Path) -> None:
    """A checkpoint is said by a prefix, which is no file; relative folders are those of the caller."""
    folder = tmp_path / "repository" / "my nets"
    folder.mkdir()
    (folder / "net.ckpt.index").touch()
    docker = LISTING.replace("esac", ENGINE.removeprefix('case "$*" in').strip()).replace("exit GPU", "exit 1")
    result = run("stage.sh", "export", "inspect", stand_ins={"docker": docker}, SOURCE="my nets/net.ckpt")
    assert result.returncode == 0, result.stderr
    assert f"{folder}/net.ckpt|{folder}|net.ckpt" in result.stderr


@pytest.mark.parametrize(
    ("script", "variables", "code", "words"),
    [
        ("init.sh", {}, 2, "init wants SOURCE="),
        ("weights.sh", {"CHECKPOINT": "runs/none.ckpt"}, 3, "CHECKPOINT=runs/none.ckpt is not there"),
        ("weights.sh", {"ONTO": "/elsewhere/net.py", "RUNTIME": "docker"}, 2, "below output/ and models/"),
    ],
)
def test_scripts_for_own_models_say_what_is_missing(
    run: Run, script: str, variables: dict[str, str], code: int, words: str
) -> None:
    result = run(script, stand_ins={"docker": WITHOUT_GPU}, ENGINE_CHECKED="1", **variables)
    assert result.returncode == code, result.stderr
    assert words in result.stderr


STOPPED = "tf2torch: Stopped. What was finished is kept; the same command goes on from there."


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("echo working; while :; do :; done", STOPPED),
        ("bash -c 'trap \"echo said by it; exit 130\" INT; echo working; while :; do :; done'", "said by it"),
    ],
    ids=["between two commands", "in a command"],
)
def test_ctrl_c_is_said_once(work: str, said: str) -> None:
    """A command that was stopped has said it itself; between two of them nobody else can."""
    arguments = ["bash", "-c", f"source scripts/lib.sh; {work}; echo on"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(arguments, cwd=ROOT, start_new_session=True, **pipes) as process:
        assert process.stdout
        assert process.stdout.readline() == "working\n"
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out.splitlines()) == (130, [said])
