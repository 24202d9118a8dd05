"""Shapes that are computed, in whole networks: each runs at sizes that were not known when it was converted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ops.case import seeded
from tests.passes.network import convert
from tf2torch.export.tensorflow import tf

Build = Callable[[Any], Any]


def conv(x: Any) -> Any:
    return tf.nn.conv2d(x, tf.get_variable("w", (3, 3, x.shape[-1], 4)), 1, "SAME")


def dense(x: Any) -> Any:
    return tf.matmul(x, tf.get_variable("k", (x.shape[-1], 3)))


def batch(x: Any) -> Any:
    return tf.shape(x)[0]


def pixels(x: Any) -> Any:
    """Pixels as a sequence: the flatten is not that of a linear layer."""
    y = conv(x)
    return tf.matmul(tf.reshape(y, (-1, 4)), tf.get_variable("k", (4, 3)))


def pixels_of_each(x: Any) -> Any:
    y = conv(x)
    return tf.reshape(y, (tf.shape(y)[0], tf.shape(y)[1] * tf.shape(y)[2], 4))


def one_pixel(x: Any) -> Any:
    y = tf.reduce_mean(conv(x), (1, 2), keepdims=True)
    return tf.reshape(tf.reshape(y, (-1, 1, 4)), (-1, 4, 1)), dense(tf.squeeze(y, (1, 2)))


def state(x: Any) -> Any:
    return tf.concat((x, tf.zeros((batch(x), 5))), 1) * tf.fill((batch(x), 1), 0.5)


def heads(x: Any) -> Any:
    y = tf.reshape(x, (batch(x), -1, 2, 3))
    return tf.reshape(tf.transpose(y, (0, 2, 1, 3)), (batch(x), 2, -1))


def positions(x: Any) -> Any:
    places = tf.range(tf.shape(x)[1])
    return tf.one_hot(places, 4) + 1, tf.cast(places, tf.float32) * x[:, :, 0]


def tiled(x: Any) -> Any:
    return tf.tile(x[:, :1], (1, tf.shape(x)[1], 1)) + x


def padded(x: Any) -> Any:
    return tf.pad(x, ((0, 0), (0, 3), (1, 0))), tf.pad(conv(x[..., None]), ((0, 0), (2, 1), (1, 0), (0, 0)), "REFLECT")


def blocks(x: Any) -> Any:
    y = tf.nn.relu(tf.space_to_batch_nd(x, (2, 2), ((0, 0), (1, 1))))
    return tf.batch_to_space_nd(y, (2, 2), ((0, 0), (1, 1)))


def parts(x: Any) -> Any:
    first, second = tf.split(conv(x), 2, 3)
    return tf.concat((second, first), 3)[:, ::2, ::-1], tf.stack(tf.unstack(first, axis=3), 1)


def largest(x: Any) -> Any:
    values, places = tf.nn.top_k(dense(tf.reduce_mean(x, 1)), 2)
    return values, places, tf.gather(x, places, axis=1, batch_dims=1)


def reversed_sequences(x: Any) -> Any:
    return tf.reverse_sequence(x, tf.fill((batch(x),), 2), seq_axis=1), tf.reverse(x, (1,)), tf.roll(x, 1, 1)


ROWS: list[tuple[Build, tuple[int | None, ...], list[tuple[int, ...]]]] = [
    (pixels, (None, None, None, 2), [(2, 5, 4, 2)]),
    (pixels, (None, 5, 4, 2), [(2, 5, 4, 2)]),
    (pixels_of_each, (None, None, None, 2), [(2, 5, 4, 2)]),
    (pixels_of_each, (None, 6, 4, 2), [(2, 6, 4, 2)]),
    (one_pixel, (None, 5, 4, 2), [(2, 5, 4, 2)]),
    (state, (None, 4), [(1, 4), (3, 4)]),
    (heads, (None, None, 6), [(2, 5, 6), (1, 3, 6)]),
    (positions, (None, None, 6), [(2, 3, 6)]),
    (tiled, (None, None, 6), [(2, 3, 6), (1, 1, 6)]),
    (padded, (None, 6, 5), [(2, 6, 5)]),
    (blocks, (None, None, None, 3), [(2, 4, 6, 3), (1, 6, 2, 3)]),
    (parts, (None, None, None, 3), [(2, 4, 6, 3)]),
    (largest, (None, None, 6), [(2, 5, 6)]),
    (reversed_sequences, (None, None, 6), [(2, 5, 6)]),
]


@pytest.mark.parametrize(("build", "shape", "fed"), ROWS, ids=[f"{build.__name__}{shape}" for build, shape, _ in ROWS])
def test_a_network_of_sizes_that_are_not_known(
    build: Build, shape: tuple[int | None, ...], fed: list[tuple[int, ...]]
) -> None:
    network = convert(build, shape)
    for sizes in fed:
        network.check(seeded(*sizes))
