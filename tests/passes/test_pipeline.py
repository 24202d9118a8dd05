"""Whole networks, small ones: the lowered graph computes what TensorFlow computes, and permutes nothing in vain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.passes.network import convert, seeded, variable
from tf2torch.errors import UnsupportedError
from tf2torch.export.tensorflow import tf
from tf2torch.ir.printer import text
from tf2torch.ops import registry
from tf2torch.passes import PIPELINE
from tf2torch.passes.permutes import residual_permutes

Build = Callable[..., Any]


def conv(x: Any, name: str, size: int, channels: int, **keywords: Any) -> Any:
    kernel = variable(name, size, size, int(x.shape[-1]), channels)
    return tf.nn.conv2d(x, kernel, **{"strides": 1, "padding": "SAME", **keywords})


def dense(x: Any, name: str, units: int) -> Any:
    return tf.nn.bias_add(tf.matmul(x, variable(f"{name}/w", int(x.shape[-1]), units)), variable(f"{name}/b", units))


def pooled(x: Any) -> Any:
    """Ends in global pooling, and so runs at any size."""
    x = tf.nn.relu(conv(x, "a", 3, 4, strides=2))
    x = tf.concat([x, tf.nn.max_pool2d(x, 3, 1, "SAME"), conv(x, "b", 1, 2)], 3)
    return tf.nn.softmax(dense(tf.reduce_mean(x, [1, 2]), "logits", 5))


def flattened(x: Any) -> Any:
    x = tf.nn.relu(conv(x, "a", 3, 4))
    return dense(tf.nn.relu(dense(tf.reshape(x, [-1, 8 * 6 * 4]), "fc", 7)), "logits", 5)


def flattened_by_its_shape(x: Any) -> Any:
    x = tf.nn.relu(conv(x, "a", 3, 4))
    return dense(tf.reshape(x, tf.stack([tf.shape(x)[0], 8 * 6 * 4])), "fc", 7)


def squeeze_and_excite(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    weights = tf.reshape(tf.reduce_mean(x, [1, 2]), [-1, 1, 1, 4])
    return tf.reduce_mean(x * tf.sigmoid(conv(weights, "b", 1, 4)), [1, 2])


def kept_dimensions(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    return x - tf.reduce_mean(x, [1, 2], keepdims=True)


def mixed_ranks(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    x = x * tf.constant([1.0, 2.0, 3.0, 4.0]) + variable("offset", 4)
    x = x + variable("grid", 8, 6, 4) + tf.constant(np.arange(8 * 6, dtype=np.float32).reshape(1, 8, 6, 1))
    return 0.5 * x + variable("scale", 1, 1, 1, 4) + tf.reshape(tf.reduce_mean(x, [0, 1, 2]), [4]), x * x


def along_channels(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    first, second = tf.split(x, 2, 3)
    both = tf.concat([tf.reverse(first, [2]), second * tf.reduce_sum(second, 3, keepdims=True)], -1)
    padded = tf.pad(both, [[0, 0], [1, 0], [0, 2], [0, 0]])
    return tf.argmax(padded, 3), tf.nn.softmax(padded), tf.reduce_max(padded, [1]), tf.reduce_sum(padded, [0, 2])


def resized(x: Any) -> Any:
    x = conv(x, "a", 3, 4, strides=2)
    return tf.image.resize(x, tf.shape(x)[1:3] * 2, "bilinear")


def channels_of_its_own(x: Any) -> Any:
    x = tf.transpose(x, [0, 3, 1, 2])
    kernel = variable("a", 3, 3, 3, 4)
    patches = tf.nn.relu(tf.transpose(tf.nn.conv2d(tf.transpose(x, [0, 2, 3, 1]), kernel, 1, "SAME"), [0, 3, 1, 2]))
    return tf.reduce_mean(patches, [2, 3])


def shape_of_a_transpose(x: Any) -> Any:
    x = conv(tf.transpose(tf.nn.relu(conv(x, "a", 3, 4)), [0, 2, 1, 3]), "b", 3, 5)
    rows, columns = tf.transpose(x, [0, 3, 1, 2]), tf.transpose(x, [0, 2, 1, 3])
    sizes = tf.concat([tf.shape(rows), tf.shape(columns)], 0)
    return tf.reshape(rows, tf.gather(sizes, [0, 1, 5, 6])), tf.cast(sizes, tf.float32) * 0.5


def attention(x: Any) -> Any:
    heads = [tf.reshape(tf.matmul(x, variable(name, 6, 6)), [-1, 5, 2, 3]) for name in ("q", "k", "v")]
    q, k, v = (tf.transpose(item, [0, 2, 1, 3]) for item in heads)
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / np.sqrt(3.0))
    joined = tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), tf.shape(x))
    mean, variance = tf.nn.moments(joined + x, [-1], keepdims=True)
    return tf.stop_gradient((joined + x - mean) * tf.math.rsqrt(variance + 1e-6))


def of_constants(x: Any) -> Any:
    x = tf.maximum(x, 0.1) ** 2.0 - 1.0 / (x + 3.0)
    table = tf.constant(seeded(4, 6))
    return x @ table, tf.gather(table, [1, 3]), tf.cast(tf.shape(x)[0], tf.float32) * x


def cropped(x: Any) -> Any:
    """Blue, green, red, as in Caffe; and the crops of a U-Net."""
    x = tf.nn.relu(conv(x[..., ::-1] - tf.constant([1.0, 2.0, 3.0]), "a", 3, 4))
    inner = conv(x[:, 1:-1, 2:, 1:], "b", 3, 4, padding="VALID")
    return tf.concat([inner, x[:, 2:-2, 2:-2]], 3), x[:, 0, :, 1], x[..., 2], x[:, tf.newaxis]


def groups(x: Any) -> Any:
    """Group normalization, and the shuffle of ShuffleNet, which is a permute in torch, too."""
    x = conv(x, "a", 3, 4)
    sizes = tf.shape(x)
    grouped = tf.reshape(x, [sizes[0], sizes[1], sizes[2], 2, 2])
    mean, variance = tf.nn.moments(grouped, [1, 2, 4], keepdims=True)
    x = tf.reshape((grouped - mean) * tf.math.rsqrt(variance + 1e-5), sizes) * variable("gamma", 4)
    x = tf.reshape(tf.transpose(tf.reshape(x, [-1, 8, 6, 2, 2]), [0, 1, 2, 4, 3]), [-1, 8, 6, 4])
    return conv(x, "b", 1, 2)


def gated(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    gate = tf.sigmoid(dense(tf.reduce_mean(x, [1, 2]), "fc", 4))
    return x * gate[:, tf.newaxis, tf.newaxis, :], x * tf.expand_dims(tf.expand_dims(gate, 1), 1)


def upsampled(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    sizes = tf.shape(x)
    shape = tf.stack([sizes[0], sizes[1] * 2, sizes[2] * 2, 5])
    return tf.nn.relu(tf.nn.conv2d_transpose(x, variable("t", 3, 3, 5, 4), shape, [1, 2, 2, 1], "SAME"))


def over_time(x: Any) -> Any:
    x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv1d(x, variable("w", 3, 4, 8), 1, "SAME"), variable("b", 8)))
    return tf.sigmoid(x[:, :, :4]) * tf.tanh(x[:, :, 4:]), tf.reduce_max(x, 1)


def recurrent(x: Any) -> Any:
    state = output = tf.zeros([tf.shape(x)[0], 4])
    kernel, bias = variable("w", 10, 16), variable("b", 16)
    for step in tf.unstack(x, axis=1):
        gates = tf.nn.bias_add(tf.matmul(tf.concat([step, output], 1), kernel), bias)
        i, j, f, o = tf.split(gates, 4, 1)
        state = state * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        output = tf.tanh(state) * tf.sigmoid(o)
    return output, state


def chosen(x: Any) -> Any:
    x = conv(x, "a", 3, 4)
    leaky = tf.nn.relu(x) + variable("alpha", 4) * (x - tf.abs(x)) * 0.5
    return (
        tf.where(leaky > 0.3, leaky, tf.zeros_like(leaky)),
        tf.clip_by_value(x, -0.1, 0.2),
        tf.cast(x > 0, tf.float32),
    )


def video(x: Any) -> Any:
    x = tf.nn.conv3d(x, variable("k", 3, 3, 3, 3, 4), [1, 1, 2, 2, 1], "SAME")
    return tf.reduce_mean(tf.nn.max_pool3d(tf.nn.bias_add(x, variable("b", 4)), 2, 2, "VALID"), [1, 2, 3])


def depthwise(x: Any) -> Any:
    return tf.nn.depthwise_conv2d(x, variable("d", 3, 3, 3, 2), [1, 1, 1, 1], "SAME")


def tied(x: Any) -> Any:
    table = variable("table", 6, 4)
    return tf.matmul(tf.matmul(x, table), table, transpose_b=True)


CASES: dict[str, tuple[Build, tuple[int | None, ...], tuple[tuple[int, ...], ...], int]] = {
    # what, the input's shape, sizes that are fed, permutes that are left
    "pooled": (pooled, (None, 9, 8, 3), ((1, 9, 8, 3), (3, 9, 8, 3)), 0),
    "pooled, any size": (pooled, (None, None, None, 3), ((2, 9, 8, 3), (1, 14, 5, 3)), 0),
    "flattened": (flattened, (None, 8, 6, 3), ((1, 8, 6, 3), (2, 8, 6, 3)), 0),
    "flattened by its shape": (flattened_by_its_shape, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "squeeze and excite": (squeeze_and_excite, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "kept dimensions": (kept_dimensions, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "mixed ranks": (mixed_ranks, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "along channels": (along_channels, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "resized": (resized, (None, None, None, 3), ((2, 8, 6, 3), (1, 5, 11, 3)), 0),
    "transposes of its own": (channels_of_its_own, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "shape of a transpose": (shape_of_a_transpose, (None, None, None, 3), ((2, 8, 6, 3), (1, 5, 7, 3)), 1),
    "attention": (attention, (None, 5, 6), ((2, 5, 6), (1, 5, 6)), 4),
    "of constants": (of_constants, (None, 4), ((2, 4), (5, 4)), 0),
    "cropped": (cropped, (None, 8, 6, 3), ((2, 8, 6, 3),), 1),
    "groups": (groups, (None, 8, 6, 3), ((2, 8, 6, 3),), 1),
    "gated": (gated, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "upsampled": (upsampled, (None, None, None, 3), ((2, 8, 6, 3), (1, 4, 5, 3)), 0),
    "over time": (over_time, (None, None, 4), ((2, 9, 4), (1, 7, 4)), 0),
    "recurrent": (recurrent, (None, 5, 6), ((2, 5, 6), (3, 5, 6)), 0),
    "chosen": (chosen, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "video": (video, (None, 4, 8, 6, 3), ((2, 4, 8, 6, 3),), 0),
    "depthwise": (depthwise, (None, 8, 6, 3), ((2, 8, 6, 3),), 0),
    "tied": (tied, (None, 6), ((2, 6),), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_it_computes_what_tensorflow_computes(name: str) -> None:
    build, shape, sizes, left = CASES[name]
    network = convert(build, shape)
    for size in sizes:
        network.check(seeded(*size))
    assert residual_permutes(network.lowered) == left, text(network.lowered)


def test_every_pass_runs_once() -> None:
    assert len(set(PIPELINE)) == len(PIPELINE)


@pytest.mark.parametrize("build", [resized, upsampled, shape_of_a_transpose])
def test_another_size_than_that_of_conversion(build: Build) -> None:
    """A network that was exported at one size runs at others, where TensorFlow's graph would."""
    fixed, free = convert(build, (None, 8, 6, 3)), convert(build, (None, None, None, 3))
    image = seeded(2, 5, 11, 3)
    np.testing.assert_allclose(fixed.found(image)[0], free.expected(image)[0], atol=1e-5)


def test_weights_are_trained_as_in_tensorflow() -> None:
    network = convert(mixed_ranks, (None, 8, 6, 3))
    kinds = {param.ref.tensor: param.kind for param in network.lowered.params.values()}
    assert {name for name, kind in kinds.items() if kind == "trainable"} == set(network.variables)
    assert {kinds[name] for name in kinds if name.startswith("Const")} == {"buffer"}
    assert set(network.weights) == set(kinds)


def test_provenance_survives() -> None:
    network = convert(pooled, (None, 9, 8, 3))
    (layer,) = (node for node in network.lowered.nodes if node.op == "F.linear")
    assert layer.origin == ("MatMul", "BiasAdd")
    names = {name for node in network.lowered.nodes for name in node.origin}
    assert names <= {node.name for node in network.source.nodes}


def test_the_same_graph_gives_the_same_text() -> None:
    assert text(convert(pooled, (None, 9, 8, 3)).lowered) == text(convert(pooled, (None, 9, 8, 3)).lowered)


def test_names_of_the_user_that_look_like_ours() -> None:
    def build(x: Any) -> Any:
        x = tf.nn.conv2d(x, variable("w", 3, 3, 3, 4), 2, "SAME", name="x")
        y = tf.nn.relu(tf.nn.relu(x, name="x.1"), name="x.0123")
        return tf.reshape(x, [-1, 4 * 3 * 4]), tf.reshape(y, [-1, 4 * 3 * 4])

    convert(build, (None, 8, 6, 3)).check(seeded(2, 8, 6, 3))


def test_all_that_is_not_supported_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for op in ("Softplus", "Erf"):
        monkeypatch.delitem(registry.handlers(), op)  # type: ignore[arg-type]  # read-only for all but this test

    def build(x: Any) -> Any:
        with tf.name_scope("head"):
            total = tf.nn.softplus(x) * tf.math.erf(x) * tf.math.erf(x)
        return total * tf.math.erf(x)

    with pytest.raises(UnsupportedError) as caught:
        convert(build, (None, 4))
    first, *rows, last = str(caught.value).splitlines()
    assert first == "Cannot convert tiny: 2 of 3 op types are not supported."
    assert rows == [
        "  Softplus   1 node    head/Softplus",
        "  Erf        3 nodes   head/Erf, head/Erf_1, ...",
    ]
    assert "docs/adding-an-op.md" in last


def test_a_refusal_gives_its_reason() -> None:
    def build(x: Any) -> Any:
        return tf.reverse(x, tf.cast(x[0, :1], tf.int32))

    with pytest.raises(UnsupportedError, match=r"ReverseV2 +1 node +ReverseV2   \(its input axis is computed"):
        convert(build, (1, 4))
