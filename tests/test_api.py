"""The Python API on small frozen graphs: images, several inputs and outputs, integers, scalars."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("torch")
import torch

import tf2torch
from tf2torch.errors import InputError, UnsupportedError, UsageError
from tf2torch.export.tensorflow import session, tf

DOCUMENT = Path(__file__).parent.parent / "docs" / "python-api.md"
IMAGES = np.random.default_rng(1).standard_normal((2, 8, 8, 3)).astype(np.float32)


def graph_of(define: Callable[[], object]) -> bytes:
    """The GraphDef that a function defines."""
    graph = tf.Graph()
    with graph.as_default():
        define()
    serialized: bytes = graph.as_graph_def().SerializeToString()
    return serialized


def run(definition: bytes, outputs: list[str], feeds: Mapping[str, Any]) -> list[Any]:
    """What TensorFlow computes."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(tf.GraphDef.FromString(definition), name="")
    with session(graph) as running:
        results: list[Any] = running.run(outputs, feeds)
    return results


def weights(*shape: int) -> Any:
    random = np.random.default_rng(list(shape))
    return tf.constant((random.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32))


def classifier() -> None:
    images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
    features = tf.nn.relu(tf.nn.conv2d(images, weights(3, 3, 3, 16), 2, "SAME", name="conv"), name="features")
    pooled = tf.reduce_mean(features, [1, 2])
    tf.identity(tf.matmul(pooled, weights(16, 5)), name="logits")


@pytest.fixture(scope="module")
def definition() -> bytes:
    return graph_of(classifier)


def agree(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=1e-5 * float(np.abs(theirs).max()))


def test_the_example_of_the_document(definition: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("frozen.pb").write_bytes(definition)
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["logits"].shape == (2, 5)
    assert {"converted_pytorch.py", "converted_pytorch.safetensors", "converted_pytorch.pth", "report.json"} <= {
        path.name for path in Path("converted").iterdir()
    }


@pytest.mark.parametrize("io_layout", ["torch", "tf"])
def test_images(definition: bytes, io_layout: Any) -> None:
    result = tf2torch.convert(definition, outputs=["logits", "features:0"], io_layout=io_layout)
    assert result.passed
    assert "Conv2d" in result.source
    assert all(row["passed"] for entry in result.report["loaded"].values() for row in entry["comparisons"].values())
    logits, features = run(definition, ["logits:0", "features:0"], {"images:0": IMAGES})
    images = torch.from_numpy(IMAGES)
    ours = result.module(images if io_layout == "tf" else images.permute(0, 3, 1, 2))
    agree(ours[0], logits)
    agree(ours[1] if io_layout == "tf" else ours[1].permute(0, 2, 3, 1), features)


def several() -> None:
    tokens = tf.placeholder(tf.int32, [None, 4], name="tokens")
    scale = tf.placeholder(tf.float32, [], name="scale")
    embedded = tf.gather(weights(10, 6), tokens)
    tf.multiply(tf.reduce_sum(embedded, 1), scale, name="scaled")
    tf.argmax(tf.reduce_sum(embedded, 1), 1, name="best")


def test_several_inputs_and_outputs_integers_and_scalars() -> None:
    definition = graph_of(several)
    result = tf2torch.convert(definition, inputs=["tokens", "scale"], outputs=["scaled", "best"])
    assert result.passed, result.report
    tokens = np.array([[1, 2, 3, 4], [9, 0, 0, 5]], np.int32)
    scaled, best = result.module(torch.from_numpy(tokens), torch.tensor(3.0))
    theirs = run(definition, ["scaled:0", "best:0"], {"tokens:0": tokens, "scale:0": 3.0})
    agree(scaled, theirs[0])
    assert best.dtype == torch.int64
    np.testing.assert_array_equal(best.numpy(), theirs[1])


def test_a_weight_that_is_a_single_number() -> None:
    def define() -> None:
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        scale = tf.identity(tf.constant(1.5, name="scale"), name="scale/read")
        tf.multiply(tf.matmul(x, tf.identity(weights(4, 3), name="w/read")), scale, name="y")

    result = tf2torch.convert(graph_of(define), inputs=["x"], outputs=["y"])
    assert result.passed, result.report
    assert [tuple(p.shape) for p in result.module.parameters()] in ([(), (3, 4)], [(3, 4), ()])


def test_what_cannot_be_converted_is_said() -> None:
    def define() -> None:
        x = tf.placeholder(tf.float32, [4], name="x")
        tf.identity(tf.raw_ops.BesselJ0(x=x), name="y")

    with pytest.raises(UnsupportedError, match="BesselJ0   1 node"):
        tf2torch.convert(graph_of(define), outputs=["y"])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"source": "nowhere.pb"}, InputError, "There is no nowhere.pb"),
        ({"source": b"no graph"}, InputError, "network.pb"),
        ({"outputs": ["logitz"]}, InputError, "Did you mean logits"),
        ({"io_layout": "caffe"}, UsageError, "'torch' or 'tf'"),
    ],
)
def test_what_is_wrong_is_said(
    definition: bytes, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        tf2torch.convert(**{"source": definition, **arguments})


def test_nothing_is_left_behind(definition: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = tf2torch.convert(definition, outputs=["logits"])
    assert len(list(tmp_path.iterdir())) == 1
    del result
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError):
        tf2torch.convert(definition, outputs=["logitz"])
    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_imports_neither_framework(python: Callable[..., object], tmp_path: Path) -> None:
    code = "import tf2torch\nassert tf2torch.__all__ == ['Conversion', 'convert']\nassert 'torch' not in sys.modules"
    python(code, hide=("tensorflow", "numpy"), cwd=tmp_path)


def test_there_is_nothing_else_in_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transform'"):
        _ = tf2torch.transform  # type: ignore[attr-defined]  # what is tested
