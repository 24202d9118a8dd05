"""The cells that NASNet and PNASNet are stacks of: what a search found, as data, and how it becomes layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.slim import slim

Operation = tuple[str, int]  # what is done, and to which state


@dataclass(frozen=True, slots=True)
class Cell:
    """States 0 and 1 are the layers before the cell, the last one first; each sum of two operations is one state more.

    `output` are the states that are concatenated: those that no operation reads, and in NASNet's normal cell state 1.
    """

    sums: tuple[tuple[Operation, Operation], ...]
    output: tuple[int, ...]

    def __call__(self, x: Any, previous: Any, filters: int, stride: int, scope: str) -> Any:
        """The layer after `x` [N, H, W, C] and `previous`: [N, H / stride, W / stride, len(output) * filters].

        `previous` may be of twice x's height and width; None, at the beginning, stands for x itself.
        """
        with tf.variable_scope(scope):
            states = [_squeezed(x, filters), x if previous is None else _like(previous, x, filters)]
            for number, operations in enumerate(self.sums):
                with tf.variable_scope(f"comb_iter_{number}"):
                    terms = []
                    for side, (kind, state) in zip(("left", "right"), operations, strict=True):
                        with tf.variable_scope(side):  # of the states only the cell's inputs are still to be strided
                            terms.append(_OPERATIONS[kind](states[state], filters, stride if state < 2 else 1))
                    with tf.variable_scope("combine"):
                        states.append(terms[0] + terms[1])
            with tf.variable_scope("cell_output"):
                return tf.concat([_of_width(states[state], filters, state) for state in self.output], 3)


def arg_scope() -> Any:
    """Convolutions are bare: a rectifier before each and a batch norm behind it are layers of their own."""
    with (
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], activation_fn=None, biases_initializer=None),
        slim.arg_scope([slim.batch_norm], decay=0.9997, epsilon=0.001, scale=True) as scope,
    ):
        return scope


def imagenet_stem(images: Any, cell: Cell, stem_filters: int, filters: int) -> list[Any]:
    """A convolution and two narrow cells: all layers so far, from [N, H, W, 3] to [N, H / 8, W / 8, ...]."""
    x = slim.conv2d(images, stem_filters, 3, stride=2, padding="VALID", scope="conv0")
    layers = [None, slim.batch_norm(x, scope="conv0_bn")]
    for number, share in enumerate((4, 2)):
        layers.append(cell(layers[-1], layers[-2], filters // share, 2, f"cell_stem_{number}"))
    return layers


def classifier(x: Any, num_classes: int, dropout_keep_prob: float) -> None:
    """From [N, H, W, C] to the logits [N, num_classes], which are final_layer/FC/BiasAdd."""
    with tf.variable_scope("final_layer"):
        x = tf.reduce_mean(tf.nn.relu(x), [1, 2])
        x = slim.dropout(x, dropout_keep_prob, scope="dropout")
        slim.fully_connected(x, num_classes, activation_fn=None, scope="FC")


def reductions(cells: int) -> tuple[int, int]:
    """Before (NASNet) or at (PNASNet) which of the cells height and width are halved: after each third of them."""
    return cells // 3, 2 * cells // 3


def _squeezed(x: Any, filters: int) -> Any:
    with tf.name_scope("beginning"):
        return _normalised_conv(x, filters, 1, "1x1", "beginning_bn")


def _like(previous: Any, x: Any, filters: int) -> Any:
    """The layer before the last, in the last one's height and width, with as many channels as the cell has filters."""
    if previous.shape[2] != x.shape[2]:
        return _halved(previous, filters)
    if previous.shape[3] != filters:
        with tf.name_scope("prev"):
            return _normalised_conv(previous, filters, 1, "prev_1x1", "prev_bn")
    return previous


def _of_width(x: Any, filters: int, state: int) -> Any:
    """What of the cell's own inputs is in its output with other channels than the rest has (NASNet on CIFAR)."""
    if x.shape[3] == filters:
        return x
    with tf.variable_scope(f"reduction_{state}"):
        return slim.batch_norm(slim.conv2d(x, filters, 1, scope="path_conv"), scope="path_bn")


def _halved(x: Any, filters: int) -> Any:
    """Height and width halved in two paths: one keeps the pixels of even rows and columns, the other of odd ones."""
    with tf.name_scope("factorized_reduction"):
        x = tf.nn.relu(x)
        shifted = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])[:, 1:, 1:, :]
        paths = []
        for number, path, width in ((1, x, filters // 2), (2, shifted, filters - filters // 2)):
            path = slim.avg_pool2d(path, 1, stride=2, scope=f"path{number}_pool")
            paths.append(slim.conv2d(path, width, 1, scope=f"path{number}_conv"))
        return slim.batch_norm(tf.concat(paths, 3), scope="final_path_bn")


def _normalised_conv(x: Any, filters: int, stride: int, conv: str, bn: str) -> Any:
    return slim.batch_norm(slim.conv2d(tf.nn.relu(x), filters, 1, stride=stride, scope=conv), scope=bn)


def _separable(size: int) -> Any:
    """Two separable convolutions, the first of which is strided."""

    def build(x: Any, filters: int, stride: int) -> Any:
        for number, step in ((1, stride), (2, 1)):
            names = [f"{name}_{size}x{size}_{number}" for name in ("separable", "bn_sep")]
            x = slim.separable_conv2d(tf.nn.relu(x), filters, size, 1, stride=step, scope=names[0])
            x = slim.batch_norm(x, scope=names[1])
        return x

    return build


def _pool(pool: Any) -> Any:
    def build(x: Any, filters: int, stride: int) -> Any:
        x = pool(x, 3, stride=stride, padding="SAME")
        if x.shape[3] != filters:
            x = slim.batch_norm(slim.conv2d(x, filters, 1, scope="1x1"), scope="bn_1")
        return x

    return build


def _none(x: Any, filters: int, stride: int) -> Any:
    return x if stride == 1 and x.shape[3] == filters else _normalised_conv(x, filters, stride, "1x1", "bn_1")


_OPERATIONS: dict[str, Any] = {
    "separable_3x3": _separable(3),
    "separable_5x5": _separable(5),
    "separable_7x7": _separable(7),
    "avg_pool": _pool(slim.avg_pool2d),
    "max_pool": _pool(slim.max_pool2d),
    "none": _none,
}
