"""What is recorded of TensorFlow for the comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest

from tf2torch import bundle, details
from tf2torch.engines.native import export
from tf2torch.errors import InputError
from tf2torch.export import recording, reference, sources
from tf2torch.export.running import Running
from tf2torch.export.tensorflow import session, tf

STATISTICS = "conv1/moving_mean"


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, None, None, 3], name="images")
        x = graphs.convolution(images, "conv1", 4, training=False)
        x = tf.nn.leaky_relu(tf.nn.lrn(tf.reduce_mean(x, [1, 2], keepdims=True)), 0.2)
        tf.squeeze(x, [1, 2], name="logits")
        return graphs.save(graph, tmp_path_factory.mktemp("meta") / "net.ckpt")


@pytest.fixture(scope="module")
def inference(meta: Path) -> Any:
    return sources.load(graphs.job(meta.parent, meta)).inference


@pytest.fixture(scope="module")
def recorded(meta: Path, inference: Any) -> details.Details:
    return recording.record(inference, graphs.job(meta.parent, meta, proof=True))[0]


def test_sketches_are_what_the_tensors_hold(meta: Path, recorded: details.Details) -> None:
    with tf.Graph().as_default() as graph, session(graph) as running:
        tf.train.import_meta_graph(str(meta)).restore(running, str(meta.with_suffix("")))
        (images,) = recorded.inputs
        whole = {name: running.run(name, {"images:0": images}) for name in recorded.tensors if name != "images:0"}
    assert {"conv1/Conv2D:0", "conv1/FusedBatchNormV3:0", "conv1/Relu:0", "logits:0"} <= whole.keys()
    for name, value in whole.items():
        sketch = recorded.tensors[name]
        assert sketch.shape == value.shape
        assert np.array_equal(sketch.values, value.ravel()[sketch.indices])
        assert bundle.FLOOR <= sketch.tolerance < 1e-4
    tolerances = [sketch.tolerance for sketch in recorded.tensors.values()]
    assert tolerances.count(min(tolerances)) >= len(tolerances) // 2  # none is less than is usual
    assert max(tolerances) > min(tolerances)
    relu = recorded.tensors["conv1/Relu:0"]
    assert len(relu.indices) == 2 * details.SKETCHED
    assert np.array_equal(relu.indices[: details.SKETCHED] + np.prod(relu.shape[1:]), relu.indices[details.SKETCHED :])


def test_gradients_are_those_of_the_projection(inference: Any, recorded: details.Details) -> None:
    assert recorded.gradients is not None
    assert recorded.exact is not None
    assert recorded.gradients.variables.keys() == {f"conv1/{name}" for name in ("weights", "beta", "gamma")}
    (images,), (projection,) = recorded.inputs, recorded.projections
    assert projection.shape == recorded.outputs[0].shape
    step = 1e-6 * np.random.default_rng(0).standard_normal(images.shape)
    both = [Running(inference, [images.astype(np.float64) + sign * step], wide=True).outputs()[0] for sign in (1, -1)]
    slope = float(((both[0] - both[1]) * projection).sum())
    predicted = 2 * float((recorded.exact.gradients.inputs[0] * step).sum())
    assert slope == pytest.approx(predicted, rel=1e-4)
    assert bundle.relative_error(recorded.gradients.inputs[0], recorded.exact.gradients.inputs[0]) < 1e-4


def test_float64_is_float64(recorded: details.Details) -> None:
    assert recorded.exact is not None
    (exact,) = recorded.exact.outputs
    assert exact.dtype == np.float64
    assert 1e-9 < bundle.relative_error(recorded.outputs[0], exact) < 1e-5
    assert recorded.exact.gradients.variables["conv1/weights"].values.dtype == np.float64


def test_another_size(recorded: details.Details) -> None:
    assert recorded.size is not None
    assert recorded.size.inputs[0].shape == (1, 257, 257, 3)
    assert recorded.size.outputs[0].shape == (1, 4)
    assert recorded.single[0].shape == (1, 4)
    assert recorded.notes == ()


def test_a_network_of_one_size_says_so(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        graphs.network(tf.placeholder(tf.float32, [None, 16, 16, 3], name="images"))
        meta = graphs.save(graph, tmp_path / "net.ckpt")
    job = graphs.job(tmp_path, meta)
    found, _ = recording.record(sources.load(job).inference, job)
    assert found.size is None
    assert "another size" in found.notes[0]
    assert found.exact is None
    assert found.tensors["conv1/Relu:0"].shape == (2, 8, 8, 4)


def test_a_picture_that_becomes_several_rows_is_no_other_size(tmp_path: Path) -> None:
    """As where features are flattened to rows of a fixed length: 44 x 44 pixels are 16 times 11 x 11."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 11, 11, 3], name="images")
        tf.reduce_mean(tf.reshape(images, [-1, 363]), 1, keepdims=True, name="mean")
        path = tmp_path / "g.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    job = graphs.job(tmp_path, path)
    inference = sources.load(job).inference
    found, _ = recording.record(inference, job)
    assert found.size is None
    assert not reference.is_classifier(inference, job.recipe)  # a single number ranks nothing


def test_embeddings_are_no_classes(meta: Path, inference: Any) -> None:
    found = graphs.job(meta.parent, meta).recipe
    assert reference.is_classifier(inference, found)
    assert reference.is_classifier(inference, replace(found, network="vgg_16", classes=3))
    assert not reference.is_classifier(inference, replace(found, network="inception_resnet_v1", classes=0))


def test_bisect_keeps_whole_tensors(meta: Path, inference: Any) -> None:
    found, _ = recording.record(inference, graphs.job(meta.parent, meta, bisect=True))
    sketch = found.tensors["conv1/Relu:0"]
    assert sketch.values.size == np.prod(sketch.shape)


def test_details_survive_the_disk(tmp_path: Path, recorded: details.Details) -> None:
    path = tmp_path / "reference.safetensors"
    bundle.save(None, path, recorded)
    loaded = details.load(path)
    assert loaded is not None
    assert details.pack(loaded)[1] == details.pack(recorded)[1]
    arrays, same = details.pack(recorded)[0], details.pack(loaded)[0]
    assert all(np.array_equal(arrays[name], same[name]) for name in arrays)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="missing or broken"):
        details.load(path)


def test_a_network_of_several_tensors_of_any_kind(tmp_path: Path) -> None:
    """Integers in, two outputs of which one is of integers; a tensor of which no shape is known."""
    with tf.Graph().as_default() as graph:
        ids = tf.placeholder(tf.int32, [None, 5], name="ids")
        scale = tf.placeholder(tf.float32, [None, 1], name="scale")
        table = graphs.variable("table", 9, 3)
        found = tf.reduce_mean(tf.gather(table, ids), 1) * scale
        tf.boolean_mask(found, found[:, 0] > -100.0, name="mask")
        tf.identity(found, name="out")
        tf.argmax(found, 1, name="best")
        meta = graphs.save(graph, tmp_path / "net.ckpt")
    job = graphs.job(tmp_path, meta, output_names=("out", "best", "mask/GatherV2"), proof=True)
    inference = sources.load(job).inference
    assert not reference.is_classifier(inference, job.recipe)
    found, _ = recording.record(inference, job)
    assert [array.dtype.name for array in found.inputs] == ["int32", "float32"]
    assert [array.shape for array in found.outputs] == [(2, 3), (2,), (2, 3)]
    assert found.exact is not None
    assert found.gradients is not None
    assert set(found.gradients.variables) == {"table"}
    assert found.notes == ()


def test_the_stage_writes_everything(tmp_path: Path, meta: Path) -> None:
    kept, products = tmp_path / "kept", tmp_path / "products"
    kept.mkdir()
    export.run(graphs.job(tmp_path, meta), kept, products)
    names = {"graph.json", "weights.safetensors", "reference.safetensors", "source.json", "graph.pb"}
    assert {path.name for path in kept.iterdir()} == names
    assert bundle.load(kept / "reference.safetensors").outputs.shape == (10, 4)
    assert details.load(kept / "reference.safetensors") is not None


def pooled(padding: str) -> Any:
    x = tf.placeholder(tf.float32, [None, 5, 6, 7, 2], name="x")
    y = tf.nn.max_pool3d(x, [2, 3, 2], [1, 2, 2], padding)
    return tf.nn.avg_pool3d(y, [2, 2, 3], [1, 1, 1], padding)


@pytest.mark.parametrize(
    "build",
    [
        lambda: pooled("SAME"),
        lambda: pooled("VALID"),
        lambda: tf.image.resize_bilinear(tf.placeholder(tf.float32, [None, 4, 4, 3], name="x"), [7, 9]),
        lambda: tf.nn.lrn(tf.placeholder(tf.float32, [None, 4, 4, 6], name="x"), 2, 1.5, 0.3, 0.6),
        lambda: tf.one_hot(tf.argmax(tf.placeholder(tf.float32, [None, 4], name="x"), 1), 4),
        lambda: tf.add_n(tf.split(tf.placeholder(tf.float32, [None, 4], name="x"), 2, 1)),
    ],
)
def test_ops_without_a_float64_kernel(tmp_path: Path, build: Any) -> None:
    with tf.Graph().as_default() as graph:
        tf.identity(build(), name="out")
        path = tmp_path / "g.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    job = graphs.job(tmp_path, path)
    inference = sources.load(job).inference
    found, exact = recording.record(inference, job)
    assert exact is not None, found.notes
    assert exact[0].dtype == np.float64
    assert bundle.relative_error(found.outputs[0], exact[0]) < 1e-6


def test_a_graph_that_hides_its_batch(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
        tf.reshape(images * 2.0, [1, 192], name="out")
    path = tmp_path / "g.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    export.run(graphs.job(tmp_path, path), tmp_path, tmp_path)
    found = details.load(tmp_path / "reference.safetensors")
    assert found is not None
    assert found.outputs[0].shape == (1, 192)
    assert bundle.load(tmp_path / "reference.safetensors").outputs.shape == (1, 192)


def test_a_graph_that_tensorflow_cannot_run(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 8, 8, 3], name="images")
        tf.reshape(images, [-1, 7], name="out")
    path = tmp_path / "g.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    job = graphs.job(tmp_path, path)
    with pytest.raises(InputError, match="cannot run the graph from images:0 to out:0"):
        recording.record(sources.load(job).inference, job)


def test_one_of_equal_maxima_has_the_gradient(tmp_path: Path) -> None:
    """Of a 3-D pooling in float32, whose kernel on CPUs would give it to both that a pooling before it made equal."""
    with tf.Graph().as_default() as graph:
        films = tf.placeholder(tf.float32, [None, 3, 9, 9, 3], name="films")
        x = tf.nn.max_pool3d(films, [1, 3, 3, 3, 1], [1, 1, 1, 1, 1], "SAME")
        tf.identity(tf.nn.max_pool3d(x, [1, 3, 3, 3, 1], [1, 1, 1, 1, 1], "SAME"), name="out")
        path = tmp_path / "g.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    found, _ = recording.record(
        sources.load(graphs.job(tmp_path, path)).inference, graphs.job(tmp_path, path, proof=True)
    )
    assert found.gradients is not None
    assert found.exact is not None
    assert bundle.relative_error(found.gradients.inputs[0], found.exact.gradients.inputs[0]) < 1e-5


def test_an_input_that_gives_little_has_a_tolerance_of_its_own(tmp_path: Path) -> None:
    """One number for each input; that of the first is a thousandth of others, and so is off a thousand times more."""
    first = details.seeded("x:0", (2, 3), "float32", graphs.job(tmp_path, tmp_path).seed + 1)[0].mean()
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        mean = tf.reduce_mean(x, 1, keepdims=True)
        tf.identity((mean - tf.constant(first)) + 1e-3 * mean, name="out")
        path = tmp_path / "g.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
    inference = sources.load(graphs.job(tmp_path, path)).inference
    found, _ = recording.record(inference, graphs.job(tmp_path, path))
    assert found.tolerance > 1e-5
