"""MMdnn from a TensorFlow checkpoint to a PyTorch model; no side can import the other side's framework."""

from __future__ import annotations

import http.server
import io
import re
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tf2torch.engines.mmdnn import commands
from tf2torch.errors import UnsupportedError, UsageError

Run = Callable[..., subprocess.CompletedProcess[str]]
Save = Callable[[str], Path]

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "mmdnn.md"

TO_IR = """
from pathlib import Path
from tf2torch.engines.mmdnn import commands
folder = Path(sys.argv[1])
commands.to_ir(folder / "net.ckpt.meta", folder / "net.ckpt", "MMdnn_Output", Path("converted"))
assert "torch" not in sys.modules
"""
TO_CODE = """
from pathlib import Path
from tf2torch.engines.mmdnn import commands
source = Path("converted_pytorch.py")
commands.to_code(Path("converted"), source, source.with_suffix(".npy"))
"""
TO_MODEL = f"{TO_CODE}\ncommands.to_model(source, source.with_suffix('.npy'), source.with_suffix('.pth'))\n"
COMPARE = """
import numpy as np, torch
def compare(model, reference):
    arrays = np.load(reference)
    assert not model.training
    for count in (1, 10):
        images = torch.from_numpy(arrays["x"][:count]).permute(0, 3, 1, 2)
        result = model(images).detach().numpy()
        expected = arrays["y"][:count]
        assert result.shape == expected.shape == (count, 7), result.shape
        assert np.abs(result - expected).max() < 1e-5 * np.abs(expected).max()
"""
COMMAND = """
from pathlib import Path
from tf2torch.engines.mmdnn import commands
from tf2torch.errors import Tf2TorchError
part, *argv = sys.argv[1:]
try:
    sys.exit(commands.run_command(argv, part, Path("scratch") if part != "all" else None))
except Tf2TorchError as error:
    print(type(error).__name__, error, "| cause:", type(error.__cause__).__name__)
    sys.exit(error.exit_code)
"""
SCRIPT = """
import sys
from tf2torch.engines.mmdnn import commands
sys.argv[0] = "commands"
sys.exit(commands.main())
"""


def convert(python: Run, network: Path, cwd: Path, **environment: str) -> None:
    """The three steps, in the processes of the two images."""
    cwd.mkdir(exist_ok=True)
    assert python(TO_IR, network, hide=("torch",), cwd=cwd, **environment).stdout == ""
    assert python(TO_MODEL, hide=("tensorflow",), cwd=cwd, **environment).stdout == ""


@pytest.fixture(scope="module")
def whole(save_network: Save) -> Path:
    return save_network("whole")


@pytest.fixture(scope="module")
def converted(python: Run, whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert(python, whole, folder)
    return folder


@pytest.mark.slow
def test_both_ways_to_load_compute_what_tensorflow_computed(
    python: Run, whole: Path, converted: Path, tmp_path: Path
) -> None:
    check = """
from pathlib import Path
from tf2torch.engines.mmdnn import commands
source = Path(sys.argv[1], "converted_pytorch.py")
Path("other.py").write_text(source.read_text() + "\\n# another")
commands.load_kit_model(Path("other.py"), source.with_suffix(".npy"))  # another model, loaded before
for _ in range(2):
    compare(commands.load_model(source.with_suffix(".pth"), source), sys.argv[2])
    compare(commands.load_kit_model(source, source.with_suffix(".npy")), sys.argv[2])
"""
    python(
        COMPARE + check, converted, whole / "reference.npz", hide=("tensorflow",), cwd=tmp_path, PYTHONWARNINGS="error"
    )


@pytest.mark.slow
def test_the_documented_snippet_needs_nothing_of_ours(python: Run, whole: Path, converted: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    check = "\nfor each in (model, again):\n    compare(each, sys.argv[1])\nassert 'mmdnn' not in sys.modules\n"
    hide = ("tensorflow", "mmdnn", "tf2torch")
    python(COMPARE + snippet + check, whole / "reference.npz", hide=hide, cwd=converted)


@pytest.mark.slow
def test_every_product_is_the_same_byte_for_byte(python: Run, whole: Path, converted: Path, tmp_path: Path) -> None:
    convert(python, whole, tmp_path / "again", PYTHONHASHSEED="7")
    suffixes = ["converted.json", "converted.npy", "converted.pb"]
    suffixes += [f"converted_pytorch.{suffix}" for suffix in ("npy", "pth", "py")]
    assert sorted(path.name for path in converted.iterdir()) == suffixes
    for path in converted.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_mmconvert_in_halves_is_mmconvert(python: Run, whole: Path, tmp_path: Path) -> None:
    line = ["mmconvert", "-sf", "tensorflow", "-in", whole / "net.ckpt.meta", "-iw", whole / "net.ckpt"]
    line += ["--dstNodeName", "MMdnn_Output", "-df", "pytorch", "-om", "converted_pytorch.pth"]
    halves, one = tmp_path / "halves", tmp_path / "one"
    halves.mkdir()
    one.mkdir()
    early = python(COMMAND, "model", *line, hide=("tensorflow",), cwd=halves, status=3)
    assert "Run it first" in early.stdout
    python(COMMAND, "ir", *line, hide=("torch",), cwd=halves)
    assert len(list((halves / "scratch").iterdir())) == 3
    assert "PyTorch model file is saved" in python(COMMAND, "model", *line, hide=("tensorflow",), cwd=halves).stdout
    assert list((halves / "scratch").iterdir()) == []
    python(COMMAND, "all", *line, cwd=one)
    assert sorted(path.name for path in one.iterdir()) == ["converted_pytorch.pth", "converted_pytorch.py"]
    for path in one.iterdir():
        assert path.read_bytes() == (halves / path.name).read_bytes()
    check = "from pathlib import Path\nfrom tf2torch.engines.mmdnn import commands\nm = Path('converted_pytorch.pth')\n"
    check += "compare(commands.load_model(m, m.with_suffix('.py')), sys.argv[1])"
    python(COMPARE + check, whole / "reference.npz", hide=("tensorflow",), cwd=halves)


@pytest.mark.slow
def test_the_three_raw_steps_speak_and_end_as_mmdnn_does(python: Run, whole: Path, tmp_path: Path) -> None:
    line = ["-f", "tensorflow", "-n", whole / "net.ckpt.meta", "-w", whole / "net.ckpt", "-o", "converted"]
    # Without -node, which MMdnn allows: the graph then also holds what initializes and saves the variables.
    assert (
        "IR weights are saved as [converted.npy]"
        in python(SCRIPT, "mmtoir", *line, hide=("torch",), cwd=tmp_path).stdout
    )
    line = ["-f", "pytorch", "-in", "converted.pb", "-iw", "converted.npy", "-o", "code.py", "-ow", "code.npy"]
    assert "is saved as [code.py]" in python(SCRIPT, "mmtocode", *line, hide=("tensorflow",), cwd=tmp_path).stdout
    line = ["-f", "pytorch", "-in", "code.py", "-iw", "code.npy", "-o", "code.pth"]
    assert "is saved as [code.pth]" in python(SCRIPT, "mmtomodel", *line, hide=("tensorflow",), cwd=tmp_path).stdout
    wrong = python(SCRIPT, "mmtocode", "-f", "nonsense", hide=("tensorflow",), cwd=tmp_path, status=2)
    assert wrong.stderr.startswith("usage: mmtocode ")
    missing = ["-f", "pytorch", "-in", "none.pb", "-iw", "none.npy", "-o", "code.py", "-ow", "code.npy"]
    assert "none.pb is missing" in python(SCRIPT, "mmtocode", *missing, cwd=tmp_path, status=3).stderr
    assert "weight filename" in python(SCRIPT, "mmtocode", *missing[:4], "-o", "x.py", cwd=tmp_path, status=2).stderr


def test_an_unknown_command_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="mmtocode"):
        commands.run_command(["mmtocodes"])
    with pytest.raises(UsageError, match="mmdownload"):
        commands.run_command([])
    with pytest.raises(UsageError, match="halves"):
        commands.run_command(["mmtoir", "-h"], part="ir")


@pytest.mark.slow
def test_operations_unknown_to_the_parser_are_an_error_that_names_them(
    python: Run, save_network: Save, tmp_path: Path
) -> None:
    network = save_network("unknown_to_parser")
    line = ["mmtoir", "-f", "tensorflow", "-n", network / "net.ckpt.meta", "-w", network / "net.ckpt"]
    done = python(COMMAND, "all", *line, "-node", "MMdnn_Output", "-o", "converted", cwd=tmp_path, status=4)
    assert "Cumsum (running_sum); Elu (first_elu, second_elu)" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_operations_unknown_to_the_emitter_are_an_error_that_names_them(
    python: Run, save_network: Save, tmp_path: Path
) -> None:
    python(TO_IR, save_network("unknown_to_emitter"), cwd=tmp_path)
    done = python(TO_CODE, cwd=tmp_path, status=1)
    assert (
        "UnsupportedError: MMdnn (mmtocode) does not know these operations: Abs (inner_abs, outer_abs)" in done.stderr
    )
    assert not (tmp_path / "converted_pytorch.py").exists()
    line = [
        "mmtocode",
        "-f",
        "pytorch",
        "-in",
        "converted.pb",
        "-iw",
        "converted.npy",
        "-o",
        "code.py",
        "-ow",
        "code.npy",
    ]
    assert "Abs (inner_abs, outer_abs)" in python(COMMAND, "all", *line, cwd=tmp_path, status=4).stdout
    assert UnsupportedError.exit_code == 4


@pytest.mark.slow
def test_a_crash_names_command_and_node(python: Run, save_network: Save, tmp_path: Path) -> None:
    network = save_network("crashing")
    line = ["mmtoir", "-f", "tensorflow", "-n", network / "net.ckpt.meta", "-w", network / "net.ckpt"]
    done = python(COMMAND, "all", *line, "-node", "MMdnn_Output", "-o", "converted", cwd=tmp_path, status=4)
    assert "mmtoir failed at Conv2D computed_kernel with " in done.stdout
    assert "docs/mmdnn.md" in done.stdout
    assert "cause: NoneType" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("meta", "checkpoint", "output", "expected"),
    [
        ("net.ckpt.meta", "net.ckpt", "MMdnn_Outputs", "UsageError: .* Did you mean MMdnn_Output"),
        ("none.meta", "net.ckpt", "MMdnn_Output", "InputError: .*none.meta is missing"),
        ("net.ckpt.meta", "none", "MMdnn_Output", "InputError: There is no checkpoint .*none"),
        ("reference.npz", "net.ckpt", "MMdnn_Output", "InputError: .*reference.npz is no TensorFlow meta graph"),
    ],
)
def test_what_is_wrong_with_the_input_is_said(
    python: Run, whole: Path, tmp_path: Path, meta: str, checkpoint: str, output: str, expected: str
) -> None:
    code = "from pathlib import Path\nfrom tf2torch.engines.mmdnn import commands\n"
    code += "commands.to_ir(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path('converted'))"
    done = python(code, whole / meta, whole / checkpoint, output, cwd=tmp_path, status=1)
    assert re.search(expected, done.stderr), done.stderr


@pytest.mark.slow
def test_without_its_framework_a_step_says_where_it_belongs(python: Run, whole: Path, tmp_path: Path) -> None:
    done = python(TO_IR, whole, hide=("tensorflow",), cwd=tmp_path, status=1)
    assert "MachineError" in done.stderr
    assert "tensorflow" in done.stderr


@pytest.mark.slow
def test_mmvismeta_writes_an_event_file(python: Run, whole: Path, tmp_path: Path) -> None:
    tensorboard = tmp_path / "bin" / "tensorboard"
    tensorboard.parent.mkdir()
    tensorboard.write_text('#!/bin/sh\necho "stand-in $@"\n')
    tensorboard.chmod(0o755)
    (tmp_path / "log").mkdir()
    line = ["mmvismeta", "--ckpt", whole / "net.ckpt.meta", "--logdir", "log", "--port", "6007"]
    done = python(SCRIPT, *line, hide=("torch",), cwd=tmp_path, PATH=f"{tensorboard.parent}:/usr/bin:/bin")
    assert "stand-in --logdir=log --port 6007" in done.stdout
    (events,) = (tmp_path / "log").iterdir()
    assert b"SpatialSqueeze" in events.read_bytes()
    python(SCRIPT, *line[:2], "none", *line[3:], cwd=tmp_path, status=1)


@contextmanager
def proxy(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """An HTTP proxy that answers every address with this content; gives its own address and those it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def archive(folder: Path, pattern: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path in sorted(folder.glob(pattern)):
            tar.add(path, path.name)
    return stream.getvalue()


@pytest.mark.slow
def test_mmdownload_saves_a_checkpoint_that_mmtoir_reads(python: Run, save_network: Save, tmp_path: Path) -> None:
    published = archive(save_network("inception_v1"), "inception_v1.ckpt.[di]*")
    with proxy(published) as (address, asked):
        line = ["mmdownload", "-f", "tensorflow", "-n", "inception_v1", "-o", "downloaded/"]
        done = python(
            SCRIPT,
            *line,
            hide=("torch",),
            cwd=tmp_path,
            http_proxy=address,
            HTTP_PROXY=address,
            no_proxy="",
            NO_PROXY="",
        )
    assert asked == ["http://download.tensorflow.org/models/inception_v1_2016_08_28.tar.gz"]
    assert "Model saved in file: downloaded/imagenet_inception_v1.ckpt" in done.stdout
    prefix = tmp_path / "downloaded" / "imagenet_inception_v1.ckpt"
    for suffix in (".meta", ".index", ".data-00000-of-00001"):
        assert prefix.with_name(prefix.name + suffix).stat().st_size > 0
    line = [
        "mmtoir",
        "-f",
        "tensorflow",
        "-n",
        f"{prefix}.meta",
        "-w",
        prefix,
        "-node",
        "MMdnn_Output",
        "-o",
        "converted",
    ]
    python(SCRIPT, *line, hide=("torch",), cwd=tmp_path)
    assert (tmp_path / "converted.npy").stat().st_size > 6_000_000 * 4
