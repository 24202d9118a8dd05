"""A checkpoint as the weights of a network that has been converted before: TensorFlow's half of `tf2torch weights`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest

from tf2torch.errors import InputError
from tf2torch.export import onto
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir import weights_file
from tf2torch.ir.types import Ref
from tf2torch.ir.views import View

REFS = {
    "conv.weight": Ref("net/conv/weights", View().permute((3, 2, 0, 1))),
    "fc.weight": Ref("net/fc/weights", View().reshape((8, 5), (2, 4, 5)).permute((2, 1, 0)).reshape((5, 4, 2), (5, 8))),
    "fc.bias": Ref("net/fc/biases"),
    "tied.weight": Ref("net/fc/biases"),
    "grid": Ref("net/grid"),
}
SHAPES = {"net/conv/weights": (3, 3, 2, 4), "net/fc/weights": (8, 5), "net/fc/biases": (5,)}
MORE = {"net/aux/weights": (2,), "net/fc/biases/Momentum": (5,), "global_step": ()}


def values(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Every number another one."""
    return {name: np.random.default_rng(len(name)).normal(size=shape).astype("f") for name, shape in shapes.items()}


def checkpoint(folder: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    with tf.Graph().as_default() as graph, session(graph) as running:
        for name, value in values(shapes).items():
            tf.get_variable(name, initializer=tf.constant(value))
        running.run(tf.global_variables_initializer())
        tf.train.Saver().save(running, str(folder / "new.ckpt"), write_meta_graph=False, write_state=False)
    return folder / "new.ckpt"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A converted network, of which only the weights are asked."""
    arrays = {key: ref.view.apply(np.zeros(SHAPES.get(ref.tensor, (2,)), np.float32)) for key, ref in REFS.items()}
    arrays["bn.weight"] = np.ones(3, np.float32)
    weights_file.save(arrays, weights_file.metadata(REFS, ["net/grid"]), tmp_path / "converted_pytorch.safetensors")
    return tmp_path / "converted_pytorch.py"


def write(source: Path, prefix: Path, **recipe: Any) -> weights_file.Weights:
    job = graphs.job(source.parent, prefix)
    job = replace(job, recipe=replace(job.recipe, **recipe))
    onto.write(job, prefix, source, source.parent / "work" / "new.safetensors")
    return weights_file.load(source.parent / "work" / "new.safetensors")


def test_each_variable_seen_as_the_source_sees_it(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, expected = write(source, checkpoint(tmp_path, SHAPES | MORE)), values(SHAPES)
    assert np.array_equal(found.arrays["conv.weight"], expected["net/conv/weights"].transpose(3, 2, 0, 1))
    by_columns = expected["net/fc/weights"].reshape(2, 4, 5).transpose(2, 1, 0).reshape(5, 8)
    assert np.array_equal(found.arrays["fc.weight"], by_columns)
    assert np.array_equal(found.arrays["fc.bias"], expected["net/fc/biases"])
    assert np.array_equal(found.arrays["tied.weight"], expected["net/fc/biases"])
    assert (found.arrays["grid"].sum(), found.arrays["bn.weight"].sum()) == (0, 3), "no checkpoint has these"
    assert found.metadata == weights_file.load(source.with_suffix(".safetensors")).metadata
    said = capsys.readouterr().err
    assert "net/aux/weights" in said
    assert "Momentum" not in said


def test_scopes_of_another_name(source: Path, tmp_path: Path) -> None:
    renamed = {name.replace("net/", "tower/"): shape for name, shape in SHAPES.items()}
    with pytest.raises(InputError, match="SCOPE_MAP=tower=net explains"):
        write(source, checkpoint(tmp_path, renamed))
    found = write(source, tmp_path / "new.ckpt", scope_map={"tower": "net"})
    assert np.array_equal(found.arrays["fc.bias"], values(renamed)["tower/fc/biases"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"net/fc/biases": None, "net/fc/bias": (5,)}, r"net/fc/biases is missing \(nearest: net/fc/bias"),
        ({"net/fc/weights": (8, 6)}, r"net/fc/weights is \[8, 6\], the network has \[8, 5\]"),
    ],
)
def test_what_is_missing_or_does_not_fit(
    source: Path, tmp_path: Path, changes: dict[str, tuple[int, ...] | None], message: str
) -> None:
    shapes = {name: shape for name, shape in {**SHAPES, **changes}.items() if shape is not None}
    with pytest.raises(InputError, match=message):
        write(source, checkpoint(tmp_path, shapes))
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("damage", ["absent", "cut short", "of somebody else"])
def test_weights_that_say_nothing(source: Path, tmp_path: Path, damage: str) -> None:
    path = source.with_suffix(".safetensors")
    if damage == "absent":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        weights_file.save({"a": np.zeros(1)}, {"format": "pt"}, path)
    with pytest.raises(InputError, match="make convert"):
        write(source, checkpoint(tmp_path, SHAPES))
