"""A copy of the repository in a temporary folder, used as its users do: with make, docker compose and .env."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.models.containers import Container

REPOSITORY = Path(__file__).parents[2]
PLAIN_USER = 12345  # who runs everything if the tests are run by root: nobody that an image or this machine knows
SMALL_MODEL = "inception_v1"  # the fastest recipe
SOCKET = Path("/var/run/docker.sock")
TIME_LIMIT = 600.0  # seconds for one command; building both images from nothing is the longest

# What a child gets of the environment. Options of ours, and those of a make that runs the tests, stay out.
PASSED_ON = re.compile(r"PATH|HOME|LANG|(PIP|DOCKER|BUILDX)_\w+|(TENSORFLOW|PYTORCH)_BASE_IMAGE|WHEELS")


@dataclass(frozen=True)
class WebRoot:
    """A folder, and the address where containers find what is in it."""

    folder: Path
    url: str


@dataclass
class Done:
    """How a command ended; its output and its errors, mixed as they came."""

    code: int
    text: str

    def __contains__(self, words: str) -> bool:
        return words in self.text


@dataclass
class Running:
    """A command that runs, as the leader of a process group of its own."""

    process: subprocess.Popen[bytes]
    stream: int
    terminal: bool
    text: str = ""

    def until(self, words: str) -> None:
        while words not in self.text:
            assert self._read(), f"it ended without {words!r}:\n{self.text}"

    def interrupt(self) -> None:
        """Ctrl-C: typed, or what a terminal makes of it."""
        if self.terminal:
            os.write(self.stream, b"\x03")
        else:
            os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> Done:
        while self._read():
            pass
        return Done(self.process.wait(TIME_LIMIT), self.text)

    def _read(self) -> bool:
        """Reads on; False at the end."""
        assert select.select([self.stream], [], [], TIME_LIMIT)[0], f"nothing came for {TIME_LIMIT} s:\n{self.text}"
        try:
            read = os.read(self.stream, 1 << 16)
        except OSError:  # a terminal whose other side is closed
            read = b""
        self.text += read.decode(errors="replace")
        return bool(read)


@dataclass
class Checkout:
    folder: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    project: str = ""  # as `make env` has chosen it

    @property
    def uid(self) -> int:
        return PLAIN_USER if os.getuid() == 0 else os.getuid()

    def image(self, side: str) -> str:
        """The name of the image with tensorflow or pytorch. Every copy has its own; what they share are layers."""
        return f"{self.project}-{side}:cpu"

    def dotenv(self) -> dict[str, str]:
        """The settings in .env; none if there is no such file."""
        path = self.folder / ".env"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def make(self, *arguments: str, status: int = 0, **variables: str) -> Done:
        """Runs make. `status` is the exit code of the script in it: make turns every failure into 2 and tells it."""
        done = self.run("make", *arguments, **variables)
        said = re.findall(r"^make: \*\*\* .* Error (\d+)$", done.text, re.MULTILINE)
        code = int(said[-1]) if said and done.code else done.code
        assert code == status, f"make {' '.join(arguments)} ended with {code}, not {status}:\n{done.text}"
        return done

    def compose(self, *arguments: str, status: int | None = 0, **variables: str) -> Done:
        done = self.run("docker", "compose", *arguments, **variables)
        assert status in (None, done.code), f"docker compose {' '.join(arguments)} ended with {done.code}:\n{done.text}"
        return done

    def run(self, *command: str, **variables: str) -> Done:
        done = subprocess.run(
            command,
            **self.child(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    @contextmanager
    def started(self, *command: str, terminal: bool = False, **variables: str) -> Iterator[Running]:
        """The command while it runs, with a terminal or without. It is killed if it still runs after the block."""
        if terminal:
            ours, theirs = pty.openpty()
            streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
            extra: dict[str, Any] = {"preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}
        else:
            ours, theirs = os.pipe()
            streams = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs}
            extra = {}
        with subprocess.Popen(
            command, **self.child(**variables), **streams, **extra, start_new_session=True
        ) as process:
            os.close(theirs)
            try:
                yield Running(process, ours, terminal)
            finally:
                process.kill()
                os.close(ours)

    def child(self, **variables: str) -> dict[str, Any]:
        """Arguments for subprocess: folder, environment, and the plain user instead of root."""
        passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
        environment = {**passed_on, **self.variables, **variables}
        arguments: dict[str, Any] = {"cwd": self.folder, "env": environment}
        if os.getuid() == 0:
            environment["HOME"] = str(self.home)
            groups = [SOCKET.stat().st_gid] if SOCKET.exists() else []
            arguments |= {"user": PLAIN_USER, "group": PLAIN_USER, "extra_groups": groups}
        return arguments

    def write(self, name: str, text: str) -> Path:
        """Makes a file that belongs to the user."""
        path = self.folder / name
        missing = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.give_away(path, *missing)
        return path

    def give_away(self, *paths: Path) -> None:
        """Has files that the test has made belong to the user."""
        if os.getuid() == 0:
            for path in paths:
                os.chown(path, PLAIN_USER, PLAIN_USER)

    def output(self, model: str = SMALL_MODEL) -> Path:
        """Where the engine that these tests use leaves its results."""
        return self.folder / "output" / model / "mmdnn"

    def record(self, name: str, model: str = SMALL_MODEL) -> dict[str, Any]:
        """The content of status.json, report.json or manifest.json."""
        content: dict[str, Any] = json.loads((self.output(model) / name).read_text())
        return content

    def digests(self, model: str = SMALL_MODEL) -> dict[str, str]:
        """The sha256 of every product; status.json and manifest.json, which every run writes anew, are left out."""
        files = sorted(
            path for path in self.output(model).iterdir() if path.name not in ("status.json", "manifest.json")
        )
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def copied(remove: Callable[[str], None], **variables: str) -> Iterator[Checkout]:
    """A fresh copy of what git tracks, or would. `remove` is given its project's name when it is no longer needed."""
    # Not in a folder of pytest's: those are closed to other users, and the plain user is one.
    with tempfile.TemporaryDirectory(prefix="tf2torch-") as folder:
        checkout = Checkout(Path(folder, "tf2torch"), Path(folder, "home"), variables)
        checkout.home.mkdir()
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (REPOSITORY / name).is_file():  # what was deleted and not yet committed is listed, too
                target = checkout.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, target)
        Path(folder).chmod(0o755)
        checkout.give_away(*Path(folder).rglob("*"))
        checkout.make("env")
        checkout.project = checkout.dotenv()["COMPOSE_PROJECT_NAME"]
        try:
            yield checkout
        finally:
            remove(checkout.project)


def wait_for_words(container: Container, words: str) -> None:
    """Waits until a container has printed something; fails if it ends without."""
    while words not in (said := container.logs().decode()):
        container.reload()
        assert container.status != "exited", f"the container ended without {words!r}:\n{said}"
        time.sleep(0.1)
