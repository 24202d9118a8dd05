"""`tf2torch weights`, PyTorch's side: exit codes, what is written, and that nothing is written by halves."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import pairs
import torch
from safetensors.torch import load_file, save_file

from tf2torch import cli
from tf2torch.ir import weights_file
from tf2torch.ir.types import Ref
from tf2torch.ir.views import IDENTITY, View

FILE = Path(pairs.__file__)
# What a conversion would have written, as far as it is asked.
SOURCE = f"""
import sys
sys.path.insert(0, {str(FILE.parent)!r})
from safetensors.torch import load_file
import pairs

def load(weights):
    network = pairs.Ours()
    network.load_state_dict(load_file(weights))
    return network.eval()
"""


@pytest.fixture
def place(workplace: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """output/net/ with a converted network, and what TensorFlow's side has left of the checkpoint `new.ckpt`."""
    monkeypatch.delenv("ENGINE")
    folder = tmp_path / "output" / "net"
    folder.mkdir()
    (folder / "converted_pytorch.py").write_text(SOURCE)
    state = pairs.seeded(pairs.Ours()).state_dict()
    save_file(state, folder / "converted_pytorch.safetensors")
    save_file(
        {"input": pairs.images()[:1], "output": torch.zeros(1, 5)}, folder / "converted_pytorch.sketch.safetensors"
    )
    between = tmp_path / ".cache" / "work" / "weights"
    between.mkdir(parents=True)
    save_file({key: value + 1 for key, value in state.items()}, between / "new.safetensors")
    return folder


def weights(*arguments: str) -> int:
    return cli.main(["weights", "--side", "pytorch", *arguments])


def written(folder: Path) -> set[str]:
    return (
        {path.name for path in folder.iterdir()}
        - {f"converted_pytorch.{end}" for end in ("py", "safetensors", "sketch.safetensors")}
        - {"__pycache__"}
    )


def test_onto_generated_source(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights("models/new.ckpt", "--onto", "output/net/converted_pytorch.py") == 0
    assert capsys.readouterr().out == "load('new.safetensors')\n"
    before = load_file(place / "converted_pytorch.safetensors")
    after = load_file(place / "new.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(after[key], before[key] + 1) for key in before)


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [
        ("runs/new.ckpt", "new"),
        ("new.ckpt.index", "new"),
        ("new.ckpt.data-00000-of-00001", "new"),
        ("model.ckpt-9000", "model_ckpt_9000"),
        ("model.ckpt-9000.meta", "model_ckpt_9000"),
        ("runs/flowers", "flowers"),
    ],
)
def test_what_the_file_is_called(place: Path, capsys: pytest.CaptureFixture[str], checkpoint: str, name: str) -> None:
    between = place.parents[1] / ".cache" / "work" / "weights"
    (between / "new.safetensors").rename(between / f"{name}.safetensors")
    assert weights(checkpoint, "--onto", "output/net/converted_pytorch.py") == 0
    assert capsys.readouterr().out == f"load('{name}.safetensors')\n"


def test_onto_a_network_of_the_users(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights("--onto", f"{FILE}:right") == 0
    assert "relative error" in capsys.readouterr().err
    assert written(place) == {"converted_pytorch.pairs_right.safetensors"}
    pairs.right().load_state_dict(load_file(place / "converted_pytorch.pairs_right.safetensors"))
    assert weights("models/new.ckpt", "--model", "net", "--onto", f"{FILE}:right") == 0
    bias = load_file(place / "new.pairs_right.safetensors")["fc.bias"]
    assert torch.equal(bias, load_file(place / "converted_pytorch.safetensors")["logits.bias"] + 1)


@pytest.mark.parametrize(
    ("arguments", "code", "message", "files"),
    [
        (["--onto", f"{FILE}:other_eps"], 5, "eps 0.1, converted 0.001", set()),
        (["--onto", f"{FILE}:other_classes"], 3, "fc.weight", {"converted_pytorch.pairs_other_classes.safetensors"}),
        (["--onto", f"{FILE}:halved"], 5, "count_include_pad=False", set()),
        (["--onto", f"{FILE}:other_input"], 3, "cannot run on", set()),
        (["--onto", f"{FILE}:only_float32"], 3, "does not run in float64", set()),
        (["--onto", f"{FILE}:nothing"], 2, "no nothing to call", set()),
        (["--onto", f"{FILE}:right", "--model", "inception_v1"], 3, "make convert MODEL=inception_v1", set()),
        (["--onto", "output/net/converted_pytorch.py"], 2, "Which checkpoint", set()),
        (["--onto", "output/none.py", "new.ckpt"], 3, "There is no output/none.py", set()),
        (["new.ckpt"], 2, "wants --onto", set()),
        (["converted_pytorch.ckpt", "--onto", "output/net/converted_pytorch.py"], 2, "another name", set()),
    ],
)
def test_what_goes_wrong(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str, files: set[str]
) -> None:
    assert weights(*arguments) == code
    assert message in capsys.readouterr().err
    assert written(place) == files


@pytest.mark.parametrize("damage", ["a key less", "another shape", "cut short"])
def test_weights_that_are_not_its_own(place: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    between = place.parents[1] / ".cache" / "work" / "weights" / "new.safetensors"
    state = load_file(between)
    if damage == "a key less":
        del state["logits.bias"]
    else:
        state["logits.bias"] = torch.zeros(6)
    save_file(state, between)
    if damage == "cut short":
        between.write_bytes(between.read_bytes()[:-100])
    assert weights("new.ckpt", "--onto", "output/net/converted_pytorch.py") == 3
    assert "does not take new.safetensors" in capsys.readouterr().err
    assert written(place) == set()


def test_the_file_says_which_variables_there_are(tmp_path: Path) -> None:
    view = View().permute((1, 0)).reshape((3, 2), (6,))
    refs = {"a": Ref("net/weights", view), "b": Ref("net/bias", IDENTITY), "c": Ref("net/grid", IDENTITY)}
    arrays = {"a": np.arange(6.0), "b": np.zeros(2), "c": np.ones(3), "d": np.ones(1)}
    weights_file.save(arrays, weights_file.metadata(refs, ["net/grid"]), tmp_path / "x.safetensors")
    found = weights_file.load(tmp_path / "x.safetensors")
    assert found.variables == {"a": refs["a"], "b": refs["b"]}
    assert found.shape("a") == (2, 3)
    assert found.arrays.keys() == arrays.keys()
    shutil.copy(tmp_path / "x.safetensors", tmp_path / "y.safetensors")
    weights_file.save(arrays, found.metadata, tmp_path / "x.safetensors")
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_a_model_that_has_no_recipe(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after a conversion with SOURCE= and NETWORK=."""
    place.rename(place.with_name("mine"))
    assert weights("--model", "mine", "--onto", f"{FILE}:right") == 0, capsys.readouterr().err


def test_a_conversion_that_lacks_its_sketch(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "converted_pytorch.sketch.safetensors").unlink()
    assert weights("--onto", f"{FILE}:right") == 3
    assert "FROM=codegen" in capsys.readouterr().err


def test_a_script_that_ends_python(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text("import sys\nsys.exit(0)\n")
    assert weights("--onto", f"{tmp_path / 'script.py'}:network") == 2
    assert "cannot be imported" in capsys.readouterr().err
    assert written(place) == set()
