"""The pipeline against TensorFlow, on what TensorFlow composes: one call of PyTorch, and the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.ops.case import seeded
from tf2torch.export.definition import tensor
from tf2torch.export.graph import read
from tf2torch.export.normalize import infer
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir import interpret
from tf2torch.ir.types import Graph, Ref
from tf2torch.passes import run

Network = Callable[[Any], Any]
IMAGE, SEQUENCE, VOLUME, FLAT = (None, 9, 9, 4), (None, 9, 4), (None, 5, 6, 7, 4), (None, 4)


def variable(name: str, *shape: int, trainable: bool = True) -> Any:
    return tf.get_variable(name, shape, trainable=trainable)


def batch_norm(x: Any, axis: int = -1) -> Any:
    """As Keras writes what is not fused."""
    width = x.shape[axis].value
    vectors = [variable(name, width) for name in ("gamma", "beta")]
    vectors += [variable(name, width, trainable=False) for name in ("mean", "variance")]
    if axis == 1:
        vectors = [tf.reshape(vector, [1, width, *[1] * (len(x.shape) - 2)]) for vector in vectors]
    gamma, beta, mean, variance = vectors
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 0.001)


def fused_batch_norm(x: Any) -> Any:
    gamma, beta, mean, variance = (variable(name, 4) for name in ("gamma", "beta", "mean", "variance"))
    return tf.nn.fused_batch_norm(x, gamma, beta, mean, variance, epsilon=0.001, is_training=False)[0]


def moments_norm(x: Any, *axes: int, affine: bool = True, channels: int = -1) -> Any:
    """Layer normalization of BERT, instance normalization of the style networks."""
    mean, variance = tf.nn.moments(x, list(axes), keepdims=True)
    shape = [1, -1, *[1] * (len(x.shape) - 2)] if channels == 1 else [-1]
    gamma, beta = (tf.reshape(variable(name, 4), shape) if affine else None for name in ("gamma", "beta"))
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-6)


def style_norm(x: Any) -> Any:
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return variable("scale", 4) * ((x - mean) / (variance + 1e-3) ** 0.5) + variable("shift", 4)


def written_out(x: Any) -> Any:
    mean = tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), -1, keepdims=True)
    return variable("scale", 4) * (x - mean) / tf.sqrt(variance + 1e-5) + variable("shift", 4)


def keras_prelu(x: Any) -> Any:
    slope = variable("slope", 1, 1, 4)
    return tf.nn.relu(x) + -slope * tf.nn.relu(-x)


def convolution(x: Any, rate: int = 1, padding: str = "SAME", bias: tuple[int, ...] = (8,)) -> Any:
    rank = len(x.shape) - 2
    weight = variable("weight", *[3] * rank, 4, 8)
    return tf.nn.convolution(x, weight, padding, dilation_rate=[rate] * rank) + variable("bias", *bias)


def depthwise(x: Any, rate: int = 1, stride: int = 1, padding: str = "SAME") -> Any:
    weight = variable("weight", 3, 3, 4, 2)
    return tf.nn.depthwise_conv2d(x, weight, [1, stride, stride, 1], padding, [rate, rate]) + variable("bias", 8)


def zeros(x: Any, after: int = 1) -> Any:
    return tf.pad(x, [[0, 0], *[[1, after]] * (len(x.shape) - 2), [0, 0]])


def doubled(x: Any) -> Any:
    size = tf.shape(x)
    target = tf.stack([size[0], size[1] * 2, size[2] * 2, 5])
    return tf.nn.bias_add(
        tf.nn.conv2d_transpose(x, variable("weight", 3, 3, 5, 4), target, 2, "SAME"), variable("bias", 5)
    )


CASES: list[tuple[str, tuple[int | None, ...], Network]] = [
    *(("batch_norm", shape, batch_norm) for shape in (IMAGE, SEQUENCE, VOLUME, FLAT)),
    ("batch_norm", IMAGE, fused_batch_norm),
    ("batch_norm", (None, 4, 9), lambda x: batch_norm(x, 1)),
    ("batch_norm", (None, 4, 9, 9), lambda x: batch_norm(x, 1)),
    ("linear batch_norm", FLAT, lambda x: batch_norm(tf.matmul(x, variable("weight", 4, 5)) + variable("bias", 5))),
    *(("layer_norm", shape, lambda x: moments_norm(x, -1)) for shape in (IMAGE, SEQUENCE, FLAT)),
    ("layer_norm", SEQUENCE, lambda x: moments_norm(x, 2, affine=False)),
    ("layer_norm", SEQUENCE, written_out),
    *(("instance_norm", shape, lambda x: moments_norm(x, *range(1, len(x.shape) - 1))) for shape in (IMAGE, VOLUME)),
    ("instance_norm", IMAGE, lambda x: moments_norm(x, 1, 2, affine=False)),
    ("instance_norm", (None, 4, 9, 9), lambda x: moments_norm(x, 2, 3, channels=1)),
    ("instance_norm", SEQUENCE, lambda x: moments_norm(x, 1)),
    ("instance_norm", IMAGE, style_norm),
    ("prelu", IMAGE, keras_prelu),
    ("prelu", IMAGE, lambda x: tf.nn.relu(x) + variable("slope", 4) * -tf.nn.relu(-x)),
    ("prelu", FLAT, lambda x: tf.nn.relu(x) + variable("slope", 4) * (x - tf.abs(x)) * 0.5),
    ("prelu", SEQUENCE, lambda x: tf.maximum(x, 0) + variable("slope", 4) * tf.minimum(x, 0)),
    ("prelu", IMAGE, lambda x: tf.nn.relu(x) - variable("slope", 4) * tf.nn.relu(-x)),
    *((f"conv{n}d", shape, convolution) for n, shape in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME))),
    *((f"conv{n}d", shape, lambda x: convolution(x, 2)) for n, shape in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME))),
    ("conv2d", IMAGE, lambda x: convolution(x, 3, "VALID")),
    ("conv2d", (None, None, None, 4), lambda x: convolution(x, 2)),
    ("conv1d", (None, None, 4), lambda x: convolution(x, 2, "VALID")),
    ("conv2d", IMAGE, lambda x: convolution(x, bias=(1, 1, 1, 8))),
    ("conv2d", IMAGE, lambda x: convolution(zeros(x), padding="VALID")),
    ("pad conv2d", IMAGE, lambda x: convolution(zeros(x, 2), padding="VALID")),
    ("conv1d", SEQUENCE, lambda x: convolution(zeros(x), padding="VALID")),
    ("conv3d", VOLUME, lambda x: convolution(zeros(x), padding="VALID")),
    ("pad conv1d", SEQUENCE, lambda x: convolution(tf.pad(x, [[0, 0], [4, 0], [0, 0]]), 2, "VALID")),
    ("conv2d", IMAGE, depthwise),
    ("conv2d", IMAGE, lambda x: depthwise(x, 2)),
    ("conv2d", IMAGE, lambda x: depthwise(zeros(x), stride=2, padding="VALID")),
    ("conv_transpose2d getitem", (None, None, None, 4), doubled),
]


def exported(network: Network, shape: tuple[int | None, ...]) -> tuple[Graph, dict[str, Any], Any, Any]:
    """The network as export hands it over, what it was fed, and what TensorFlow computes."""
    graph, random = tf.Graph(), np.random.default_rng(0)
    feed = seeded(*(given or unknown for given, unknown in zip(shape, (2, 9, 10, 4), strict=False)))
    if len(shape) == len(VOLUME):
        feed = seeded(2, *(n or 1 for n in shape[1:]))
    with graph.as_default():
        x = tf.placeholder(tf.float32, shape, name="x")
        y = tf.identity(network(x), name="y")
        variables = graph.get_collection("variables")
    weights = {item.op.name: random.uniform(0.1, 1, item.shape.as_list()).astype("float32") for item in variables}
    with session(graph) as running:
        for item in variables:
            item.load(weights[item.op.name], running)
        wanted = running.run(y, {x: feed})
    trainable = {item.op.name for item in graph.get_collection("trainable_variables")}
    inference = infer(graph.as_graph_def(), (tensor("x:0"),), (tensor("y:0"),), lambda _: weights, trainable)
    return *read(inference, {}), feed, wanted


def seen(ref: Ref | None, array: Any) -> Any:
    """A TensorFlow tensor as PyTorch has it."""
    assert ref is not None
    return torch.from_numpy(np.ascontiguousarray(ref.view.apply(array)))


@pytest.mark.parametrize(("calls", "shape", "network"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_one_call_computes_what_tensorflow_does(calls: str, shape: tuple[int | None, ...], network: Network) -> None:
    exported_graph, weights, feed, wanted = exported(network, shape)
    graph, arrays = run(exported_graph, weights)
    assert [node.op.rpartition(".")[2] for node in graph.nodes] == calls.split()
    params = {value: seen(param.ref, arrays[param.ref.tensor]) for value, param in graph.params.items()}
    (source,), (result,) = graph.inputs, graph.outputs
    values = interpret.run(graph, {source: seen(source.ref, feed)}, params)
    assert result.ref is not None
    found = result.ref.view.inverse().apply(values[result].numpy())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    assert len(graph.params) == len(weights)  # none is lost, none was made
